# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Interleaved rounds, medians, and the rows of the results table.

A machine that others use is slower at one moment than at another. What is compared
therefore runs in turns, not one after the other, and medians are compared.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median

Timed = Callable[[], float]
"""Does the work once and returns the seconds of the part that counts."""


@dataclass(frozen=True)
class Series:
    """Seconds of the rounds of one side."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle round."""
        return median(self.seconds)

    @property
    def spread(self) -> tuple[float, float]:
        """Fastest and slowest round."""
        return min(self.seconds), max(self.seconds)


@dataclass(frozen=True)
class Row:
    """One line of the results.

    :param topic: name for ``--only``.
    :param what: what was measured, on how much.
    :param ours: figure of this package, with its spread.
    :param other: figure it is compared with, and what that is.
    :param result: the ratio, or what else counts.
    :param target: what issue or design ask for, empty for information only.
    :param met: whether it is, None for information only.
    """

    topic: str
    what: str
    ours: str
    other: str
    result: str
    target: str = ""
    met: bool | None = None


def in_turns(sides: Mapping[str, Timed], rounds: int) -> dict[str, Series]:
    """Run every side once per round; the order turns with the rounds.

    :param sides: by name. A side that needs a warm-up has had it.
    """
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    names = list(sides)
    for number in range(rounds):
        for name in names if number % 2 == 0 else reversed(names):
            seconds[name].append(sides[name]())
    return {name: Series(tuple(values)) for name, values in seconds.items()}


def clocked(
    work: Callable[[], object], clock: Callable[[], float] = time.perf_counter
) -> Timed:
    """The whole of ``work`` counts.

    :param clock: ``time.process_time`` for what only computes.
    """

    def timed() -> float:
        begun = clock()
        work()
        return clock() - begun

    return timed


def compared(
    topic: str, what: str, times: Mapping[str, Series], least: float | None = None
) -> Row:
    """How many times faster "ours" is than "upstream".

    :param least: ratio that is required, None for information only.
    """
    ours, upstream = times["ours"], times["upstream"]
    ratio = upstream.median / ours.median
    return Row(
        topic,
        what,
        shown(ours),
        f"upstream: {shown(upstream)}",
        f"{ratio:,.0f} times faster",
        f"at least {least:g} times" if least else "",
        ratio >= least if least else None,
    )


def shown(series: Series) -> str:
    """Median, and the spread when there is more than one round."""
    text = unit_of(series.median)
    if len(series.seconds) > 1:
        low, high = series.spread
        text += f" ({unit_of(low)} to {unit_of(high)})"
    return text


def unit_of(seconds: float) -> str:
    """Seconds in the unit that reads best."""
    if seconds >= 1:
        return f"{seconds:.3g} s"
    if seconds >= 1e-3:
        return f"{seconds * 1e3:.3g} ms"
    return f"{seconds * 1e6:.3g} µs"


def mib(size: float) -> str:
    """Bytes as MiB."""
    return f"{size / 2**20:,.1f} MiB"
