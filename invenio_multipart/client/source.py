# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The file on disk: read once, in order, and watched for changes."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ..core.crc import RunningCrc, is_computable
from ..core.fast_digests import FileAndParts, has_sha256, takes_parts
from .errors import FileChangedError, UsageError

if TYPE_CHECKING:
    from typing import Self

READ_SIZE = 4 * 1024 * 1024
"""Bytes per read call where no part size asks for another."""


@dataclass(frozen=True)
class Digests:
    """Hex digests of a whole file."""

    md5: str
    sha256: str
    crc64nvme: str | None = None
    """None where it takes long to compute."""


class SourceFile:
    """A regular file, open for one reading from start to end.

    :raises UsageError: when it cannot be opened or is no regular file.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.fspath(path)
        try:
            # Unbuffered: reads go straight into the part's own memory.
            self._file = Path(self.path).open("rb", buffering=0)  # noqa: SIM115
        except OSError as error:
            raise UsageError(f"Cannot open {self.path}: {error.strerror}.") from error
        self._first_look = os.fstat(self._file.fileno())
        if not stat.S_ISREG(self._first_look.st_mode):
            self._file.close()
            raise UsageError(f"{self.path} is not a regular file.")
        self.size_bytes = self._first_look.st_size

    def __enter__(self) -> Self:
        """The file itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file."""
        self._file.close()

    def fill(self, view: memoryview) -> None:
        """Read exactly the next ``len(view)`` bytes into ``view``.

        :raises FileChangedError: when the file became shorter or was modified.
        :raises UsageError: when the disk cannot be read.
        """
        filled = 0
        while filled < len(view):
            try:
                count = self._file.readinto(view[filled:])
            except OSError as error:
                raise UsageError(
                    f"Cannot read {self.path}: {error.strerror}."
                ) from error
            if not count:
                raise FileChangedError(self.path)
            filled += count
        self.check_unchanged()

    def check_unchanged(self) -> None:
        """Compare size and time with those at the start.

        By path too: an editor that saves puts a new file in the old one's
        place, and the one we hold open would look untouched.

        :raises FileChangedError: when the file was modified or replaced.
        """
        try:
            looks = os.fstat(self._file.fileno()), Path(self.path).stat()
        except OSError as error:
            raise FileChangedError(self.path) from error
        if any(_identity(look) != _identity(self._first_look) for look in looks):
            raise FileChangedError(self.path)

    def digest(self) -> Digests:
        """Read all of the file, which must not have been read from before."""
        with FileDigests() as digests:
            left = self.size_bytes
            while left:
                view = memoryview(bytearray(min(left, READ_SIZE)))
                self.fill(view)
                left -= len(view)
                for future in digests.feed(view):
                    future.result()
            return digests.result()


def _identity(look: os.stat_result) -> tuple[int, int, int]:
    return look.st_ino, look.st_size, look.st_mtime_ns


class FileDigests:
    """Digests of a file that is fed in order, and the MD5 of each part of it.

    They are computed by threads, which let go of the interpreter while they work, and
    so run beside the reading and the sending. What one pass over the bytes gives is
    in one thread; otherwise each digest has its own. The CRC is with the fastest.

    :param part_bytes: bytes of all parts but the last one, which are fed one by one.
    """

    def __init__(self, part_bytes: int = READ_SIZE) -> None:
        self._native = FileAndParts() if takes_parts(part_bytes) else None
        self._md5 = hashlib.md5(usedforsecurity=False)
        alone = self._native is None or not has_sha256()
        self._sha256 = hashlib.sha256() if alone else None
        self._crc = RunningCrc() if is_computable() else None
        uses: list[Callable[[memoryview], str | None]]
        uses = [self._native.add] if self._native else [_md5_of, self._md5.update]
        if self._crc or self._sha256:
            uses.append(self._sum_up)
        self._lanes = [(ThreadPoolExecutor(1), use) for use in uses]

    def __enter__(self) -> Self:
        """The digests themselves."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the threads; what still waits is dropped."""
        self.close()

    def close(self) -> None:
        """End the threads; what still waits is dropped."""
        for lane, _ in self._lanes:
            lane.shutdown(wait=True, cancel_futures=True)

    @property
    def readers(self) -> int:
        """How many futures :meth:`feed` gives."""
        return len(self._lanes)

    def feed(self, data: memoryview) -> list[Future[Any]]:
        """Futures, each done when one reader of ``data`` needs it no longer.

        The result of the first one is the hex MD5 of ``data``.
        """
        return [lane.submit(use, data) for lane, use in self._lanes]

    def result(self) -> Digests:
        """Digests of all that was fed so far; waits for it."""
        for lane, _ in self._lanes:
            lane.submit(bool).result()
        crc = self._crc.hexdigest() if self._crc else None
        native = self._native
        md5 = native.md5() if native else self._md5.hexdigest()
        if native and not self._sha256:
            return Digests(md5, native.sha256(), crc)
        assert self._sha256, "somebody computes it"  # noqa: S101
        return Digests(md5, self._sha256.hexdigest(), crc)

    def _sum_up(self, data: memoryview) -> None:
        for digest in (self._sha256, self._crc):
            if digest:
                digest.update(data)


def _md5_of(data: memoryview) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()
