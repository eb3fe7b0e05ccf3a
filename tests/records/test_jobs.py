# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Moves of jobs: each from the state it names, and for a running one by its runner."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from invenio_db import db
from sqlalchemy import text

from invenio_multipart.errors import Locked
from invenio_multipart.records import jobs
from invenio_multipart.records.models import Job, utc_now

KIND = "test-records"
LEASE = timedelta(seconds=60)
ME, OTHER = uuid.uuid4(), uuid.uuid4()


@pytest.fixture(autouse=True)
def transaction(app: Any) -> Iterator[None]:
    """Everything in one transaction, which is rolled back."""
    with app.app_context():
        yield
        db.session.rollback()


def in_status(status: str) -> Job:
    """A job that is where a test begins; a running one is ours."""
    job = jobs.create(KIND)
    if status != "PENDING":
        assert jobs.claim(job.id, ME, utc_now(), LEASE) is job
    ends = {"SUCCESS": jobs.finish, "FAILURE": jobs.fail}
    if status == "SUCCESS":
        assert ends[status](job.id, ME, {})
    elif status == "FAILURE":
        assert ends[status](job.id, ME, "code", "message")
    elif status == "REVOKED":
        assert jobs.postpone(job.id, ME, utc_now(), counted=True)
        assert jobs.revoke(job.id)
    assert job.status == status
    return job


def claim(job: Job) -> bool:
    """Whether another worker gets the job a little later."""
    later = utc_now() + timedelta(seconds=1)
    return jobs.claim(job.id, OTHER, later, LEASE) is not None


MOVES = {
    "claim": (claim, {"PENDING": "STARTED"}),
    "claim after the lease": (
        lambda job: jobs.claim(job.id, OTHER, utc_now() + 2 * LEASE, LEASE) is not None,
        {"PENDING": "STARTED", "STARTED": "STARTED"},
    ),
    "beat": (
        lambda job: jobs.beat(job.id, ME, utc_now()),
        {"STARTED": "STARTED"},
    ),
    "finish": (lambda job: jobs.finish(job.id, ME, {}), {"STARTED": "SUCCESS"}),
    "fail": (lambda job: jobs.fail(job.id, ME, "c", "m"), {"STARTED": "FAILURE"}),
    "postpone": (
        lambda job: jobs.postpone(job.id, ME, utc_now(), counted=False),
        {"STARTED": "PENDING"},
    ),
    "revoke": (
        lambda job: jobs.revoke(job.id),
        {"PENDING": "REVOKED", "REVOKED": "REVOKED"},
    ),
    "finish by another": (lambda job: jobs.finish(job.id, OTHER, {}), {}),
    "fail by another": (lambda job: jobs.fail(job.id, OTHER, "c", "m"), {}),
    "beat by another": (lambda job: jobs.beat(job.id, OTHER, utc_now()), {}),
    "postpone by another": (
        lambda job: jobs.postpone(job.id, OTHER, utc_now(), counted=True),
        {},
    ),
}


@pytest.mark.parametrize(
    "status", ["PENDING", "STARTED", "SUCCESS", "FAILURE", "REVOKED"]
)
@pytest.mark.parametrize("move", MOVES)
def test_moves(status: str, move: str) -> None:
    """Each move works from where the table says, and changes nothing elsewhere."""
    act, moves = MOVES[move]
    job = in_status(status)
    before = _columns(job)
    assert act(job) == (status in moves)
    if status in moves:
        assert _columns(job)["status"] == moves[status]
    else:
        assert _columns(job) == before


def _columns(job: Job) -> dict[str, Any]:
    """The row, read afresh."""
    query = text("SELECT * FROM multipart_job WHERE id = :id")
    return dict(db.session.execute(query, {"id": job.id}).mappings().one())


def test_claim() -> None:
    """Who claims a job gets its lease, and is counted; the first start is kept."""
    job = jobs.create(KIND)
    now = utc_now()
    assert jobs.claim(job.id, ME, now - timedelta(seconds=5), LEASE) is None
    jobs.claim(job.id, ME, now, LEASE)
    expected = ("STARTED", ME, 1, now + LEASE, now)
    assert (job.status, job.runner, job.attempts) == expected[:3]
    assert (job.due_at, job.started_on) == expected[3:]
    later = now + LEASE
    jobs.claim(job.id, OTHER, later, LEASE)
    assert (job.runner, job.attempts) == (OTHER, 2)
    assert (job.due_at, job.started_on) == (later + LEASE, now)


def test_ended_jobs_hold_nothing() -> None:
    """A job that has ended has a date and no runner."""
    for status in ("SUCCESS", "FAILURE", "REVOKED"):
        job = in_status(status)
        db.session.refresh(job)
        assert job.runner is None
        assert job.date_done is not None


def test_due_skips_what_is_in_use(app: Any) -> None:
    """A job that another transaction is just claiming is not waited for."""
    job_id = jobs.create(KIND).id
    db.session.commit()
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with app.app_context():
            jobs.locked(job_id)
            held.set()
            done.wait(30)
            db.session.rollback()

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        assert held.wait(30)
        assert job_id not in jobs.due(utc_now(), 10_000)
    finally:
        done.set()
        thread.join()
    assert job_id in jobs.due(utc_now(), 10_000)
    db.session.delete(db.session.get(Job, job_id))
    db.session.commit()


def test_due_walks_its_index() -> None:
    """What is due is found by the index of open jobs, not by reading all of them."""
    # The table of a test is too small for the planner to care.
    for way in ("seqscan", "bitmapscan", "sort"):
        db.session.execute(text(f"SET LOCAL enable_{way} = off"))
    query = (
        "EXPLAIN SELECT id FROM multipart_job WHERE status IN ('PENDING', 'STARTED') "
        "AND due_at <= now() ORDER BY due_at LIMIT 100 FOR UPDATE SKIP LOCKED"
    )
    plan = "\n".join(db.session.execute(text(query)).scalars())
    assert "ix_multipart_job_open_due_at" in plan
    assert "Sort" not in plan


def test_latest() -> None:
    """The job of a kind that was made last."""
    assert jobs.latest(KIND) is None
    jobs.create(KIND)
    second = jobs.create(KIND)
    assert jobs.latest(KIND) is second


def test_lock_that_others_get_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who never gets a lock that is free each time they look is told so."""
    jobs.create(KIND, lock="a-test")
    monkeypatch.setattr(jobs, "holder", lambda _lock: None)
    with pytest.raises(Locked):
        jobs.create(KIND, lock="a-test")
