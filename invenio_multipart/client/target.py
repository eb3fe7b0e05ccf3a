# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Where downloaded files go: names that stay in the folder."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from ..core.keys import check_key
from ..errors import InvalidKey
from .errors import DiskError, TargetError

IS_WINDOWS = os.name == "nt"
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
        self._made: set[str] = set()

    def make(self) -> None:
        """The folder is there and can be written to.

        :raises DiskError: when it cannot be.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise cannot("make the folder", self.path, error, DiskError) from error
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
            if _is_link(path) and not self._holds(path):
                raise TargetError(
                    f"{path} is a symbolic link to a place outside of {self.path}.",
                    "unsafe_key",
                )
        return path / name

    def make_parents(self, path: Path) -> None:
        """All folders are there.

        :param path: of :meth:`path_of`.
        :raises TargetError: when one of them cannot be made.
        """
        parent = os.path.dirname(path)  # noqa: PTH120 - asked of every file
        if parent in self._made:
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise cannot("make the folder", path.parent, error) from error
        self._made.add(parent)
        self.is_taken(path)

    def is_taken(self, path: Path) -> bool:
        """Whether anything has that name, be it a link that leads nowhere.

        :raises TargetError: when nothing could have it.
        """
        try:
            # The file system knows best how long a name may be.
            path.lstat()
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            raise cannot("write", path, error) from error
        return True

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
        raise cannot("read", path, error) from error


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


def is_folder(path: Path) -> TargetError:
    """The error of a file whose place a folder has taken."""
    return TargetError(f"{path} is a folder.", "path_conflict")


def exists(path: Path) -> TargetError:
    """The error of a file that is in the way."""
    return TargetError(
        f"{path} is there already, with other bytes. Move it away, or ask to "
        "overwrite it.",
        "exists",
    )


def _is_link(path: Path) -> bool:
    # A name that is too long is none; making the folder says so.
    with suppress(OSError):
        return path.is_symlink()
    return False


def cannot(
    what: str, path: Path, error: OSError, kind: type[TargetError] = TargetError
) -> TargetError:
    """The error for a person that stands for the system's.

    :param what: what was tried with ``path``.
    """
    reason = error.strerror or str(error)
    if error.errno == errno.ENAMETOOLONG:
        return kind(f"Cannot {what} {path}: the name is too long.", "name_too_long")
    if error.errno in _FOR_ALL:
        return DiskError(
            f"Cannot {what} {path}: {reason}. What is here is kept; run again.", "disk"
        )
    code = "path_conflict" if error.errno in _CONFLICTS else "disk"
    return kind(f"Cannot {what} {path}: {reason}.", code)
