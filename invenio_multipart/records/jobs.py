# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Queries of jobs. Nothing here commits.

Every move is one statement that names the state it starts from, and for a running
job its runner: of any number of workers one gets a row, the others nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from invenio_db import db
from sqlalchemy import ColumnElement, func, literal, select, update
from sqlalchemy.exc import IntegrityError

from ..core.states import JOB_OPEN, JobStatus
from ..errors import Locked
from .models import Job, utc_now

_OPEN = tuple(status.value for status in JOB_OPEN)
_TRIES = 3
"""How often a lock that ends while it is asked for is asked for again."""

WORKER_LOST = "worker_lost"
"""Error of a job whose lock was taken over after its worker had died."""


def create(
    kind: str,
    *,
    batch_id: uuid.UUID | None = None,
    parent_id: uuid.UUID | None = None,
    arguments: Mapping[str, Any] | None = None,
    due_at: datetime | None = None,
    lock: str | None = None,
    total: int | None = None,
    stage: str | None = None,
) -> Job:
    """A new job in the session, flushed; it still has to be submitted.

    :param arguments: JSON for the handler.
    :param due_at: not before this moment; None for now.
    :param lock: name that no other open job may have. A holder whose worker has
        died is failed, and its lock is taken over.
    :param total: what ``done`` will count up to, if that is known.
    :param stage: what the job begins with, one word.
    :raises Locked: another open job has this lock; says which and since when.
    """

    def add() -> Job:
        job = Job(
            kind=kind,
            batch_id=batch_id,
            parent_id=parent_id,
            arguments=dict(arguments or {}),
            due_at=due_at or utc_now(),
            lock=lock,
            total=total,
            stage=stage,
        )
        db.session.add(job)
        db.session.flush()
        return job

    if lock is None:
        return add()
    for _ in range(_TRIES):
        try:
            with db.session.begin_nested():
                return add()
        except IntegrityError as error:
            found = holder(lock)
            if found is not None and not _declare_dead(found.id):
                raise locked_by(found) from error
    raise Locked("Others are faster; try again.", {"name": lock, "stage": stage})


def locked_by(job: Job) -> Locked:
    """The error that names the holder of a lock."""
    return Locked(f"A job of the kind {job.kind} is under way.", lock_of(job))


def lock_of(job: Job) -> dict[str, Any]:
    """What is told of a lock: its name, its holder's stage and id, since when."""
    return {
        "name": job.lock,
        "stage": job.stage,
        "since": job.created.isoformat(),
        "job_id": str(job.id),
    }


def holder(lock: str) -> Job | None:
    """The open job that has this lock, read afresh."""
    query = select(Job).where(Job.lock == lock, Job.status.in_(_OPEN))
    query = query.execution_options(populate_existing=True)
    found: Job | None = db.session.execute(query).scalar_one_or_none()
    return found


def locked(job_id: uuid.UUID) -> Job | None:
    """The job with its row locked until the transaction ends, read afresh."""
    query = select(Job).where(Job.id == job_id).with_for_update()
    query = query.execution_options(populate_existing=True)
    found: Job | None = db.session.execute(query).scalar_one_or_none()
    return found


def claim(
    job_id: uuid.UUID, runner: uuid.UUID, now: datetime, lease: timedelta
) -> Job | None:
    """The job, now ours for ``lease``; None when it is not due or over.

    Due is also a running one whose lease has passed: its worker is taken for dead.
    """
    statement = (
        update(Job)
        .where(Job.id == job_id, Job.status.in_(_OPEN), Job.due_at <= now)
        .values(
            status=JobStatus.STARTED.value,
            runner=runner,
            attempts=Job.attempts + 1,
            due_at=now + lease,
            started_on=func.coalesce(Job.started_on, literal(now, Job.due_at.type)),
        )
        .returning(Job)
        .execution_options(populate_existing=True, synchronize_session=False)
    )
    claimed: Job | None = db.session.execute(statement).scalar_one_or_none()
    return claimed


def beat(job_id: uuid.UUID, runner: uuid.UUID, until: datetime, **values: Any) -> bool:
    """Prolong the lease of a running job, and write what else is given.

    :param until: the new end of the lease.
    :param values: columns, as ``done``, ``total``, ``stage`` or ``arguments``.
    :returns: False when the job is not the runner's any more.
    """
    return _change(_ours(job_id, runner), due_at=until, **values)


def finish(
    job_id: uuid.UUID,
    runner: uuid.UUID,
    result: Mapping[str, Any] | None,
    **values: Any,
) -> bool:
    """The job succeeded; whether it was still the runner's to say so.

    :param values: other columns, as ``done``.
    """
    end = _end(JobStatus.SUCCESS)
    return _change(_ours(job_id, runner), **end, result=_json(result), **values)


