# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Which files of a folder are complete, so that they can be sent.

An instrument does not say when it has written a file to its end. A file counts
as complete when it has not changed for some time while we looked at it. What
it says about its own age is not believed: a copy may have the times of its
original from the start.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from .many import FileResult
from .tree import Found

RETRY_SECONDS = (30.0, 1800.0)
"""First and longest pause before a file that failed is tried again."""

Mark = tuple[int, int, int]
"""Inode, size in bytes and time of the last change in nanoseconds."""


@dataclass
class _Seen:
    mark: Mark
    since: float
    """When it was seen like that first."""
    sent: bool = False
    failures: int = 0
    not_before: float = 0.0


@dataclass(frozen=True)
class Sight:
    """One look at the folder."""

    ready: tuple[Found, ...]
    """Files that are complete, and not in the draft."""
    waiting: int
    """Files that have changed lately, or will be tried again later."""


class Watcher:
    """The files of a folder over time.

    What has been sent is forgotten when the program ends; the draft knows it.

    :param find: all files that are there now.
    :param settle_seconds: how long a file must not change.
    :param clock: seconds, never going back; for tests.
    """

    def __init__(
        self,
        find: Callable[[], Iterable[Found]],
        settle_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._find = find
        self._settle = settle_seconds
        self._clock = clock
        self._seen: dict[str, _Seen] = {}

    def look(self) -> Sight:
        """What is complete now.

        :raises UsageError: when the folder cannot be read.
        """
        now = self._clock()
        ready: list[Found] = []
        waiting = 0
        here: dict[str, _Seen] = {}
        for found in self._find():
            seen = self._see(found, now)
            if seen is None:
                continue
            here[found.key] = seen
            if seen.sent:
                continue
            if now - seen.since >= self._settle and now >= seen.not_before:
                ready.append(found)
            else:
                waiting += 1
        # A file that has gone may come back as another one.
        self._seen = here
        return Sight(tuple(ready), waiting)

    def note(self, result: FileResult) -> None:
        """What became of a file that was ready."""
        seen = self._seen.get(result.key)
        if seen is None:
            return
        if result.outcome != "failed":
            seen.sent = True
            return
        first, longest = RETRY_SECONDS
        seen.not_before = self._clock() + min(first * 2**seen.failures, longest)
        seen.failures += 1

    def _see(self, found: Found, now: float) -> _Seen | None:
        try:
            look = Path(found.path).stat()
        except OSError:
            # It went away between the two looks.
            return None
        mark = look.st_ino, look.st_size, look.st_mtime_ns
        seen = self._seen.get(found.key)
        if seen is None or seen.mark != mark:
            return _Seen(mark, now)
        return seen
