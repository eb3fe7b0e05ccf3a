# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""One status for every kind of file, so that one progress bar serves all."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from invenio_records_resources.services.files.transfer import TransferStatus

from ...core.adopted import STORAGE_CLASS
from ...core.digests import parse_digest
from ...core.states import TAKES_PARTS, UploadState
from ...errors import InvalidDigest
from ...records.adopted import adopted_file
from ...records.models import Upload
from ...storage.factory import multipart_storage
from .parts import iso, last_known

_STATES = {
    TransferStatus.PENDING: UploadState.UPLOADING,
    TransferStatus.COMPLETED: UploadState.COMPLETED,
    TransferStatus.FAILED: UploadState.FAILED,
}


def status_of_upload(upload: Upload, transfer_type: str) -> dict[str, Any]:
    """The status object of a multipart upload."""
    storage = multipart_storage(upload.uri, upload.size)
    if upload.completed_on is not None:
        parts, count, size = upload.parts, upload.parts, upload.size
    else:
        seen = last_known(upload, storage)
        parts, count, size = upload.parts, seen.count, seen.size
    return {
        "id": str(upload.id),
        "state": upload.state,
        "initiated_on": iso(upload.initiated_on),
        "ready_for_chunks": upload.status in TAKES_PARTS,
        "completed_on": iso(upload.completed_on),
        "is_consistent": upload.status is UploadState.COMPLETED,
        "purged_on": iso(upload.purged_on),
        "error_on": iso(upload.error_on),
        "error_message": upload.error_message,
        "size": upload.size,
        "uploaded_bytes": size,
        "parts": parts,
        "uploaded_parts": count,
        "progress": size / upload.size if upload.size else float(count > 0),
        "verified_bytes": _verified(upload),
        "digests": upload.digests,
        "expires_at": iso(upload.expires_at) if upload.is_open else None,
        "transfer": {"type": transfer_type},
    }


def status_of_file(file_record: Any, transfer: Any) -> dict[str, Any]:
    """The same object for files that came another way (L, F, R).

    These have no ledger: a file is there or it is not, in one part.
    """
    status = transfer.status
    done = status == TransferStatus.COMPLETED
    instance = file_record.file.file_model if file_record.file else None
    size = instance.size if instance is not None else file_record.get("size")
    error = file_record.transfer.get("error")
    failed = status == TransferStatus.FAILED
    look = _last_look(instance)
    return {
        "id": None,
        "state": str(_STATES.get(status, UploadState.UPLOADING)),
        "initiated_on": iso(file_record.created),
        "ready_for_chunks": False,
        "completed_on": iso(file_record.updated) if done else None,
        "is_consistent": done and look is None,
        "purged_on": None,
        "error_on": iso(file_record.updated) if failed else look and iso(look[0]),
        "error_message": str(error) if failed and error else look and look[1],
        "size": size,
        "uploaded_bytes": (size or 0) if done else 0,
        "parts": 1,
        "uploaded_parts": int(done),
        "progress": float(done),
        "verified_bytes": (size or 0) if done else 0,
        "digests": _digests(instance) if done else {},
        "expires_at": None,
        "transfer": {"type": transfer.transfer_type},
    }


def _last_look(instance: Any) -> tuple[datetime | None, str] | None:
    """When an object of others was found to have changed, and what was found."""
    if instance is None or instance.storage_class != STORAGE_CLASS:
        return None
    file = adopted_file(instance.id)
    if file is None or file.problem is None:
        return None
    return file.checked_on, file.problem


def _digests(instance: Any) -> dict[str, str]:
    """What is known of a file that is here, unless it is an ETag of stock uploads."""
    try:
        known = parse_digest(instance.checksum if instance else None)
    except InvalidDigest:
        return {}
    return {known.algorithm: known.hex}


def _verified(upload: Upload) -> int:
    if upload.status is UploadState.COMPLETED:
        return int(upload.size)
    return int(upload.hash_offset)
