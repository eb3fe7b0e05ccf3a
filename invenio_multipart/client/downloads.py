# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What one hears from a download."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .many import FileState


@dataclass(frozen=True)
class DownloadProgress:
    """A look at a download."""

    phase: str
    """``listing``, ``downloading`` or ``completed``."""
    files: int
    """All files that were asked for."""
    files_done: int
    """Files that are over with, the kept and failed ones included."""
    files_kept: int
    files_failed: int
    size_bytes: int
    """Bytes of all files that were asked for, as far as sizes are known."""
    done_bytes: int
    """Bytes that are here; those of kept files and of earlier runs included."""
    received_bytes: int
    """Bytes of content read from the network by this run, repeats included."""
    active: tuple[FileState, ...] = ()
    """Files on their way; their phase is ``checking``, while bytes that are here
    already are read, or ``downloading``."""


@dataclass(frozen=True)
class DownloadResult:
    """What became of one file."""

    key: str
    path: str | None
    """Where the file is, or would be; None for a key that cannot be a path."""
    size_bytes: int | None
    """None while nobody knows."""
    outcome: str
    """``received``, ``kept``, ``failed`` or, of a dry run, ``planned``."""
    checksum: str | None = None
    """``algorithm:hex`` of the bytes that are here."""
    verified: bool = False
    """Whether the server's own digest was compared; False when it has none."""
    error: str | None = None
    """One plain English sentence or two; of failed files only."""
    code: str | None = None
    """Stable machine readable name of the error."""


@dataclass(frozen=True)
class DownloadSummary:
    """What a download took."""

    record_id: str
    folder: str
    files: int
    received: int
    kept: int
    """Files that were here already, with the right digest."""
    failed: int
    size_bytes: int
    bytes_received: int
    """Bytes of content read from the network, repeats included."""
    bytes_resumed: int
    """Bytes of earlier, interrupted runs that were not asked for again."""
    seconds: float
    api_requests: int
    storage_requests: int
    """Requests answered by the storage, at the address the server named."""


DownloadCallback = Callable[[DownloadProgress], None]
DownloadedCallback = Callable[[DownloadResult], None]
