# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Background work; each task is one call through a proxy.

Services queue tasks and tasks call services: going through the proxy keeps the
imports one way.
"""

from __future__ import annotations

from typing import Any

from celery import shared_task
from sqlalchemy.exc import InterfaceError, OperationalError

from .errors import StorageUnavailable
from .proxies import current_multipart

_RETRY = {
    # A database that fails over is back in a moment, and all of these may be repeated.
    "autoretry_for": (StorageUnavailable, OperationalError, InterfaceError),
    "retry_backoff": 5,
    "retry_backoff_max": 600,
    "max_retries": 8,
}
"""About an hour of retries; then the reaper takes over at its own pace."""


@shared_task(ignore_result=True, **_RETRY)
def purge_upload(upload_id: str) -> None:
    """Free what an ended upload holds in the store.

    :param upload_id: UUID of the upload.
    """
    current_multipart.uploads.purge(upload_id)


@shared_task(ignore_result=True, acks_late=True, **_RETRY)
def verify_upload(upload_id: str) -> None:
    """Read a committed file once and prove or find its digest.

    Late acknowledged: a machine that dies gives the task back. Where only the
    process dies (out of memory), the reaper queues it again. Either way the next
    worker goes on where the last checkpoint is.

    :param upload_id: UUID of the upload.
    """
    current_multipart.uploads.verify(upload_id)


@shared_task(ignore_result=True, acks_late=True, **_RETRY)
def verify_uploads(upload_ids: list[str]) -> None:
    """The same for many small files, one after the other.

    :param upload_ids: UUIDs of uploads.
    """
    current_multipart.uploads.verify_some(upload_ids)


@shared_task(ignore_result=True, **_RETRY)
def dedup_uploads(upload_ids: list[str]) -> None:
    """Put finished files onto bytes that are there already.

    :param upload_ids: UUIDs of uploads.
    """
    current_multipart.links.dedup(upload_ids)


@shared_task(ignore_result=True, **_RETRY)
def commit_upload(upload_id: str) -> None:
    """Go on with a commit whose process died.

    :param upload_id: UUID of the upload.
    """
    current_multipart.reaper.recommit(upload_id)


@shared_task(ignore_result=True, acks_late=True, **_RETRY)
def free_files() -> None:
    """Delete files whose last use has ended."""
    current_multipart.reaper.free()


@shared_task(ignore_result=True)
def reap_uploads() -> None:
    """Purge uploads past their deadline and repair what a crash left."""
    current_multipart.reaper.reap(from_beat=True)


_JOB_CALLS = 20
"""How often a message is put back while its job waits or another worker has it; then
the periodic task looks after the job. Keeps copies of a message from adding up."""


@shared_task(
    bind=True,
    ignore_result=True,
    acks_late=True,
    reject_on_worker_lost=True,
    max_retries=None,
)
def run_job(self: Any, job_id: str) -> None:
    """Run a job if it is due; come back when it should be looked at again.

    Late acknowledged: a worker that dies gives the message back. Without a queue
    (eager) there is nothing to come back from.

    :param job_id: UUID of the job.
    """
    seconds = current_multipart.jobs.run(job_id)
    request = self.request
    if seconds and request.retries < _JOB_CALLS and not request.is_eager:
        raise self.retry(countdown=seconds)


@shared_task(ignore_result=True)
def run_due_jobs() -> None:
    """Queue the jobs that are due, and those whose worker has died."""
    current_multipart.jobs.run_due()


@shared_task(ignore_result=True)
def rebuild_index() -> None:
    """Begin to rebuild the search index, unless that is under way."""
    current_multipart.index.rebuild()
