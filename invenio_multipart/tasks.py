# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Background work; each task is one call through a proxy.

Services queue tasks and tasks call services: going through the proxy keeps the
imports one way.
"""

from __future__ import annotations

from celery import shared_task

from .errors import StorageUnavailable
from .proxies import current_multipart

_RETRY = {
    "autoretry_for": (StorageUnavailable,),
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


@shared_task(ignore_result=True)
def reap_uploads() -> None:
    """Purge uploads past their deadline and repair what a crash left."""
    current_multipart.uploads.reap()
