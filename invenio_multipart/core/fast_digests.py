# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Several digests at once, in little more time than one of them takes.

The work is done by a module in C that is optional: a package built without a
compiler, and the uploader as one file, do without. Then hashlib computes one after
another, with the same results. So it does for SHA-256 where the processor has no
instructions for it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Union

try:
    from . import _fast_digests
except ImportError:
    _fast_digests = None  # type: ignore[assignment]

Bytes = Union[bytes, bytearray, memoryview]

BLOCK_BYTES = 64


def md5_digests(pieces: Sequence[Bytes]) -> list[str]:
    """Hex MD5 of each piece; faster for several, most of all for 16 of one size."""
    if _fast_digests is None:
        return [hashlib.md5(data, usedforsecurity=False).hexdigest() for data in pieces]
    return [digest.hex() for digest in _fast_digests.md5_digests(pieces)]


def sha256_digests(pieces: Sequence[Bytes]) -> list[str]:
    """Hex SHA-256 of each piece; faster for two or more of similar sizes."""
    if not has_sha256():
        return [hashlib.sha256(data).hexdigest() for data in pieces]
    return [digest.hex() for digest in _fast_digests.sha256_digests(pieces)]


class RunningMd5:
    """MD5 of a message that is read beside others; see :func:`read_together`."""

    def __init__(self) -> None:
        self._plain = None if reads_files() else hashlib.md5(usedforsecurity=False)
        self._state = b"" if _fast_digests is None else _fast_digests.MD5_START
        self._length = 0
        self._tail = b""

    def update(self, data: Bytes) -> None:
        """The next bytes.

        :raises RuntimeError: where :func:`reads_files` says that files are read.
        """
        if self._plain is None:
            raise RuntimeError("The module in C reads the message.")
        self._plain.update(data)

    def hexdigest(self) -> str:
        """Hex MD5 of the message so far."""
        if self._plain is not None:
            return self._plain.hexdigest()
        return _fast_digests.end(self._state, self._tail, self._length).hex()


def read_together(
    messages: Sequence[RunningMd5], places: Sequence[tuple[int, int, int]]
) -> list[int]:
    """The next piece of each message from a file; other threads run meanwhile.

    :param places: descriptor, offset and length; not the file's position.
    :returns: bytes that were read, fewer at the end of a file; or minus the number of
        the system's error.
    :raises ValueError: when an earlier piece was no multiple of 64 bytes.
    :raises RuntimeError: where :func:`reads_files` says that this cannot be had.
    """
    if _fast_digests is None:
        raise RuntimeError("This package was built without its module in C.")
    if any(message._tail for message in messages):
        raise ValueError("Only the last piece may end within a block.")
    states = [message._state for message in messages]
    counts = []
    for message, found in zip(messages, _fast_digests.md5_read(states, list(places))):
        message._state, count, message._tail = found
        message._length += max(count, 0)
        counts.append(count)
    return counts


def reads_files() -> bool:
    """Whether :func:`read_together` can be had."""
    return _fast_digests is not None


class FileAndParts:
    """MD5 of a file and of each of its parts, in one pass over the bytes.

    Where :func:`has_sha256` says so, SHA-256 of the file is computed beside.

    :raises RuntimeError: where :func:`takes_parts` says that this cannot be had.
    """

    def __init__(self) -> None:
        if _fast_digests is None:
            raise RuntimeError("This package was built without its module in C.")
        self._native = _fast_digests
        self._md5 = _fast_digests.MD5_START
        self._sha256 = _fast_digests.SHA256_START
        self._length = 0
        self._tail = b""

    def add(self, part: memoryview) -> str:
        """Hex MD5 of the next part alone; other threads run meanwhile.

        :raises ValueError: when an earlier one was no multiple of 64 bytes.
        """
        if self._tail:
            raise ValueError("Only the last part may end within a block.")
        self._md5, self._sha256, digest = self._native.chain(
            self._md5, self._sha256, part
        )
        self._length += len(part)
        self._tail = bytes(part[len(part) - len(part) % BLOCK_BYTES :])
        return digest.hex()

    def md5(self) -> str:
        """Hex MD5 of the file so far."""
        return self._native.end(self._md5, self._tail, self._length).hex()

    def sha256(self) -> str:
        """Hex SHA-256 of the file so far.

        :raises RuntimeError: where :func:`has_sha256` says that it is not computed.
        """
        if self._sha256 is None:
            raise RuntimeError("This processor has no instructions for SHA-256.")
        return self._native.end(self._sha256, self._tail, self._length).hex()


def has_sha256() -> bool:
    """Whether SHA-256 is computed here, and not by hashlib."""
    return _fast_digests is not None and _fast_digests.SHA256_START is not None


def takes_parts(part_bytes: int) -> bool:
    """Whether :class:`FileAndParts` takes parts of this size, all but the last one."""
    return _fast_digests is not None and part_bytes % BLOCK_BYTES == 0
