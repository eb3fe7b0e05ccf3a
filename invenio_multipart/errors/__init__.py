# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Everything that can go wrong, as types with a stable code.

.. code-block:: text

    MultipartError
    +-- BadRequest            the request cannot be right, whoever sends it
    |   +-- InvalidKey
    |   +-- InvalidPlan
    |   +-- InvalidDigest
    |   +-- InvalidMetadata
    |   +-- InvalidPart
    |   +-- PartRefused
    |   +-- MissingParts
    |   +-- PartsMismatch
    |   +-- ChecksumMismatch
    |   +-- QuotaExceeded
    |   +-- UploadsUnfinished
    |   +-- NotAllowedHere
    |   +-- NoTemporaryCredentials
    |   +-- InvalidTime
    |   +-- TooManyFiles
    |   +-- KeysTaken
    |   +-- FilesDiffer
    |   +-- NotPublishable
    |   +-- BatchOpen
    |   +-- LinkTargetUnavailable
    |   +-- LinkConflict
    |   +-- InvalidLink
    +-- GrantError            the credential of a batch does not do
    |   +-- GrantInvalid
    |   +-- GrantExpired
    |   +-- GrantRefused
    |   +-- GrantRevoked
    +-- UploadNotFound
    +-- UploadForbidden
    +-- BatchNotFound
    +-- AccessDenied
    +-- JobNotFound
    +-- StateConflict         right request, wrong moment
    +-- Locked                somebody else is at it; wait or look who
    +-- IndexIncomplete
    +-- NothingToRestore
    +-- ObjectChanged
    +-- StorageError          the store, not the client
        +-- StorageUnavailable
        +-- UploadGone
        +-- ObjectMissing

The HTTP status of each stands in one table, ``resources/errors.py``.
This package imports nothing: the client reads the codes too.
"""

from __future__ import annotations

from .base import (
    AccessDenied,
    BadRequest,
    InvalidTime,
    Locked,
    MultipartError,
    NotAllowedHere,
    StateConflict,
)
from .batches import (
    BatchNotFound,
    BatchOpen,
    FilesDiffer,
    GrantError,
    GrantExpired,
    GrantInvalid,
    GrantRefused,
    GrantRevoked,
    IndexIncomplete,
    JobNotFound,
    KeysTaken,
    NotPublishable,
    TooManyFiles,
)
from .links import InvalidLink, LinkConflict, LinkTargetUnavailable, ObjectChanged
from .storage import (
    NoTemporaryCredentials,
    NothingToRestore,
    ObjectMissing,
    StorageError,
    StorageUnavailable,
    UploadGone,
)
from .uploads import (
    ChecksumMismatch,
    InvalidDigest,
    InvalidKey,
    InvalidMetadata,
    InvalidPart,
    InvalidPlan,
    MissingParts,
    PartRefused,
    PartsMismatch,
    QuotaExceeded,
    UploadForbidden,
    UploadNotFound,
    UploadsUnfinished,
)

__all__ = (
    "AccessDenied",
    "BadRequest",
    "BatchNotFound",
    "BatchOpen",
    "ChecksumMismatch",
    "FilesDiffer",
    "GrantError",
    "GrantExpired",
    "GrantInvalid",
    "GrantRefused",
    "GrantRevoked",
    "IndexIncomplete",
    "InvalidDigest",
    "InvalidKey",
    "InvalidLink",
    "InvalidMetadata",
    "InvalidPart",
    "InvalidPlan",
    "InvalidTime",
    "JobNotFound",
    "KeysTaken",
    "LinkConflict",
    "LinkTargetUnavailable",
    "Locked",
    "MissingParts",
    "MultipartError",
    "NoTemporaryCredentials",
    "NotAllowedHere",
    "NotPublishable",
    "NothingToRestore",
    "ObjectChanged",
    "ObjectMissing",
    "PartRefused",
    "PartsMismatch",
    "QuotaExceeded",
    "StateConflict",
    "StorageError",
    "StorageUnavailable",
    "TooManyFiles",
    "UploadForbidden",
    "UploadGone",
    "UploadNotFound",
    "UploadsUnfinished",
)
