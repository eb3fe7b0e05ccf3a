# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What the reaper does about uploads of their own, those of no batch."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import Any

from flask import current_app
from invenio_db import db
from invenio_db.uow import UnitOfWork

from ...core.states import UploadState
from ...errors import MultipartError, StorageUnavailable
from ...records import leftovers, uploads
from ...records.models import Upload, utc_now
from ...tasks import commit_upload, purge_upload, verify_upload
from ..audit import DEADLINE
from ..uploads.abort import QueueOp, abort
from ..uploads.commit import commit
from ..uploads.finalize import extraction_op, find_target
from .walk import PATIENCE, Found, Rule


def _overdue(at: Any, limit: int) -> Sequence[Found]:
    rows = leftovers.overdue_uploads(utc_now(), at, limit)
    return [_found(row, "expire", DEADLINE, row.expires_at) for row in rows]


def _expire(found: Found, uow: UnitOfWork) -> bool:
    upload = leftovers.free_upload(uuid.UUID(found.id))
    if upload is None or not upload.is_open or upload.expires_at >= utc_now():
        return False
    abort(upload, uow, UploadState.EXPIRED)
    remove_entry(upload)
    return True


def _unpurged(at: Any, limit: int) -> Sequence[Found]:
    rows = leftovers.unpurged_uploads(utc_now() - PATIENCE, at, limit)
    return [_found(row, "purge", "its task was lost", row.updated) for row in rows]


def _unverified(at: Any, limit: int) -> Sequence[Found]:
    now = utc_now()
    rows = leftovers.unverified_uploads(now - PATIENCE, now, at, limit)
    return [_found(row, "verify", "its worker died", row.updated) for row in rows]


def _uncommitted(at: Any, limit: int) -> Sequence[Found]:
    now = utc_now()
    rows = leftovers.uncommitted_uploads(now - PATIENCE, now, at, limit)
    return [_found(row, "commit", "its commit died", row.expires_at) for row in rows]


def _queue(task: Any) -> Callable[[Found, UnitOfWork], bool]:
    """Queue a task that may have been lost; other reapers leave it alone a while."""

    def act(found: Found, uow: UnitOfWork) -> bool:
        upload = leftovers.free_upload(uuid.UUID(found.id))
        if upload is None or upload.updated >= utc_now() - PATIENCE:
            return False
        uploads.touch([upload.id])
        uow.register(QueueOp(task, found.id))
        return True

    return act


RULES = (
    Rule("expired", _overdue, _expire),
    Rule("purging", _unpurged, _queue(purge_upload)),
    Rule("verifying", _unverified, _queue(verify_upload)),
    Rule("committing", _uncommitted, _queue(commit_upload)),
)


def recommit(upload_id: uuid.UUID) -> None:
    """Go on with a commit whose process died after it had proved the parts.

    Nothing is decided here that the client has not: the commit was asked for, its
    declared digest and what the object must be were written down, and the client may
    repeat it meanwhile: one of the two waits and finds it done.

    :raises StorageUnavailable: try again later.
    """
    with UnitOfWork() as uow:
        upload = uploads.locked(upload_id)
        dead = upload is not None and upload.status is UploadState.COMMITTING
        if not dead or upload.batch_id is not None:
            return
        target = find_target(upload)
        if target is None:
            # The entry went without its upload; nobody can ever reach these bytes.
            abort(upload, uow)
            uow.commit()
            return
        try:
            upload = commit(upload_id, target, None, uow)
        except StorageUnavailable:
            raise
        except MultipartError as error:
            # It is written down already, for the client to see.
            current_app.logger.info("Upload %s: %s", upload_id, error.message)
            return
        if upload.status is UploadState.COMPLETED:
            uow.register(extraction_op(upload))
        uow.commit()


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


def _found(upload: Upload, does: str, reason: str, moment: Any) -> Found:
    return Found(
        "upload",
        str(upload.id),
        does,
        reason,
        key=upload.key,
        record_id=str(upload.record_id),
        uri=upload.uri,
        size=upload.size,
        at=(moment, upload.id),
    )
