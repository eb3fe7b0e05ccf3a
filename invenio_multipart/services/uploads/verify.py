# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Prove or find the digest of a whole file: one streamed pass, resumable."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime

from flask import current_app
from invenio_db import db
from invenio_db.uow import UnitOfWork

from ...core.digests import COMPUTABLE, Digest, parse_digest
from ...core.hashing import ResumableHash
from ...core.states import BatchState, UploadState
from ...errors import ChecksumMismatch, MultipartError, ObjectMissing, PartsMismatch
from ...proxies import current_multipart
from ...records import jobs, uploads
from ...records.folding import unfold
from ...records.models import Batch, Upload
from ...storage.base import MultipartUploadMixin
from ...storage.factory import multipart_storage
from ...tasks import verify_upload
from .abort import QueueOp, abort
from .finalize import (
    ReindexOp,
    dedup_later,
    extraction_op,
    file_checksum,
    file_instance,
    finalize,
    find_target,
    mark_failed,
)
from .read_ahead import read_ahead


def wanted_algorithms(upload: Upload) -> set[str]:
    """Hashes still to be computed: MD5, the site's others, and the declared one."""
    wanted = {"md5", *current_app.config["MULTIPART_DIGESTS"]}
    if upload.declared:
        wanted.add(parse_digest(upload.declared).algorithm)
    return (wanted & COMPUTABLE) - set(upload.digests)


def needs_part_proof(upload: Upload) -> bool:
    """Whether registered part MD5s are still only somebody's word."""
    if upload.md5_etags:
        return False
    return any(part.md5 for part in uploads.registered_parts(upload.id).values())


def hash_object(upload: Upload, storage: MultipartUploadMixin) -> Mapping[str, str]:
    """All wanted digests in one pass, and proof of parts where that is due.

    :returns: hex digests by algorithm.
    :raises PartsMismatch: a part's bytes are not those that were registered.
    :raises ObjectMissing: there is none, or it ends early.
    """
    pass_ = _Pass(upload)
    for piece in read_ahead(storage.read_from(pass_.offset)):
        pass_.take(piece)
    return pass_.finish(upload.size)


class _Pass:
    """One pass over a file's bytes, from wherever an earlier one stopped."""

    def __init__(self, upload: Upload) -> None:
        states = upload.hash_states or {}
        wanted = sorted(wanted_algorithms(upload))
        # A pass can be taken up only with a saved state of every wanted hash.
        resumable = bool(states) and set(wanted) <= set(states)
        self.offset = upload.hash_offset if resumable else 0
        self._hashes = [
            ResumableHash(name, bytes.fromhex(states[name]) if resumable else None)
            for name in wanted
        ]
        self._parts = (
            _PartProof(upload, self.offset) if needs_part_proof(upload) else None
        )

    def take(self, piece: bytes) -> None:
        for hasher in self._hashes:
            hasher.update(piece)
        if self._parts is not None:
            self._parts.take(piece)
        self.offset += len(piece)

    def states(self) -> dict[str, str] | None:
        """What a later pass needs, None where it cannot be saved."""
        saved = {hasher.algorithm: hasher.state for hasher in self._hashes}
        if self._parts is not None or any(state is None for state in saved.values()):
            return None
        return {name: state.hex() for name, state in saved.items() if state}

    def finish(self, size: int) -> dict[str, str]:
        if self.offset != size:
            raise ObjectMissing(f"The object ends after {self.offset} of {size} bytes.")
        if self._parts is not None:
            self._parts.finish()
        return {hasher.algorithm: hasher.hexdigest() for hasher in self._hashes}


class _PartProof:
    """Compares each part's bytes with its registered MD5."""

    def __init__(self, upload: Upload, offset: int) -> None:
        if offset:
            raise ValueError("Parts are proved from the beginning.")
        announced = uploads.registered_parts(upload.id)
        self._todo = [
            (part.number, part.size, getattr(announced.get(part.number), "md5", None))
            for part in unfold(upload.folded)
        ]
        self._problems: list[str] = []
        self._next()

    def take(self, piece: bytes) -> None:
        while piece:
            head, piece = piece[: self._left], piece[self._left :]
            self._hash.update(head)
            self._left -= len(head)
            if not self._left:
                self._close()

    def finish(self) -> None:
        """:raises PartsMismatch: naming the parts that differ."""
        if self._problems:
            raise PartsMismatch(self._problems)

    def _next(self) -> None:
        if self._todo:
            self._number, self._left, self._md5 = self._todo.pop(0)
            self._hash = ResumableHash("md5")

    def _close(self) -> None:
        found = self._hash.hexdigest()
        if self._md5 is not None and found != self._md5:
            self._problems.append(
                f"Part {self._number} has the MD5 {found}, not {self._md5}."
            )
        self._next()


