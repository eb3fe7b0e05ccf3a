# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What the reaper does about batches.

Their jobs do nearly all of it. This is for jobs that are late, were lost with a
restored database, or have given up.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from invenio_db.uow import UnitOfWork

from ...core.states import BatchState
from ...proxies import current_multipart
from ...records import jobs, leftovers
from ...records.models import Batch, Job, utc_now
from ..audit import DEADLINE, TRANSIENT
from ..batches.end import close
from ..batches.reopen import reopen
from .walk import REDRIVE, Found, Rule


def _overdue(at: Any, limit: int) -> Sequence[Found]:
    rows = leftovers.overdue_batches(utc_now(), at, limit)
    return [_found(row, "expire", DEADLINE, row.complete_before) for row in rows]


def _expire(found: Found, uow: UnitOfWork) -> bool:
    batch = leftovers.free_batch(uuid.UUID(found.id))
    if batch is None or batch.complete_before > utc_now():
        return False
    if batch.status is BatchState.COMPLETING:
        _reopen(batch)
    if batch.status is not BatchState.UPLOADING:
        return False
    close(batch, BatchState.EXPIRED, uow)
    if not leftovers.has_open_job(batch.purge_job_id):
        batch.purge_job_id = _job("purge_batch", batch, uow)
    return True


def _stuck(at: Any, limit: int) -> Sequence[Found]:
    rows = leftovers.stuck_batches(utc_now(), at, limit)
    reason = "its completion has ended"
    return [_found(row, "reopen", reason, row.complete_before) for row in rows]


def _reopen_stuck(found: Found, uow: UnitOfWork) -> bool:
    batch = leftovers.free_batch(uuid.UUID(found.id))
    return batch is not None and _reopen(batch)


def _reopen(batch: Batch) -> bool:
    """Open a batch again that nobody completes any more; the caller has locked it."""
    waits = leftovers.has_open_job(batch.complete_job_id)
    if waits or batch.status is not BatchState.COMPLETING:
        return False
    # As its job would have done: not added to the session, it only carries the words.
    reopen(
        Job(
            batch_id=batch.id,
            error_code=jobs.WORKER_LOST,
            error_message="The completion was lost; ask for it again.",
        )
    )
    return True


def _unpurged(at: Any, limit: int) -> Sequence[Found]:
    rows = leftovers.unpurged_batches(utc_now() - REDRIVE, at, limit)
    return [_found(row, "purge", "its job gave up", row.updated) for row in rows]


def _purge(found: Found, uow: UnitOfWork) -> bool:
    batch = leftovers.free_batch(uuid.UUID(found.id))
    if batch is None or batch.purged_on is not None:
        return False
    if leftovers.has_open_job(batch.purge_job_id):
        return False
    batch.purge_job_id = _job("purge_batch", batch, uow)
    return True


def _unexpired(at: Any, limit: int) -> Sequence[Found]:
    now = utc_now()
    rows = leftovers.unexpired_batches(now, now - REDRIVE, at, limit)
    return [_found(row, "delete", TRANSIENT, row.expires_at) for row in rows]


def _delete(found: Found, uow: UnitOfWork) -> bool:
    batch = leftovers.free_batch(uuid.UUID(found.id))
    if batch is None or batch.purged_on is not None:
        return False
    if leftovers.has_open_job(batch.expires_job_id):
        return False
    batch.expires_job_id = _job("expire_batch", batch, uow)
    return True


RULES = (
    Rule("batches_expired", _overdue, _expire),
    Rule("batches_reopened", _stuck, _reopen_stuck),
    Rule("batches_purging", _unpurged, _purge),
    Rule("records_expiring", _unexpired, _delete),
)


def _job(kind: str, batch: Batch, uow: UnitOfWork) -> uuid.UUID:
    job = jobs.create(kind, batch_id=batch.id)
    current_multipart.jobs.submit(job, uow)
    # Whatever else changes: the next one waits as long as this one did.
    batch.updated = utc_now()
    return uuid.UUID(str(job.id))


def _found(batch: Batch, does: str, reason: str, moment: Any) -> Found:
    return Found(
        "batch",
        str(batch.id),
        does,
        reason,
        record_id=batch.pid_value,
        uri=batch.prefix,
        size=batch.size,
        at=(moment, batch.id),
    )
