# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The end of what was announced for a limited time.

Three steps, each safe to repeat, so that whoever takes over from a dead worker begins
anew: what people see goes first, in one transaction; then the bytes, a few files at a
time; then the search index, and the note that nothing is left to do.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from enum import Enum
from typing import Any

from invenio_access.permissions import system_identity
from invenio_db import db
from invenio_db.uow import UnitOfWork
from invenio_files_rest.models import Bucket, FileInstance, ObjectVersion
from invenio_records_resources.proxies import current_service_registry
from invenio_records_resources.services.uow import RecordCommitOp
from invenio_search.engine import search
from sqlalchemy import and_, delete, func, select, update
from sqlalchemy.exc import NoResultFound

from ...core.running import Postpone
from ...core.states import BATCH_OPEN, BatchState, UploadState
from ...records import batch_links, batches, uploads
from ...records.audit import removals_of
from ...records.bulk import change
from ...records.models import Batch, Upload, utc_now
from .. import audit
from ..free import free_files, free_later
from ..uploads.abort import abort_all
from .end import close
from .expired_links import remove_links
from .holders import buckets, holders
from .tombstone import tombstone

_WAIT_SECONDS = 60.0

_SKEW = timedelta(minutes=5)
"""How far the clocks of two servers may differ: one announces, another publishes."""


class Ending(str, Enum):
    """What had to go."""

    RECORD = "record_deleted"
    """The published version: a tombstone is left."""
    DRAFT = "draft_deleted"
    FILES = "files_removed"
    """Draft or record hold more than the batch brought; they stay without its files."""
    NOTHING = "nothing_left"
    """Somebody was faster, or it never came to anything."""

    def __str__(self) -> str:
        return self.value


def expire(
    batch_id: uuid.UUID, advance: Callable[[int, int], None] | None = None
) -> dict[str, Any]:
    """Delete what a completed batch brought; to repeat it does no harm.

    A version that was published after the announcement is deleted as a whole, as
    InvenioRDM deletes records. An unpublished draft is deleted when the batch made it
    and nobody has touched it since; any other keeps what else it holds. Access to the
    record as a whole, and its other versions, stay as they are.

    :param advance: told, now and then, how many files are done, and of how many.
    :returns: ``result`` (an :class:`Ending`), ``files`` and ``bytes`` that are gone,
        and ``shared``: files that stay because another record uses them.
    :raises Postpone: it is too early.
    :raises StorageUnavailable: the store does not answer.
    """
    with _step(batch_id) as (uow, batch):
        if batch is None or batch.purged_on or batch.state != BatchState.COMPLETED:
            return {"result": str(Ending.NOTHING), "files": 0, "bytes": 0, "shared": 0}
        ending = _take_down(batch, uow)
        if not removals_of(str(batch_id)):
            # Whoever takes over from a dead worker need not say it again.
            audit.batch_removed(batch, audit.TRANSIENT, uow)
    freed = _free(batch_id, ending, advance)
    with _step(batch_id) as (uow, batch):
        _settle(batch, ending, uow)
    # Only now: a note that is written before the index is clean would keep it dirty.
    with _step(batch_id) as (_, batch):
        batch.purged_on = utc_now()
    return {
        "result": str(ending),
        "files": freed.files,
        "bytes": freed.size,
        "shared": freed.shared,
    }


@contextmanager
def _step(batch_id: uuid.UUID) -> Iterator[tuple[UnitOfWork, Any]]:
    """A transaction that has the batch for itself; nobody deletes anything twice."""
    with UnitOfWork() as uow:
        batch = batches.locked(batch_id)
        if batch is not None and (
            batch.status in BATCH_OPEN
            or batch.expires_at is None
            or batch.expires_at > utc_now()
        ):
            raise Postpone(_WAIT_SECONDS)
        yield uow, batch
        uow.commit()


def _take_down(batch: Batch, uow: UnitOfWork) -> Ending:
    """Make an end of what people see."""
    service, (record, draft) = _records(), holders(batch)
    if record is not None and record.created > batch.created - _SKEW:
        _end_uploads(record.id, uow)
        if draft is not None:
            _keep_track(draft, record)
            service.delete_draft(system_identity, batch.pid_value, uow=uow)
        # First: whoever indexes the deleted record shall find no files that go away
        # in the middle of it.
        for files in (record.files, record.media_files):
            files.file_cls.remove_all(record.id)
        if not record.deletion_status.is_deleted:
            service.delete_record(
                system_identity, batch.pid_value, tombstone(batch.expires_at), uow=uow
            )
        return Ending.RECORD
    if record is None and draft is not None and _is_untouched(batch, draft):
        service.delete_draft(system_identity, batch.pid_value, uow=uow)
        return Ending.DRAFT
    left = [holder for holder in (draft, record) if holder is not None]
    for holder in left:
        _remove_entries(batch, holder)
    return Ending.FILES if left else Ending.NOTHING


def _end_uploads(record_id: uuid.UUID, uow: UnitOfWork) -> None:
    """End what is on its way into the version, by itself or in a later batch."""
    later = batches.open_of_record(record_id, lock=True)
    if later is not None:
        close(later, BatchState.ABORTED, uow)
    abort_all(uploads.open_of_record(record_id), uow)


