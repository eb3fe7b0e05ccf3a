# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Processor time of another process."""

from __future__ import annotations

from pathlib import Path

from .harness import Series, Timed


class Meter:
    """Sums up what all threads of a process used while something was timed.

    :param process: id of the process.
    """

    def __init__(self, process: int) -> None:
        self._threads = Path(f"/proc/{process}/task")
        self._used: list[float] = []

    @property
    def series(self) -> Series:
        """Seconds of each round so far."""
        return Series(tuple(self._used))

    def metered(self, timed: Timed) -> Timed:
        """The same work; every run adds a round to the series."""

        def run() -> float:
            before = self._seconds()
            seconds = timed()
            self._used.append(self._seconds() - before)
            return seconds

        return run

    def _seconds(self) -> float:
        # The first number is nanoseconds on a processor.
        files = self._threads.glob("*/schedstat")
        return sum(int(file.read_text().split()[0]) for file in files) / 1e9
