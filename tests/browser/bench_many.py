# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""200 files of 10 kB by InvenioRDM's page and by ours, in one run.

Takes four minutes, nearly all of it for the first; so it is run when it is asked for::

    ./run-tests.sh tests/browser/bench_many.py -s
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page

from ..driver import Draft
from .deposit import Deposit, eventually, is_completed
from .site import Site

FILES = 200
SIZE_BYTES = 10_000
FACTOR = 10
"""How much faster our page has to be."""


def _seconds(draft: Draft, begin: Callable[[], None]) -> float:
    begun = time.monotonic()
    begin()
    eventually(lambda: is_completed(draft, FILES), seconds=600)
    return time.monotonic() - begun


def test_many_small_files(site: Site, page: Page, data: Callable[..., Path]) -> None:
    """Ours is ten times as fast at least."""
    paths = [data(f"small/{n:03}.dat", SIZE_BYTES) for n in range(FILES)]
    deposit = Deposit(site, page, site.draft())
    ours = _seconds(deposit.draft, lambda: deposit.choose(*paths))
    stock = site.draft()
    with site.settings(MULTIPART_DEPOSIT_UI=False):
        page.goto(f"/uploads/{stock.id}")

        def begin() -> None:
            page.locator("input.uppy-Dashboard-input").first.set_input_files(paths)
            page.locator(".uppy-StatusBar-actionBtn--upload").click()

        theirs = _seconds(stock, begin)
    print(f"\n{FILES} files: ours {ours:.1f} s, InvenioRDM's page {theirs:.1f} s")  # noqa: T201
    assert theirs > FACTOR * ours
