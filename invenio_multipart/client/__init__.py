# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The uploader: files and folders from disk to a draft, verified, resumable.

Nothing here needs Invenio or anything outside the standard library, so that
the same code runs on a laptop, on a cluster node and beside an instrument.

.. code-block:: python

    from invenio_multipart.client import Uploader

    uploader = Uploader("https://repository.example.org", token)
    summary = uploader.upload("abcde-12345", "measurements.h5")
    print(summary.md5, summary.parts_sent, "parts sent")
    many = uploader.upload_many("abcde-12345", ["results/", "README.txt"])
    print(many.sent, "sent,", many.reused, "were there")

:class:`Downloader` brings records back, with the same care.
"""

from __future__ import annotations

from .download import Downloader
from .downloads import DownloadProgress, DownloadResult, DownloadSummary
from .engine import UploadSummary
from .errors import (
    ClientError,
    DiskError,
    FileChangedError,
    IntegrityError,
    NetworkError,
    PartialDownloadError,
    PartialError,
    ProtocolError,
    RefusedError,
    TargetError,
    UsageError,
)
from .many import (
    DraftFile,
    FileResult,
    FileState,
    ManyOptions,
    ManyProgress,
    ManySummary,
    Named,
    Notice,
    Stdin,
)
from .progress import Progress
from .retry import RetryPolicy
from .uploader import Uploader

__all__ = (
    "ClientError",
    "DiskError",
    "DownloadProgress",
    "DownloadResult",
    "DownloadSummary",
    "Downloader",
    "DraftFile",
    "FileChangedError",
    "FileResult",
    "FileState",
    "IntegrityError",
    "ManyOptions",
    "ManyProgress",
    "ManySummary",
    "Named",
    "NetworkError",
    "Notice",
    "PartialDownloadError",
    "PartialError",
    "Progress",
    "ProtocolError",
    "RefusedError",
    "RetryPolicy",
    "Stdin",
    "TargetError",
    "UploadSummary",
    "Uploader",
    "UsageError",
)
