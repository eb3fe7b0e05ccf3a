# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Begin an upload.

A database row comes first and the store second: a row that the store knows
nothing of is healed or reaped, an upload in the store that no row names would be
paid for until somebody found it.
"""

from __future__ import annotations

import mimetypes
import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from flask import current_app
from invenio_db import db
from invenio_db.uow import Operation, UnitOfWork
from invenio_files_rest.models import Bucket

from ...core.digests import COMPUTABLE, Digest, parse_digest
from ...core.keys import check_key
from ...core.plan import make_plan
from ...core.states import UploadState
from ...errors import InvalidDigest, InvalidKey, InvalidPlan, StorageError
from ...records import quota, uploads
from ...records.models import Upload, utc_now
from ...storage.base import MultipartUploadMixin
from ...storage.factory import multipart_storage, new_uri
from .abort import abort


def initiate(
    bucket: Bucket,
    record_id: uuid.UUID,
    service_id: str,
    entry: Mapping[str, Any],
    *,
    created_by: str | None = None,
) -> Upload:
    """A new upload in the session, its plan made and its quota reserved.

    The store is not asked yet: register :class:`OpenUploadOp` for that.

    :param entry: ``key``, ``size``, and optionally ``checksum``,
        ``storage_class`` and ``transfer`` with ``parts`` and ``part_size``.
    :raises InvalidKey: unsafe key.
    :raises InvalidPlan: size, parts and part size do not make a legal upload.
    :raises InvalidDigest: malformed digest, or one this store cannot prove.
    :raises QuotaExceeded: no room.
    """
    transfer = entry.get("transfer") or {}
    file_id = uuid.uuid4()
    uri = new_uri(bucket.location.uri, str(file_id))
    storage = multipart_storage(uri, entry.get("size") or 0)
    part_size = transfer.get("part_size")
    plan = make_plan(
        entry.get("size"), transfer.get("parts"), part_size, limits=storage.limits
    )
    declared = provable(entry.get("checksum"), storage)
    quota.check_limits(bucket, plan.size)
    upload = Upload(
        id=uuid.uuid4(),
        record_id=record_id,
        service_id=service_id,
        key=checked_key(entry["key"]),
        bucket_id=bucket.id,
        file_id=file_id,
        uri=uri,
        storage_class=checked_storage_class(entry.get("storage_class")),
        state=UploadState.INITIATED.value,
        size=plan.size,
        part_size=plan.part_size,
        parts=plan.parts,
        plan_fixed=part_size is not None,
        declared=str(declared) if declared else None,
        created_by=created_by,
        expires_at=deadline(),
    )
    quota.reserve(upload)
    db.session.add(upload)
    return upload


def provable(checksum: str | None, storage: MultipartUploadMixin) -> Digest | None:
    """The declared digest, None without one.

    :raises InvalidDigest: malformed, or neither we nor the store can prove it.
    """
    if checksum is None:
        return None
    digest = parse_digest(checksum)
    if digest.algorithm not in COMPUTABLE and not storage.proves(digest.algorithm):
        raise InvalidDigest(
            f"This storage cannot prove {digest.algorithm}; declare one of "
            f"{', '.join(sorted(COMPUTABLE))}.",
            field="checksum",
        )
    return digest


def checked_key(key: str) -> str:
    """The key, when it is safe and upstream's tables take it.

    :raises InvalidKey: otherwise; upstream would say so only at the commit.
    """
    longest = current_app.config["FILES_REST_OBJECT_KEY_MAX_LEN"]
    if len(check_key(key)) > longest:
        raise InvalidKey(
            f"The key has {len(key)} characters; this site takes {longest}.",
            field="key",
        )
    return key


def deadline() -> Any:
    """When an upload that nobody touches from now on is purged, UTC."""
    seconds = current_app.config["MULTIPART_UPLOAD_LIFETIME"]
    return utc_now() + timedelta(seconds=seconds)


def checked_storage_class(storage_class: str | None) -> str | None:
    """One of the site's storage classes, or None for its default.

    :raises InvalidPlan: for any other.
    """
    known = current_app.config["FILES_REST_STORAGE_CLASS_LIST"]
    if storage_class is not None and storage_class not in known:
        raise InvalidPlan(
            f"The storage class is not one of {', '.join(known)}.",
            field="storage_class",
        )
    return storage_class


def ensure_open(upload: Upload) -> str:
    """The store's name of the upload, opened now if a crash came in between.

    The caller holds the row lock.

    :raises StateConflict: it has ended without ever being opened.
    """
    if upload.upload_ref is None:
        storage = multipart_storage(upload.uri, upload.size)
        # A process killed between the store's answer and our commit left one.
        for stray in storage.find_uploads():
            storage.abort_upload(stray)
        _open(upload, storage)
    return str(upload.upload_ref)


def _open(upload: Upload, storage: MultipartUploadMixin) -> None:
    # First, because it may refuse: nothing is to be opened for one that has ended.
    upload.move(UploadState.UPLOADING)
    opened = storage.create_upload(mimetypes.guess_type(upload.key)[0])
    upload.upload_ref = opened.ref
    upload.md5_etags = opened.md5_etags


class OpenUploadOp(Operation):  # type: ignore[misc]
    """Opens the upload in the store once its row is committed.

    Were it done before, a crash or a rollback would leave an upload that nothing
    names. When the store fails, the uploads of the whole request are taken back.

    :param undo: removes the file entry of the upload from its record.
    """

    def __init__(self, upload_id: uuid.UUID, undo: Any) -> None:
        self._upload_id = upload_id
        self._undo = undo

    def on_post_commit(self, uow: UnitOfWork) -> None:
        """Open it; on failure take back all of this unit of work."""
        try:
            self._open_once()
        except StorageError:
            siblings = [op for op in uow._operations if isinstance(op, OpenUploadOp)]
            with UnitOfWork() as cleanup:
                for operation in siblings:
                    operation.take_back(cleanup)
                cleanup.commit()
            raise

    def _open_once(self) -> None:
        """Under the row lock: who reads the file now may want to open it, too."""
        with UnitOfWork() as uow:
            upload = uploads.locked(self._upload_id)
            if upload is not None and upload.is_open and upload.upload_ref is None:
                _open(upload, multipart_storage(upload.uri, upload.size))
            # Else it was opened or ended by a request that was faster.
            uow.commit()

    def take_back(self, uow: UnitOfWork) -> None:
        """Abort the upload and remove its file entry."""
        upload = uploads.locked(self._upload_id)
        if upload is not None and upload.is_open:
            abort(upload, uow)
            self._undo()
