# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""MD5 of several things at once, in little more time than one of them takes.

The work is done by a module in C that is optional: a package built without a
compiler, and the uploader as one file, do without. Then hashlib computes one after
another, with the same results.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Union

try:
    from . import _md5
except ImportError:
    _md5 = None  # type: ignore[assignment]

Bytes = Union[bytes, bytearray, memoryview]

BLOCK_BYTES = 64

_START = bytes.fromhex("0123456789abcdeffedcba9876543210")


def digests(pieces: Sequence[Bytes]) -> list[str]:
    """Hex MD5 of each piece; faster for several, most of all for eight of one size."""
    if _md5 is None:
        return [hashlib.md5(data, usedforsecurity=False).hexdigest() for data in pieces]
    return [digest.hex() for digest in _md5.digests(pieces)]


class FileAndParts:
    """MD5 of a file and of each of its parts, in one pass over the bytes.

    :raises RuntimeError: where :func:`takes_parts` says that this cannot be had.
    """

    def __init__(self) -> None:
        if _md5 is None:
            raise RuntimeError("This package was built without its module in C.")
        self._native = _md5
        self._state = _START
        self._length = 0
        self._tail = b""

    def add(self, part: memoryview) -> str:
        """Hex MD5 of the next part alone; other threads run meanwhile.

        :raises ValueError: when an earlier one was no multiple of 64 bytes.
        """
        if self._tail:
            raise ValueError("Only the last part may end within a block.")
        self._state, digest = self._native.chain(self._state, part)
        self._length += len(part)
        self._tail = bytes(part[len(part) - len(part) % BLOCK_BYTES :])
        return digest.hex()

    def hexdigest(self) -> str:
        """Hex MD5 of the file so far."""
        return self._native.end(self._state, self._tail, self._length).hex()


def takes_parts(part_bytes: int) -> bool:
    """Whether :class:`FileAndParts` takes parts of this size, all but the last one."""
    return _md5 is not None and part_bytes % BLOCK_BYTES == 0
