# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Put a draft's file onto bytes that are there already.

Nothing here waits for a lock while it holds others: whoever deletes, edits or publishes
at the same moment goes first, and the caller tries again.
"""

from __future__ import annotations

import uuid
from typing import Any, NamedTuple

from invenio_db import db
from invenio_files_rest.models import Bucket, FileInstance, ObjectVersion
from sqlalchemy import exists, select, update
from sqlalchemy.orm import aliased

from ..core.origin import Origin
from .bulk import insert_many
from .locks import unless_busy
from .models import Adopted, Link, Upload, utc_now

_BUSY = "Somebody is at this file just now."


class OwnCopy(NamedTuple):
    """A draft's file, and the bytes that it alone has.

    :param version_id: of its object version.
    :param location: name of the location that the draft's files go to.
    """

    file_id: uuid.UUID
    uri: str
    size: int
    checksum: str | None
    storage_class: str | None
    version_id: uuid.UUID
    location: str


def parent_of_new(drafts: Any, records: Any, draft_id: uuid.UUID) -> uuid.UUID | None:
    """What a draft shares with its other versions; None when it is published or gone.

    A draft and what is published of it have one id.
    """
    published = exists().where(records.id == draft_id)
    query = select(drafts.parent_id).where(
        drafts.id == draft_id, drafts.json.isnot(None), ~published
    )
    found: uuid.UUID | None = db.session.execute(query).scalar_one_or_none()
    return found


def own_copy(
    entries: Any, record_id: uuid.UUID, key: str, file_id: uuid.UUID
) -> OwnCopy | None:
    """The file, if it is in order, in a draft that may change, and nobody else's too.

    :param entries: table of the draft's file entries.
    """
    others = aliased(ObjectVersion)
    shared = exists().where(
        others.file_id == FileInstance.id,
        others.version_id != ObjectVersion.version_id,
    )
    query = (
        select(
            FileInstance.id,
            FileInstance.uri,
            FileInstance.size,
            FileInstance.checksum,
            FileInstance.storage_class,
            ObjectVersion.version_id,
            Bucket.default_location,
        )
        .select_from(entries)
        .join(ObjectVersion, ObjectVersion.version_id == entries.object_version_id)
        .join(FileInstance, FileInstance.id == ObjectVersion.file_id)
        .join(Bucket, Bucket.id == ObjectVersion.bucket_id)
        .where(
            entries.record_id == record_id,
            entries.key == key,
            entries.json.isnot(None),
            FileInstance.id == file_id,
            FileInstance.readable.is_(True),
            Bucket.locked.is_(False),
            Bucket.deleted.is_(False),
            ~shared,
        )
    )
    row = db.session.execute(query).one_or_none()
    return row and OwnCopy(*row)


def as_good_as(copy: OwnCopy) -> list[Any]:
    """Conditions of files that may stand in for it, for ``contents.holdings``.

    In the same location, since the site has chosen it; and ours to keep: an object that
    somebody else may change or delete is no place for a file that has come to us.
    """
    adopted = exists().where(Adopted.file_id == FileInstance.id)
    here = exists().where(
        Bucket.id == ObjectVersion.bucket_id, Bucket.default_location == copy.location
    )
    return [
        FileInstance.id != copy.file_id,
        FileInstance.storage_class == copy.storage_class,
        here,
        ~adopted,
    ]


def lock_files(kept: uuid.UUID, dropped: uuid.UUID) -> bool:
    """Lock two file instances until the transaction ends; False when one is gone.

    The one that is kept cannot be deleted, the one that is dropped cannot be taken into
    use either.

    :raises StateConflict: somebody else has locked one of them.
    """
    for file_id in sorted((kept, dropped)):
        query = select(FileInstance.id).where(FileInstance.id == file_id)
        weak = file_id == kept
        with unless_busy(_BUSY):
            found = db.session.execute(
                query.with_for_update(nowait=True, read=weak, key_share=weak)
            ).scalar_one_or_none()
        if found is None:
            return False
    return True


def lock_entry(entries: Any, record_id: uuid.UUID, key: str) -> None:
    """Lock the entry, then its object version, in the order in which all others do.

    :raises StateConflict: somebody else has locked one of them.
    """
    entry = select(entries.object_version_id).where(
        entries.record_id == record_id, entries.key == key
    )
    with unless_busy(_BUSY):
        version_id = db.session.execute(
            entry.with_for_update(nowait=True)
        ).scalar_one_or_none()
        version = select(ObjectVersion.version_id).where(
            ObjectVersion.version_id == version_id
        )
        db.session.execute(version.with_for_update(nowait=True, key_share=True))


def share(
    entries: Any, copy: OwnCopy, kept: uuid.UUID, origin: Origin, upload: Upload
) -> None:
    """Have the file use the bytes of another one; the bucket's size stays.

    The caller has locked all rows of it, and looked at them since.

    :param origin: the ancestor of the other one.
    :param upload: that brought the file. The entry names it from now on: by the bytes
        another one would be found.
    """
    now = utc_now()
    _run(
        update(ObjectVersion)
        .where(ObjectVersion.version_id == copy.version_id)
        .values(file_id=kept, updated=now)
    )
    link = {"version_id": copy.version_id, "size": copy.size}
    insert_many(Link.__table__, [link], created_by=upload.created_by, created=now)
    entry = select(entries.id, entries.json).where(
        entries.object_version_id == copy.version_id
    )
    row = db.session.execute(entry).one()
    transfer = {
        **(row.json.get("transfer") or {}),
        "type": "L",
        "origin": origin.to_json(),
        "upload_id": str(upload.id),
    }
    _run(
        update(entries)
        .where(entries.id == row.id)
        .values(
            json={**row.json, "transfer": transfer},
            version_id=entries.version_id + 1,
            updated=now,
        )
    )


def _run(statement: Any) -> None:
    db.session.execute(statement.execution_options(synchronize_session="fetch"))
