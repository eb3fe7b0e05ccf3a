# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""How far an upload is: counted here, shown elsewhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

MIN_INTERVAL_SECONDS = 0.1
"""Between two reports: faster than an eye, slower than a network."""


class Pace:
    """Lets ten reports a second pass, and those that must."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._next_report = 0.0

    def lets_pass(self, *, now: bool) -> bool:
        """Whether to report; ``now`` always."""
        moment = self._clock()
        if not now and moment < self._next_report:
            return False
        self._next_report = moment + MIN_INTERVAL_SECONDS
        return True


@dataclass(frozen=True)
class Progress:
    """A look at one upload."""

    phase: str
    """checking, uploading, committing, verifying or completed."""
    size_bytes: int
    """Bytes of the file."""
    done_bytes: int
    """Bytes of the file that are on the server or on their way there."""
    sent_bytes: int
    """Bytes written to the network by this run, repeats included."""
    parts: int
    parts_done: int
    """Parts on the server, those of earlier runs included."""
    parts_reused: int
    """Parts of earlier runs that did not have to be sent."""


ProgressCallback = Callable[[Progress], None]


class ProgressCounter:
    """Adds up what the threads of one upload report.

    :param callback: called from any of these threads, one at a time, at most
        ten times a second, and once for every new phase and after a failure.
    :param clock: seconds; for tests.
    """

    def __init__(
        self,
        size_bytes: int,
        callback: ProgressCallback | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lock = threading.RLock()
        self._size = size_bytes
        self._callback = callback
        self._pace = Pace(clock)
        self._phase = "checking"
        self._parts = 0
        self._settled_bytes = 0
        self._in_flight: dict[int, int] = {}
        self.sent_bytes = 0
        self.parts_sent = 0
        self.parts_reused = 0

    def enter(self, phase: str, parts: int | None = None) -> None:
        """Begin a phase; always reported."""
        with self._lock:
            self._phase = phase
            self._parts = self._parts if parts is None else parts
            self._report(now=True)

    def flush(self) -> None:
        """Report what was not reported yet."""
        with self._lock:
            self._report(now=True)

    def wrote(self, part: int, count: int) -> None:
        """``count`` more bytes of a part went out."""
        with self._lock:
            self.sent_bytes += count
            self._in_flight[part] = self._in_flight.get(part, 0) + count
            self._report()

    def take_back(self, part: int) -> None:
        """The bytes of a part that went out were for nothing."""
        with self._lock:
            self._in_flight.pop(part, None)
            self._report()

    def settle(self, part: int, size_bytes: int, *, reused: bool) -> None:
        """A part is on the server."""
        with self._lock:
            self._in_flight.pop(part, None)
            self._settled_bytes += size_bytes
            if reused:
                self.parts_reused += 1
            else:
                self.parts_sent += 1
            self._report()

    def _report(self, *, now: bool = False) -> None:
        if self._callback is None or not self._pace.lets_pass(now=now):
            return
        self._callback(
            Progress(
                phase=self._phase,
                size_bytes=self._size,
                done_bytes=self._settled_bytes + sum(self._in_flight.values()),
                sent_bytes=self.sent_bytes,
                parts=self._parts,
                parts_done=self.parts_sent + self.parts_reused,
                parts_reused=self.parts_reused,
            )
        )
