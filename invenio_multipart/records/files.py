# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Files of a record, as upstream's tables have them, thousands at once."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from invenio_db import db
from invenio_files_rest.models import Bucket, FileInstance, ObjectVersion
from sqlalchemy import select, update

from ..errors import FilesDiffer
from .bulk import chunks, insert_many, update_many
from .models import utc_now

_AT_ONCE = 1000
"""Rows in one statement."""


@dataclass(frozen=True)
class NewFile:
    """An object in the store that becomes a file of a record.

    :param checksum: ``md5:hex``, None while nobody has computed it.
    """

    key: str
    file_id: uuid.UUID
    uri: str
    size: int
    checksum: str | None


def add_instances(
    found: Sequence[NewFile], bucket: Bucket, entries: Any, record_id: uuid.UUID
) -> None:
    """Make file instances and object versions, and turn pending entries to them.

    The bucket's size is not touched: it has been reserved already.

    :param entries: table of the file entries, which have one for each key.
    :raises FilesDiffer: an entry is gone.
    """
    for start in range(0, len(found), _AT_ONCE):
        _add(found[start : start + _AT_ONCE], bucket, entries, record_id)


def _add(
    found: Sequence[NewFile], bucket: Bucket, entries: Any, record_id: uuid.UUID
) -> None:
    _insert_instances(found, bucket)
    versions = insert_versions(bucket.id, {file.key: file.file_id for file in found})
    fill_entries(entries, record_id, versions)


def _insert_instances(found: Sequence[NewFile], bucket: Bucket) -> None:
    now = utc_now()
    insert_many(
        FileInstance.__table__,
        [
            {
                "id": file.file_id,
                "uri": file.uri,
                "size": file.size,
                "checksum": file.checksum,
            }
            for file in found
        ],
        storage_class=bucket.default_storage_class,
        readable=True,
        writable=False,
        created=now,
        updated=now,
    )


def insert_versions(
    bucket_id: uuid.UUID, file_ids: Mapping[str, uuid.UUID]
) -> Mapping[str, uuid.UUID]:
    """Object versions by key, the heads of their keys.

    The bucket's size is not touched.

    :param file_ids: file instances by key.
    """
    versions = {key: uuid.uuid4() for key in file_ids}
    for some in chunks(versions):
        # A file of this name that was deleted before has left a mark in the bucket.
        db.session.execute(
            update(ObjectVersion)
            .where(
                ObjectVersion.bucket_id == bucket_id,
                ObjectVersion.key.in_(some),
                ObjectVersion.is_head.is_(True),
            )
            .values(is_head=False)
            .execution_options(synchronize_session=False)
        )
    now = utc_now()
    insert_many(
        ObjectVersion.__table__,
        [
            {"version_id": versions[key], "key": key, "file_id": file_id}
            for key, file_id in file_ids.items()
        ],
        bucket_id=bucket_id,
        is_head=True,
        created=now,
        updated=now,
    )
    return versions


def fill_entries(
    entries: Any,
    record_id: uuid.UUID,
    versions: Mapping[str, uuid.UUID],
    origins: Mapping[str, Mapping[str, Any]] | None = None,
) -> None:
    """Point each entry to its object version and make it an ordinary L file.

    :param origins: of linked files, see ``core.origin``; by key.
    :raises FilesDiffer: an entry is gone.
    """
    for some in chunks(versions):
        _fill(entries, record_id, {key: versions[key] for key in some}, origins or {})


def _fill(
    entries: Any,
    record_id: uuid.UUID,
    versions: Mapping[str, uuid.UUID],
    origins: Mapping[str, Mapping[str, Any]],
) -> None:
    query = (
        select(entries.id, entries.key, entries.json)
        .where(
            entries.record_id == record_id,
            entries.key.in_(versions),
            entries.object_version_id.is_(None),
        )
        .order_by(entries.id)
        .with_for_update()
    )
    rows = db.session.execute(query).all()
    missing = set(versions) - {row.key for row in rows if row.json is not None}
    if missing:
        raise FilesDiffer(sorted(missing), [])
    table = entries.__table__
    # The table, not the class: that one counts versions itself, a row at a time.
    update_many(
        table,
        [
            {
                "id": row.id,
                "json": _as_file(row.json, origins.get(row.key)),
                "object_version_id": versions[row.key],
            }
            for row in rows
        ],
        version_id=table.c.version_id + 1,
        updated=utc_now(),
    )


def _as_file(entry: dict[str, Any], origin: Mapping[str, Any] | None) -> dict[str, Any]:
    """The entry's own metadata; what a client said of the file is now known."""
    kept = {k: v for k, v in entry.items() if k not in ("checksum", "size")}
    transfer: dict[str, Any] = {"type": "L"}
    if origin is not None:
        transfer["origin"] = dict(origin)
    return {"metadata": {}, **kept, "transfer": transfer}
