# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Complete a batch: make files of all that was sent, together or not at all.

The job goes through four steps, and a worker that takes it over after a death goes
through them again: what an earlier try has done is found done.

1. Everything is compared with the announcement; what differs is named, and nothing
   has been changed.
2. The objects are made: parts are put together, staged objects adopted.
3. Declared digests that the store has not proved are proved by reading, by workers.
4. In one transaction all of them become files, the draft is saved and indexed once,
   and it is published if that was asked for.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from flask import current_app
from invenio_db import db
from invenio_db.uow import UnitOfWork
from invenio_files_rest.models import Bucket

from ...core.digests import COMPUTABLE, parse_digest
from ...core.running import Postpone, RunningJob
from ...core.states import BatchState, UploadState
from ...errors import BadRequest, FilesDiffer, StateConflict, StorageError
from ...records import batch_links, batches, quota
from ...records.batches import SentFile
from ...records.models import SENT_AS_OBJECT, Batch, Upload
from ...storage.factory import multipart_storage, object_prefix
from ...tasks import verify_uploads
from ..uploads.abort import QueueOp
from ..uploads.commit import know, make_object
from ..uploads.finalize import find_target
from .end import end_sessions, in_store
from .extra import settle_extra
from .finish import finish
from .inspect import etag_of, inspect, inspect_links, list_objects, name_of
from .rows import INCOMING

if TYPE_CHECKING:
    from ...storage.prefix import ListedObject

_S = UploadState
_SENT = (_S.INITIATED, _S.UPLOADING)
_THREADS = 8
"""Copies within the store under way at once; they cost it, not us."""

_CHUNK = 500
"""Objects written down, and files read by one task, at a time."""

_LOOK_AGAIN_SECONDS = 30.0
"""While workers read. The last of them calls earlier."""


def complete(job: RunningJob) -> dict[str, Any]:
    """Handler: the four steps.

    :returns: ``record_id``, ``version``, ``files``, ``size``, ``published``.
    :raises FilesDiffer: naming what is missing, wrong or was not announced; the
        batch is open again.
    :raises Postpone: workers are still reading.
    """
    batch = _batch(job)
    if batch.status is BatchState.COMPLETED:
        return _tidied(batch)
    total = batch.files
    job.advance(0, total, "checking")
    sent = batches.sent_files(batch.id)
    listing = list_objects(batch)
    links = batch_links.open_links(batch.id)
    findings = inspect(batch, sent, listing)
    inspect_links(links, findings)
    sent = settle_extra(batch, sent, findings, listing)
    findings.check()
    if not sent and not links:
        raise BadRequest("No file is left in the batch.", field="files")
    _make_objects(job, batch, sent, listing)
    job.advance(total, total, "proving")
    _prove(batch.id)
    job.advance(total, total, "finishing")
    batch = finish(batch.id)
    return _tidied(batch)


def _batch(job: RunningJob) -> Batch:
    """:raises StateConflict: nobody wants it completed (any more)."""
    batch = db.session.get(Batch, job.batch_id, populate_existing=True)
    if batch is None or batch.status not in (
        BatchState.COMPLETING,
        BatchState.COMPLETED,
    ):
        state = "gone" if batch is None else batch.state
        raise StateConflict(f"The batch is {state}.", state)
    return batch


def _make_objects(
    job: RunningJob,
    batch: Batch,
    sent: Sequence[SentFile],
    listing: Mapping[str, ListedObject],
) -> None:
    """Step 2. Objects are written down as soon as they are there."""
    made = sum(file.made for file in sent)
    whole = [f for f in sent if f.sent_as == SENT_AS_OBJECT and f.status in _SENT]
    in_parts = [f.id for f in sent if f.sent_as != SENT_AS_OBJECT and not f.made]
    _check_room(batch, whole, listing)
    for start in range(0, len(whole), _CHUNK):
        job.advance(made + start, stage="adopting")
        _adopt(batch, whole[start : start + _CHUNK], listing)
    made += len(whole)
    for count, upload_id in enumerate(in_parts):
        job.advance(made + count, stage="committing")
        _make_from_parts(upload_id)


def _check_room(
    batch: Batch, whole: Sequence[SentFile], listing: Mapping[str, ListedObject]
) -> None:
    """Reserve what files turned out to have that came without a size.

    :raises QuotaExceeded: nothing has been changed.
    """
    found = {
        file.id: listing[name_of(file, batch)].size
        for file in whole
        if not file.size_known
    }
    # One that was taken out of the draft meanwhile gets no quota.
    unsized = [
        file for file in batches.sent_files(batch.id, lock=True) if file.id in found
    ]
    if unsized:
        bucket = db.session.get(Bucket, batch.bucket_id)
        quota.check_limits(bucket, max(found[file.id] for file in unsized))
        # An earlier try may have reserved what was there then.
        more = sum(found[file.id] - file.size for file in unsized)
        quota.reserve_bytes(batch.bucket_id, more)
        batches.learn_sizes({file.id: found[file.id] for file in unsized})
    db.session.commit()


