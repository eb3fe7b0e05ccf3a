# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What is to be uploaded: files, folders with all that is below, standard input."""

from __future__ import annotations

import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ..core.keys import check_key
from ..errors import InvalidKey
from .errors import UsageError
from .ignore import Ignore
from .many import (
    SYMLINKS,
    ManyOptions,
    Named,
    Notice,
    NoticeCallback,
    Source,
    Stdin,
)

IGNORE_FILE = ".uploadignore"
COPY_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Found:
    """A file that is to be uploaded."""

    key: str
    """Name in the draft."""
    path: str
    size_bytes: int
    """When it was looked at."""
    problem: str | None = None
    """Why it cannot be uploaded, one sentence."""
    code: str | None = None


@dataclass(frozen=True)
class _Folder:
    path: str
    below: str
    """Path below the source, with a slash at its end unless it is empty."""
    ignores: tuple[tuple[str, Ignore], ...]
    """Patterns that hold here, each with the ``below`` of the folder it is of."""
    ancestors: frozenset[tuple[int, int]]
    """Device and inode of this folder and of those above: what closes a loop."""


class Tree:
    """Finds the files of some sources.

    :param notice: told of all that is left out and was not asked to be.
    :param stdin: where standard input comes from; for tests.
    :raises UsageError: for options that mean nothing.
    """

    def __init__(
        self,
        options: ManyOptions,
        notice: NoticeCallback,
        stdin: BinaryIO | None = None,
    ) -> None:
        if options.symlinks not in SYMLINKS:
            raise UsageError(f"symlinks is one of {', '.join(SYMLINKS)}.")
        self._symlinks = options.symlinks
        self._ignore = Ignore(options.ignore)
        prefix = options.prefix.strip("/")
        self._prefix = f"{prefix}/" if prefix else ""
        self._notice = notice
        self._stdin = stdin
        self._spooled: list[str] = []

    def close(self) -> None:
        """Remove what standard input was kept in."""
        while self._spooled:
            Path(self._spooled.pop()).unlink(missing_ok=True)

    def find(self, sources: Sequence[Source]) -> Iterator[Found]:
        """Every file, those of a folder in the order of their names.

        :raises UsageError: when a source is not there, or two files would have one
            name; with a symbolic link, when these are refused.
        """
        if not sources:
            raise UsageError("There is nothing to upload.")
        seen: dict[str, str] = {}
        for source in sources:
            for found in self._of(source):
                other = seen.get(found.key)
                if other is None:
                    seen[found.key] = found.path
                    yield found
                elif other != found.path:
                    raise UsageError(
                        f"Two files would be {found.key!r} in the draft: {other} and "
                        f"{found.path}. Upload one of them elsewhere."
                    )

    def _of(self, source: Source) -> Iterator[Found]:
        if isinstance(source, Stdin):
            yield self._spool(source)
            return
        named = source.key if isinstance(source, Named) else None
        path = os.fspath(source.path if isinstance(source, Named) else source)
        try:
            look = Path(path).stat()
        except OSError as error:
            raise UsageError(f"Cannot open {path}: {error.strerror}.") from error
        if named is not None:
            if not stat.S_ISREG(look.st_mode):
                raise UsageError(f"{path} is not a regular file.")
            yield self._file(named, path, look)
            return
        # "folder/" and "." mean what is in it, "folder" the folder itself.
        name = os.path.basename(path)  # noqa: PTH119 - pathlib drops the last slash
        if not stat.S_ISDIR(look.st_mode):
            yield self._file(name, path, look)
            return
        below = "" if name in ("", ".", "..") else f"{name}/"
        top = frozenset([(look.st_dev, look.st_ino)])
        ignores = ((below, self._ignore),)
        yield from self._walk(_Folder(path, below, ignores, top))

    def _walk(self, top: _Folder) -> Iterator[Found]:
        # No recursion: a tree may be deeper than Python's stack.
        waiting = [top]
        while waiting:
            folder = waiting.pop()
            try:
                with os.scandir(folder.path) as entries:
                    found = sorted(entries, key=lambda entry: entry.name)
            except OSError as error:
                yield self._problem(folder.below, folder.path, error)
                continue
            folder = _with_own_patterns(folder)
            deeper = []
            for entry in found:
                for item in self._entry(folder, entry):
                    if isinstance(item, _Folder):
                        deeper.append(item)
                    else:
                        yield item
            waiting.extend(reversed(deeper))

    def _entry(
        self, folder: _Folder, entry: os.DirEntry[str]
    ) -> Iterator[Found | _Folder]:
        if entry.name == IGNORE_FILE:
            return
        key = f"{folder.below}{entry.name}"
        is_link = entry.is_symlink()
        try:
            look = entry.stat()
        except OSError as error:
            look = None
            failure = error
        is_folder = look is not None and stat.S_ISDIR(look.st_mode)
        if _is_ignored(folder, key, is_folder=is_folder):
            return
        if is_link and self._symlinks != "follow":
            self._leave_link(entry)
        elif look is None and is_link:
            self._tell("broken_symlink", f"{entry.path} points to nothing; left out.")
        elif look is None:
            yield self._problem(key, entry.path, failure)
        elif is_folder:
            identity = look.st_dev, look.st_ino
            if identity in folder.ancestors:
                self._tell("symlink_loop", f"{entry.path} leads back; left out.")
                return
            ancestors = folder.ancestors | {identity}
            yield _Folder(entry.path, f"{key}/", folder.ignores, ancestors)
        elif stat.S_ISREG(look.st_mode):
            yield self._file(key, entry.path, look)
        else:
            self._tell("not_a_file", f"{entry.path} is no regular file; left out.")

    def _leave_link(self, entry: os.DirEntry[str]) -> None:
        if self._symlinks == "refuse":
            raise UsageError(f"{entry.path} is a symbolic link, which you refuse.")
        self._tell("symlink", f"{entry.path} is a symbolic link; left out.")

    def _file(self, key: str, path: str, look: os.stat_result) -> Found:
        key = f"{self._prefix}{key}"
        try:
            check_key(key)
        except InvalidKey as error:
            # Not even its name can be shown as it is.
            shown = key.encode("utf-8", "backslashreplace").decode()
            return Found(shown, path, look.st_size, error.message, "invalid_key")
        return Found(key, path, look.st_size)

    def _problem(self, key: str, path: str, error: OSError) -> Found:
        reason = f"Cannot read {path}: {error.strerror}."
        return Found(f"{self._prefix}{key}", path, 0, reason, "unreadable")

    def _spool(self, source: Stdin) -> Found:
        # Its size is not known before its end, and a part that has to be sent again
        # cannot be read again.
        stream = self._stdin or sys.stdin.buffer
        with tempfile.NamedTemporaryFile(delete=False) as kept:
            self._spooled.append(kept.name)
            try:
                shutil.copyfileobj(stream, kept, COPY_BYTES)
            except OSError as error:
                raise UsageError(
                    f"Standard input cannot be kept in {kept.name}: {error.strerror}."
                ) from error
        return self._file(source.key, kept.name, Path(kept.name).stat())

    def _tell(self, code: str, message: str) -> None:
        self._notice(Notice(code, message))


def _with_own_patterns(folder: _Folder) -> _Folder:
    try:
        text = Path(folder.path, IGNORE_FILE).read_text("utf-8", "surrogateescape")
    except OSError:
        return folder
    ignores = (*folder.ignores, (folder.below, Ignore(text.splitlines())))
    return _Folder(folder.path, folder.below, ignores, folder.ancestors)


def _is_ignored(folder: _Folder, key: str, *, is_folder: bool) -> bool:
    # The nearest folder's patterns come last, and so decide.
    for below, ignore in reversed(folder.ignores):
        verdict = ignore.verdict(key.removeprefix(below), is_folder=is_folder)
        if verdict is not None:
            return verdict
    return False
