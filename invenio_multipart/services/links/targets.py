# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Find the files that links are to point at, for those who may read them.

Whatever is wrong with a target, the answer is the same: a caller who may not read a
file cannot tell it from one that does not exist.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from flask_principal import Identity
from invenio_pidstore.errors import PersistentIdentifierError
from invenio_records_resources.proxies import current_service_registry
from sqlalchemy.exc import NoResultFound

from ...core.origin import Origin
from ...errors import LinkTargetUnavailable
from ...records.links import SharedFile, finished_files
from ...records.models import utc_now
from .readable import readable_keys

_HOLDERS = ("files", "draft-files")
"""File services whose files can be linked: a published record's before a draft's."""


class TargetName(NamedTuple):
    """A file as a caller names it.

    :param record: PID of its record.
    """

    record: str
    key: str

    def __str__(self) -> str:
        return f"{self.record}/{self.key}"


def find_targets(
    identity: Identity, names: Sequence[TargetName], *, field: str | None = None
) -> Mapping[TargetName, SharedFile]:
    """The finished files of these names, each with its ancestor as the origin.

    :param field: of the request, for the error.
    :raises LinkTargetUnavailable: naming those of which the caller may not read a
        finished file, for whatever reason.
    """
    found = readable_targets(identity, names)
    missing = [str(name) for name in names if name not in found]
    if missing:
        raise LinkTargetUnavailable(missing, field)
    return found


def readable_targets(
    identity: Identity, names: Iterable[TargetName]
) -> Mapping[TargetName, SharedFile]:
    """The same, without those of which the caller may not read a finished file."""
    found: dict[TargetName, SharedFile] = {}
    for pid, keys in _by_record(names).items():
        found.update(_of_record(identity, pid, keys))
    return found


def _by_record(names: Iterable[TargetName]) -> Mapping[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for name in names:
        grouped.setdefault(name.record, []).append(name.key)
    return grouped


def _of_record(
    identity: Identity, pid: str, keys: Sequence[str]
) -> Mapping[TargetName, SharedFile]:
    for service_id in _HOLDERS:
        service = current_service_registry.get(service_id)
        holder = find_holder(service, pid)
        if holder is None:
            continue
        found = finished_files(
            service.record_cls.files.file_cls.model_cls, holder.id, keys
        )
        readable = readable_keys(service, identity, holder, found)
        return {
            TargetName(pid, key): with_ancestor(file, holder)
            for key, file in found.items()
            if key in readable
        }
    return {}


def find_holder(service: Any, pid: str) -> Any:
    """Record or draft of a PID, None without one or when it is deleted."""
    try:
        holder = service.record_cls.pid.resolve(pid, registered_only=False)
    except (PersistentIdentifierError, NoResultFound):
        return None
    return holder if not is_gone(holder) and holder.files.enabled else None


def is_gone(holder: Any) -> bool:
    """Whether a record or draft is deleted, its tombstone apart."""
    deletion = getattr(holder, "deletion_status", None)
    return bool(holder.is_deleted or (deletion is not None and deletion.is_deleted))


def with_ancestor(file: SharedFile, holder: Any) -> SharedFile:
    """The file with an origin: what it was linked from itself, or itself."""
    now = utc_now()
    if file.origin is not None:
        return file._replace(origin=file.origin.linked_again(now))
    origin = Origin(
        linked_on=now,
        record=holder.pid.pid_value,
        key=file.key,
        version=holder.versions.index,
    )
    return file._replace(origin=origin)
