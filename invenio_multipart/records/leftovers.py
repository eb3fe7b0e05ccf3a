# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Queries for what somebody has left behind; nothing here changes a row.

Most give a page, in the order of an index and without a lock: what comes ``after`` the
last one of the page before. What is done about a row is decided anew once it is locked,
by ``free_upload`` or ``free_batch``.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from invenio_db import db
from invenio_files_rest.models import Bucket, FileInstance, ObjectVersion
from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select

from ..core.states import JOB_OPEN, OPEN, BatchState, UploadState
from .models import Batch, Job, Upload

_ENDED = (UploadState.ABORTED.value, UploadState.EXPIRED.value)
_OPEN = tuple(state.value for state in OPEN)
_OPEN_JOB = tuple(status.value for status in JOB_OPEN)

After = tuple[datetime, uuid.UUID]
"""Moment and id of the last row of a page."""


def overdue_uploads(now: datetime, after: After | None, limit: int) -> Sequence[Upload]:
    """Open ones past their deadline. Those of a batch end with it."""
    query = select(Upload).where(
        Upload.state.in_(_OPEN), Upload.expires_at < now, Upload.batch_id.is_(None)
    )
    return _page(query, Upload.expires_at, Upload.id, after, limit)


def unpurged_uploads(
    before: datetime, after: After | None, limit: int
) -> Sequence[Upload]:
    """Ended before this moment, and the store not freed.

    Files that were taken out of a batch are among them. Those that ended with their
    batch are not: they are freed with it.
    """
    ended_too = (
        select(Batch.id)
        .where(Batch.id == Upload.batch_id, Batch.state.in_(_ENDED))
        .exists()
    )
    query = select(Upload).where(
        Upload.purged_on.is_(None),
        Upload.state.in_(_ENDED),
        Upload.updated < before,
        ~ended_too,
    )
    return _page(query, Upload.updated, Upload.id, after, limit)


def unverified_uploads(
    before: datetime, now: datetime, after: After | None, limit: int
) -> Sequence[Upload]:
    """A worker should have read them by now; without those past their deadline."""
    reading = and_(
        Upload.state == UploadState.VERIFYING.value,
        or_(Upload.expires_at >= now, Upload.batch_id.isnot(None)),
    )
    query = select(Upload).where(
        Upload.hash_states.isnot(None),
        or_(reading, Upload.state == UploadState.COMPLETED.value),
        Upload.updated < before,
    )
    return _page(query, Upload.updated, Upload.id, after, limit)


def uncommitted_uploads(
    before: datetime, now: datetime, after: After | None, limit: int
) -> Sequence[Upload]:
    """Nobody has gone on with their commit; without those past their deadline."""
    query = select(Upload).where(
        Upload.state == UploadState.COMMITTING.value,
        Upload.expires_at >= now,
        Upload.updated < before,
        Upload.batch_id.is_(None),
    )
    return _page(query, Upload.expires_at, Upload.id, after, limit)


def overdue_batches(now: datetime, after: After | None, limit: int) -> Sequence[Batch]:
    """Past their deadline, and not being completed by anybody."""
    left = and_(
        Batch.state == BatchState.COMPLETING.value, ~_has_job(Batch.complete_job_id)
    )
    query = select(Batch).where(
        or_(Batch.state == BatchState.UPLOADING.value, left),
        Batch.complete_before <= now,
    )
    return _page(query, Batch.complete_before, Batch.id, after, limit)


def stuck_batches(now: datetime, after: After | None, limit: int) -> Sequence[Batch]:
    """Said to be completed, by a job that has ended; still before their deadline."""
    query = select(Batch).where(
        Batch.state == BatchState.COMPLETING.value,
        Batch.complete_before > now,
        ~_has_job(Batch.complete_job_id),
    )
    return _page(query, Batch.complete_before, Batch.id, after, limit)


def unpurged_batches(
    before: datetime, after: After | None, limit: int
) -> Sequence[Batch]:
    """Ended before this moment, not freed, and nobody is at it."""
    query = select(Batch).where(
        Batch.purged_on.is_(None),
        Batch.state.in_(_ENDED),
        Batch.updated < before,
        ~_has_job(Batch.purge_job_id),
    )
    return _page(query, Batch.updated, Batch.id, after, limit)


def unexpired_batches(
    now: datetime, before: datetime, after: After | None, limit: int
) -> Sequence[Batch]:
    """Completed ones whose time is over, still there, and nobody is at it."""
    query = select(Batch).where(
        Batch.purged_on.is_(None),
        Batch.state == BatchState.COMPLETED.value,
        Batch.expires_at <= now,
        Batch.updated < before,
        ~_has_job(Batch.expires_job_id),
    )
    return _page(query, Batch.expires_at, Batch.id, after, limit)


