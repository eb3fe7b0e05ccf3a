# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What nobody finishes, the reaper does: deadlines, and what crashes left."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from flask import current_app
from invenio_db import db
from invenio_db.uow import UnitOfWork

from ...core.states import UploadState
from ...proxies import current_multipart
from ...records import uploads
from ...records.models import Upload, utc_now
from ...tasks import purge_upload, verify_upload
from .abort import abort
from .finalize import find_target

_BATCH = 100
_PATIENCE = timedelta(minutes=10)
"""How long a task may be on its way before it is taken for lost."""


def reap() -> dict[str, int]:
    """Expire what is overdue and queue again what was lost.

    Walks by the deadline index and skips rows in use; any number of reapers may
    run at once.

    :returns: how many uploads were expired, queued to purge, queued to verify; and
        how many jobs were queued.
    """
    expired = 0
    while batch := _expire_batch():
        expired += batch
    return {
        "expired": expired,
        "purging": _queue_again(uploads.unpurged, purge_upload),
        "verifying": _queue_again(uploads.unverified, verify_upload),
        # They have a periodic task of their own; a site may have switched it off.
        "jobs": current_multipart.jobs.run_due(),
    }


def _queue_again(find: Callable[..., Sequence[uuid.UUID]], task: Any) -> int:
    """Queue what was lost, the longest waiting first.

    Each is marked as looked after: other reapers leave it alone for a while, and
    some that fail every time do not stand in the way of all others.
    """
    lost, count = utc_now() - _PATIENCE, 0
    while found := find(lost, _BATCH, claim=True):
        uploads.touch(found)
        db.session.commit()
        for upload_id in found:
            task.delay(str(upload_id))
        count += len(found)
    return count


def _expire_batch() -> int:
    with UnitOfWork() as uow:
        found = uploads.overdue(utc_now(), _BATCH)
        # In one order, so that two reapers never wait for each other's buckets.
        for upload in sorted(found, key=lambda upload: str(upload.bucket_id)):
            abort(upload, uow, UploadState.EXPIRED)
            remove_entry(upload)
        uow.commit()
    return len(found)


def remove_entry(upload: Upload) -> None:
    """Take the pending file out of its draft, so that the draft heals too."""
    try:
        target = find_target(upload)
    except KeyError:
        # The service was renamed or removed from the site: nothing to take out.
        current_app.logger.warning("No file service %s.", upload.service_id)
        return
    if target is not None and target.is_ours:
        target.file_record.delete(force=True)
    db.session.flush()


def describe(limit: int = 1000) -> list[dict[str, Any]]:
    """Open uploads and those whose store is not freed yet, for operators."""
    rows = [*uploads.list_open(limit)]
    ended = uploads.unpurged(utc_now(), limit)
    rows += [db.session.get(Upload, upload_id) for upload_id in ended]
    return [
        {
            "id": str(upload.id),
            "key": upload.key,
            "state": upload.state,
            "size": upload.size,
            "initiated_on": upload.initiated_on,
            "expires_at": upload.expires_at,
            "uri": upload.uri,
        }
        for upload in rows
    ]
