# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Which files of an announcement are there already, for whoever announces them.

Of a file that the caller may not read, the answer is that of a file that is not there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from flask_principal import Identity
from invenio_records_resources.proxies import current_service_registry
from sqlalchemy import select

from ...core.digests import parse_digest
from ...errors import BadRequest, LinkTargetUnavailable
from ...records.matches import Match, matches
from ..drafts import at_place, require_keys
from ..links.readable import readable_keys
from ..links.targets import TargetName, is_gone, readable_targets
from .schema import AnnouncedFile, Md5Of, Target


def settle_checks(
    identity: Identity, draft: Any, files: Sequence[AnnouncedFile]
) -> Sequence[AnnouncedFile]:
    """The files, each of those that were to be checked with its target.

    Those without one, which are sent then, have lost their check.

    :raises TooManyFiles: before anything is looked for.
    :raises LinkTargetUnavailable: there is no such file for the caller; names all, and
        the place of the first one.
    """
    checked = [(n, file) for n, file in enumerate(files) if file.check is not None]
    if not checked:
        return files
    require_keys([file.key for file in files])
    found = _targets(identity, draft, {file.check for _, file in checked})
    settled, missing = list(files), []
    for place, file in checked:
        target = found.get(file.check)
        if target is not None and _is_announced(place, file, target):
            settled[place] = replace(file, target=target)
        elif file.otherwise_upload:
            settled[place] = replace(file, check=None)
        else:
            missing.append((place, str(file.check)))
    if missing:
        raise LinkTargetUnavailable(
            [name for _, name in missing], field=f"files.{missing[0][0]}.value"
        )
    return settled


def _is_announced(place: int, file: AnnouncedFile, target: Target) -> bool:
    """Whether the target is what the client says of the file, as far as is known.

    :raises InvalidDigest: it says it in a way that means nothing.
    """
    if file.size is not None and file.size != target.size:
        return False
    if file.checksum is None:
        return True
    try:
        declared = parse_digest(file.checksum)
    except BadRequest as error:
        raise at_place(place, error) from None
    algorithm, _, known = (target.checksum or "").partition(":")
    return algorithm != declared.algorithm or known == declared.hex


def _targets(
    identity: Identity, draft: Any, checks: Collection[Any]
) -> Mapping[Any, Target]:
    names = [check for check in checks if isinstance(check, TargetName)]
    found: dict[Any, Target] = {
        name: Target(name, file.size, file.checksum)
        for name, file in readable_targets(identity, names).items()
    }
    by_field: dict[str, set[str]] = {}
    for check in checks:
        if isinstance(check, Md5Of):
            by_field.setdefault(check.field, set()).add(check.md5)
    for field, md5s in by_field.items():
        for md5, target in _in_versions(identity, draft, field, md5s):
            found.setdefault(Md5Of(field, md5), target)
    return found


def _in_versions(
    identity: Identity, draft: Any, field: str, md5s: Collection[str]
) -> Iterator[tuple[str, Target]]:
    """Readable files of the record's versions, the newest first, then of the draft."""
    files, drafts = (current_service_registry.get(n) for n in ("files", "draft-files"))
    records = files.record_cls.model_cls
    versions = select(records.id).where(records.parent_id == draft.parent.id)
    published = _matches(files, versions, field, md5s)
    holders = list(files.record_cls.get_records(list(published)))
    holders.sort(key=lambda holder: holder.versions.index, reverse=True)
    left = set(md5s)
    for service, holder, found in (
        *((files, holder, published[holder.id]) for holder in holders),
        (drafts, draft, _matches(drafts, [draft.id], field, md5s).get(draft.id, [])),
    ):
        wanted = [match for match in found if match.md5 in left]
        if not wanted or is_gone(holder) or not holder.files.enabled:
            continue
        keys = readable_keys(service, identity, holder, {m.key for m in wanted})
        for match in wanted:
            if match.key in keys:
                left.discard(match.md5)
                name = TargetName(holder.pid.pid_value, match.key)
                yield match.md5, Target(name, match.size, match.checksum)


def _matches(
    service: Any, record_ids: Any, field: str, md5s: Collection[str]
) -> Mapping[Any, list[Match]]:
    """By the record or draft they are in."""
    model = service.record_cls.files.file_cls.model_cls
    grouped: dict[Any, list[Match]] = {}
    for match in matches(model, record_ids, field, md5s):
        grouped.setdefault(match.record_id, []).append(match)
    return grouped
