# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Runs one job: claims it, keeps the claim alive, and writes down how it ended."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from flask import current_app
from invenio_db import db
from invenio_search.engine import search
from kombu.exceptions import OperationalError as BrokerError
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm.exc import StaleDataError

from ...core.running import JobLost, Postpone, TryAgain
from ...core.states import JOB_OPEN, JobStatus
from ...errors import MultipartError, StorageUnavailable
from ...records import jobs
from ...records.models import Job, utc_now
from .claimed import LEASE, ClaimedJob, beating
from .kinds import KINDS, WHEN_FAILED

MAX_ATTEMPTS = 10
"""Attempts after which a job is given up: about an hour of outage."""

BACKOFF = timedelta(seconds=5)
"""Pause after the first attempt that failed; it doubles with each."""
BACKOFF_MAX = timedelta(minutes=10)

SOON = timedelta(minutes=15)
"""What is due within this time waits in the queue, the rest in the table.

Well below the hour after which Redis gives a waiting message to a second worker.
"""

_PASSING = (
    StorageUnavailable,
    TryAgain,
    BrokerError,
    OperationalError,
    InterfaceError,
    # Somebody else has just changed the record.
    StaleDataError,
)
"""Errors that go away by themselves: store, database, broker, search engine."""


def run(job_id: uuid.UUID) -> float | None:
    """Run a job that is due, here and now.

    Does nothing for one that has ended, is not due yet, or is being run by a worker
    that is alive. Has a database session of its own.

    :returns: seconds after which to call again; None when there is no need to, or
        when the job is so far off that the periodic task will find it.
    """
    with current_app.app_context():
        try:
            return _claim_and_run(job_id)
        except (OperationalError, InterfaceError):
            # Not even the outcome can be written: the lease, if there is one, runs
            # out, and then the job is run again.
            db.session.rollback()
            current_app.logger.warning("Job %s lost its database.", job_id)
            return LEASE.total_seconds()


def _claim_and_run(job_id: uuid.UUID) -> float | None:
    runner = uuid.uuid4()
    job = jobs.claim(job_id, runner, utc_now(), LEASE)
    db.session.commit()
    if job is None:
        return _seconds_left(job_id)
    claimed = ClaimedJob(job, runner)
    if job.attempts > MAX_ATTEMPTS:
        # The one before the last neither ended nor failed: it died.
        _give_up(claimed)
        return None
    # The connection goes back to the pool; the handler opens what it needs.
    db.session.commit()
    return _run(claimed)


def _run(job: ClaimedJob) -> float | None:
    """Call the handler and write down how it ended; seconds until the next try."""
    try:
        with beating(job):
            result = KINDS[job.kind](job)
        db.session.commit()
        jobs.finish(job.id, job.runner, result, **job.said)
        db.session.commit()
    except JobLost:
        db.session.rollback()
        current_app.logger.warning("Job %s was taken over by another.", job.id)
    except Postpone as wish:
        db.session.rollback()
        return _again(job, timedelta(seconds=wish.seconds), counted=False)
    except Exception as error:  # noqa: BLE001 - the edge: all ends are written down
        db.session.rollback()
        return _failed(job, error)
    return None


def _failed(job: ClaimedJob, error: Exception) -> float | None:
    """Try again, or fail the job with words that anybody may read."""
    if _is_passing(error):
        current_app.logger.warning(
            "Attempt %s at job %s failed.", job.attempts, job.id, exc_info=error
        )
        if job.attempts < MAX_ATTEMPTS:
            return _again(job, backoff(job.attempts), counted=True)
        _give_up(job)
    elif isinstance(error, MultipartError):
        details = dict(error.details)
        _fail(job, error.code, error.message, {"errors": details} if details else None)
    else:
        current_app.logger.error("Job %s failed.", job.id, exc_info=error)
        message = "An internal error; the site's log has it under this job's id."
        _fail(job, "internal_error", message)
    return None


def backoff(attempts: int) -> timedelta:
    """How long to wait after so many failed attempts, from 1."""
    return min(BACKOFF * 2 ** min(attempts - 1, 20), BACKOFF_MAX)


def _is_passing(error: Exception) -> bool:
    if isinstance(error, search.exceptions.TransportError):
        # No connection, too many requests, or a proxy that finds nobody behind it.
        return error.status_code in {"N/A", "TIMEOUT", 429, 502, 503, 504}
    return isinstance(error, _PASSING)


def _again(job: ClaimedJob, wait: timedelta, *, counted: bool) -> float | None:
    postponed = jobs.postpone(job.id, job.runner, utc_now() + wait, counted=counted)
    db.session.commit()
    return wait.total_seconds() if postponed and wait <= SOON else None


def _give_up(job: ClaimedJob) -> None:
    _fail(
        job,
        "gave_up",
        f"Given up after {MAX_ATTEMPTS} attempts: something that is needed cannot be "
        "reached. The site's log has more under this job's id.",
    )


def _fail(
    job: ClaimedJob,
    code: str,
    message: str,
    result: Mapping[str, Any] | None = None,
) -> None:
    failed = jobs.fail(job.id, job.runner, code, message, result, **job.said)
    if failed and (follow_up := WHEN_FAILED.get(job.kind)):
        follow_up(db.session.get(Job, job.id, populate_existing=True))
    db.session.commit()


def _seconds_left(job_id: uuid.UUID) -> float | None:
    """When to look again at a job that could not be claimed."""
    job = db.session.get(Job, job_id, populate_existing=True)
    if job is None or JobStatus(job.status) not in JOB_OPEN:
        return None
    left = job.due_at - utc_now()
    return max(left.total_seconds(), 1.0) if left <= SOON else None
