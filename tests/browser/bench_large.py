# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""One large file: what the browser needs of memory, and how long it cannot answer.

Takes some minutes, and room for the file in the store; so it is run when it is asked for::

    ./run-tests.sh tests/browser/bench_large.py -s

BENCH_GIB tells another size than 10 GiB.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from ..conftest import GIB
from .deposit import MIB, Deposit
from .site import Site

SIZE_GIB = int(os.environ.get("BENCH_GIB", "10"))
MOST_MIB = 200
"""What the page may need beyond what it needs without an upload."""

LONGEST_MS = 50
"""For longer than that a page must not be busy at once: people notice it."""

TRACED = {
    "transferMode": "ReportEvents",
    "traceConfig": {
        "recordMode": "recordAsMuchAsPossible",
        "includedCategories": ["toplevel"],
        "excludedCategories": ["*"],
    },
}


@dataclass
class Busy:
    """What the page's own thread did in one piece, in milliseconds."""

    computed: float = 0.0
    """The most processor time of a piece."""
    lasted: float = 0.0
    """The longest time of a piece, waiting for a processor included."""
    long: int = 0
    """Pieces that lasted longer than :data:`LONGEST_MS`."""


@contextmanager
def _busy(page: Page) -> Iterator[Busy]:
    """How long the page cannot answer.

    The browser's own list of long tasks has no processor time: on a machine whose
    processors are all at work it tells how long the page has waited for one.
    """
    assert page.context.browser is not None
    session = page.context.browser.new_browser_cdp_session()
    events: list[dict[str, Any]] = []
    names: dict[tuple[str, int, int], str] = {}
    over: list[Any] = []

    def take(message: dict[str, Any]) -> None:
        for event in message["value"]:
            if event["ph"] == "M":
                key = (event["name"], event["pid"], event["tid"])
                names[key] = event["args"].get("name", "")
            elif event.get("dur", 0) > 1000 and event["name"].endswith("::RunTask"):
                events.append(event)

    session.on("Tracing.dataCollected", take)
    # Playwright marks what it calls, and a built-in method cannot be marked.
    session.on("Tracing.tracingComplete", lambda end: over.append(end))  # noqa: PLW0108
    session.send("Tracing.start", TRACED)
    busy = Busy()
    yield busy
    session.send("Tracing.end")
    while not over:
        page.wait_for_timeout(100)
    pages = {
        pid
        for (kind, pid, _), name in names.items()
        if (kind, name) == ("process_name", "Renderer")
    }
    for event in events:
        pid, thread = event["pid"], ("thread_name", event["pid"], event["tid"])
        if pid in pages and names.get(thread) == "CrRendererMain":
            lasted = event["dur"] / 1000
            busy.lasted = max(busy.lasted, lasted)
            busy.computed = max(busy.computed, event["tdur"] / 1000)
            busy.long += lasted > LONGEST_MS
    assert busy.lasted, "The trace is of no page."


def _renderers() -> int:
    """Private memory in bytes of all processes of browsers that show pages."""
    total = 0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if b"--type=renderer" not in (process / "cmdline").read_bytes():
                continue
            for line in (process / "smaps_rollup").read_text().splitlines():
                if line.startswith("Private_"):
                    total += 1024 * int(line.split()[1])
        except OSError:
            # It has just ended.
            continue
    return total


@contextmanager
def _peak() -> Iterator[list[int]]:
    """The most that pages have needed since; one number, in bytes."""
    peak, over = [_renderers()], threading.Event()

    def look() -> None:
        while not over.wait(0.5):
            peak[0] = max(peak[0], _renderers())

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield peak
    finally:
        over.set()
        thread.join()


def test_one_large_file(site: Site, page: Page, tmp_path: Path) -> None:
    """The page's memory does not grow with the file, and it always answers."""
    path = tmp_path / "large.bin"
    with path.open("wb") as large:
        large.truncate(SIZE_GIB * GIB)
    deposit = Deposit(site, page, site.draft())
    before = _renderers()
    begun = time.monotonic()
    with _peak() as peak, _busy(page) as busy:
        deposit.choose(path)
        deposit.state("large.bin", "completed", seconds=3600)
        seconds = time.monotonic() - begun
    more = (peak[0] - before) / MIB
    print(  # noqa: T201
        f"\n{SIZE_GIB} GiB in {seconds:.0f} s ({SIZE_GIB * 1024 / seconds:.0f} MiB/s): "
        f"{more:.0f} MiB above {before / MIB:.0f} MiB; in one piece the page computed "
        f"{busy.computed:.0f} ms at most; {busy.long} pieces lasted over "
        f"{LONGEST_MS} ms, the longest {busy.lasted:.0f} ms"
    )
    assert more < MOST_MIB
    assert busy.computed <= LONGEST_MS
