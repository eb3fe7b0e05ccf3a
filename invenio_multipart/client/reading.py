# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Small files from disk, whole and unchanged, or why not."""

from __future__ import annotations

import os
from pathlib import Path

from .errors import ClientError, FileChangedError, UsageError
from .many import FileResult
from .tree import Found

SMALL_BYTES = 16 * 2**20
"""Files up to this size are sent whole; it is within what any store takes at once."""


def failed(found: Found, error: ClientError) -> FileResult:
    """The result of a file that could not be uploaded."""
    return FileResult(
        found.key,
        found.path,
        found.size_bytes,
        "failed",
        error=error.message,
        code=error.code,
    )


def planned(found: Found) -> FileResult:
    """The result of a file that a dry run would send."""
    return FileResult(found.key, found.path, found.size_bytes, "planned")


def read_whole(found: Found) -> bytes:
    """All bytes of a small file, which did not change meanwhile.

    :raises UsageError: it cannot be read.
    :raises FileChangedError: it was modified or replaced, or is not small any more.
    """
    try:
        with Path(found.path).open("rb", buffering=0) as file:
            before = os.fstat(file.fileno())
            data = file.read(min(before.st_size, SMALL_BYTES) + 1)
            while len(data) < before.st_size and (more := file.read(SMALL_BYTES)):
                data += more
            after = os.fstat(file.fileno())
        now = Path(found.path).stat()
    except FileNotFoundError as error:
        raise UsageError(f"{found.path} is not there any more.") from error
    except OSError as error:
        raise UsageError(f"Cannot read {found.path}: {error.strerror}.") from error
    looks = {(look.st_ino, look.st_size, look.st_mtime_ns) for look in (before, after)}
    looks.add((now.st_ino, now.st_size, now.st_mtime_ns))
    if len(looks) > 1 or len(data) != before.st_size or len(data) > SMALL_BYTES:
        raise FileChangedError(found.path)
    return data
