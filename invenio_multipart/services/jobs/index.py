# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The index service: rebuild the search index, one at a time."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from flask_principal import Identity
from invenio_access.permissions import system_identity
from invenio_db.uow import UnitOfWork, unit_of_work

from ...core.states import JOB_OPEN, JobStatus
from ...errors import Locked
from ...records import jobs
from ..permissions import require_admin
from .service import JobService

KIND = "reindex"
LOCK = "__all_projects__"
STAGE = "index_all"


class IndexService:
    """Re-indexing of everything, for administrators.

    :param job_service: runs it.
    """

    def __init__(self, job_service: JobService) -> None:
        self._jobs = job_service

    @unit_of_work()  # type: ignore[misc]
    def build(
        self, identity: Identity, uow: UnitOfWork | None = None
    ) -> dict[str, Any]:
        """Begin to rebuild the index; uploads and edits go on meanwhile.

        A run whose worker has died is failed, and a new one begun.

        :returns: ``status`` "accepted", ``job_id`` and ``job_url``.
        :raises PermissionDeniedError: not an administrator.
        :raises Locked: one is under way.
        """
        require_admin(identity)
        job = jobs.create(KIND, lock=LOCK, stage=STAGE)
        self._jobs.submit(job, uow)
        return {
            "status": "accepted",
            "job_id": str(job.id),
            "job_url": self._jobs.url(job.id),
        }

    def rebuild(self) -> None:
        """Begin it for the system; nothing when one is under way."""
        with suppress(Locked):
            self.build(system_identity)

    def status(self, identity: Identity) -> dict[str, Any]:
        """How the index is, and how its last rebuilding went.

        :returns: ``state`` (ok, re-indexing, failed), ``lock`` (None when free),
            ``job_id``, ``job_url``, ``since`` and ``finished_on`` (ISO), ``progress``
            with ``done`` and ``total``, ``result`` and ``error``; all None where the
            index was never rebuilt.
        :raises PermissionDeniedError: not an administrator.
        """
        require_admin(identity)
        job = jobs.latest(KIND)
        if job is None:
            names = ["lock", "job_id", "job_url", "since", "finished_on"]
            names += ["progress", "result", "error"]
            return {"state": "ok", **dict.fromkeys(names)}
        under_way = JobStatus(job.status) in JOB_OPEN
        failed = job.status == JobStatus.FAILURE.value
        status = self._jobs.status(job.id)
        return {
            "state": "re-indexing" if under_way else "failed" if failed else "ok",
            "lock": jobs.lock_of(job) if under_way else None,
            "job_id": str(job.id),
            "job_url": self._jobs.url(job.id),
            "since": job.created.isoformat(),
            "finished_on": status["date_done"],
            "progress": {"done": job.done, "total": job.total},
            "result": status["result"],
            "error": status.get("error"),
        }
