# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Folders, and files by the hundred."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, Response, expect

from ..driver import md5
from .deposit import MIB, SENT, Deposit, eventually, parts_held
from .site import Site

Data = Callable[..., Path]


def test_folder(site: Site, page: Page, data: Data) -> None:
    """Paths are kept, equal names in two folders do not meet, hidden files are asked."""
    deposit = Deposit(site, page, site.draft())
    names = ["a/same.txt", "b/same.txt", "b/deep/er.txt", "top.txt", "b/.hidden"]
    made = {name: data(f"survey/{name}", 50 + n) for n, name in enumerate(names)}
    deposit.choose_folder(made["top.txt"].parent)
    deposit.confirm("Leave them out")
    deposit.all_completed(4)
    entries = deposit.entries()
    for name in names[:4]:
        entry = entries[f"survey/{name}"]
        assert entry["checksum"] == md5(made[name].read_bytes())
    expect(page.get_by_text("deep", exact=False).first).to_be_visible()


@pytest.mark.parametrize("count", [200, 1000])
def test_many_files(site: Site, page: Page, data: Data, count: int) -> None:
    """One batch, few requests to the site, and a page that draws what can be seen."""
    deposit = Deposit(site, page, site.draft())
    paths = [data(f"many/{n:04}.dat", 10_000) for n in range(count)]
    before = len(site.web.requests)
    deposit.choose_folder(paths[0].parent)
    deposit.all_completed(count, seconds=240)
    asked = [
        r for r in site.web.requests[before:] if re.match("(POST|PUT|GET) /api", r)
    ]
    assert len(asked) < 60 + count / 20, asked
    assert page.locator("[role=row][data-key]").count() < 200
    expect(page.get_by_test_id("multipart-totals")).to_have_count(0, timeout=30_000)
    sums = {e["key"]: e["checksum"] for e in deposit.entries().values()}
    for path in paths[:: count // 20]:
        assert sums[f"many/{path.name}"] == md5(path.read_bytes())


def test_small_and_large_together(site: Site, page: Page, data: Data) -> None:
    """A folder with both: nobody waits for the other's kind."""
    deposit = Deposit(site, page, site.draft())
    for n in range(10):
        data(f"mixed/{n}.txt", 1000)
    deposit.choose_folder(data("mixed/large.bin", 20 * MIB).parent)
    deposit.all_completed(11)


def test_replies_tell_of_new_files_only(site: Site, page: Page, data: Data) -> None:
    """However many there are."""
    deposit = Deposit(site, page, site.draft())
    deposit.choose(data("before.txt", 1000))
    deposit.all_completed(1)
    with page.expect_response(_is_beginning) as begun:
        deposit.choose(data("large.bin", 20 * MIB))
    told = [entry["key"] for entry in begun.value.json()["entries"]]
    assert told == ["large.bin"]
    deposit.all_completed(2)


def _is_beginning(response: Response) -> bool:
    path = response.url.partition("?")[0]
    return response.request.method == "POST" and path.endswith("/draft/files")


def test_reload_in_a_batch(site: Site, page: Page, data: Data) -> None:
    """After a reload the batch is taken up again with what it has."""
    deposit = Deposit(site, page, site.draft())
    paths = [data(f"again/{n:02}.dat", 10_000) for n in range(30)]
    with parts_held(site, first=10, which=SENT) as hold:
        deposit.choose_folder(paths[0].parent)
        eventually(lambda: hold.count > 0 and len(deposit.entries()) == 30)
        page.reload()
    unfinished = page.get_by_test_id("multipart-unfinished")
    expect(unfinished).to_be_visible(timeout=30_000)
    deposit.choose_folder(paths[0].parent)
    deposit.all_completed(30)
    # Nothing was sent that had been there. (Of some the page has not heard.)
    sent = [target.partition("?")[0] for target in site.puts()]
    assert 20 < len(sent) == len(set(sent)) <= 30