def _adopt(
    batch: Batch, files: Sequence[SentFile], listing: Mapping[str, ListedObject]
) -> None:
    """Copy staged objects to their place within the store, and write them down."""
    prefix = object_prefix(batch.prefix)
    staged = [
        (file.staged, file.uri, listing[file.staged])
        for file in files
        if file.staged is not None
    ]
    # The connection goes back to the pool while the store copies.
    db.session.commit()
    with ThreadPoolExecutor(_THREADS) as pool:
        for _ in pool.map(
            lambda copy: prefix.adopt(
                copy[0], copy[1], copy[2].etag, copy[2].size, confirm=False
            ),
            staged,
        ):
            pass
    found = [(file, listing[name_of(file, batch)]) for file in files]
    batches.mark_made(
        (file, etag_of(entry), entry.size, _proved(file, entry))
        for file, entry in found
    )
    db.session.commit()


def _proved(file: SentFile, found: ListedObject) -> Mapping[str, str]:
    """Digests that the listing proves, whatever the store's ETags are.

    Only equality proves something: that no other bytes have this one by chance.
    """
    declared = parse_digest(file.declared) if file.declared else None
    if declared and declared.algorithm == "md5" and etag_of(found) == declared.hex:
        return {"md5": declared.hex}
    return {}


def _make_from_parts(upload_id: uuid.UUID) -> None:
    with UnitOfWork() as uow:
        upload = db.session.get(Upload, upload_id)
        target = find_target(upload)
        if target is not None:
            make_object(upload_id, target)
        uow.commit()


def _prove(batch_id: uuid.UUID) -> None:
    """Step 3.

    :raises FilesDiffer: a digest is not the declared one.
    :raises Postpone: some are still being read.
    """
    with UnitOfWork() as uow:
        unread = [
            file.id
            for file in batches.sent_files(batch_id, lock=True)
            if file.status is _S.COMMITTING and file.made and _unproved(file)
        ]
        batches.set_state(unread, _S.VERIFYING, hash_states={}, hash_offset=0)
        for start in range(0, len(unread), _CHUNK):
            # Those that get lost are found by the reaper.
            some = [str(upload_id) for upload_id in unread[start : start + _CHUNK]]
            uow.register(QueueOp(verify_uploads, some))
        uow.commit()
    # Without a queue they have been read by now.
    if not {_S.FAILED.value, _S.VERIFYING.value} & batches.progress(batch_id).keys():
        return
    now = batches.sent_files(batch_id)
    wrong = [
        (file.key, file.error_message or "It could not be proved.")
        for file in now
        if file.status is _S.FAILED
    ]
    if wrong:
        raise FilesDiffer([], wrong)
    if any(file.status is _S.VERIFYING and file.unread for file in now):
        raise Postpone(_LOOK_AGAIN_SECONDS)


def _unproved(file: SentFile) -> bool:
    """Whether a declared digest has to be found by reading; asks the store first."""
    declared = parse_digest(file.declared) if file.declared else None
    if declared is None or declared.algorithm in file.digests:
        return False
    if declared.algorithm in COMPUTABLE:
        return True
    # The store's own: it was asked for when the upload was opened.
    stored = multipart_storage(file.uri, file.size).head()
    upload = db.session.get(Upload, file.id)
    if stored is None or stored.crc64nvme is None:
        problem = f"The store has no {declared.algorithm} of it."
    elif stored.crc64nvme != declared.hex:
        problem = f"Its {declared.algorithm} is {stored.crc64nvme}, not {declared.hex}."
    else:
        know(upload, declared.algorithm, declared.hex)
        return False
    upload.fail("checksum_mismatch", problem)
    return False


def _tidied(batch: Batch) -> dict[str, Any]:
    """Remove what was staged, and say what has become of the batch."""
    try:
        end_sessions(batch)
        if in_store(batch):
            staged = object_prefix(f"{batch.prefix}{INCOMING}")
            staged.remove_uploads()
            staged.remove_all()
    except StorageError:
        # The files are there; the sweep after the deadline comes by in any case.
        current_app.logger.warning("Batch %s is not tidied.", batch.id, exc_info=True)
    return {
        "record_id": batch.pid_value,
        "files": batch.files,
        "size": batch.size,
        "published": bool((batch.access or {}).get("published")),
    }