def verify(upload_id: uuid.UUID) -> None:
    """Read a committed file, and complete or fail its upload.

    Progress is saved every ``MULTIPART_VERIFY_CHECKPOINT_BYTES``; no lock and no
    transaction is held while bytes flow. Does nothing for an upload that needs no
    verification (any more).

    :raises StorageUnavailable: to be tried again; the progress is kept.
    """
    verify_some([upload_id])


def _verify(upload_id: uuid.UUID) -> None:
    upload = db.session.get(Upload, upload_id)
    if upload is None or not _is_due(upload):
        return
    storage = multipart_storage(upload.uri, upload.size)
    step = current_app.config["MULTIPART_VERIFY_CHECKPOINT_BYTES"]
    error: MultipartError | None = None
    digests: Mapping[str, str] = {}
    pass_ = _Pass(upload)
    size, made_on = upload.size, upload.completed_on
    # The connection goes back to the pool while bytes flow.
    db.session.commit()
    try:
        saved = pass_.offset
        for piece in read_ahead(storage.read_from(pass_.offset)):
            pass_.take(piece)
            if pass_.offset - saved >= step:
                saved = pass_.offset
                states = pass_.states() or {}
                uploads.save_progress(upload_id, made_on, saved, states)
                db.session.commit()
        digests = pass_.finish(size)
    except (PartsMismatch, ObjectMissing) as found:
        # No later pass would find anything else.
        error = found
    with UnitOfWork() as uow:
        _conclude(upload_id, made_on, digests, error, uow)
        uow.commit()


def verify_some(upload_ids: Sequence[uuid.UUID]) -> None:
    """Verify one after the other: small files do not need a task each.

    :raises StorageUnavailable: to be tried again; what is done is done.
    """
    for upload_id in upload_ids:
        _verify(upload_id)
    _tell_batches(upload_ids)


def _is_due(upload: Upload) -> bool:
    if upload.batch_id is None and upload.status is UploadState.VERIFYING:
        return True
    # Of a batch's file the proof may be there already, and the others' not.
    unread = upload.hash_states is not None
    return unread and upload.status in (UploadState.VERIFYING, UploadState.COMPLETED)


def _conclude(
    upload_id: uuid.UUID,
    made_on: datetime,
    digests: Mapping[str, str],
    error: MultipartError | None,
    uow: UnitOfWork,
) -> None:
    upload = uploads.locked(upload_id)
    if upload is None or not _is_due(upload) or upload.completed_on != made_on:
        # Aborted, sent again, or proved by another worker, while this one was reading.
        return
    upload.digests = {**upload.digests, **digests}
    upload.hash_states = None
    if error is None and wanted_algorithms(upload):
        # Another digest was declared while this pass was under way.
        upload.hash_states, upload.hash_offset = {}, 0
        uow.register(QueueOp(verify_upload, str(upload.id)))
        return
    error = error or _mismatch(upload)
    instance = file_instance(upload.file_id)
    if instance is not None:
        # It is a file already; now its checksum is known, or it is withdrawn.
        instance.checksum = file_checksum(upload)
        instance.readable = error is None
        if upload.batch_id is None:
            uow.register(ReindexOp(upload.record_id))
    if upload.status is not UploadState.COMPLETED:
        _end(upload, error, uow)
    if upload.status is UploadState.COMPLETED and error is None:
        dedup_later([upload.id], uow)


def _end(upload: Upload, error: MultipartError | None, uow: UnitOfWork) -> None:
    """What becomes of an upload that was waiting for this."""
    target = find_target(upload)
    if target is None:
        # The entry went without its upload; nobody can ever reach these bytes.
        abort(upload, uow)
    elif error is not None:
        upload.fail(error.code, error.message)
        mark_failed(target)
    elif upload.batch_id is None:
        upload.move(UploadState.COMPLETED)
        if target.is_ours:
            finalize(upload, target, uow)
            uow.register(extraction_op(upload))
    # All files of a batch become files together; its job is waiting for this.


def _tell_batches(upload_ids: Sequence[uuid.UUID]) -> None:
    """What happens once for a batch when the last of its files has been read.

    Its completion looks again, or its digests go into the index.
    """
    with UnitOfWork() as uow:
        for batch_id, record_id in uploads.read_batches(upload_ids):
            batch = db.session.get(Batch, batch_id)
            if batch is None:
                continue
            if batch.status is BatchState.COMPLETED:
                uow.register(ReindexOp(record_id))
            elif batch.complete_job_id is not None:
                job = jobs.hasten(batch.complete_job_id)
                if job is not None:
                    current_multipart.jobs.submit(job, uow)
        uow.commit()


def _mismatch(upload: Upload) -> ChecksumMismatch | None:
    """The error of a declared digest that is not the computed one."""
    declared = parse_digest(upload.declared) if upload.declared else None
    if declared is None or declared.algorithm not in upload.digests:
        return None
    computed = Digest(declared.algorithm, upload.digests[declared.algorithm])
    if computed == declared:
        return None
    return ChecksumMismatch(str(declared), str(computed))
