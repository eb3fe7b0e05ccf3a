# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What the store did not do."""

from __future__ import annotations

from .base import BadRequest, MultipartError


class NoTemporaryCredentials(BadRequest):
    """This location or site gives no temporary credentials of its store."""

    code = "sts_unavailable"


class StorageError(MultipartError):
    """The store did not do what was asked."""

    code = "storage_error"


class StorageUnavailable(StorageError):
    """The store cannot be reached or is overloaded; try again later."""

    code = "storage_unavailable"


class UploadGone(StorageError):
    """The store does not know this multipart upload (any more)."""

    code = "upload_gone"


class ObjectMissing(StorageError):
    """The store has no object where a finished file should be."""

    code = "object_missing"


class NothingToRestore(MultipartError):
    """What was removed cannot be brought back; the message tells why."""

    code = "nothing_to_restore"
