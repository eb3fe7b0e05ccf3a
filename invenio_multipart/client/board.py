# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Who fetches what next, and within which memory.

Ranges of a file that was begun come before the next file, so that few files are
half done at any time. Ranges are handed out in order, each with its memory: what
waits in memory therefore always waits for a range that has its memory, too.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from .flow import TICK_SECONDS
from .retry import StopSignal

PIECE_BYTES = 8 * 2**20
"""Length of a range: its bytes outlast the way of its request by far, and few of
them are lost when a run is killed."""

CONCLUDED_AT_ONCE = 16
PATIENCE_SECONDS = 0.2
"""How long a file that has ended waits for others, while there are some."""

Errand = Callable[[], None]


@dataclass(eq=False)
class Piece:
    """A range of a file, while its bytes are in memory."""

    offset: int
    data: memoryview
    buffer: bytearray
    holders: int = 0
    """Who still needs the bytes."""


class Job(Protocol):
    """A file on its way, as far as the board goes."""

    def open(self) -> None:
        """Begin."""

    def next_range(self, longest: int) -> tuple[int, int] | None:
        """Offset and length of the next range; None when there is none."""

    def receive(self, piece: Piece) -> None:
        """Fetch a range."""


class Board:
    """Errands for the threads of one download.

    :param buffers: ranges in memory at any time, 1 or more.
    :param conclude: called for files of which all that was begun has ended, some at
        once: that is cheaper than one by one.
    :param piece_bytes: length of a range.
    """

    def __init__(
        self,
        stop: StopSignal,
        buffers: int,
        conclude: Callable[[Sequence[Any]], None],
        piece_bytes: int = PIECE_BYTES,
    ) -> None:
        self._stop = stop
        self._conclude = conclude
        self.piece_bytes = piece_bytes
        self._changed = threading.Condition()
        self._buffers_left = buffers
        self._spare: list[bytearray] = []
        self._waiting: deque[Job] = deque()
        self._ranged: deque[Job] = deque()
        self._ended: deque[tuple[float, Job]] = deque()
        self._under_way = 0

    def put(self, job: Job) -> None:
        """A file is to be fetched, after those that are here already."""
        with self._changed:
            self._waiting.append(job)
            self._changed.notify()

    def publish(self, job: Job) -> None:
        """Ranges of this file may be fetched by anybody."""
        with self._changed:
            self._ranged.append(job)
            self._changed.notify_all()

    def end(self, job: Job, *, failed: bool = False) -> None:
        """All that was begun of this file has ended.

        :param failed: it waits for no others then.
        """
        with self._changed:
            if job in self._ranged:
                self._ranged.remove(job)
            if failed:
                self._ended.appendleft((-PATIENCE_SECONDS, job))
            else:
                self._ended.append((time.monotonic(), job))
            self._changed.notify_all()

    def close(self) -> None:
        """A file that had ended is concluded."""
        with self._changed:
            self._under_way -= 1
            self._changed.notify_all()

    def give_back(self, piece: Piece) -> None:
        """Memory for another range."""
        with self._changed:
            self._spare.append(piece.buffer)
            self._changed.notify_all()

    def take(self) -> Errand | None:
        """What to do next; None when nothing is left, and nothing will be.

        :raises Stopped: when the download has ended.
        """
        with self._changed:
            while True:
                self._stop.check()
                errand = self._find()
                if errand is not None:
                    return errand
                if not self._under_way:
                    return None
                self._changed.wait(TICK_SECONDS)

    def _find(self) -> Errand | None:
        if self._is_time_to_conclude():
            count = min(len(self._ended), CONCLUDED_AT_ONCE)
            some = [self._ended.popleft()[1] for _ in range(count)]
            return partial(self._conclude, some)
        if self._spare or self._buffers_left:
            for job in list(self._ranged):
                piece = self._cut(job)
                if piece is not None:
                    return partial(job.receive, piece)
                self._ranged.remove(job)
        if self._waiting:
            self._under_way += 1
            return self._waiting.popleft().open
        return None

    def _is_time_to_conclude(self) -> bool:
        if not self._ended or not self._waiting:
            return bool(self._ended)
        if len(self._ended) >= CONCLUDED_AT_ONCE:
            return True
        return time.monotonic() - self._ended[0][0] > PATIENCE_SECONDS

    def _cut(self, job: Job) -> Piece | None:
        found = job.next_range(self.piece_bytes)
        if found is None:
            return None
        offset, length = found
        if self._spare:
            buffer = self._spare.pop()
        else:
            self._buffers_left -= 1
            buffer = bytearray(self.piece_bytes)
        return Piece(offset, memoryview(buffer)[:length], buffer)
