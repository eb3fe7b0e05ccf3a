# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Files on their way, when nothing is in the way."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from .deposit import MIB, Deposit, parts_held
from .site import Site

Data = Callable[..., Path]


def test_progress_is_told(site: Site, page: Page, data: Data) -> None:
    """While it goes: bytes of it all, percent, a bar with a name, buttons."""
    deposit = Deposit(site, page, site.draft())
    with parts_held(site, first=3):
        deposit.choose(data("slow.bin", 40 * MIB))
        row = deposit.state("slow.bin", "uploading")
        expect(row).to_contain_text(re.compile(r"\d+%"))
        expect(row).to_contain_text(re.compile(r"\d+ MB of 42 MB"))
        bar = row.get_by_role("progressbar")
        expect(bar).to_have_accessible_name("Progress of slow.bin")
        expect(page.get_by_test_id("multipart-totals")).to_contain_text("0 of 1 files")
    deposit.state("slow.bin", "completed")


def test_pause_and_go_on(site: Site, page: Page, data: Data) -> None:
    """A paused file sends nothing; it goes on where it was."""
    deposit = Deposit(site, page, site.draft())
    with parts_held(site, first=2):
        deposit.choose(data("rest.bin", 40 * MIB))
        deposit.state("rest.bin", "uploading")
        deposit.press("Pause", "rest.bin")
        deposit.state("rest.bin", "paused")
    before = len(site.s3.requests)
    page.wait_for_timeout(1500)
    assert [r for r in site.s3.requests[before:] if "partNumber=" in r] == []
    deposit.press("Go on with", "rest.bin")
    deposit.state("rest.bin", "completed")


def test_metadata_is_kept(site: Site, page: Page, data: Data) -> None:
    """Title and description of a file are the server's, and there after a reload."""
    deposit = Deposit(site, page, site.draft())
    deposit.choose(data("told.txt", 10))
    deposit.state("told.txt", "completed")
    deposit.press("Edit details of", "told.txt")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Title").fill("What it is")
    dialog.get_by_label("Description").fill("All of it")
    dialog.get_by_role("button", name="Save").click()
    expect(deposit.row("told.txt")).to_contain_text("What it is")
    page.reload()
    expect(deposit.row("told.txt")).to_contain_text("What it is")
    metadata = deposit.entries()["told.txt"]["metadata"]
    assert metadata["title"] == "What it is"
    assert metadata["description"] == "All of it"
