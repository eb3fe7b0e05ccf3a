# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The lock that an open batch is on its draft, and what becomes of a dead one."""

from __future__ import annotations

from typing import Any

from invenio_db.uow import UnitOfWork

from ...core.states import BatchState
from ...errors import BatchOpen, Locked
from ...proxies import current_multipart
from ...records import batches, jobs, locks
from ...records.models import Batch, utc_now
from .end import close


def require_unlocked(draft: Any) -> None:
    """:raises BatchOpen: while a batch is on its way into the draft."""
    locks.await_turn(draft.id)
    batch = batches.open_of_record(draft.id)
    if batch is not None:
        raise BatchOpen(
            "A batch of files is open in this draft: complete or abort it first.",
            str(batch.id),
        )


def take_over_dead_lock(draft: Any) -> None:
    """Free a draft from a batch that is over but for the reaper.

    :raises Locked: the batch is alive.
    """
    with UnitOfWork() as uow:
        batch = batches.open_of_record(draft.id, lock=True)
        if batch is None:
            return
        passed = utc_now() >= batch.complete_before
        if batch.status is BatchState.UPLOADING and passed:
            # Somebody wants the draft now, so it is not to go with the batch.
            batch.provisioned = False
            close(batch, BatchState.EXPIRED, uow)
            uow.commit()
            return
        refusal = locked_by(batch)
        if batch.status is BatchState.COMPLETING and batch.complete_job_id:
            # Its worker may be dead: whoever takes the job looks for that.
            job = jobs.locked(batch.complete_job_id)
            if job is not None and job.due_at <= utc_now():
                current_multipart.jobs.submit(job, uow)
        # Inside, it would undo the transaction.
        uow.commit()
    raise refusal


def is_over(batch: Batch, uow: UnitOfWork) -> bool:
    """Whether the batch has ended without files; it does now if it is late."""
    if batch.status is BatchState.UPLOADING and utc_now() >= batch.complete_before:
        close(batch, BatchState.EXPIRED, uow)
    return batch.status in (BatchState.ABORTED, BatchState.EXPIRED)


def locked_by(batch: Batch | None) -> Locked:
    """The error for a draft that another batch has."""
    lock: dict[str, Any] = {"stage": BatchState.UPLOADING.value}
    if batch is not None:
        lock = {
            "stage": batch.state,
            "batch": str(batch.id),
            "since": batch.created.isoformat(timespec="seconds"),
            "until": batch.complete_before.isoformat(timespec="seconds"),
        }
    return Locked("The draft is locked: another batch of files is open.", lock)
