# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Files that the repository has already."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from ..driver import RECORD
from .deposit import Deposit
from .site import Site

Data = Callable[..., Path]


def test_link_picker(site: Site, page: Page, data: Data) -> None:
    """Searched, chosen, linked in one call, marked with the origin; nothing is sent."""
    title = f"Source {uuid.uuid4().hex[:8]}"
    source = site.draft(metadata={**RECORD["metadata"], "title": title})
    names = ["one.txt", "two.txt", "three.txt"]
    for name in names:
        source.upload(name, [name.encode()])
    assert source.publish().status == 202
    site.calm()
    deposit = Deposit(site, page, site.draft())
    page.get_by_role("button", name="Use a file that is already here").click()
    dialog = page.get_by_role("dialog")
    found = dialog.locator(".im-hit", has_text=title)
    # What was published a moment ago is found a second later.
    for _ in range(10):
        dialog.get_by_label("Find a record").fill("")
        dialog.get_by_label("Find a record").fill(title)
        page.wait_for_timeout(1500)
        if found.count():
            break
    found.first.click()
    for name in names[:2]:
        dialog.locator("label", has_text=name).click()
    dialog.get_by_role("button", name="Link 2 files").click()
    for name in names[:2]:
        deposit.state(name, "completed")
        expect(deposit.row(name)).to_contain_text("Linked")
    assert sorted(deposit.entries()) == sorted(names[:2])
    assert site.puts() == []
    record = deposit.published()
    assert site.api().content(f"/records/{record}/files/one.txt/content") == b"one.txt"
