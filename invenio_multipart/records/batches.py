# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Queries of batches: thousands of files in a handful of statements."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from invenio_db import db
from sqlalchemy import delete, func, select, union, update

from ..core.states import BATCH_OPEN, OPEN, BatchState, UploadState
from .bulk import chunks, insert_many, update_many
from .models import SENT_AS_PARTS, Batch, BatchLink, Part, Upload, utc_now

_OPEN_BATCH = tuple(state.value for state in BATCH_OPEN)
_OPEN = tuple(state.value for state in OPEN)


def locked(batch_id: uuid.UUID) -> Batch | None:
    """The batch with its row locked until the transaction ends, read afresh."""
    query = select(Batch).where(Batch.id == batch_id).with_for_update()
    query = query.execution_options(populate_existing=True)
    found: Batch | None = db.session.execute(query).scalar_one_or_none()
    return found


def open_of_record(record_id: uuid.UUID, *, lock: bool = False) -> Batch | None:
    """The batch that locks this draft, None when none does.

    :param lock: whether to lock its row.
    """
    query = select(Batch).where(
        Batch.record_id == record_id, Batch.state.in_(_OPEN_BATCH)
    )
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    found: Batch | None = db.session.execute(query).scalar_one_or_none()
    return found


def mine(
    user_id: str, states: Collection[str], page: int, size: int
) -> tuple[Sequence[Batch], int]:
    """One page of a user's batches, the newest first, and how many there are.

    :param states: only these; empty for all.
    :param page: from 1.
    """
    query = select(Batch).where(Batch.created_by == user_id)
    if states:
        query = query.where(Batch.state.in_(states))
    total = db.session.execute(
        select(func.count()).select_from(query.subquery())
    ).scalar_one()
    query = query.order_by(Batch.created.desc(), Batch.id)
    rows = query.offset((page - 1) * size).limit(size)
    return db.session.execute(rows).scalars().all(), total


def search(state: str | None, limit: int) -> Sequence[Batch]:
    """Batches for an operator's eyes, the newest first."""
    query = select(Batch).order_by(Batch.created.desc()).limit(limit)
    if state:
        query = query.where(Batch.state == state)
    return db.session.execute(query).scalars().all()


