# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""End a batch without files, and free what it holds in the store."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from flask import current_app
from invenio_access.permissions import system_identity
from invenio_db import db
from invenio_db.uow import UnitOfWork
from invenio_files_rest.models import FileInstance
from invenio_records_resources.proxies import current_service_registry
from invenio_search.engine import search
from sqlalchemy import select
from sqlalchemy.orm.exc import NoResultFound

from ...core.running import Postpone, RunningJob
from ...core.states import BatchState, UploadState
from ...errors import StateConflict
from ...proxies import current_multipart
from ...records import batch_links, batches, entries, jobs, locks, quota
from ...records.models import Batch, Upload, utc_now
from ...storage.factory import multipart_storage, object_prefix
from .. import audit
from ..free import free_later
from .holders import is_as_made

GRACE = timedelta(seconds=60)
"""How long after the last link has ended a request may still be on its way."""

_ENDS = {
    BatchState.ABORTED: UploadState.ABORTED,
    BatchState.EXPIRED: UploadState.EXPIRED,
}


def close(batch: Batch, target: BatchState, uow: UnitOfWork) -> None:
    """Give up an open batch: its quota, its file entries and its lock, now.

    The store is freed by the batch's own purge job, which becomes due. A batch that
    has ended is left as it is. The caller holds the row lock.

    :param target: aborted, or expired when the deadline did it.
    """
    if batch.status in _ENDS or batch.status is BatchState.COMPLETED:
        return
    batch.move(target)
    if target is BatchState.EXPIRED:
        audit.batch_removed(batch, audit.DEADLINE, uow)
    # Locked: a file that is taken out just now gives its quota back itself.
    begun = batches.sent_files(batch.id, lock=True)
    links = batch_links.open_links(batch.id, lock=True)
    held = sum(upload.size for upload in begun if upload.reserved)
    held += sum(link.size for link in links if link.version_id is not None)
    quota.release_bytes(batch.bucket_id, held)
    model = entries_model(batch)
    entries.drop_pending(
        model, batch.record_id, [file.key for file in (*begun, *links)]
    )
    batches.end_open(batch.id, _ENDS[target])
    if links:
        # These may have been the last that used their bytes.
        batch_links.end(batch.id, _ENDS[target])
        free_later(uow)
    if batch.expires_job_id is not None:
        jobs.revoke(batch.expires_job_id)
    db.session.flush()
    purge_job = jobs.hasten(batch.purge_job_id)
    if purge_job is not None:
        current_multipart.jobs.submit(purge_job, uow)


def end_batch(draft: Any, uow: UnitOfWork) -> None:
    """End the open batch of a draft whose files go; does nothing without one.

    :raises StateConflict: it is being completed just now.
    """
    locks.await_turn(draft.id)
    batch = batches.open_of_record(draft.id, lock=True)
    if batch is None:
        return
    if batch.status is BatchState.COMPLETING:
        raise StateConflict("A batch is being completed; try again.", batch.state)
    # The draft goes too: what is left to remove of it is nothing of the batch's.
    batch.provisioned = False
    close(batch, BatchState.ABORTED, uow)


def purge(job: RunningJob) -> dict[str, Any]:
    """Handler: expire a batch whose deadline has passed, free what one held.

    :returns: how many objects were removed.
    """
    batch = _ended(job)
    if batch is None or batch.status is BatchState.COMPLETED:
        return {"removed": 0}
    job.advance(0, stage="purging")
    end_sessions(batch)
    removed = _free(batch)
    with UnitOfWork() as uow:
        locked = batches.locked(batch.id)
        if locked is not None and locked.purged_on is None:
            locked.purged_on = utc_now()
            batches.mark_purged(batch.id)
            sweep_later(locked, uow)
        uow.commit()
    _remove_draft(batch)
    return {"removed": removed}


def sweep_later(batch: Batch, uow: UnitOfWork) -> None:
    """Have what comes late by links that are still good removed again.

    Nobody can take a link back. What is sent by one after the batch has ended is
    nobody's file, and is removed once no link is left.
    """
    due_at = max(batch.complete_before, utc_now()) + GRACE
    job = jobs.create("sweep_batch", batch_id=batch.id, due_at=due_at)
    current_multipart.jobs.submit(job, uow)


