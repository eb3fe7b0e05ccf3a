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

from .limits import Limits
from .retry import Stopped, StopSignal
from .wire import PartLink

TICK_SECONDS = 0.5
"""Longest wait in one piece: some systems deliver Ctrl-C only in between."""

BATCH_PARTS = 100
"""Parts that one call registers at most."""

LINGER_SECONDS = 0.2
"""How long parts wait for company while senders may run out of work."""

TELL_SECONDS = 10.0
"""How long the server may not know the digests of parts that need no link: what
it knows saves sending them again where its store cannot tell them."""

Facts = tuple[int, int, str]
"""Number of a part, its bytes, its hex MD5."""


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
    by_any_link: bool = False
    """Its link is good for any bytes: it is for us to compare what has arrived."""

    @property
    def facts(self) -> Facts:
        """What the server is told of it."""
        return self.number, len(self.data), self.md5


class Flow:
    """Queues between the threads of one upload, with a bound on memory.

    :param limits: those of all uploads together.
    :param buffer_bytes: size of the largest part.
    :param ahead: parts in memory beyond those being sent, 1 or more; what has to be
        registered before it is sent is registered together.
    """

    def __init__(
        self, stop: StopSignal, limits: Limits, buffer_bytes: int, ahead: int
    ) -> None:
        self._stop = stop
        self._limits = limits
        self._changed = threading.Condition()
        self._buffer_bytes = buffer_bytes
        self._ahead = ahead
        self._buffers = 0
        self._hashed: deque[Part] = deque()
        self._hashed_since = 0.0
        self._untold: deque[Facts] = deque()
        self._untold_since = 0.0
        self._being_told = 0
        self._linked: deque[Part] = deque()
        self._linked_ever = 0
        self._sending = 0
        self._open_parts = 0
        self._unhashed = 0
        self._all_read = False
        self._failure: BaseException | None = None
        self.links_distrusted = False
        """Links for any bytes are no good, or prove nothing with this store."""

    def take_buffer(self) -> bytearray:
        """Memory for one part; waits until some is free."""
        with self._changed:
            self._wait(self._has_room)
            self._buffers += 1
            self._open_parts += 1
            self._unhashed += 1
        # Not under our lock: other uploads may have to free some first.
        return self._limits.memory.take(self._buffer_bytes, self._stop)

    def let_go(self, part: Part) -> None:
        """One holder fewer; the last one frees the memory."""
        with self._changed:
            part.holders -= 1
            if part.holders == 0:
                self._buffers -= 1
                self._limits.memory.give(part.buffer)
                self._changed.notify_all()

    def note_hashed(self) -> None:
        """One more part was hashed, and offered or settled."""
        with self._changed:
            self._unhashed -= 1
            self._changed.notify_all()

    def offer_hashed(self, part: Part) -> None:
        """``part`` needs a link, or another one."""
        with self._changed:
            if not self._hashed:
                self._hashed_since = time.monotonic()
            self._hashed.append(part)
            self._changed.notify_all()

    def distrust_links(self) -> None:
        """Have every part that is hashed from now on registered first."""
        with self._changed:
            self.links_distrusted = True

    def take_batch(self) -> tuple[list[Part], list[Facts]]:
        """Parts that need links, and facts to tell; both empty when there will be
        none any more.

        Waits for a full batch only as long as the senders have work: fewer
        calls when we are ahead, no idle line when we are not.
        """
        with self._changed:
            self._wait(self._batch_is_due, LINGER_SECONDS)
            count = min(len(self._hashed), self._batch())
            parts = [self._hashed.popleft() for _ in range(count)]
            told = list(self._untold)
            self._untold.clear()
            self._being_told = len(told)
            return parts, told

    def note_told(self) -> None:
        """The server knows what the last batch had to tell."""
        with self._changed:
            self._being_told = 0
            self._changed.notify_all()

    def offer_linked(self, parts: list[Part], *, tell: bool = False) -> None:
        """``parts`` can be sent.

        :param tell: the server does not know them yet.
        """
        with self._changed:
            if tell and not self._untold:
                self._untold_since = time.monotonic()
            if tell:
                self._untold.extend(part.facts for part in parts)
            self._linked.extend(parts)
            self._linked_ever += len(parts)
            self._changed.notify_all()

    def take_linked(self) -> Part | None:
        """The next part to send; None when there will be none any more."""
        with self._changed:
            self._wait(lambda: self._can_send() or self._is_over())
            if not self._linked:
                return None
            self._sending += 1
            part = self._linked.popleft()
            self._changed.notify_all()
            return part

    def put_down(self) -> None:
        """Whoever took a part to send it is done with it, in one way or another."""
        with self._changed:
            self._sending -= 1
            self._changed.notify_all()

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

    def _bound(self) -> int:
        most = self._limits.memory.limit_bytes // max(self._buffer_bytes, 1)
        return max(2, min(self._limits.jobs.current + self._ahead, most))

    def _batch(self) -> int:
        return min(max(self._bound() - self._limits.jobs.current, 1), BATCH_PARTS)

    def _has_room(self) -> bool:
        return self._buffers < self._bound()

    def _can_send(self) -> bool:
        # Parts wait here rather than in a thread, where nobody would count them.
        return bool(self._linked) and self._sending < self._limits.jobs.current

    def _is_over(self) -> bool:
        untold = len(self._untold) + self._being_told
        return self._all_read and self._open_parts == 0 and untold == 0

    def _batch_is_due(self) -> bool:
        if not self._hashed:
            return self._is_over() or self._telling_is_due()
        if len(self._hashed) >= self._batch():
            return True
        # A few linked parts are left to be sent while the call is on its way.
        if len(self._linked) > self._batch() // 4:
            return False
        waited = time.monotonic() - self._hashed_since
        return (
            # The first bytes do not wait for company, nor does who has none coming.
            self._linked_ever < self._limits.jobs.current
            or waited >= LINGER_SECONDS
            or not self._more_is_coming()
        )

    def _telling_is_due(self) -> bool:
        return bool(self._untold) and (
            len(self._untold) >= BATCH_PARTS
            or time.monotonic() - self._untold_since >= TELL_SECONDS
            or (self._all_read and self._unhashed == 0)
        )

    def _more_is_coming(self) -> bool:
        return self._unhashed > 0 or (self._has_room() and not self._all_read)

    def _wait(
        self, ready: Callable[[], bool], tick_seconds: float = TICK_SECONDS
    ) -> None:
        self._stop.check()
        while not ready():
            self._changed.wait(tick_seconds)
            self._stop.check()
