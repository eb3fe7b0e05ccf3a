# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Files that the repository has already."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from ..driver import RECORD, Draft
from .deposit import MIB, Deposit, eventually, parts_held
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


def test_known_content(site: Site, page: Page, data: Data) -> None:
    """A chosen file that the draft has already is noticed, and linked on a click."""
    deposit = Deposit(site, page, site.draft())
    path = data("first.bin", 40 * MIB)
    deposit.choose(path)
    deposit.state("first.bin", "completed")
    copy = path.rename(path.with_name("copy.bin"))
    sent = len(deposit.parts_sent())
    with parts_held(site, first=2) as hold:
        deposit.choose(copy)
        eventually(lambda: hold.count > 0)
        expect(deposit.row("copy.bin")).to_contain_text("Same content as first.bin")
        deposit.row("copy.bin").get_by_text("Link it instead").click()
        deposit.state("copy.bin", "completed")
    entry = deposit.draft.api.get(deposit.draft.file("copy.bin")).json
    assert entry["links"]["origin"].endswith("/draft/files/first.bin")
    assert len(deposit.parts_sent()) <= sent + 1
    assert deposit.open_uploads() == []
    record = deposit.published()
    content = site.api().content(f"/records/{record}/files/copy.bin/content")
    assert content == copy.read_bytes()


def test_known_in_the_version_before(site: Site, page: Page, data: Data) -> None:
    """So is one that the last version has, by whatever name."""
    path = data("again.bin", 40 * MIB)
    first = site.draft()
    first.upload("old name.bin", [path.read_bytes()])
    record = first.publish()
    assert record.status == 202, record.json
    reply = first.api.call("POST", f"/records/{record.json['id']}/versions")
    assert reply.status == 201, reply.json
    deposit = Deposit(site, page, Draft(first.api, reply.json["id"]))
    with parts_held(site, first=2):
        deposit.choose(path)
        row = deposit.row("again.bin")
        expect(row).to_contain_text("Same content as old name.bin of version 1")
        row.get_by_text("Link it instead").click()
        deposit.state("again.bin", "completed")
    assert deposit.entries()["again.bin"]["size"] == 40 * MIB
