# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Replies about uploads of many parts: begin one, read one, list a draft."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from .client import Api
from .harness import Row, Timed, compared, in_turns, shown
from .processor import Meter, clock_of
from .site import Site

PARTS = 10_000
PART_SIZE = 5 * 2**20


def init(site: Site, rounds: int) -> Iterator[Row]:
    """Begin an upload of 10,000 parts; the reply holds all links."""
    what = "`POST` of a file of 10,000 parts, links included"
    yield from _compare(site, "init", what, _begin_again, rounds, 50)


def read(site: Site, rounds: int) -> Iterator[Row]:
    """Read the entry of one pending file of 10,000 parts."""
    what = "`GET` of a pending file of 10,000 parts, links included"
    yield from _compare(site, "read", what, _read_one, rounds, 100)


def listing(site: Site, rounds: int) -> Iterator[Row]:
    """List drafts with many pending files.

    Upstream signs every link of every file in a list: 100 files of 10,000 parts
    would take it an hour, half of it for beginning them. Both sides therefore list
    fewer parts in two ways, and ours lists the whole as well. What is wanted is wanted
    for files of 10,000 parts.
    """
    for files, parts in ((100, 100), (3, PARTS)):
        what = f"list of {files} pending files of {parts:,} parts each"
        least = 100 if parts == PARTS else None
        prepare = _lister(files, parts)
        yield from _compare(site, "list", what, prepare, rounds, least)
    alone = in_turns({"ours": _lister(100, PARTS)(site.ours.api)}, rounds)
    what = f"list of 100 pending files of {PARTS:,} parts each"
    yield Row("list", what, shown(alone["ours"]), "not run, see below", "")


def _compare(
    site: Site,
    topic: str,
    what: str,
    prepare: Callable[[Api], Timed],
    rounds: int,
    least: float | None,
) -> Iterator[Row]:
    """Reply times, and the processor time they took, which neighbours change less."""
    meters = {
        "ours": Meter(clock_of(site.ours.worker)),
        "upstream": Meter(clock_of(site.upstream.worker)),
    }
    sides = {
        "ours": meters["ours"].metered(prepare(site.ours.api)),
        "upstream": meters["upstream"].metered(prepare(site.upstream.api)),
    }
    yield compared(topic, what, in_turns(sides, rounds), least)
    used = {name: meter.series for name, meter in meters.items()}
    yield compared(topic, "the same, processor time of the web process", used)


def _begin_again(api: Api) -> Timed:
    files = api.new_draft()
    # The first signature of a process reads botocore's models, on either side.
    api.init(files, "warm-up", 1, PART_SIZE)
    count = iter(range(10**6))

    def timed() -> float:
        answer = api.init(files, f"{next(count)}.h5", PARTS, PART_SIZE)
        _check_links(answer.json["entries"][-1]["links"]["parts"], PARTS)
        return answer.seconds

    return timed


def _read_one(api: Api) -> Timed:
    files = api.new_draft()
    api.init(files, "a.h5", PARTS, PART_SIZE)

    def timed() -> float:
        answer = api.call("GET", f"{files}/a.h5")
        _check_links(answer.json["links"]["parts"], PARTS)
        return answer.seconds

    return timed


def _lister(count: int, parts: int) -> Callable[[Api], Timed]:
    def prepare(api: Api) -> Timed:
        files = api.new_draft()
        # One request for all: upstream's reply signs the links of earlier files too.
        # Ours alone goes to a size where that reply would be a million links.
        keys = [f"{number}.h5" for number in range(count)]
        at_once = count if parts * count < 10**6 else 1
        for start in range(0, count, at_once):
            api.init_all(files, keys[start : start + at_once], parts, PART_SIZE)

        def timed() -> float:
            answer = api.call("GET", files)
            if len(answer.json["entries"]) != count:
                raise RuntimeError("The list is not complete.")
            return answer.seconds

        return timed

    return prepare


def _check_links(links: list[dict[str, object]], count: int) -> None:
    """A fast reply that lacks links would be no comparison."""
    numbers = [link["part"] for link in links]
    signed = all("X-Amz-Signature=" in str(link["url"]) for link in links)
    if numbers != list(range(1, count + 1)) or not signed:
        raise RuntimeError("The reply does not hold all links.")
