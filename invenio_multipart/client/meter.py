# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""How fast something goes, and how long it will still take."""

from __future__ import annotations

from collections import deque

WINDOW_SECONDS = 10.0
"""Speeds are averages over this long: steady enough to tell the time left."""

EARLY_SECONDS = 1.0
"""Less than this says nothing about a speed."""


class Meter:
    """Speed of a counter of bytes.

    :param window_seconds: what happened before is forgotten.
    """

    def __init__(self, window_seconds: float = WINDOW_SECONDS) -> None:
        self._window = window_seconds
        self._samples: deque[tuple[float, int]] = deque()

    def note(self, moment: float, count: int) -> None:
        """The counter stands at ``count`` bytes.

        Tell it as well while nothing moves: then the speed goes down, as it
        should.

        :param moment: seconds of a clock that never goes back.
        """
        samples = self._samples
        if samples and count < samples[-1][1]:
            # Bytes were taken back, as those of a part that has to be sent again.
            samples.clear()
        samples.append((moment, count))
        # The one sample before the window stays: it is where the window begins.
        while len(samples) > 2 and moment - samples[1][0] >= self._window:
            samples.popleft()

    def rate(self) -> float | None:
        """Bytes per second; None when nothing moves, or it is too early to tell."""
        if not self._samples:
            return None
        (first, before), (last, after) = self._samples[0], self._samples[-1]
        if last - first < EARLY_SECONDS or after <= before:
            return None
        return (after - before) / (last - first)

    def seconds_left(self, count: int) -> float | None:
        """How long ``count`` more bytes take; None when nobody can tell."""
        rate = self.rate()
        return None if rate is None else max(count, 0) / rate