def _keep_track(draft: Any, record: Any) -> None:
    """Give what an edit has added to the record: with its bucket it would be lost.

    Upstream forgets the rows that name the bytes when it deletes a draft.
    """
    change(
        update(ObjectVersion)
        .where(ObjectVersion.bucket_id.in_(buckets(draft)))
        .values(bucket_id=record.bucket_id, is_head=False)
    )


def _is_untouched(batch: Batch, draft: Any) -> bool:
    """Whether nothing is in the draft but what the batch brought."""
    if not batch.provisioned or draft.revision_id != batch.draft_revision:
        return False
    if draft.get_review() is not None:
        return False
    model = draft.files.file_cls.model_cls
    keys = batch_links.keys_of(batch.id)
    others = select(func.count()).where(
        model.record_id == draft.id, model.json.isnot(None), model.key.notin_(keys)
    )
    media = len(draft.media_files.entries) if draft.media_files.enabled else 0
    return not media and db.session.execute(others).scalar_one() == 0


def _remove_entries(batch: Batch, holder: Any) -> None:
    """Take the batch's files out of a draft or record that stays.

    A file of the same name that somebody has put in its place is not the batch's.
    """
    model = holder.files.file_cls.model_cls
    query = (
        select(model.id, FileInstance.size)
        .join(ObjectVersion, ObjectVersion.version_id == model.object_version_id)
        .join(FileInstance, FileInstance.id == ObjectVersion.file_id)
        .join(Upload, _is_file_of_upload())
        .where(Upload.batch_id == batch.id, model.record_id == holder.id)
    )
    rows = db.session.execute(query).all()
    for start in range(0, len(rows), 5000):
        some = [row.id for row in rows[start : start + 5000]]
        change(delete(model).where(model.id.in_(some)))
    size = sum(row.size or 0 for row in rows) + remove_links(batch, holder)
    change(
        update(Bucket)
        .where(Bucket.id == holder.bucket_id)
        .values(size=Bucket.size - size)
    )


def _is_file_of_upload() -> Any:
    return and_(
        Upload.file_id == ObjectVersion.file_id, Upload.key == ObjectVersion.key
    )


def _free(
    batch_id: uuid.UUID,
    ending: Ending,
    advance: Callable[[int, int], None] | None,
) -> Any:
    """Delete the bytes, wherever the rows that name them are by now."""
    batch = db.session.get(Batch, batch_id)
    ids_of_buckets = [b for holder in holders(batch) for b in buckets(holder)]
    whole = ending is not Ending.FILES
    # Every upload has a row that outlives its file entry, its draft and its bucket.
    scope = (
        Upload.record_id == batch.record_id if whole else Upload.batch_id == batch.id
    )
    # Also those whose rows an earlier try has deleted, and perhaps not the bytes.
    sent = select(Upload.file_id).where(
        scope, Upload.state == UploadState.COMPLETED.value
    )
    ids = set(db.session.execute(sent).scalars())
    ours = ObjectVersion.bucket_id.in_(ids_of_buckets)
    if whole:
        held = select(ObjectVersion.file_id).where(ours)
        ids |= set(db.session.execute(held).scalars()) - {None}
        return free_files(
            ids, lambda some: and_(ours, ObjectVersion.file_id.in_(some)), advance
        )
    # A link of another name to the same file is not the batch's.
    named = (
        select(ObjectVersion.version_id)
        .join(Upload, _is_file_of_upload())
        .where(ours, Upload.batch_id == batch.id)
    )
    return free_files(
        ids,
        lambda some: and_(
            ObjectVersion.file_id.in_(some), ObjectVersion.version_id.in_(named)
        ),
        advance,
    )


def _settle(batch: Batch, ending: Ending, uow: UnitOfWork) -> None:
    """Bring buckets, records and the search index up to what is left."""
    service, (record, draft) = _records(), holders(batch)
    free_later(uow)
    if ending is Ending.RECORD:
        ids = buckets(record)
        # What is left there are marks of files that were deleted before.
        change(delete(ObjectVersion).where(ObjectVersion.bucket_id.in_(ids)))
        change(update(Bucket).where(Bucket.id.in_(ids)).values(size=0))
        _forget_draft(batch.record_id)
    if ending is not Ending.NOTHING:
        # Nobody needs to read files any more that are gone.
        sent = select(FileInstance.id).where(FileInstance.id == Upload.file_id)
        change(
            update(Upload)
            .where(Upload.record_id == batch.record_id, ~sent.exists())
            .where(Upload.hash_states.isnot(None))
            .values(hash_states=None)
        )
    for holder in (draft, record):
        if holder is not None and ending in (Ending.RECORD, Ending.FILES):
            _forget_keys(holder.files)
            _forget_keys(holder.media_files)
            uow.register(RecordCommitOp(holder, indexer=service.indexer))


def _forget_keys(files: Any) -> None:
    """Let a record not refer to files it has no more."""
    if files.enabled:
        present = set(files.entries)
        if files.default_preview not in present:
            files.default_preview = None
        files.order = [key for key in files.order if key in present]


def _forget_draft(record_id: uuid.UUID) -> None:
    """A worker that died after its commit has left the draft in the search index."""
    service = _records()
    try:
        draft = service.draft_cls.get_record(record_id, with_deleted=True)
        if draft.is_deleted:
            service.draft_indexer.delete(draft)
    except (NoResultFound, search.exceptions.NotFoundError):
        return


def _records() -> Any:
    return current_service_registry.get("records")
