# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Files on their way, when nothing is in the way."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from playwright.sync_api import Page, expect

from .deposit import MIB, Deposit, parts_held
from .site import Site

Data = Callable[..., Path]


def test_published_and_downloaded(site: Site, page: Page, data: Data) -> None:
    """By parts and at once, published by the button, downloaded byte by byte."""
    deposit = Deposit(site, page, site.draft())
    large, small = data("large.bin", 30 * MIB), data("a b+ä#1 100%.txt", 1000)
    deposit.choose(large, small, data("empty.dat", 0))
    for key in ("large.bin", "a b+ä#1 100%.txt", "empty.dat"):
        deposit.state(key, "completed")
    digest = hashlib.md5(large.read_bytes()).hexdigest()
    expect(deposit.row("large.bin")).to_contain_text(digest)
    assert sorted(n for n in deposit.parts_sent() if n > 1) == [2, 3, 4]
    page.get_by_role("button", name="Publish", exact=True).click()
    dialog = page.get_by_role("dialog").or_(page.locator(".modal.visible"))
    expect(dialog).to_be_visible()
    for box in dialog.locator("label").all():
        box.click()
    dialog.get_by_role("button", name=re.compile("^Publish")).click()
    page.wait_for_url(re.compile(r"/records/[\w-]+"))
    record = page.url.rstrip("/").rsplit("/", 1)[1].split("?")[0]
    for path in (large, small):
        url = f"/records/{record}/files/{quote(path.name)}/content"
        assert site.api().content(url) == path.read_bytes()


def test_draft_is_made_by_the_first_file(site: Site, page: Page, data: Data) -> None:
    """A form that nobody has saved gets its draft, and its address, by a file."""
    page.goto("/uploads/new")
    page.get_by_test_id("multipart-files").set_input_files(data("first.txt", 10))
    row = page.locator("[role=row][data-key='first.txt']")
    expect(row).to_have_attribute("data-state", "completed", timeout=60_000)
    page.wait_for_url(re.compile(r"/uploads/(?!new)[\w-]+"))


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
