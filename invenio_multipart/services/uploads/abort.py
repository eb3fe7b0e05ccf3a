# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""End an upload without a file, wherever it may end."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from flask import current_app
from invenio_db import db
from invenio_db.uow import UnitOfWork
from invenio_files_rest.models import FileInstance
from invenio_records_resources.services.uow import TaskOp
from kombu.exceptions import OperationalError

from ...core.states import UploadState
from ...records import quota, uploads
from ...records.models import Batch, Upload, utc_now
from ...storage.factory import multipart_storage, object_prefix
from ...tasks import purge_upload
from .. import audit


class QueueOp(TaskOp):  # type: ignore[misc]
    """Queues a task after the commit; a broker that is down does no harm.

    What the task would have done is found and done by the reaper.
    """

    def on_post_commit(self, uow: UnitOfWork) -> None:
        """Queue, or leave it to the reaper."""
        try:
            super().on_post_commit(uow)
        except OperationalError:
            current_app.logger.warning(
                "No broker; the reaper will do it.", exc_info=True
            )


def abort(
    upload: Upload, uow: UnitOfWork, target: UploadState = UploadState.ABORTED
) -> None:
    """Give up ``upload`` and its quota now, and free the store in a task.

    Freeing 10,000 parts takes minutes on some stores. An upload that has ended
    already is left as it is. The caller holds the row lock.

    :param target: aborted, or expired when the deadline did it.
    """
    if not upload.is_open:
        return
    upload.move(target)
    if target is UploadState.EXPIRED:
        audit.upload_removed(upload, audit.DEADLINE, uow)
    quota.release(upload)
    uploads.drop_parts([upload.id])
    uow.register(QueueOp(purge_upload, str(upload.id)))


def abort_all(found: Iterable[Upload], uow: UnitOfWork) -> None:
    """Abort each; the caller holds the row locks."""
    for upload in found:
        abort(upload, uow)


def purge(upload_id: uuid.UUID) -> bool:
    """Free what the store holds of an upload that has ended.

    :returns: False when there is nothing (left) to free.
    :raises StorageUnavailable: try again later.
    """
    upload = uploads.locked(upload_id)
    ended = (UploadState.ABORTED, UploadState.EXPIRED)
    if upload is None or upload.status not in ended or upload.purged_on is not None:
        return False
    storage = multipart_storage(upload.uri, upload.size)
    if upload.staged is not None:
        # One file taken out of a batch that goes on.
        batch = db.session.get(Batch, upload.batch_id)
        object_prefix(batch.prefix).remove([upload.staged])
    # The store may hold one that our row does not name: opened, then a crash.
    for ref in {upload.upload_ref, *storage.find_uploads()} - {None}:
        storage.abort_upload(ref)
    # An object without a file instance is a commit that did not end; with one it
    # is a file, and files are not ours to remove.
    if db.session.get(FileInstance, upload.file_id) is None:
        storage.remove_object()
    upload.purged_on = utc_now()
    return True
