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
from pathlib import Path

from playwright.sync_api import Page

from ..conftest import GIB
from .deposit import MIB, Deposit
from .site import Site

SIZE_GIB = int(os.environ.get("BENCH_GIB", "10"))
MOST_MIB = 200
"""What the page may need beyond what it needs without an upload."""

LONGEST_MS = 50
"""Longer than that a page must not be busy at once: people notice it."""

LONG_TASKS = """() => {
    window.longTasks = [];
    new PerformanceObserver((list) => {
        list.getEntries().forEach(({ duration }) => window.longTasks.push(duration));
    }).observe({ type: "longtask" });
}"""


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
    page.evaluate(LONG_TASKS)
    begun = time.monotonic()
    with _peak() as peak:
        deposit.choose(path)
        deposit.state("large.bin", "completed", seconds=3600)
    seconds = time.monotonic() - begun
    more = (peak[0] - before) / MIB
    tasks: list[float] = page.evaluate("window.longTasks")
    longest = max(tasks, default=0)
    print(  # noqa: T201
        f"\n{SIZE_GIB} GiB in {seconds:.0f} s ({SIZE_GIB * 1024 / seconds:.0f} MiB/s): "
        f"{more:.0f} MiB above {before / MIB:.0f} MiB; "
        f"{len(tasks)} tasks over 50 ms, the longest {longest:.0f} ms"
    )
    assert more < MOST_MIB
    assert longest <= LONGEST_MS