def sweep(job: RunningJob) -> dict[str, Any]:
    """Handler: remove what lies below an ended batch's prefix and is no file.

    :returns: how many objects were removed.
    """
    batch = db.session.get(Batch, job.batch_id)
    if batch is None or batch.status not in {*_ENDS, BatchState.COMPLETED}:
        return {"removed": 0}
    end_sessions(batch)
    return {"removed": _free(batch)}


def end_sessions(batch: Batch) -> None:
    """Revoke the sessions of an ended batch, or clean up after those that expired."""
    if batch.sessions:
        # Sites without S3 do not install what it needs.
        from .sessions import forget_sessions, revoke_sessions

        revoke_sessions(batch)
        forget_sessions(batch)


def file_names(batch: Batch) -> Iterable[str]:
    """Names below the prefix of those objects that are files by now."""
    return [uri.removeprefix(batch.prefix) for uri in _file_uris(batch.id)]


def entries_model(batch: Batch) -> Any:
    """Table of the file entries of the batch's draft."""
    service = current_service_registry.get(batch.service_id)
    return service.record_cls.files.file_cls.model_cls


def in_store(batch: Batch) -> bool:
    """Whether the batch's objects are sent straight to an object store."""
    return bool(batch.prefix.startswith("s3://"))


def _ended(job: RunningJob) -> Batch | None:
    """The batch, expired now if it is time.

    :raises Postpone: it is not, or its completion was asked for in time.
    """
    with UnitOfWork() as uow:
        batch = batches.locked(job.batch_id) if job.batch_id else None
        if batch is not None and batch.status is BatchState.UPLOADING:
            left = (batch.complete_before - utc_now()).total_seconds()
            if left > 0:
                raise Postpone(left)
            close(batch, BatchState.EXPIRED, uow)
        if batch is not None and batch.status is BatchState.COMPLETING:
            raise Postpone(60)
        uow.commit()
    return batch


def _free(batch: Batch) -> int:
    """Remove all that the batch holds in the store and is no file; how much."""
    if not in_store(batch):
        return _free_local(batch)
    for upload in _ended_uploads(batch.id):
        if upload.upload_ref is not None:
            multipart_storage(upload.uri, upload.size).abort_upload(upload.upload_ref)
    prefix = object_prefix(batch.prefix)
    prefix.remove_uploads()
    kept = set(file_names(batch))
    names = [entry.name for entry in prefix.list() if entry.name not in kept]
    prefix.remove(names)
    return len(names)


def _free_local(batch: Batch) -> int:
    files, count = set(_file_uris(batch.id)), 0
    for upload in _ended_uploads(batch.id):
        if upload.uri in files:
            continue
        storage = multipart_storage(upload.uri, upload.size)
        for ref in {upload.upload_ref, *storage.find_uploads()} - {None}:
            storage.abort_upload(ref)
            count += 1
        storage.remove_object()
    return count


def _ended_uploads(batch_id: uuid.UUID) -> Sequence[Any]:
    """Uploads that ended without a file and were not freed yet; some columns."""
    ended = [state.value for state in _ENDS.values()]
    query = select(Upload.uri, Upload.size, Upload.upload_ref).where(
        Upload.batch_id == batch_id,
        Upload.state.in_(ended),
        Upload.purged_on.is_(None),
    )
    return db.session.execute(query).all()


def _file_uris(batch_id: uuid.UUID) -> Iterable[str]:
    query = select(FileInstance.uri).join(Upload, Upload.file_id == FileInstance.id)
    return db.session.execute(query.where(Upload.batch_id == batch_id)).scalars().all()


def _remove_draft(batch: Batch) -> None:
    """Remove a draft that was made for the batch, unless somebody has used it."""
    if not batch.provisioned or "records" not in current_service_registry._services:
        return
    try:
        _remove_unused_draft(batch, current_service_registry.get("records"))
    except search.exceptions.NotFoundError:
        # Whoever made the draft was cut off before it was in the index.
        current_app.logger.info("Draft %s was not in the index.", batch.pid_value)


def _remove_unused_draft(batch: Batch, service: Any) -> None:
    with UnitOfWork() as uow:
        # Somebody may just be announcing other files for it.
        locks.await_turn(batch.record_id)
        try:
            draft = service.draft_cls.get_record(batch.record_id)
        except NoResultFound:
            return
        with_files = entries.count(entries_model(batch), batch.record_id)
        if with_files or not is_as_made(batch, draft):
            current_app.logger.info("Draft %s outlives its batch.", batch.pid_value)
            return
        service.delete_draft(system_identity, batch.pid_value, uow=uow)
        uow.commit()
