# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The uploader: a file from disk to a draft, in parts, verified, resumable.

Nothing here needs Invenio or anything outside the standard library, so that
the same code runs on a laptop, on a cluster node and beside an instrument.

.. code-block:: python

    from invenio_multipart.client import Uploader

    uploader = Uploader("https://repository.example.org", token)
    summary = uploader.upload("abcde-12345", "measurements.h5")
    print(summary.md5, summary.parts_sent, "parts sent")
"""

from __future__ import annotations

from .engine import Uploader, UploadSummary
from .errors import (
    ClientError,
    FileChangedError,
    IntegrityError,
    NetworkError,
    ProtocolError,
    RefusedError,
    UsageError,
)
from .progress import Progress
from .retry import RetryPolicy

__all__ = (
    "ClientError",
    "FileChangedError",
    "IntegrityError",
    "NetworkError",
    "Progress",
    "ProtocolError",
    "RefusedError",
    "RetryPolicy",
    "UploadSummary",
    "Uploader",
    "UsageError",
)
