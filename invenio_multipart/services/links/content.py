# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Find the files that links are to point at by what is in them.

Looked at are the versions of the same record, what is open to everybody, and the
caller's own records. Whatever else the site has is not part of the question: there is
nothing to learn from the answer about a file that the caller may not read.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from flask_principal import Identity
from invenio_records_resources.proxies import current_service_registry

from ...core.digests import parse_digest
from ...errors import InvalidDigest, LinkTargetUnavailable
from ...records.contents import Bytes, Circle, Holding, Tables, holdings
from ...records.links import SharedFile
from ..drafts import require_count
from ..identities import user_id_of
from .readable import readable_keys
from .schema import Content, WantedLink
from .targets import is_gone, with_ancestor

_HOLDERS = ("files", "draft-files")
"""As for targets by name: published records before drafts."""

_RECORDS_AT_ONCE = 50
"""Records read at a time; the first few have what is wanted, as a rule."""

LOOKED_UP = "md5"
"""The one digest that InvenioRDM keeps of every file, and that has an index."""


class Match(NamedTuple):
    """A file that the caller may read.

    :param file: its origin is the ancestor.
    :param record: PID of the record it was found in.
    """

    file: SharedFile
    record: str

    @property
    def key(self) -> str:
        """Key of the file there."""
        return self.file.key


def find_contents(
    identity: Identity, draft: Any, wanted: Sequence[WantedLink]
) -> Mapping[Content, SharedFile]:
    """The files that those links are to point at that name what is in them.

    :param draft: that gets them.
    :param wanted: in the order of the request; links of other kinds are left alone.
    :raises InvalidDigest: of one that files are not found by; names its place.
    :raises LinkTargetUnavailable: naming the keys of the links for whose bytes there
        is no finished file that the caller may read, for whatever reason.
    """
    bytes_of = {
        link.target: Bytes(checked(link.target.checksum, place), link.target.size)
        for place, link in enumerate(wanted)
        if isinstance(link.target, Content)
    }
    circle = circle_of(identity, draft.parent.id)
    found = find_bytes(identity, set(bytes_of.values()), circle)
    # By the keys of the new files: an answer that named anything of the old ones
    # could differ from one case to another.
    missing = [
        link.key
        for link in wanted
        if isinstance(link.target, Content) and bytes_of[link.target] not in found
    ]
    if missing:
        raise LinkTargetUnavailable(missing, "files")
    return {content: found[one].file for content, one in bytes_of.items()}


def known_files(
    identity: Identity, draft: Any, files: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Those of the files whose bytes the draft could be linked to.

    :param files: each with ``checksum`` and ``size``.
    :returns: them, each with the ``record`` that has the bytes.
    :raises TooManyFiles: none, or more than one call takes.
    :raises InvalidDigest: of one that files are not found by; names its place.
    """
    require_count(len(files))
    asked = [
        Bytes(checked(file["checksum"], place), file["size"])
        for place, file in enumerate(files)
    ]
    circle = circle_of(identity, draft.parent.id)
    found = find_bytes(identity, set(asked), circle)
    return [
        {**file, "record": {"id": found[one].record, "key": found[one].key}}
        for file, one in zip(files, asked)
        if one in found
    ]


def checked(checksum: str, place: int) -> str:
    """The digest in lower case.

    :param place: of the file in the request, from 0.
    :raises InvalidDigest: malformed, or another algorithm than md5.
    """
    field = f"files.{place}.checksum"
    digest = parse_digest(checksum, field=field)
    if digest.algorithm != LOOKED_UP:
        raise InvalidDigest(
            f"Files are found by their {LOOKED_UP}, not by {digest.algorithm}.",
            field=field,
        )
    return str(digest)


def circle_of(identity: Identity, parent_id: uuid.UUID) -> Circle:
    """All that may be looked at for somebody who writes this record."""
    owner = user_id_of(identity)
    return Circle(parent_id=parent_id, owner_id=owner, public=True)


def find_bytes(
    identity: Identity, wanted: Collection[Bytes], circle: Circle, *conditions: Any
) -> Mapping[Bytes, Match]:
    """Of each, a file within the circle that the caller may read; others are left out.

    :param conditions: as :func:`~...records.contents.holdings` has them.
    """
    found: dict[Bytes, Match] = {}
    for service_id in _HOLDERS:
        left = set(wanted) - found.keys()
        if not left:
            break
        service = current_service_registry.get(service_id)
        rows = holdings(_tables(service), left, circle, *conditions)
        found.update(_readable(service, identity, rows))
    return found


def _tables(service: Any) -> Tables:
    cls = service.record_cls
    return Tables(
        entries=cls.files.file_cls.model_cls,
        records=cls.model_cls,
        parents=cls.parent_record_cls.model_cls,
    )


def _readable(
    service: Any, identity: Identity, rows: Sequence[Holding]
) -> Mapping[Bytes, Match]:
    """Ask the site's policy about each; no record twice, and few of those in vain."""
    by_record: dict[uuid.UUID, list[Holding]] = {}
    for row in rows:
        by_record.setdefault(row.record_id, []).append(row)
    # Who has the most of it comes first: a data set is mostly found as a whole.
    ids = sorted(by_record, key=lambda id_: (-len(by_record[id_]), str(id_)))
    found: dict[Bytes, Match] = {}
    for start in range(0, len(ids), _RECORDS_AT_ONCE):
        some = ids[start : start + _RECORDS_AT_ONCE]
        needed = [
            id_ for id_ in some if any(r.bytes not in found for r in by_record[id_])
        ]
        for holder in _holders(service, needed):
            new = [row for row in by_record[holder.id] if row.bytes not in found]
            found.update(_of_holder(service, identity, holder, new))
    return found


def _holders(service: Any, ids: Sequence[uuid.UUID]) -> Iterator[Any]:
    if not ids:
        return
    read = {holder.id: holder for holder in service.record_cls.get_records(ids)}
    for id_ in ids:
        holder = read.get(id_)
        if holder is not None and not is_gone(holder) and holder.files.enabled:
            yield holder


def _of_holder(
    service: Any, identity: Identity, holder: Any, rows: Sequence[Holding]
) -> Mapping[Bytes, Match]:
    if not rows:
        return {}
    readable = readable_keys(service, identity, holder, [row.file.key for row in rows])
    pid = str(holder.pid.pid_value)
    return {
        row.bytes: Match(with_ancestor(row.file, holder), pid)
        for row in rows
        if row.file.key in readable
    }
