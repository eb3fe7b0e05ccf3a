# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The reverse look-up for administrators: who uses these bytes."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from invenio_pidstore.errors import PersistentIdentifierError
from invenio_records_resources.proxies import current_service_registry
from sqlalchemy.exc import NoResultFound

from ...errors import UploadNotFound
from ...records import users
from ...records.users import Use

_ATTRIBUTES = {"files": "file", "media_files": "media file"}


class _Holder(NamedTuple):
    """Records or drafts, and one of their two kinds of files."""

    cls: Any
    what: str
    attribute: str

    @property
    def entries(self) -> Any:
        """Table of the file entries."""
        return getattr(self.cls, self.attribute).file_cls.model_cls


def describe_users(name: str, limit: int) -> Sequence[dict[str, Any]]:
    """The file, or files, of a name, each with all that use it.

    Record and draft of one PID may have different files of the same key.

    :param name: ``recid/key``, the id of a file instance, or a URI.
    :param limit: most uses of a file that are named, 1 or more.
    :raises UploadNotFound: there is no such file.
    """
    found = dict.fromkeys(_files(name))
    if not found:
        raise UploadNotFound(f"No file {name}.")
    return [_described(file_id, limit) for file_id in found]


def _files(name: str) -> Iterator[uuid.UUID]:
    try:
        file_id = uuid.UUID(name)
    except ValueError:
        pid, _, key = name.partition("/")
        at = users.file_at(name)
        if at is not None:
            yield at
        elif pid and key:
            yield from _files_of_record(pid, key)
    else:
        if users.file_and_adoption(file_id)[0] is not None:
            yield file_id


def _files_of_record(pid: str, key: str) -> Iterator[uuid.UUID]:
    for holder in _holders():
        try:
            record = holder.cls.pid.resolve(pid, registered_only=False)
        except (PersistentIdentifierError, NoResultFound):
            continue
        file_id = users.file_of(holder.entries, record.id, key)
        if file_id is not None:
            yield file_id


def _described(file_id: uuid.UUID, limit: int) -> dict[str, Any]:
    file, adopted = users.file_and_adoption(file_id)
    found, total = users.uses_of(file_id, limit)
    described = _described_uses(found)
    more = {"more": total - len(found)} if total > len(found) else {}
    return {
        "file": file_id,
        "uri": file.uri if file else None,
        "size": file.size if file else None,
        "checksum": file.checksum if file else None,
        "readable": bool(file and file.readable),
        "adopted": _adoption(adopted),
        "used": total,
        "by": [described[use.version_id] for use in found],
        **more,
    }


def _adoption(adopted: Any) -> dict[str, Any] | str:
    if adopted is None:
        return "no"
    return {
        "on": adopted.adopted_on,
        "user": adopted.adopted_by or "the system",
        "version": adopted.version_ref,
        "problem": adopted.problem,
    }


def _described_uses(found: Sequence[Use]) -> Mapping[uuid.UUID, dict[str, Any]]:
    ids, names = [use.version_id for use in found], {}
    for holder in _holders():
        for version_id, entry in users.entries_of(holder.entries, ids).items():
            what = f"{_ATTRIBUTES[holder.attribute]} {entry.key}"
            names[version_id] = f"{_record(holder, entry.record_id)}, {what}"
    return {
        use.version_id: {
            "name": names.get(use.version_id) or _without_entry(use),
            "since": use.linked_on or use.created,
            "how": _how(use),
        }
        for use in found
    }


def _how(use: Use) -> str:
    if use.linked_on is None:
        return "uploaded or copied"
    return f"linked by {'user ' + use.linked_by if use.linked_by else 'the system'}"


def _without_entry(use: Use) -> str:
    """An earlier file of a record, or one that a batch or an upload is to bring."""
    for holder in _holders():
        record_id = users.holder_of_bucket(holder.cls.model_cls, use.bucket_id)
        if record_id is not None:
            return f"{_record(holder, record_id)}, no file (any more): {use.key}"
    return f"bucket {use.bucket_id}, no record (any more): {use.key}"


def _record(holder: _Holder, record_id: uuid.UUID) -> str:
    record = holder.cls.get_record(record_id, with_deleted=True)
    deletion = getattr(record, "deletion_status", None)
    gone = ", deleted" if deletion is not None and deletion.is_deleted else ""
    pid, version = record.pid.pid_value, record.versions.index
    return f"{holder.what} {pid}, version {version}{gone}"


def _holders() -> Sequence[_Holder]:
    service = current_service_registry.get("records")
    return [
        _Holder(cls, what, attribute)
        for cls, what in ((service.record_cls, "record"), (service.draft_cls, "draft"))
        for attribute in _ATTRIBUTES
    ]
