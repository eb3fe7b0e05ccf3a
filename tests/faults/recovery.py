# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""All services are well again, time passes, and the periodic tasks do their work."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from invenio_db import db

from invenio_multipart.proxies import current_multipart
from invenio_multipart.records.models import Batch, Job, utc_now

from .batches_left import batches_since
from .held_queue import HeldQueue
from .left_behind import make_old, uploads_since
from .quotas import assert_quotas

_SOON = timedelta(minutes=15)
"""What is due within this time is waited for; deadlines are further away."""

_ROUNDS = 12

_GONE = ("aborted", "expired")


def settle(app: Any, begun: datetime, queue: HeldQueue | None = None) -> None:
    """Let leases and pauses end and the periodic tasks run, until all is quiet.

    :param queue: where tasks wait; None when they are run at once.
    """
    for _ in range(_ROUNDS):
        with app.app_context():
            # Before the reaper mends it, and drafts go with their buckets.
            assert_quotas(begun)
            make_old(begun)
            _make_batches_old(begun)
            waited = let_leases_end(begun)
            found = reap()
        worked = queue.work() if queue is not None else 0
        with app.app_context():
            left = _left(begun)
        if not left and not (queue and queue.messages):
            return
    told = f"{left} are left after {waited} jobs, {worked} messages, {found}"
    raise AssertionError(f"It never comes to rest: {told}")


def _make_batches_old(begun: datetime) -> None:
    for batch in batches_since(begun):
        batch.updated -= timedelta(days=1)
    db.session.commit()


def _left(begun: datetime) -> list[str]:
    """What still waits for somebody: jobs, and uploads to be purged or read."""
    jobs = Job.query.filter(_is_waiting(utc_now(), begun))
    uploads = [
        upload
        for upload in uploads_since(begun)
        if upload.hash_states is not None
        or (upload.state in _GONE and upload.purged_on is None)
    ]
    return [*map(repr, uploads), *(f"{job.kind} {job.status}" for job in jobs)]


def reap() -> Mapping[str, int]:
    """What the periodic tasks do; how much of each kind there was to do.

    Quota is none of it: whatever broke, no transaction leaves it wrong.
    """
    done: dict[str, int] = current_multipart.reaper.reap().done
    assert done["quotas"] == 0, "The reaper had to correct quota."
    return done


def let_leases_end(begun: datetime) -> int:
    """Workers that died are found dead now, and pauses are over; how many."""
    now = utc_now()
    waiting = Job.query.filter(_is_waiting(now, begun))
    count = waiting.update(
        {Job.due_at: now - timedelta(seconds=1)}, synchronize_session=False
    )
    db.session.commit()
    return int(count)


def _is_waiting(now: datetime, begun: datetime) -> Any:
    soon = (Job.status == "PENDING") & (Job.due_at < now + _SOON)
    # Tests of other things leave jobs that nobody is to do.
    return (Job.created >= begun) & ((Job.status == "STARTED") | soon)


def pass_deadlines(begun: datetime, batch_id: Any = None) -> None:
    """Every batch since then, or one, has a deadline that passed minutes ago."""
    past = utc_now() - timedelta(minutes=5)
    for batch in batches_since(begun):
        if batch_id in (None, str(batch.id)):
            batch.complete_before = past
            _let_come(batch, past, "purge_batch", "sweep_batch")
    db.session.commit()


def expire(begun: datetime) -> None:
    """What is transient has reached its end."""
    past = utc_now() - timedelta(minutes=1)
    for batch in batches_since(begun):
        if batch.expires_at is not None:
            batch.expires_at = past
            _let_come(batch, past, "expire_batch")
    db.session.commit()


def _let_come(batch: Batch, past: datetime, *kinds: str) -> None:
    jobs = Job.query.filter(
        Job.batch_id == batch.id, Job.kind.in_(kinds), Job.status == "PENDING"
    )
    jobs.update({Job.due_at: past}, synchronize_session=False)
