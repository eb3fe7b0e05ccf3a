# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Processor time beside wall time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from .harness import Series, Timed


class Meter:
    """Reads a second clock around whatever is timed.

    :param clock: seconds of processor time so far.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._used: list[float] = []

    @property
    def series(self) -> Series:
        """Seconds of each round so far."""
        return Series(tuple(self._used))

    def metered(self, timed: Timed) -> Timed:
        """The same work; every run adds a round to the series."""

        def run() -> float:
            before = self._clock()
            seconds = timed()
            self._used.append(self._clock() - before)
            return seconds

        return run


def clock_of(process: int) -> Callable[[], float]:
    """Processor time of another process, to the nanosecond.

    :param process: one whose threads do not end meanwhile: theirs is lost then.
    """
    threads = Path(f"/proc/{process}/task")

    def clock() -> float:
        # The first number is nanoseconds on a processor.
        files = threads.glob("*/schedstat")
        return sum(int(file.read_text().split()[0]) for file in files) / 1e9

    return clock
