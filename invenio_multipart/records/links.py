# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Files that share bytes: found by their keys, and written thousands at once."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from invenio_db import db
from invenio_files_rest.models import FileInstance, ObjectVersion
from sqlalchemy import Select, func, select
from sqlalchemy.sql.elements import ColumnElement

from ..core.origin import Origin
from .bulk import chunks, insert_many
from .files import insert_versions
from .models import Link, utc_now


class SharedFile(NamedTuple):
    """Bytes that are there, and where they come from.

    :param checksum: as fixity checks compare it, None while nobody has computed it.
    :param origin: None where this file had the bytes first.
    :param metadata: of the file entry. It belongs to the record it is in.
    """

    key: str
    file_id: uuid.UUID
    size: int
    checksum: str | None
    origin: Origin | None
    metadata: Mapping[str, Any] | None = None

    def linked_as(self, key: str, metadata: Mapping[str, Any] | None = None) -> NewLink:
        """A link to the bytes; they have an origin, this file or its ancestor."""
        if self.origin is None:
            raise ValueError("A link needs an origin.")
        return NewLink(
            key, self.file_id, self.size, self.origin, self.checksum, metadata
        )


@dataclass(frozen=True)
class NewLink:
    """A file that a draft gets without bytes.

    :param metadata: of the new file entry.
    """

    key: str
    file_id: uuid.UUID
    size: int
    origin: Origin
    checksum: str | None = None
    metadata: Mapping[str, Any] | None = None


def finished_files(
    model: Any, record_id: uuid.UUID, keys: Collection[str]
) -> Mapping[str, SharedFile]:
    """Those of a record's files that are finished and may be read, by key.

    :param model: table of the record's, or draft's, file entries.
    """
    found = {}
    for some in chunks(keys):
        query = shared_files(model).where(
            model.record_id == record_id, model.key.in_(some)
        )
        found.update({row.key: shared_file(row) for row in db.session.execute(query)})
    return found


def all_finished_files(model: Any, record_id: uuid.UUID) -> Sequence[SharedFile]:
    """All of them, in the order of their keys."""
    query = shared_files(model).where(model.record_id == record_id).order_by(model.key)
    return [shared_file(row) for row in db.session.execute(query)]


def finished(entries: Any, *columns: Any) -> Select[Any]:
    """A query for finished files that may be read, as far as files themselves tell.

    :param entries: table of file entries; joined with object versions and instances.
    :param columns: of these three tables.
    """
    return (
        select(*columns)
        .select_from(entries)
        .join(ObjectVersion, ObjectVersion.version_id == entries.object_version_id)
        .join(FileInstance, FileInstance.id == ObjectVersion.file_id)
        .where(FileInstance.readable.is_(True), entries.json.isnot(None))
    )


def shared_files(entries: Any) -> Select[Any]:
    """The same, with all that :func:`shared_file` reads, and ``record_id``."""
    return finished(
        entries,
        entries.key,
        entries.json,
        entries.record_id,
        FileInstance.id,
        FileInstance.size,
        FileInstance.checksum,
    )


def shared_file(row: Any) -> SharedFile:
    """What a row of :func:`shared_files` tells."""
    return SharedFile(
        key=row.key,
        file_id=row.id,
        size=row.size,
        checksum=row.checksum,
        origin=Origin.of_transfer(row.json.get("transfer")),
        metadata=row.json.get("metadata"),
    )


def add_versions(
    bucket_id: uuid.UUID, links: Sequence[NewLink], created_by: str | None
) -> Mapping[str, uuid.UUID]:
    """Object versions that refer to the bytes, by key. From now on these live.

    The bucket's size is not touched. A file that is just being deleted for good makes
    this wait for it, and fail.

    :raises sqlalchemy.exc.IntegrityError: one of the files is gone.
    """
    versions = insert_versions(bucket_id, {link.key: link.file_id for link in links})
    insert_many(
        Link.__table__,
        [{"version_id": versions[link.key], "size": link.size} for link in links],
        created_by=created_by,
        created=utc_now(),
    )
    return versions


def entry_of(link: NewLink) -> dict[str, Any]:
    """JSON of a linked file's entry."""
    # Of its own: the target's stays the target's.
    return {
        "metadata": dict(link.metadata or {}),
        "transfer": {"type": "L", "origin": link.origin.to_json()},
    }


def linked_bytes(bucket_id: Any) -> ColumnElement[int]:
    """How much of a bucket's size came by links, as a subquery."""
    query = (
        select(func.coalesce(func.sum(Link.size), 0))
        .join(ObjectVersion, ObjectVersion.version_id == Link.version_id)
        .where(ObjectVersion.bucket_id == bucket_id, ObjectVersion.is_head)
    )
    return query.scalar_subquery()
