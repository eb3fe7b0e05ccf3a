# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Where downloaded files go: names that stay in the folder, files until whole.

A file that is not whole is called ``<name>.<8 hex digits>.part``. The digits follow
from size and digest of what is to become of it. It is written from start to end and
holds nothing else, so that its length alone says where to go on; when the record has
other bytes by now, the name is another one.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..core.keys import check_key
from ..errors import InvalidKey
from .errors import DiskError, TargetError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

IS_WINDOWS = os.name == "nt"
NAME_BYTES = 255
"""Longest file name on the usual file systems."""

READ_SIZE = 2**20

_FOR_ALL = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO}
_CONFLICTS = {errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENOTEMPTY, errno.ELOOP}
_DRIVE = re.compile(r"[A-Za-z]:")
_NOT_ON_WINDOWS = re.compile(
    r'[<>:"|?*\\]|[. ]$|^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)', re.IGNORECASE
)
_PART = re.compile(r"(.+)\.[0-9a-f]{8}\.part")


def safe_names(key: str, *, windows: bool = IS_WINDOWS) -> list[str]:
    """Names of the folders of a key, and of its file.

    :param windows: refuse what has a meaning of its own there, too.
    :raises TargetError: for a key that would leave its folder.
    """
    try:
        names = check_key(key).split("/")
    except InvalidKey as error:
        raise TargetError(f"{key!r} is no safe name: {error}", "unsafe_key") from error
    if _DRIVE.match(key) or (windows and any(map(_NOT_ON_WINDOWS.search, names))):
        raise TargetError(f"{key!r} cannot be a file here.", "unsafe_key")
    return names


class Folder:
    """A folder that nothing is written outside of.

    :param path: may be a symbolic link itself; those below must stay below.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    def make(self) -> None:
        """The folder is there and can be written to.

        :raises DiskError: when it cannot be.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _cannot("make the folder", self.path, error, DiskError) from error
        if not os.access(self.path, os.W_OK | os.X_OK):
            raise DiskError(f"The folder {self.path} is not writable.", "disk")

    def path_of(self, key: str) -> Path:
        """Where the file of this key belongs; nothing is made.

        :raises TargetError: when that is not below the folder.
        """
        path = self.path
        *folders, name = safe_names(key)
        for folder in folders:
            path /= folder
            # Whoever can plant a link there must not choose where we write.
            if path.is_symlink() and not self._holds(path):
                raise TargetError(
                    f"{path} is a symbolic link to a place outside of {self.path}.",
                    "unsafe_key",
                )
        return path / name

    def make_parents(self, key: str) -> Path:
        """As :meth:`path_of`, with all folders there.

        :raises TargetError: when one of them cannot be made.
        """
        path = self.path_of(key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _cannot("make the folder", path.parent, error) from error
        return path

    def stale_parts(self, wanted: dict[Path, str]) -> Iterator[Path]:
        """Unfinished files of earlier runs that will never be finished.

        :param wanted: names of the unfinished files to come, by their targets.
        """
        for parent in {path.parent for path in wanted}:
            with suppress(OSError):
                for entry in list(os.scandir(parent)):
                    found = _PART.fullmatch(entry.name)
                    name = wanted.get(parent / found[1]) if found else None
                    if name and name != entry.name and entry.is_file():
                        yield parent / entry.name

    def _holds(self, path: Path) -> bool:
        root = os.path.realpath(self.path)
        return os.path.commonpath([root, os.path.realpath(path)]) == root


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
            self.written = os.fstat(self._descriptor).st_size
            os.lseek(self._descriptor, self.written, os.SEEK_SET)

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

    def write(self, view: memoryview) -> None:
        """The next bytes.

        :raises DiskError: when the disk is full, or broken.
        """
        with self._translated("write"):
            while view:
                count = os.write(self._descriptor, view)
                self.written += count
                view = view[count:]

    def clear(self) -> None:
        """Begin at the start again."""
        with self._translated("write"):
            os.ftruncate(self._descriptor, 0)
            os.lseek(self._descriptor, 0, os.SEEK_SET)
            self.written = 0

    def finish(self, *, overwrite: bool) -> None:
        """The file has its name, also after a power cut.

        :param overwrite: also when another file has that name.
        :raises TargetError: when it cannot have it.
        """
        with self._translated("write"):
            os.fsync(self._descriptor)
            if not overwrite and os.path.lexists(self._target):
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
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    @contextmanager
    def _translated(self, what: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise _cannot(what, self._path, error) from error


def read_file(path: Path, feed: Callable[[memoryview], None]) -> None:
    """All bytes of a file, piece by piece.

    :raises TargetError: when it cannot be read.
    """
    view = memoryview(bytearray(READ_SIZE))
    try:
        with path.open("rb", buffering=0) as file:
            while count := file.readinto(view):
                feed(view[:count])
    except OSError as error:
        raise _cannot("read", path, error) from error


def keep_names(folders: set[Path]) -> None:
    """The names given in these folders outlast a power cut."""
    for folder in folders:
        # Not every system lets one open a folder, and then there is no need.
        with suppress(OSError):
            descriptor = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def exists(path: Path) -> TargetError:
    """The error of a file that is in the way."""
    return TargetError(
        f"{path} is there already, with other bytes. Move it away, or ask to "
        "overwrite it.",
        "exists",
    )


def _cannot(
    what: str, path: Path, error: OSError, kind: type[TargetError] = TargetError
) -> TargetError:
    reason = error.strerror or str(error)
    if error.errno == errno.ENAMETOOLONG:
        return kind(f"Cannot {what} {path}: the name is too long.", "name_too_long")
    if error.errno in _FOR_ALL:
        return DiskError(
            f"Cannot {what} {path}: {reason}. What is here is kept; run again.", "disk"
        )
    code = "path_conflict" if error.errno in _CONFLICTS else "disk"
    return kind(f"Cannot {what} {path}: {reason}.", code)
