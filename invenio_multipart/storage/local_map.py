# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Which parts of a local upload are there: a file of fixed-size records.

One small write per part and one read for all, safe between threads, processes and
machines that share the disk: each record is guarded by a lock of the open file
description on the record's own bytes, which the kernel drops with its holder.

Source: https://man7.org/linux/man-pages/man2/fcntl.2.html (open file description locks)
"""

from __future__ import annotations

import fcntl
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

_RECORD = struct.Struct("<QQ16sB3xI")
_IN_PLACE, _LOOSE = 1, 2
# struct flock: type, whence, start, length, pid (0 is required here).
_FLOCK = struct.Struct("@hhqqi4x")


@dataclass(frozen=True)
class PartRecord:
    """One part on disk.

    :param size: bytes.
    :param md5: 32 hex digits.
    :param offset: place in the staging file; None for a part in a file of its own.
    :param uploaded_at: UTC, kept in whole seconds.
    """

    size: int
    md5: str
    offset: int | None
    uploaded_at: datetime


class PartMap:
    """The map at ``path``; parts count from 1, record 0 stays empty."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle = -1

    def create(self) -> None:
        """Make an empty map; an existing one is an error."""
        self._path.touch(exist_ok=False)

    @contextmanager
    def opened(self) -> Iterator[PartMap]:
        """A handle of its own, which is what locks belong to."""
        other = PartMap(self._path)
        other._handle = os.open(self._path, os.O_RDWR)
        try:
            yield other
        finally:
            os.close(other._handle)

    @contextmanager
    def locked(self, number: int, *, wait: bool) -> Iterator[bool]:
        """Hold part ``number``; yields False when ``wait`` is off and it is held."""
        command = fcntl.F_OFD_SETLKW if wait else fcntl.F_OFD_SETLK
        try:
            fcntl.fcntl(self._handle, command, self._lock(fcntl.F_WRLCK, number))
        except (BlockingIOError, PermissionError):
            yield False
            return
        try:
            yield True
        finally:
            unlock = self._lock(fcntl.F_UNLCK, number)
            fcntl.fcntl(self._handle, fcntl.F_OFD_SETLK, unlock)

    def read(self, number: int) -> PartRecord | None:
        """The record of part ``number``, None when it is not there."""
        raw = os.pread(self._handle, _RECORD.size, number * _RECORD.size)
        return _unpack(raw) if len(raw) == _RECORD.size else None

    def write(self, number: int, record: PartRecord) -> None:
        """Set a record; the caller holds the part's lock and has synced the data."""
        flag = _LOOSE if record.offset is None else _IN_PLACE
        md5 = bytes.fromhex(record.md5)
        at = int(record.uploaded_at.timestamp())
        raw = _RECORD.pack(record.size, record.offset or 0, md5, flag, at)
        os.pwrite(self._handle, raw, number * _RECORD.size)
        os.fdatasync(self._handle)

    def read_all(self) -> list[tuple[int, PartRecord]]:
        """All parts that are there, by ascending number."""
        raw = os.pread(self._handle, os.fstat(self._handle).st_size, 0)
        whole = len(raw) - len(raw) % _RECORD.size
        found = []
        for number, start in enumerate(range(0, whole, _RECORD.size)):
            record = _unpack(raw[start : start + _RECORD.size])
            if record is not None:
                found.append((number, record))
        return found

    @staticmethod
    def _lock(kind: int, number: int) -> bytes:
        return _FLOCK.pack(kind, os.SEEK_SET, number * _RECORD.size, _RECORD.size, 0)


def _unpack(raw: bytes) -> PartRecord | None:
    size, offset, md5, flag, at = _RECORD.unpack(raw)
    if flag not in (_IN_PLACE, _LOOSE):
        return None
    place = offset if flag == _IN_PLACE else None
    return PartRecord(size, md5.hex(), place, datetime.fromtimestamp(at, timezone.utc))
