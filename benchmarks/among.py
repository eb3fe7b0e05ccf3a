# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""One file more where there are thousands: what the others add to its calls."""

from __future__ import annotations

from collections.abc import Iterator

from .client import Api
from .harness import Row, Timed, compared, in_turns, shown
from .sharing import FILE_SIZE, OCTETS, draft_of, some_file
from .site import Site

FEW = 10
MANY = 4000
FLAT = 1.25
"""Calls among many over the same among few; both have the same noise."""

_BODY = bytes(FILE_SIZE)
_KEY = "one-more.dat"


def among(site: Site, rounds: int) -> Iterator[Row]:
    """All calls about a single file, in drafts of a few and of many files."""
    api = site.ours.api
    target = some_file(api)
    few, many = draft_of(api, target, FEW), draft_of(api, target, MANY)
    sides = {
        "ours": _life(api, many),
        "few": _life(api, few),
        # The drafts are the same: what makes them is not compared.
        "upstream": _life(site.upstream.api, draft_of(api, target, MANY)),
    }
    for timed in sides.values():
        # The first requests of a process cost more than any other.
        timed()
    times = in_turns(sides, rounds)
    what = f"a small file begun, sent, committed, read, deleted, among {MANY:,} others"
    yield compared("among", what, times)
    ratio = times["ours"].median / times["few"].median
    yield Row(
        "among",
        f"the same against the same among {FEW}",
        shown(times["ours"]),
        f"ours among {FEW}: {shown(times['few'])}",
        f"{ratio:.2f} times",
        f"at most {FLAT:g} times",
        ratio <= FLAT,
    )


def _life(api: Api, files: str) -> Timed:
    """By upstream's own calls, which either server has."""
    one = f"{files}/{_KEY}"

    def timed() -> float:
        little = {"Prefer": "return=minimal"}
        answers = [
            api.call("POST", files, json=[{"key": _KEY}], headers=little),
            api.call("PUT", f"{one}/content", data=_BODY, headers=OCTETS),
            api.call("POST", f"{one}/commit"),
            api.call("GET", one),
            api.call("DELETE", one),
        ]
        if answers[3].json["size"] != FILE_SIZE:
            raise RuntimeError("The file is not what was sent.")
        return sum(answer.seconds for answer in answers)

    return timed