def free_upload(upload_id: uuid.UUID) -> Upload | None:
    """The upload, row-locked and read afresh; None while somebody is at it.

    A commit under way holds its row, so nothing is done under its feet.
    """
    found: Upload | None = _free(Upload, upload_id)
    return found


def free_batch(batch_id: uuid.UUID) -> Batch | None:
    """The batch, row-locked and read afresh; None while somebody is at it."""
    found: Batch | None = _free(Batch, batch_id)
    return found


def due_jobs(now: datetime, limit: int) -> Sequence[Job]:
    """Jobs to be run, and those of dead workers, the longest due first."""
    query = select(Job).where(Job.status.in_(_OPEN_JOB), Job.due_at <= now)
    return db.session.execute(query.order_by(Job.due_at).limit(limit)).scalars().all()


def has_open_job(job_id: uuid.UUID | None) -> bool:
    """Whether this job waits or runs."""
    query = select(_has_job(job_id))
    return job_id is not None and bool(db.session.execute(query).scalar())


class BucketCount(NamedTuple):
    """A bucket, and what its size should be.

    :param counted: bytes of its files, with those that are reserved.
    """

    id: uuid.UUID
    size: int
    counted: int


def reserved_buckets(after: uuid.UUID | None, limit: int) -> Sequence[uuid.UUID]:
    """Buckets in which uploads have reserved room, in the order of their ids."""
    query = select(Upload.bucket_id).where(Upload.reserved)
    if after is not None:
        query = query.where(Upload.bucket_id > after)
    query = query.distinct().order_by(Upload.bucket_id).limit(limit)
    return db.session.execute(query).scalars().all()


def count_bucket(bucket_id: uuid.UUID) -> BucketCount | None:
    """What one statement sees of a bucket; None without it, or when it is deleted.

    A file that was deleted, and of which only its mark is the head, counts no more.
    """
    files = (
        select(func.coalesce(func.sum(FileInstance.size), 0))
        .join(ObjectVersion, ObjectVersion.file_id == FileInstance.id)
        .where(ObjectVersion.bucket_id == bucket_id, ObjectVersion.is_head)
        .scalar_subquery()
    )
    reserved = (
        select(func.coalesce(func.sum(Upload.size), 0))
        .where(Upload.bucket_id == bucket_id, Upload.reserved)
        .scalar_subquery()
    )
    query = select(Bucket.size, files, reserved).where(
        Bucket.id == bucket_id, ~Bucket.deleted
    )
    row = db.session.execute(query).one_or_none()
    return row and BucketCount(bucket_id, row[0], int(row[1]) + int(row[2]))


def known_files(file_ids: Collection[uuid.UUID]) -> Mapping[uuid.UUID, str | None]:
    """Uploads by the ids of their files, with the store's names for them."""
    query = select(Upload.file_id, Upload.upload_ref)
    rows = db.session.execute(query.where(Upload.file_id.in_(list(file_ids))))
    return {row.file_id: row.upload_ref for row in rows}


def foreign_files(file_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Files that did not come by uploads of ours: their parts are another's."""
    query = select(FileInstance.id).where(
        FileInstance.id.in_(list(file_ids)),
        ~exists().where(Upload.file_id == FileInstance.id),
    )
    return set(db.session.execute(query).scalars())


def live_batches(batch_ids: Collection[uuid.UUID], ended: datetime) -> set[uuid.UUID]:
    """Those below whose prefixes clients or jobs may still be at work.

    :param ended: a batch with an earlier deadline, whose store is freed, is over.
    """
    over = and_(
        Batch.state.in_([*_ENDED, BatchState.COMPLETED.value]),
        Batch.complete_before < ended,
        or_(Batch.purged_on.isnot(None), Batch.state == BatchState.COMPLETED.value),
    )
    query = select(Batch.id).where(Batch.id.in_(list(batch_ids)), ~over)
    return set(db.session.execute(query).scalars())


def _free(model: Any, id_: uuid.UUID) -> Any:
    query = select(model).where(model.id == id_).with_for_update(skip_locked=True)
    query = query.execution_options(populate_existing=True)
    return db.session.execute(query).scalar_one_or_none()


def _has_job(job_id: Any) -> ColumnElement[bool]:
    found: ColumnElement[bool] = exists().where(
        Job.id == job_id, Job.status.in_(_OPEN_JOB)
    )
    return found


def _page(
    query: Select[Any], moment: Any, id_: Any, after: After | None, limit: int
) -> Sequence[Any]:
    if after is not None:
        later = or_(moment > after[0], and_(moment == after[0], id_ > after[1]))
        query = query.where(later)
    query = query.order_by(moment, id_).limit(limit)
    query = query.execution_options(populate_existing=True)
    return db.session.execute(query).scalars().all()
