# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Downloaded files until they are whole.

Such a file is called ``<name>.<8 hex digits>.part``. The digits follow from size and
digest of what is to become of it. It is written from start to end and holds nothing
else, so that its length alone says where to go on; when the record has other bytes by
now, the name is another one.
"""

from __future__ import annotations

import errno
import hashlib
import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import TargetError
from .target import IS_WINDOWS, READ_SIZE, cannot, exists, is_folder

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

NAME_BYTES = 255
"""Longest file name on the usual file systems."""

FLUSH_BYTES = 32 * 2**20
"""Written bytes that are sent on to the disk at once."""

WRITE_BYTES = 256 * 1024
"""Longest write. Linux takes its memory for a long one in large pieces, which it has to
look for: 8 MiB at once take up to five times as long, on virtual machines most of all."""


def part_name(name: str, size_bytes: int | None, checksum: str | None) -> str:
    """Name of a file while it is not whole."""
    identity = f"{size_bytes} {checksum}".encode("utf-8", "replace")
    ending = f".{hashlib.sha256(identity).hexdigest()[:8]}.part"
    # A name that is just short enough must not become too long.
    room = NAME_BYTES - len(ending)
    return os.fsdecode(os.fsencode(name)[:room]) + ending


class PartFile:
    """A file that is written from its start to its end, and then gets its name.

    Nobody else writes to it meanwhile.

    :param target: where it belongs; its folder is there.
    :param name: name beside the target until then.
    :raises TargetError: when it cannot be opened.
    """

    def __init__(self, target: Path, name: str) -> None:
        self._target = target
        self._path = target.with_name(name)
        with self._translated("write"):
            self._descriptor = self._open()
            self.written = os.lseek(self._descriptor, 0, os.SEEK_END)
        self._flushed = self.written
        self._reader: io.FileIO | None = None

    def _open(self) -> int:
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
        flags |= getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
        while True:
            descriptor = os.open(self._path, flags, 0o666)
            try:
                self._lock(descriptor)
                if self._is_still_there(descriptor):
                    return descriptor
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)

    def _is_still_there(self, descriptor: int) -> bool:
        # Whoever had the lock before us may have given the file its name since.
        look = os.fstat(descriptor)
        if not stat.S_ISREG(look.st_mode):
            raise TargetError(f"{self._path} is no regular file.", "path_conflict")
        with suppress(FileNotFoundError):
            return os.path.samestat(look, self._path.stat())
        return False

    def _lock(self, descriptor: int) -> None:
        if fcntl is None:
            return
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise TargetError(
                f"{self._target} is being downloaded by somebody else.", "busy"
            ) from error
        except OSError:
            # Some network file systems have no locks: then we do without.
            return

    def read(self) -> Iterator[memoryview]:
        """All that is there, piece by piece; each only until the next one."""
        with self._translated("read"):
            os.lseek(self._descriptor, 0, os.SEEK_SET)
            while piece := os.read(self._descriptor, READ_SIZE):
                yield memoryview(piece)

    def read_at(self, offset: int, view: memoryview) -> int:
        """Bytes that were written, as many as fit; other threads may write on.

        :returns: how many; fewer where somebody else has made the file shorter.

        :raises TargetError: when they cannot be read.
        """
        with self._translated("read"):
            if self._reader is None:
                # It has a position of its own, on every system.
                self._reader = self._path.open("rb", buffering=0)
            self._reader.seek(offset)
            filled = 0
            while filled < len(view) and (
                count := self._reader.readinto(view[filled:])
            ):
                filled += count
            return filled

    @property
    def descriptor(self) -> int:
        """For who reads at positions of their own."""
        return self._descriptor

    def unreadable(self, number: int) -> TargetError:
        """The error that stands for one of the system's, by its number."""
        return cannot("read", self._path, OSError(number, os.strerror(number)))

    def replace(self, offset: int, view: memoryview) -> None:
        """Other bytes in the place of some that were written.

        :raises DiskError: when the disk is full, or broken.
        """
        with self._translated("write"):
            os.lseek(self._descriptor, offset, os.SEEK_SET)
            while view:
                view = view[self._put(view) :]
            os.lseek(self._descriptor, self.written, os.SEEK_SET)

    def write(self, view: memoryview) -> None:
        """The next bytes.

        :raises DiskError: when the disk is full, or broken.
        """
        with self._translated("write"):
            while view:
                count = self._put(view)
                self.written += count
                view = view[count:]
        if self.written - self._flushed >= FLUSH_BYTES:
            self._start_flush()

    def _put(self, view: memoryview) -> int:
        """Write as much as goes at once; number of bytes, 1 or more."""
        count = os.write(self._descriptor, view[:WRITE_BYTES])
        if not count:
            # Not to be expected of a file; never to be tried for ever.
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return count

    def _start_flush(self) -> None:
        # Linux begins to write what it is told not to need any more, and does not
        # make us wait. Otherwise the disk would have all its work at the end.
        length = self.written - self._flushed
        with suppress(AttributeError, OSError):
            os.posix_fadvise(
                self._descriptor, self._flushed, length, os.POSIX_FADV_DONTNEED
            )
        self._flushed = self.written

    def sync(self) -> None:
        """All that was written outlives a power cut.

        :raises DiskError: when the disk is full, or broken.
        """
        with self._translated("write"):
            os.fsync(self._descriptor)

    def clear(self) -> None:
        """Begin at the start again."""
        with self._translated("write"):
            os.ftruncate(self._descriptor, 0)
            os.lseek(self._descriptor, 0, os.SEEK_SET)
            self.written = self._flushed = 0

    def finish(self, *, overwrite: bool) -> None:
        """The file has its name, also after a power cut.

        :param overwrite: also when another file has that name.
        :raises TargetError: when it cannot have it.
        """
        self.sync()
        with self._translated("write"):
            if os.path.lexists(self._target):
                if self._target.is_dir():
                    raise is_folder(self._target)
                if not overwrite:
                    raise exists(self._target)
            if IS_WINDOWS:
                self.close()
            self._path.replace(self._target)
            self.close()

    def discard(self) -> None:
        """Nothing is left of it."""
        with self._translated("remove"):
            self.close()
            self._path.unlink(missing_ok=True)

    def close(self) -> None:
        """Leave it as it is, for another run to go on."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    @contextmanager
    def _translated(self, what: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise cannot(what, self._path, error) from error
