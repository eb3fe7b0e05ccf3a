# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Thousands of small files: announce them, send them, complete them.

Ours is one request and one job. Upstream begins them with one request as well, and
then wants two more per file.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from .harness import Row, Series, in_turns, mib, shown, unit_of
from .lives import Life, OurLife, UpstreamLife
from .site import Site

COUNTS = (100, 1000, 10_000)
MAX_SECONDS = 10.0
FLAT = 1.25
"""Cost per file of the most over that of the fewest; both have the same noise."""

TOO_LONG = 120.0
"""Seconds that upstream may take at one step before it is left out."""

Pick = Callable[[Life], float]


def batches(site: Site, rounds: int) -> Iterator[Row]:
    """The whole life of batches of each size, in turns with upstream's.

    Upstream sends and commits only some: that takes minutes for a thousand.
    """
    lives: dict[str, list[list[Life]]] = {"ours": [], "texts": [], "upstream": []}
    # The first requests of a process cost more than any other, on each side.
    OurLife(site, 1, described=False).run()
    UpstreamLife(site, 1).run()
    for count in COUNTS:
        sides = {
            "ours": OurLife(site, count, described=True),
            "texts": OurLife(site, count, described=False),
        }
        if _expected(lives["upstream"], lambda life: life.announcement) < TOO_LONG:
            sides["upstream"] = UpstreamLife(site, count)
        found: dict[str, list[Life]] = {name: [] for name in lives}
        in_turns(
            {name: _kept(side.run, found[name]) for name, side in sides.items()},
            rounds if count < COUNTS[-1] else max(2, rounds - 1),
        )
        for name, some in found.items():
            lives[name].append(some)
        yield from _announcement_rows(count, found)
        yield from _completion_rows(count, found)
    yield _flat_row("announcement", lives["ours"], lambda life: life.announcement)
    yield _flat_row("completion", lives["ours"], lambda life: life.completion)


def _kept(run: Callable[[], Life], lives: list[Life]) -> Callable[[], float]:
    def timed() -> float:
        lives.append(run())
        return lives[-1].announcement

    return timed


def _announcement_rows(count: int, lives: dict[str, list[Life]]) -> Iterator[Row]:
    limit = MAX_SECONDS if count == COUNTS[-1] else None
    for name, what in (("ours", "with size and MD5"), ("texts", "as plain texts")):
        yield _row(
            f"announcement of {count:,} files {what}",
            count,
            lives[name],
            lives["upstream"],
            lambda life: life.announcement,
            limit,
        )
        yield _row(
            "the same, processor time of the web process",
            count,
            lives[name],
            lives["upstream"],
            lambda life: life.processor,
        )
    calls = {life.announcing_s3 for name in ("ours", "texts") for life in lives[name]}
    ours, upstream = lives["ours"], lives["upstream"]
    yield Row(
        "batches",
        "the same: growth of the web process, reply",
        f"{mib(max(life.growth for life in ours))}, {_size(ours)}",
        f"upstream: {mib(max(life.growth for life in upstream))}, {_size(upstream)}"
        if upstream
        else "",
        f"requests to S3: {', '.join(sorted(calls))}",
        "no requests to S3",
        calls == {"none"},
    )


def _completion_rows(count: int, lives: dict[str, list[Life]]) -> Iterator[Row]:
    upstream = lives["upstream"]
    for name, what in (("ours", "with MD5"), ("texts", "without")):
        mine = _series(lives[name], lambda life: life.completion)
        other, result = "upstream: not run, see below", ""
        if upstream:
            each = _series(upstream, _each_completed)
            other = f"upstream: {shown(each)} a file, of {upstream[0].completed}"
            result = f"{each.median * count / mine.median:,.0f} times faster"
        sent = unit_of(_series(lives[name], lambda life: life.sending).median)
        yield Row(
            "batches",
            f"completion of {count:,} files {what}, sent in {sent} before",
            _per_file(mine, count),
            other,
            result,
        )
        yield _calls_row(count, lives[name][-1])


def _calls_row(count: int, life: Life) -> Row:
    pages = -(-count // 1000)
    flat = (
        life.s3["HeadObject"] == 0
        and life.s3["ListObjectsV2"] <= 2 * pages + 2
        and (life.index_calls, life.saves) == (1, 1)
    )
    return Row(
        "batches",
        "the same: requests of the job to S3",
        life.completing_s3,
        "",
        f"{life.index_calls} to the index, draft saved {life.saves} time",
        "no HEAD, one listing, index request and save",
        flat,
    )


def _row(
    what: str,
    count: int,
    ours: list[Life],
    upstream: list[Life],
    pick: Pick,
    limit: float | None = None,
) -> Row:
    mine = _series(ours, pick)
    other, result = "upstream: not run, see below", ""
    if upstream:
        theirs = _series(upstream, pick)
        other = f"upstream: {_per_file(theirs, count)}"
        result = f"{theirs.median / mine.median:,.0f} times faster"
    return Row(
        "batches",
        what,
        _per_file(mine, count),
        other,
        result,
        f"under {limit:g} s" if limit else "",
        mine.median < limit if limit else None,
    )


def _flat_row(what: str, lives: list[list[Life]], pick: Pick) -> Row:
    each = [
        _series(some, pick).median / n for n, some in zip(COUNTS, lives, strict=True)
    ]
    ratio = each[-1] / each[0]
    return Row(
        "batches",
        f"cost per file of the {what}, {COUNTS[-1]:,} files against {COUNTS[0]:,}",
        ", ".join(map(unit_of, each)),
        "",
        f"{ratio:.2f} times",
        f"at most {FLAT:g} times",
        ratio <= FLAT,
    )


def _expected(before: list[list[Life]], pick: Pick) -> float:
    """Seconds that the next size will take, when the growth goes on as it was."""
    medians = [_series(some, pick).median if some else math.inf for some in before]
    if len(medians) < 2:
        return 0.0
    return medians[-1] * max(medians[-1] / medians[-2], 1.0)


def _series(lives: list[Life], pick: Pick) -> Series:
    return Series(tuple(map(pick, lives)))


def _each_completed(life: Life) -> float:
    return life.completion / life.completed


def _per_file(series: Series, count: int) -> str:
    return f"{shown(series)}, {unit_of(series.median / count)} a file"


def _size(lives: list[Life]) -> str:
    return f"{lives[-1].reply_size / 1e6:.3g} MB"
