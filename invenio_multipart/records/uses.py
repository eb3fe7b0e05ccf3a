# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Who uses a file, and what is left to do once nobody does.

A use is an object version, or whatever else has a foreign key to the file's row. Each
transaction that ends uses notes the files here; whether others are left is asked in a
later one. So of two that end the last two uses at once, neither of which sees what the
other has done, at least one is followed by somebody who sees both.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from flask import current_app
from invenio_db import db
from invenio_files_rest.models import FileInstance, Location, ObjectVersion
from sqlalchemy import (
    ColumnElement,
    delete,
    exists,
    func,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from ..core.adopted import STORAGE_CLASS
from ..core.states import BATCH_OPEN, UploadState
from .bulk import chunks, insert_many, update_many
from .models import Adopted, Batch, BatchLink, EndedUse, Upload, utc_now

_OPEN_BATCH = [state.value for state in BATCH_OPEN]


class Ended(NamedTuple):
    """A use that has ended, and what is known of the file.

    :param uri: bytes to be deleted; None while it is not decided whether they are.
    """

    id: int
    file_id: uuid.UUID
    uri: str | None
    size: int | None
    ended_on: datetime


class Leftovers(NamedTuple):
    """Object versions that were removed.

    :param size: bytes that the bucket's size still counts for them.
    """

    count: int
    size: int


def note(file_ids: Iterable[uuid.UUID]) -> None:
    """Have somebody look, after this transaction, whether these are used."""
    rows = [{"file_id": file_id} for file_id in set(file_ids)]
    insert_many(EndedUse.__table__, rows, ended_on=utc_now())


def note_versions(*conditions: Any) -> int:
    """The same for the files of object versions that this transaction removes.

    :returns: of how many files.
    """
    files = select(ObjectVersion.file_id, literal(utc_now())).distinct()
    files = files.where(ObjectVersion.file_id.isnot(None), *conditions)
    columns = ["file_id", "ended_on"]
    noted = db.session.execute(insert(EndedUse.__table__).from_select(columns, files))
    return int(noted.rowcount)


def in_buckets(bucket_ids: Collection[uuid.UUID]) -> ColumnElement[bool]:
    """The condition for all object versions of these buckets."""
    return ObjectVersion.bucket_id.in_(bucket_ids)


def drop_versions(*conditions: Any) -> None:
    """Remove object versions for good. No file entry refers to them any more."""
    note_versions(*conditions)
    db.session.execute(
        delete(ObjectVersion)
        .where(*conditions)
        # Upstream goes on with objects of the session that stand for some.
        .execution_options(synchronize_session="fetch")
    )


def drop_leftovers(
    entries: Any,
    record_id: uuid.UUID,
    bucket_id: uuid.UUID,
    keys: Collection[str] | None = None,
) -> Leftovers:
    """Remove what a draft's bucket holds and no file entry of it refers to.

    Upstream keeps what was deleted as an old version, below a mark.

    :param entries: table of the draft's file entries.
    :param keys: only what has one of these; None for all.
    """
    if keys is None:
        return _drop_leftovers(entries, record_id, bucket_id)
    dropped = [
        _drop_leftovers(entries, record_id, bucket_id, ObjectVersion.key.in_(some))
        for some in chunks(set(keys))
    ]
    return Leftovers(sum(d.count for d in dropped), sum(d.size for d in dropped))


def _drop_leftovers(
    entries: Any, record_id: uuid.UUID, bucket_id: uuid.UUID, *named: Any
) -> Leftovers:
    of_open_batch = (
        select(BatchLink.version_id)
        .join(Batch, Batch.id == BatchLink.batch_id)
        .where(
            Batch.record_id == record_id,
            Batch.state.in_(_OPEN_BATCH),
            BatchLink.version_id.isnot(None),
        )
    )
    mine = (
        ObjectVersion.bucket_id == bucket_id,
        *named,
        ~exists().where(entries.object_version_id == ObjectVersion.version_id),
        # These get their entries when the batch is complete.
        ObjectVersion.version_id.notin_(of_open_batch),
    )
    counted = func.sum(FileInstance.size).filter(ObjectVersion.is_head)
    found = select(func.count(), func.coalesce(counted, 0)).select_from(ObjectVersion)
    found = found.outerjoin(FileInstance, FileInstance.id == ObjectVersion.file_id)
    count, size = db.session.execute(found.where(*mine)).one()
    if count:
        drop_versions(*mine)
    return Leftovers(count, int(size))


def ended(
    after: int,
    limit: int,
    *,
    before: datetime | None = None,
    file_ids: Collection[uuid.UUID] | None = None,
    lock: bool = False,
) -> Sequence[Ended]:
    """A page of what is noted, oldest first.

    :param after: id of the last one of the page before, 0 at first.
    :param before: only what ended earlier.
    :param file_ids: only of these files.
    :param lock: whether to lock the rows, and pass by those that are locked.
    """
    query = select(*(getattr(EndedUse, name) for name in Ended._fields))
    query = query.where(EndedUse.id > after).order_by(EndedUse.id).limit(limit)
    if before is not None:
        query = query.where(EndedUse.ended_on < before)
    if file_ids is not None:
        query = query.where(EndedUse.file_id.in_(file_ids))
    if lock:
        query = query.with_for_update(skip_locked=True)
    return [Ended._make(row) for row in db.session.execute(query)]


def settle(found: Sequence[Ended]) -> Sequence[Ended]:
    """Delete the rows of those files that nobody uses; the bytes are not touched yet.

    From the end of the transaction on nobody can begin to use them: a link that was
    about to is refused by its foreign key, and never has a row without bytes.

    :param found: locked.
    :returns: those of which bytes are left to be deleted. They stay noted.
    """
    undecided = {row.file_id for row in found if row.uri is None}
    unused = _delete_unused(undecided) if undecided else {}
    left: list[Ended] = []
    for row in found:
        if row.uri is not None:
            left.append(row)
        elif unused.get(row.file_id):
            uri, size = unused.pop(row.file_id)  # Once, however often it is noted.
            left.append(row._replace(uri=uri, size=size))
    known = {row.id for row in left}
    forget(row.id for row in found if row.id not in known)
    update_many(
        EndedUse.__table__,
        [{"id": row.id, "uri": row.uri, "size": row.size} for row in left],
    )
    return left


def forget(ids: Iterable[int]) -> int:
    """Drop what is settled; how much of it was still noted."""
    count = 0
    for some in chunks(ids):
        dropped = db.session.execute(
            delete(EndedUse)
            .where(EndedUse.id.in_(some))
            .execution_options(synchronize_session=False)
        )
        count += dropped.rowcount
    return count


def count_files(file_ids: Collection[uuid.UUID]) -> int:
    """How many of these there are."""
    query = select(func.count()).where(FileInstance.id.in_(file_ids))
    return int(db.session.execute(query).scalar_one())


def _delete_unused(
    file_ids: Collection[uuid.UUID],
) -> Mapping[uuid.UUID, tuple[str, int]]:
    """Delete file instances that are not used; place and size of bytes that are ours.

    The rows are locked in one order by all, and only those that look unused: who makes
    thousands of object versions of used files has locked those in an order of its own.
    """
    used = exists().where(ObjectVersion.file_id == FileInstance.id)
    columns = (FileInstance.id, FileInstance.uri, FileInstance.size)
    query = select(*columns, FileInstance.storage_class).where(
        FileInstance.id.in_(file_ids), ~used
    )
    query = query.order_by(FileInstance.id).with_for_update(of=FileInstance)
    locked = {row.id: row for row in db.session.execute(query)}
    # A statement of its own: the first one's answer is from before it had the locks.
    query = select(FileInstance.id).where(FileInstance.id.in_(locked), ~used)
    adopted = select(Adopted.file_id).where(Adopted.file_id.in_(locked))
    others = set(db.session.execute(adopted).scalars())
    # One sign is enough: what is deleted by mistake is somebody else's, for ever.
    others |= {id_ for id_, row in locked.items() if row.storage_class == STORAGE_CLASS}
    places = _places()
    gone = _delete_instances(
        [
            file_id
            for file_id in db.session.execute(query).scalars()
            if file_id in others or _is_at(locked[file_id].uri, places)
        ]
    )
    _stop_reading(gone)
    return {
        file_id: (locked[file_id].uri, locked[file_id].size or 0)
        for file_id in gone
        if file_id not in others and locked[file_id].uri
    }


def _places() -> tuple[str, ...]:
    """Below these lies what is ours: elsewhere somebody else looks after his files."""
    uris = db.session.execute(select(Location.uri)).scalars()
    return tuple(f"{uri.rstrip('/')}/" for uri in uris)


def _is_at(uri: str | None, places: tuple[str, ...]) -> bool:
    return uri is None or uri.startswith(places)


def _delete_instances(file_ids: Sequence[uuid.UUID]) -> Sequence[uuid.UUID]:
    """Delete the rows, but for those that tables we do not know refer to."""
    statement = delete(FileInstance).where(FileInstance.id.in_(file_ids))
    try:
        with db.session.begin_nested():
            db.session.execute(statement.execution_options(synchronize_session="fetch"))
    except IntegrityError:
        if len(file_ids) == 1:
            current_app.logger.info("File %s is used outside of buckets.", *file_ids)
            return []
        return [id_ for each in file_ids for id_ in _delete_instances([each])]
    return file_ids


def _stop_reading(file_ids: Collection[uuid.UUID]) -> None:
    """Nobody needs the digests of files any more that are gone."""
    db.session.execute(
        update(Upload)
        .where(
            Upload.file_id.in_(file_ids),
            Upload.state == UploadState.COMPLETED.value,
            Upload.hash_states.isnot(None),
        )
        .values(hash_states=None)
        .execution_options(synchronize_session=False)
    )