def fail(
    job_id: uuid.UUID,
    runner: uuid.UUID,
    code: str,
    message: str,
    result: Mapping[str, Any] | None = None,
    **values: Any,
) -> bool:
    """The job failed for good; whether it was still the runner's to say so.

    :param message: for people; anybody who has the job's id reads it.
    :param values: other columns, as ``done``.
    """
    return _change(
        _ours(job_id, runner),
        **_end(JobStatus.FAILURE),
        error_code=code,
        error_message=message,
        result=_json(result),
        **values,
    )


def postpone(
    job_id: uuid.UUID, runner: uuid.UUID, due_at: datetime, *, counted: bool
) -> bool:
    """Give a running job back, to be run again from ``due_at`` on.

    :param counted: whether this attempt counts as one.
    :returns: whether it was still the runner's to give.
    """
    values: dict[str, Any] = {} if counted else {"attempts": Job.attempts - 1}
    return _change(
        _ours(job_id, runner),
        status=JobStatus.PENDING.value,
        runner=None,
        due_at=due_at,
        **values,
    )


def revoke(job_id: uuid.UUID) -> bool:
    """A job that has not begun will never run; may be repeated.

    :returns: whether it is revoked. False for one that runs, has ended otherwise, or
        does not exist: those are left as they are.
    """
    pending = [Job.id == job_id, Job.status == JobStatus.PENDING.value]
    if _change(pending, **_end(JobStatus.REVOKED)):
        return True
    status = db.session.execute(select(Job.status).where(Job.id == job_id)).scalar()
    return bool(status == JobStatus.REVOKED.value)


def hasten(job_id: uuid.UUID, due_at: datetime | None = None) -> Job | None:
    """A waiting job becomes due now, or at ``due_at`` if that is earlier than its own.

    :returns: the job; None when it runs, has ended, or does not exist.
    """
    moment = due_at or utc_now()
    waiting = [Job.id == job_id, Job.status == JobStatus.PENDING.value]
    _change([*waiting, Job.due_at > moment], due_at=moment)
    query = select(Job).where(*waiting).execution_options(populate_existing=True)
    found: Job | None = db.session.execute(query).scalar_one_or_none()
    return found


def defer(job_id: uuid.UUID, due_at: datetime) -> bool:
    """A waiting job becomes due at another moment.

    :returns: False when it runs, has ended, or does not exist.
    """
    return _change(
        [Job.id == job_id, Job.status == JobStatus.PENDING.value], due_at=due_at
    )


def due(now: datetime, limit: int) -> Sequence[uuid.UUID]:
    """Jobs to be run: due ones, and those of dead workers; the longest due first.

    Their rows are locked, and those somebody is just claiming are skipped.
    """
    query = (
        select(Job.id)
        .where(Job.status.in_(_OPEN), Job.due_at <= now)
        .order_by(Job.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return db.session.execute(query).scalars().all()


def children(job_id: uuid.UUID) -> Sequence[Job]:
    """Jobs that this one began, the oldest first."""
    query = select(Job).where(Job.parent_id == job_id).order_by(Job.created, Job.id)
    return db.session.execute(query).scalars().all()


def latest(kind: str) -> Job | None:
    """The job of this kind that was created last."""
    query = select(Job).where(Job.kind == kind).order_by(Job.created.desc()).limit(1)
    found: Job | None = db.session.execute(query).scalar_one_or_none()
    return found


def _ours(job_id: uuid.UUID, runner: uuid.UUID) -> list[ColumnElement[bool]]:
    started = Job.status == JobStatus.STARTED.value
    return [Job.id == job_id, Job.runner == runner, started]


def _declare_dead(job_id: uuid.UUID) -> bool:
    """Fail a running job whose lease has passed; False when it has not."""
    dead = [Job.status == JobStatus.STARTED.value, Job.due_at <= utc_now()]
    return _change(
        [Job.id == job_id, *dead],
        **_end(JobStatus.FAILURE),
        error_code=WORKER_LOST,
        error_message="The worker died, and another job was begun instead.",
    )


def _end(status: JobStatus) -> dict[str, Any]:
    return {"status": status.value, "date_done": utc_now(), "runner": None}


def _json(value: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if value is None else dict(value)


def _change(where: Sequence[ColumnElement[bool]], **values: Any) -> bool:
    statement = update(Job).where(*where).values(**values).returning(Job.id)
    # Fetched, not evaluated: what the session remembers of the row may be old.
    statement = statement.execution_options(synchronize_session="fetch")
    return db.session.execute(statement).scalar_one_or_none() is not None
