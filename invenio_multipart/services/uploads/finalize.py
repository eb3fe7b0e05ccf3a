# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Make an upload the file of its record: an ordinary L file, nothing of ours."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import current_app
from invenio_db import db
from invenio_db.uow import Operation, UnitOfWork
from invenio_files_rest.models import Bucket, FileInstance, ObjectVersion
from invenio_records_resources.proxies import current_service_registry
from invenio_records_resources.services.files.transfer.constants import (
    LOCAL_TRANSFER_TYPE,
    MULTIPART_TRANSFER_TYPE,
)
from invenio_records_resources.tasks import extract_file_metadata
from sqlalchemy.exc import InvalidRequestError, NoResultFound

from ...errors import UploadNotFound
from ...records import quota, uploads
from ...records.models import Upload
from ...tasks import dedup_uploads
from .abort import QueueOp

_DEDUP_AT_ONCE = 100
"""Files in one task."""


@dataclass
class FileTarget:
    """The entry in a record that an upload fills.

    :param file_record: upstream's file record, changed in place.
    """

    file_record: Any

    @property
    def is_ours(self) -> bool:
        """Whether it is still an M file (a parallel request may have finished it)."""
        return bool(self.file_record.transfer.transfer_type == MULTIPART_TRANSFER_TYPE)


def finalize(upload: Upload, target: FileTarget, uow: UnitOfWork) -> None:
    """Create file instance and object version, and turn M into L.

    The reservation ends in the same transaction in which the object version
    counts its size, so the bucket's size never shows both or neither. The caller
    holds the upload's row lock.
    """
    # Somebody may have edited the entry's metadata while the store was at work.
    refresh(target, lock=True)
    quota.release(upload)
    bucket = db.session.get(Bucket, upload.bucket_id)
    instance = FileInstance(id=upload.file_id)
    instance.set_uri(
        upload.uri,
        upload.size,
        file_checksum(upload),
        storage_class=upload.storage_class or bucket.default_storage_class,
    )
    db.session.add(instance)
    version = ObjectVersion.create(bucket, upload.key, _file_id=instance)
    record = target.file_record
    record.object_version = version
    record.object_version_id = version.version_id
    record.transfer.set({})
    record.transfer.transfer_type = LOCAL_TRANSFER_TYPE
    # Both were the client's word; from now on the file instance is asked.
    record.pop("checksum", None)
    record.pop("size", None)
    record.commit()
    uploads.drop_parts([upload.id])


def dedup_later(upload_ids: Sequence[uuid.UUID], uow: UnitOfWork) -> None:
    """Have a worker look whether the bytes of these files are there already.

    Where the site wants that. One that gets lost costs a saving and nothing else.

    :param upload_ids: whose digests are known.
    """
    if current_app.config["MULTIPART_DEDUP"] == "off":
        return
    for start in range(0, len(upload_ids), _DEDUP_AT_ONCE):
        some = upload_ids[start : start + _DEDUP_AT_ONCE]
        uow.register(QueueOp(dedup_uploads, [str(upload_id) for upload_id in some]))


def file_checksum(upload: Upload) -> str | None:
    """What fixity checks will compare: MD5 as upstream computes it, once known."""
    md5 = upload.digests.get("md5")
    return f"md5:{md5}" if md5 else None


def mark_failed(target: FileTarget) -> None:
    """Let the file's status say failed, without a query per file in lists."""
    if target.is_ours:
        target.file_record.transfer["failed"] = True
        target.file_record.commit()


def refresh(target: FileTarget, *, lock: bool = False) -> None:
    """Read the entry again after waiting for a parallel request.

    The caller's object was read before the wait and its version counter is old.

    :param lock: whether nobody may change it until the transaction ends.
    :raises UploadNotFound: it was deleted meanwhile.
    """
    record = target.file_record
    try:
        db.session.refresh(record.model, with_for_update=lock or None)
    except InvalidRequestError as error:
        raise UploadNotFound("The file was deleted meanwhile.") from error
    if record.model.is_deleted:
        raise UploadNotFound("The file was deleted meanwhile.")
    record.clear()
    record.update(record.model.data or {})


def find_target(upload: Upload) -> FileTarget | None:
    """The entry of an upload in its draft, None when it is gone.

    For workers, which have no request and no record in hand.
    """
    file_cls = _service(upload).record_cls.files.file_cls
    # Upstream's get_by_key compares class attributes and never finds anything.
    query = file_cls.model_cls.query.filter_by(
        record_id=upload.record_id, key=upload.key, is_deleted=False
    )
    model = query.one_or_none()
    return FileTarget(file_cls(model.data, model=model)) if model else None


def file_instance(file_id: uuid.UUID) -> FileInstance | None:
    """The file instance of a completed upload."""
    return db.session.get(FileInstance, file_id)


def extraction_op(upload: Upload) -> QueueOp:
    """Queues upstream's metadata extraction, which ran in vain at the commit."""
    record = _service(upload).record_cls.get_record(upload.record_id)
    pid = record.pid.pid_value
    return QueueOp(extract_file_metadata, upload.service_id, pid, upload.key)


class ReindexOp(Operation):  # type: ignore[misc]
    """Brings a late digest into the search index of draft and record."""

    def __init__(self, record_id: uuid.UUID) -> None:
        self._record_id = record_id

    def on_post_commit(self, uow: UnitOfWork) -> None:
        """Index whichever of the two there is."""
        if "records" not in current_service_registry._services:
            return
        service = current_service_registry.get("records")
        for indexer in (service.indexer, service.draft_indexer):
            try:
                indexer.index_by_id(self._record_id)
            except NoResultFound:
                continue


def _service(upload: Upload) -> Any:
    return current_service_registry.get(upload.service_id)