def overdue(now: datetime, limit: int) -> Sequence[Batch]:
    """Batches past their deadline, row-locked; those in use are skipped."""
    query = (
        select(Batch)
        .where(Batch.state == BatchState.UPLOADING.value, Batch.complete_before <= now)
        .order_by(Batch.complete_before)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return db.session.execute(query).scalars().all()


class SentFile(NamedTuple):
    """A file of a batch without its object: there are thousands, read and dropped.

    :param made: whether its object is where the file will be.
    :param unread: whether a worker still has to read it.
    """

    id: uuid.UUID
    key: str
    state: str
    sent_as: str
    staged: str | None
    uri: str
    file_id: uuid.UUID
    size: int
    size_known: bool
    parts: int
    reserved: bool
    declared: str | None
    digests: Mapping[str, str] = {}
    upload_ref: str | None = None
    error_message: str | None = None
    made: bool = False
    unread: bool = False

    @property
    def status(self) -> UploadState:
        """``state`` as the enum."""
        return UploadState(self.state)


_SENT_COLUMNS = (
    *(getattr(Upload, name) for name in SentFile._fields[:-2]),
    Upload.completed_on.isnot(None),
    Upload.hash_states.isnot(None),
)


def sent_files(batch_id: uuid.UUID, *, lock: bool = False) -> Sequence[SentFile]:
    """Open uploads of a batch in order of their keys, as plain values.

    :param lock: whether to lock their rows until the transaction ends.
    """
    query = select(*_SENT_COLUMNS).where(
        Upload.batch_id == batch_id, Upload.state.in_(_OPEN)
    )
    if lock:
        # In the order of ids, as all that lock several uploads do.
        rows = db.session.execute(query.order_by(Upload.id).with_for_update())
        return sorted(map(SentFile._make, rows), key=lambda file: file.key)
    rows = db.session.execute(query.order_by(Upload.key))
    return [SentFile._make(row) for row in rows]


def unopened(batch_id: uuid.UUID) -> Sequence[uuid.UUID]:
    """Open uploads in parts that the store has not been asked to open."""
    query = select(Upload.id).where(
        Upload.batch_id == batch_id,
        Upload.state.in_(_OPEN),
        Upload.sent_as == SENT_AS_PARTS,
        Upload.size_known,
        Upload.upload_ref.is_(None),
    )
    return db.session.execute(query.order_by(Upload.key)).scalars().all()


def page_of_keys(batch_id: uuid.UUID, after: str, limit: int) -> Sequence[str]:
    """Keys of a batch above ``after``, in the database's order, however they ended.

    Those of files that are sent, and of links.
    """
    keys = (
        select(model.key)
        .where(model.batch_id == batch_id, model.key > after)
        .order_by(model.key)
        .limit(limit)
        .subquery()
        for model in (Upload, BatchLink)
    )
    both = union(*(select(some.c.key) for some in keys)).subquery()
    query = select(both.c.key).order_by(both.c.key).limit(limit)
    return db.session.execute(query).scalars().all()


def page_of_files(batch_id: uuid.UUID, after: str, limit: int) -> Sequence[SentFile]:
    """Files of a batch with keys above ``after``, in order, however they ended."""
    query = (
        select(*_SENT_COLUMNS)
        .where(Upload.batch_id == batch_id, Upload.key > after)
        .order_by(Upload.key)
        .limit(limit)
    )
    return [SentFile._make(row) for row in db.session.execute(query)]


def of_keys(batch_id: uuid.UUID, keys: Collection[str]) -> Sequence[SentFile]:
    """Those of a batch's files that have these keys, in order, however they ended.

    Of one that was taken out of the draft and announced again, the last.
    """
    query = (
        select(*_SENT_COLUMNS)
        .where(Upload.batch_id == batch_id, Upload.key.in_(keys))
        .order_by(Upload.key, Upload.initiated_on)
    )
    files = map(SentFile._make, db.session.execute(query))
    return list({file.key: file for file in files}.values())


def mark_made(found: Iterable[tuple[SentFile, str, int, Mapping[str, str]]]) -> None:
    """Write down that objects are where their files will be.

    Those that were ended meanwhile stay ended.

    :param found: file, its object's ETag and bytes, and digests that are proved.
    """
    now = utc_now()
    table = Upload.__table__
    update_many(
        table,
        [
            {"id": file.id, "etag": etag, "size": size, "digests": dict(digests)}
            for file, etag, size, digests in found
        ],
        table.c.state.in_([UploadState.INITIATED.value, UploadState.UPLOADING.value]),
        state=UploadState.COMMITTING.value,
        completed_on=now,
        updated=now,
        # What an earlier try had read were other bytes.
        hash_states=None,
        hash_offset=0,
    )


def set_state(
    upload_ids: Collection[uuid.UUID], state: UploadState, **values: Any
) -> None:
    """The same move for many uploads; the caller has looked that it is allowed."""
    for some in chunks(upload_ids):
        db.session.execute(
            update(Upload)
            .where(Upload.id.in_(some))
            .values(state=state.value, updated=utc_now(), **values)
            .execution_options(synchronize_session=False)
        )


def learn_sizes(sizes: Mapping[uuid.UUID, int]) -> None:
    """Files announced without a size have these now, and they are reserved.

    That nobody had said so stays known: the next object may have another.
    """
    update_many(
        Upload.__table__,
        [
            {"id": file_id, "size": size, "part_size": max(size, 1)}
            for file_id, size in sizes.items()
        ],
        reserved=True,
    )


def progress(batch_id: uuid.UUID) -> dict[str, tuple[int, int]]:
    """Number and bytes of a batch's files by state."""
    query = (
        select(Upload.state, func.count(), func.coalesce(func.sum(Upload.size), 0))
        .where(Upload.batch_id == batch_id)
        .group_by(Upload.state)
    )
    return {
        state: (count, int(size)) for state, count, size in db.session.execute(query)
    }


def insert_uploads(rows: Sequence[Mapping[str, Any]]) -> None:
    """New uploads, thousands at once; every row names the same columns."""
    if not rows:
        return
    first = rows[0]
    # Most columns: what all have in common goes over once.
    differ = [name for name in first if any(row[name] != first[name] for row in rows)]
    insert_many(
        Upload.__table__,
        [{name: row[name] for name in {"id", *differ}} for row in rows],
        **{name: first[name] for name in first if name not in {"id", *differ}},
    )


def end_open(batch_id: uuid.UUID, target: UploadState) -> None:
    """End every open upload of a batch, in one statement; forget its parts.

    The caller holds the batch's row lock, and gives quota and entries back.
    """
    ids = select(Upload.id).where(Upload.batch_id == batch_id)
    db.session.execute(
        delete(Part)
        .where(Part.upload_id.in_(ids))
        .execution_options(synchronize_session=False)
    )
    db.session.execute(
        update(Upload)
        .where(Upload.batch_id == batch_id, Upload.state.in_(_OPEN))
        .values(state=target.value, reserved=False, updated=utc_now())
        .execution_options(synchronize_session=False)
    )


def mark_purged(batch_id: uuid.UUID) -> None:
    """Say that the store holds nothing any more of uploads that have ended."""
    ended = (UploadState.ABORTED.value, UploadState.EXPIRED.value)
    db.session.execute(
        update(Upload)
        .where(Upload.batch_id == batch_id, Upload.state.in_(ended))
        .values(purged_on=utc_now())
        .execution_options(synchronize_session=False)
    )
