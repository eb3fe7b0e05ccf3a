# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The job service: submit, run, ask."""

from __future__ import annotations

import uuid
from typing import Any

from flask import current_app
from invenio_base import invenio_url_for
from invenio_db import db
from invenio_db.uow import UnitOfWork, unit_of_work
from kombu.exceptions import OperationalError

from ...core.states import JobStatus
from ...errors import JobNotFound
from ...records import jobs
from ...records.models import Job, utc_now
from ...tasks import run_job
from ..uploads.abort import QueueOp
from .runner import SOON, run

_BATCH = 100
_MESSAGE_SECONDS = 3600
"""A message nobody took for so long is dropped: there are newer ones by then."""


class JobService:
    """Jobs of one application. Who may create one is decided before."""

    def submit(self, job: Job, uow: UnitOfWork) -> None:
        """Have a created job run when it is due, once ``uow`` is committed.

        What is due later than in 15 minutes, and what finds no broker, is left to
        the periodic task.
        """
        wait = job.due_at - utc_now()
        if wait <= SOON:
            uow.register(
                QueueOp.for_async_apply(
                    run_job,
                    args=(str(job.id),),
                    countdown=max(wait.total_seconds(), 0),
                )
            )

    def run(self, job_id: uuid.UUID | str) -> float | None:
        """Run a job here and now if it is due.

        :returns: seconds after which to call again, None when there is no need to.
        """
        return run(_uuid(job_id))

    def run_due(self) -> int:
        """Queue what is due and what dead workers left; how many were queued.

        Bounded: what is left over is found the next time.
        """
        found = jobs.due(utc_now(), _BATCH)
        db.session.commit()
        for count, job_id in enumerate(found):
            try:
                run_job.apply_async(args=(str(job_id),), expires=_MESSAGE_SECONDS)
            except OperationalError:
                current_app.logger.warning("No broker; jobs wait.", exc_info=True)
                return count
        return len(found)

    def url(self, job_id: uuid.UUID | str) -> str:
        """Where its status is asked for."""
        url: str = invenio_url_for("multipart_jobs.job_get", job_id=str(job_id))
        return url

    def status(self, job_id: uuid.UUID | str) -> dict[str, Any]:
        """How a job is doing; nothing in it is secret.

        :returns: ``task_id``, ``status``, ``result``, ``traceback`` (always None),
            ``children``, ``date_done`` (ISO, None until then), ``progress`` with
            ``done``, ``total``, ``stage``; and ``error`` with ``code`` and
            ``message`` when the job failed.
        :raises JobNotFound: no job has this id.
        """
        job = db.session.get(Job, _uuid(job_id), populate_existing=True)
        if job is None:
            raise JobNotFound("No job has this id.")
        status = {
            "task_id": str(job.id),
            "status": job.status,
            "result": job.result,
            "traceback": None,
            "children": [
                {"task_id": str(child.id), "status": child.status}
                for child in jobs.children(job.id)
            ],
            "date_done": job.date_done.isoformat() if job.date_done else None,
            "progress": {"done": job.done, "total": job.total, "stage": job.stage},
        }
        if job.status == JobStatus.FAILURE.value:
            status["error"] = {"code": job.error_code, "message": job.error_message}
        return status

    @unit_of_work()  # type: ignore[misc]
    def revoke(self, job_id: uuid.UUID | str, uow: UnitOfWork | None = None) -> bool:
        """Cancel a job that has not begun; may be repeated.

        :returns: whether it is revoked. One that runs or has ended is left alone.
        """
        return jobs.revoke(_uuid(job_id))


def _uuid(job_id: uuid.UUID | str) -> uuid.UUID:
    return job_id if isinstance(job_id, uuid.UUID) else uuid.UUID(job_id)
