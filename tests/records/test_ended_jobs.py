# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Which jobs may be forgotten, and in what order."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from invenio_db import db
from sqlalchemy import text

from invenio_multipart.records import ended_jobs, jobs
from invenio_multipart.records.models import FORGETTABLE, Job, utc_now

KIND = "test-forgotten"
LONG_AGO = timedelta(days=36_500)
"""Before anything that other tests leave."""


@pytest.fixture(autouse=True)
def transaction(app: Any) -> Iterator[None]:
    """Everything in one transaction, which is rolled back."""
    with app.app_context():
        yield
        db.session.rollback()


def ended(status: str, days: int, kind: str = KIND) -> Job:
    """A job that ended so many days after the beginning of time."""
    job = jobs.create(kind)
    job.status = status
    if status not in ("PENDING", "STARTED"):
        job.date_done = utc_now() - LONG_AGO + timedelta(days=days)
    db.session.flush()
    return job


def left(*some: Job) -> list[Job]:
    """Those that are still there."""
    query = db.select(Job.id).where(Job.id.in_([job.id for job in some]))
    ids = set(db.session.execute(query).scalars())
    return [job for job in some if job.id in ids]


@pytest.mark.parametrize(
    ("status", "kind", "goes"),
    [
        ("SUCCESS", KIND, True),
        ("FAILURE", KIND, True),
        ("REVOKED", KIND, True),
        ("PENDING", KIND, False),
        ("STARTED", KIND, False),
        ("SUCCESS", "complete_batch", False),
        ("FAILURE", "complete_batch", True),
    ],
)
def test_what_is_forgotten(status: str, kind: str, goes: bool) -> None:
    """All that has ended, but what has completed a batch."""
    job = ended(status, 0, kind)
    before = utc_now() - LONG_AGO + timedelta(days=1)
    assert ended_jobs.count_older(before, 10) == int(goes)
    assert ended_jobs.forget(before, 10) == int(goes)
    assert left(job) == ([] if goes else [job])


def test_the_oldest_go_first() -> None:
    """A page has those that ended first; what ended later than said stays."""
    late, early, middle = (ended("SUCCESS", days) for days in (5, 1, 3))
    before = utc_now() - LONG_AGO + timedelta(days=4)
    assert ended_jobs.count_older(before, 1) == 1
    assert ended_jobs.forget(before, 1) == 1
    assert left(late, early, middle) == [late, middle]
    assert ended_jobs.forget(before, 10) == 1
    assert left(late, middle) == [late]


def test_what_is_locked_is_passed_by(app: Any) -> None:
    """Two reapers at once do not wait for each other."""
    job = ended("SUCCESS", 0, f"{KIND}-{uuid.uuid4().hex[:8]}")
    db.session.commit()
    before, done = utc_now() - LONG_AGO + timedelta(days=1), []

    def other() -> None:
        with app.app_context():
            done.append(ended_jobs.forget(before, 10))
            db.session.rollback()

    try:
        assert jobs.locked(job.id) is not None
        thread = threading.Thread(target=other)
        thread.start()
        thread.join(20)
        assert done == [0]
        assert ended_jobs.forget(before, 10) == 1
    finally:
        db.session.rollback()
        db.session.execute(db.delete(Job).where(Job.kind == job.kind))
        db.session.commit()


def test_found_by_the_index() -> None:
    """The database may use the index that has only what may be forgotten."""
    if db.session.get_bind().dialect.name != "postgresql":
        pytest.skip("Only PostgreSQL is asked for its plan.")
    db.session.execute(text("SET LOCAL enable_seqscan = off"))
    plan = db.session.execute(
        text(
            "EXPLAIN SELECT id FROM multipart_job "  # noqa: S608
            f"WHERE {FORGETTABLE} AND date_done < now() ORDER BY date_done LIMIT 5"
        )
    )
    assert "ix_multipart_job_forgettable" in "\n".join(row[0] for row in plan)
