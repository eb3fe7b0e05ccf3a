# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What the threads of one upload hand to each other, and when they end.

A part goes: buffer -> read -> hashed -> linked -> sent -> buffer again. All
waiting is done here, on one condition, so that there is one place to look at
when it comes to memory bounds, deadlocks and clean ends.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from .retry import Stopped, StopSignal
from .wire import PartLink

TICK_SECONDS = 0.5
"""Longest wait in one piece: some systems deliver Ctrl-C only in between."""

BATCH_PARTS = 100
"""Parts that one call registers at most."""

LINGER_SECONDS = 0.2
"""How long parts wait for company while senders may run out of work."""


@dataclass(eq=False)
class Part:
    """A numbered slice of the file, while its bytes are in memory."""

    number: int
    data: memoryview
    buffer: bytearray
    holders: int
    """Who still needs the bytes: the digests and the sender."""
    md5: str = ""
    link: PartLink | None = None
    attempts: int = 0
    """Times it was sent, in vain so far."""
    links_refused: int = 0


class Flow:
    """Queues between the threads of one upload, with a bound on memory.

    :param buffers: parts in memory at any time, 2 or more. What is in memory
        beyond the parts being sent is registered together.
    :param buffer_bytes: size of the largest part.
    :param jobs: parts that are sent at the same time.
    """

    def __init__(
        self, stop: StopSignal, buffers: int, buffer_bytes: int, jobs: int
    ) -> None:
        self._stop = stop
        self._changed = threading.Condition()
        self._buffers_left = buffers
        self._buffer_bytes = buffer_bytes
        self._spare: list[bytearray] = []
        self._jobs = jobs
        self._batch = min(max(buffers - jobs, 1), BATCH_PARTS)
        self._hashed: deque[Part] = deque()
        self._hashed_since = 0.0
        self._linked: deque[Part] = deque()
        self._linked_ever = 0
        self._open_parts = 0
        self._unhashed = 0
        self._all_read = False
        self._failure: BaseException | None = None

    def take_buffer(self) -> bytearray:
        """Memory for one part; waits until some is free."""
        with self._changed:
            self._wait(lambda: bool(self._spare) or self._buffers_left > 0)
            self._open_parts += 1
            self._unhashed += 1
            if self._spare:
                return self._spare.pop()
            self._buffers_left -= 1
            return bytearray(self._buffer_bytes)

    def let_go(self, part: Part) -> None:
        """One holder fewer; the last one frees the memory."""
        with self._changed:
            part.holders -= 1
            if part.holders == 0:
                self._spare.append(part.buffer)
                self._changed.notify_all()

    def note_hashed(self) -> None:
        """One more part was hashed, and offered or settled."""
        with self._changed:
            self._unhashed -= 1
            self._changed.notify_all()

    def offer_hashed(self, part: Part) -> None:
        """``part`` needs a link."""
        with self._changed:
            if not self._hashed:
                self._hashed_since = time.monotonic()
            self._hashed.append(part)
            self._changed.notify_all()

    def take_batch(self) -> list[Part]:
        """Parts to register together; empty when there will be none any more.

        Waits for a full batch only as long as the senders have work: fewer
        calls when we are ahead, no idle line when we are not.
        """
        with self._changed:
            self._wait(self._batch_is_due, LINGER_SECONDS)
            count = min(len(self._hashed), self._batch)
            return [self._hashed.popleft() for _ in range(count)]

    def offer_linked(self, parts: list[Part]) -> None:
        """``parts`` can be sent."""
        with self._changed:
            self._linked.extend(parts)
            self._linked_ever += len(parts)
            self._changed.notify_all()

    def take_linked(self) -> Part | None:
        """The next part to send; None when there will be none any more."""
        with self._changed:
            self._wait(lambda: bool(self._linked) or self._is_over())
            if not self._linked:
                return None
            part = self._linked.popleft()
            self._changed.notify_all()
            return part

    def settle(self, part: Part) -> None:
        """``part`` is on the server."""
        with self._changed:
            self._open_parts -= 1
            self.let_go(part)
            self._changed.notify_all()

    def end_of_file(self) -> None:
        """No further part will be read."""
        with self._changed:
            self._all_read = True
            self._changed.notify_all()

    def wait_until_over(self) -> None:
        """Until all parts are on the server."""
        with self._changed:
            self._wait(self._is_over)

    def fail(self, failure: BaseException) -> None:
        """End all waiting. The first failure is the one that counts."""
        with self._changed:
            if self._failure is None and not isinstance(failure, Stopped):
                self._failure = failure
            self._stop.set()
            self._changed.notify_all()

    @property
    def failure(self) -> BaseException | None:
        """What ended the upload early, if anything did."""
        with self._changed:
            return self._failure

    def _is_over(self) -> bool:
        return self._all_read and self._open_parts == 0

    def _batch_is_due(self) -> bool:
        if not self._hashed:
            return self._is_over()
        if len(self._hashed) >= self._batch:
            return True
        # A few linked parts are left to be sent while the call is on its way.
        if len(self._linked) > self._batch // 4:
            return False
        waited = time.monotonic() - self._hashed_since
        return (
            # The first bytes do not wait for company, nor does who has none coming.
            self._linked_ever < self._jobs
            or waited >= LINGER_SECONDS
            or not self._more_is_coming()
        )

    def _more_is_coming(self) -> bool:
        free = bool(self._spare) or self._buffers_left > 0
        return self._unhashed > 0 or (free and not self._all_read)

    def _wait(
        self, ready: Callable[[], bool], tick_seconds: float = TICK_SECONDS
    ) -> None:
        self._stop.check()
        while not ready():
            self._changed.wait(tick_seconds)
            self._stop.check()
