# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""How much at once: connections, memory and bytes per second.

One object of each serves all parts and files of an uploader, however many threads
they have: three large files at once take no more of the line or of the memory
than one.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from .errors import UsageError
from .retry import StopSignal

TICK_SECONDS = 0.1
"""Longest wait in one piece, so that the end of an upload is noticed."""

FIRST_JOBS = 4
"""Enough for a near server; a far one shows soon that more are better."""

WINDOW_SECONDS = 0.5
"""Shortest time over which a rate means something."""

WORTHWHILE = 1.1
"""More connections have to be so much faster, or they go again."""

HOLD_WINDOWS = 8
"""Windows without a try for more, after one that was in vain or after trouble."""


class Jobs:
    """How many transfers run at once: more while that helps, fewer on trouble.

    Safe to use from many threads.

    :param most: never more than these, 1 or more.
    :param first: to begin with.
    :param clock: seconds; for tests.
    :raises UsageError: for fewer than one.
    """

    def __init__(
        self,
        most: int,
        first: int = FIRST_JOBS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if most < 1:
            raise UsageError("The number of jobs must be 1 or more.")
        self.most = most
        self._clock = clock
        self._changed = threading.Condition()
        self._current = min(first, most)
        self._running = 0
        self._before: tuple[int, float] | None = None
        self._hold = 0
        self._deaf_until = 0.0
        self._begin_window()

    @property
    def current(self) -> int:
        """Transfers that may run now, 1 to ``most``."""
        return self._current

    @contextmanager
    def turn(self, stop: StopSignal) -> Iterator[None]:
        """Wait until one more may run, and count it while it does.

        :raises Stopped: when the upload ended meanwhile.
        """
        with self._changed:
            while self._running >= self._current:
                self._changed.wait(TICK_SECONDS)
                stop.check()
            self._running += 1
        try:
            yield
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify()

    def sent(self, amount: int = 1) -> None:
        """A transfer went well.

        :param amount: bytes of parts, or 1 for files so small that their number
            is what counts; one uploader's phases each keep to one unit.
        """
        with self._changed:
            self._done += 1
            self._amount += amount
            elapsed = self._clock() - self._since
            if elapsed >= WINDOW_SECONDS and self._done >= 2 * self._current:
                self._judge(self._amount / elapsed)

    def trouble(self) -> None:
        """A transfer failed as it does when too much is asked for: half as many.

        What fails together counts once.
        """
        with self._changed:
            now = self._clock()
            if now < self._deaf_until:
                return
            self._deaf_until = now + 2 * WINDOW_SECONDS
            self._move(max(1, self._current // 2))
            self._before, self._hold = None, HOLD_WINDOWS

    def _judge(self, rate: float) -> None:
        if self._before is not None:
            fewer, their_rate = self._before
            if rate < their_rate * WORTHWHILE:
                self._before, self._hold = None, HOLD_WINDOWS
                self._move(fewer)
                return
        if self._hold:
            self._hold -= 1
            self._begin_window()
        elif self._current < self.most:
            self._before = self._current, rate
            # By half: a far server is reached in a few steps.
            self._move(min(self.most, self._current + max(1, self._current // 2)))
        else:
            self._before = None
            self._begin_window()

    def _move(self, jobs: int) -> None:
        self._current = jobs
        self._begin_window()
        self._changed.notify_all()

    def _begin_window(self) -> None:
        self._since = self._clock()
        self._done = self._amount = 0


class Memory:
    """Buffers within a bound, used again and again.

    :param limit_bytes: bound on all buffers together. Two are given out whatever
        their size: one is sent while the next is read.
    """

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self._changed = threading.Condition()
        self._used = 0
        self._out = 0
        self._spare: list[bytearray] = []

    def take(self, size_bytes: int, stop: StopSignal) -> bytearray:
        """A buffer of exactly this size; waits until there is room.

        :raises Stopped: when the upload ended meanwhile.
        """
        with self._changed:
            while True:
                buffer = self._find(size_bytes)
                if buffer is not None:
                    return buffer
                self._changed.wait(TICK_SECONDS)
                stop.check()

    def give(self, buffer: bytearray) -> None:
        """The buffer is not needed any more."""
        with self._changed:
            self._used -= len(buffer)
            self._out -= 1
            self._spare.append(buffer)
            self._changed.notify_all()

    def trim(self) -> None:
        """Free what is not in use: nothing more of this kind is expected."""
        with self._changed:
            self._spare.clear()

    def _find(self, size_bytes: int) -> bytearray | None:
        if self._out >= 2 and self._used + size_bytes > self.limit_bytes:
            return None
        self._used += size_bytes
        self._out += 1
        for index, buffer in enumerate(self._spare):
            if len(buffer) == size_bytes:
                return self._spare.pop(index)
        # Spare ones of other sizes must not add to the bound.
        kept = self._used + sum(map(len, self._spare))
        while self._spare and kept > self.limit_bytes:
            kept -= len(self._spare.pop())
        return bytearray(size_bytes)


class Bandwidth:
    """Bytes per second that all senders together do not exceed.

    :param bytes_per_second: above 0; None for no limit.
    :param clock: seconds; for tests.
    :raises UsageError: for a limit that lets nothing through.
    """

    def __init__(
        self,
        bytes_per_second: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if bytes_per_second is not None and not bytes_per_second > 0:
            raise UsageError("The bandwidth must be more than 0 bytes per second.")
        self._rate = bytes_per_second
        self._clock = clock
        self._lock = threading.Lock()
        self._free_at = clock()

    def piece_bytes(self, wanted: int) -> int:
        """Bytes to send in one go: ``wanted``, or fewer where that would be a jerk."""
        if self._rate is None:
            return wanted
        return min(wanted, max(int(self._rate / 10), 1))

    def take(self, count: int, stop: StopSignal) -> None:
        """Wait until ``count`` bytes may go; whoever asks first goes first.

        :raises Stopped: when the upload ended meanwhile.
        """
        if self._rate is None:
            return
        with self._lock:
            now = self._clock()
            # What was not used while nobody sent is lost: no bursts after a pause.
            begin = max(self._free_at, now)
            self._free_at = begin + count / self._rate
        if begin > now:
            stop.sleep(begin - now)


@dataclass(frozen=True)
class Limits:
    """All limits of one uploader."""

    jobs: Jobs
    memory: Memory
    bandwidth: Bandwidth = field(default_factory=Bandwidth)
