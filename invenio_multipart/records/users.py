# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Who uses the bytes of a file: all by indexes, however large the repository."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from invenio_db import db
from invenio_files_rest.models import FileInstance, ObjectVersion
from sqlalchemy import func, select

from .models import Adopted, Link


class Use(NamedTuple):
    """An object version that has the bytes.

    :param linked_on: None where the bytes did not come by a link.
    :param linked_by: user id, None for the system.
    """

    version_id: uuid.UUID
    bucket_id: uuid.UUID
    key: str
    created: datetime
    linked_on: datetime | None
    linked_by: str | None


class FileEntry(NamedTuple):
    """A file of a record or draft.

    :param record_id: id of the row, not the PID.
    """

    record_id: uuid.UUID
    key: str


def file_at(uri: str) -> uuid.UUID | None:
    """The file instance of a place, None without one."""
    query = select(FileInstance.id).where(FileInstance.uri == uri)
    found: uuid.UUID | None = db.session.execute(query).scalar_one_or_none()
    return found


def file_of(model: Any, record_id: uuid.UUID, key: str) -> uuid.UUID | None:
    """The file instance of a file entry, None while there is none.

    :param model: table of the record's, or draft's, file entries.
    """
    query = (
        select(ObjectVersion.file_id)
        .join(model, model.object_version_id == ObjectVersion.version_id)
        .where(model.record_id == record_id, model.key == key)
    )
    found: uuid.UUID | None = db.session.execute(query).scalar_one_or_none()
    return found


def file_and_adoption(
    file_id: uuid.UUID,
) -> tuple[FileInstance | None, Adopted | None]:
    """The file, and what is known of it where it is somebody else's object."""
    return db.session.get(FileInstance, file_id), db.session.get(Adopted, file_id)


def uses_of(file_id: uuid.UUID, limit: int) -> tuple[Sequence[Use], int]:
    """Object versions of a file, the oldest first, and how many there are in all."""
    mine = ObjectVersion.file_id == file_id
    query = (
        select(
            ObjectVersion.version_id,
            ObjectVersion.bucket_id,
            ObjectVersion.key,
            ObjectVersion.created,
            Link.created,
            Link.created_by,
        )
        .outerjoin(Link, Link.version_id == ObjectVersion.version_id)
        .where(mine)
        .order_by(ObjectVersion.created, ObjectVersion.version_id)
        .limit(limit)
    )
    count = select(func.count()).select_from(ObjectVersion).where(mine)
    rows = db.session.execute(query)
    return [Use._make(row) for row in rows], db.session.execute(count).scalar_one()


def entries_of(
    model: Any, version_ids: Collection[uuid.UUID]
) -> Mapping[uuid.UUID, FileEntry]:
    """File entries by the object versions they refer to.

    :param model: table of records', or drafts', file entries.
    """
    query = select(model.object_version_id, model.record_id, model.key)
    query = query.where(model.object_version_id.in_(version_ids))
    return {row[0]: FileEntry(row[1], row[2]) for row in db.session.execute(query)}


def holder_of_bucket(model: Any, bucket_id: uuid.UUID) -> uuid.UUID | None:
    """Id of the record, or draft, whose files or media files a bucket has.

    :param model: table of records, or drafts.
    """
    for column in (model.bucket_id, model.media_bucket_id):
        query = select(model.id).where(column == bucket_id).limit(1)
        found: uuid.UUID | None = db.session.execute(query).scalar_one_or_none()
        if found is not None:
            return found
    return None
