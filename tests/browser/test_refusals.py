# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What is given up, what is asked first, and what is not taken at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from ..driver import md5
from ..faults.proxy import Point, wait
from .deposit import MIB, Deposit, eventually, parts_held
from .site import Site

Data = Callable[..., Path]


def gone(deposit: Deposit) -> bool:
    """Whether neither the draft nor the store has anything left."""
    return not deposit.entries() and not deposit.open_uploads()


def test_cancel_while_uploading(site: Site, page: Page, data: Data) -> None:
    """What was sent is freed, in the draft and in the store; the name is free again."""
    deposit = Deposit(site, page, site.draft())
    path = data("stop.bin", 40 * MIB)
    with parts_held(site, first=3) as hold:
        deposit.choose(path)
        eventually(lambda: hold.count > 0 and len(deposit.parts_sent()) >= 2)
        deposit.cancel("stop.bin")
    eventually(lambda: gone(deposit))
    deposit.choose(path)
    deposit.state("stop.bin", "completed")


def test_cancel_while_paused(site: Site, page: Page, data: Data) -> None:
    """As while uploading."""
    deposit = Deposit(site, page, site.draft())
    with parts_held(site, first=2) as hold:
        deposit.choose(data("stop.bin", 40 * MIB))
        eventually(lambda: hold.count > 0)
        deposit.press("Pause", "stop.bin")
        deposit.state("stop.bin", "paused")
        deposit.cancel("stop.bin")
    eventually(lambda: gone(deposit))


def test_cancel_while_waiting(site: Site, page: Page, data: Data) -> None:
    """The store is away: the row goes at once, and the server cleans up."""
    deposit = Deposit(site, page, site.draft())
    with parts_held(site, first=2) as hold:
        deposit.choose(data("stop.bin", 40 * MIB))
        eventually(lambda: hold.count > 0)
        site.s3.down()
        hold.lose()
        deposit.state("stop.bin", "waiting")
        site.s3.up()
        deposit.cancel("stop.bin")
    eventually(lambda: gone(deposit))


def test_cancel_while_unfinished(site: Site, page: Page, data: Data) -> None:
    """An upload of an earlier visit is given up without its file."""
    deposit = Deposit(site, page, site.draft())
    with parts_held(site, first=2) as hold:
        deposit.choose(data("stop.bin", 40 * MIB))
        eventually(lambda: hold.count > 0)
        page.reload()
    deposit.state("stop.bin", "missing")
    deposit.cancel("stop.bin", "Remove")
    eventually(lambda: gone(deposit))


def test_cancel_while_committing(site: Site, page: Page, data: Data) -> None:
    """The commit is under way and goes through; the file is removed all the same."""
    deposit = Deposit(site, page, site.draft())
    site.web.at("POST", "/commit", wait(3), Point.ARRIVED)
    deposit.choose(data("stop.bin", 20 * MIB))
    deposit.state("stop.bin", "committing")
    deposit.cancel("stop.bin")
    eventually(lambda: gone(deposit))


def test_remove_completed(site: Site, page: Page, data: Data) -> None:
    """A file that is there is removed after a question."""
    deposit = Deposit(site, page, site.draft())
    deposit.choose(data("stop.bin", 100))
    deposit.state("stop.bin", "completed")
    deposit.press("Remove", "stop.bin")
    deposit.confirm("Remove")
    expect(deposit.row("stop.bin")).to_have_count(0)
    eventually(lambda: gone(deposit))


@pytest.mark.parametrize("answer", ["replace", "keep", "rename"])
def test_name_is_taken(site: Site, page: Page, data: Data, answer: str) -> None:
    """Replace it, keep the old one, or keep both: as the user says."""
    deposit = Deposit(site, page, site.draft())
    old, new = data("old/same.txt", 100), data("new/same.txt", 200)
    deposit.choose(old)
    deposit.state("same.txt", "completed")
    deposit.choose(new)
    page.get_by_label("What to do with same.txt").select_option(answer)
    deposit.confirm("Go on")
    kept = {"replace": [new], "keep": [old], "rename": [old, new]}[answer]
    digests = sorted(md5(path.read_bytes()) for path in kept)
    eventually(
        lambda: (
            sorted(e.get("checksum", "") for e in deposit.entries().values()) == digests
        )
    )


def test_two_chosen_files_of_one_name(site: Site, page: Page, data: Data) -> None:
    """Both at once, from two folders: one is asked about, and both can be kept."""
    deposit = Deposit(site, page, site.draft())
    first, second = data("a/twin.txt", 100), data("b/twin.txt", 200)
    deposit.choose(first, second)
    page.get_by_label("What to do with twin.txt").select_option("rename")
    deposit.confirm("Go on")
    deposit.all_completed(2)
    sizes = {entry["size"] for entry in deposit.entries().values()}
    assert sizes == {100, 200}


def test_quota_exceeded(site: Site, page: Page, data: Data) -> None:
    """Said with its number before anything is sent."""
    with site.settings(
        APP_RDM_DEPOSIT_FORM_QUOTA={"maxFiles": 3, "maxStorage": 10 * MIB},
        RDM_FILES_DEFAULT_QUOTA_SIZE=10 * MIB,
    ):
        deposit = Deposit(site, page, site.draft())
        before = len(site.web.requests)
        deposit.choose(data("huge.bin", 11 * MIB))
        notice = page.locator("[data-notice=quota_exceeded]")
        expect(notice).to_contain_text("10")
        posts = [r for r in site.web.requests[before:] if r.startswith("POST")]
        assert posts == []


def test_quota_refused_by_the_server(site: Site, page: Page, data: Data) -> None:
    """A quota that the page could not know of is told in words, too."""
    from ..backdoor import set_limits

    deposit = Deposit(site, page, site.draft())
    set_limits(deposit.draft, quota_size=10 * MIB)
    deposit.choose(data("huge.bin", 20 * MIB))
    deposit.state("huge.bin", "failed")
    assert "10" in deposit.problem("huge.bin")


def test_too_many_files(site: Site, page: Page, data: Data) -> None:
    """Told with both numbers before anything is sent."""
    with site.settings(
        APP_RDM_DEPOSIT_FORM_QUOTA={"maxFiles": 3, "maxStorage": 10 * MIB}
    ):
        deposit = Deposit(site, page, site.draft())
        deposit.choose(*(data(f"{n}.txt", 10) for n in range(4)))
        notice = page.locator("[data-notice=too_many_files]")
        expect(notice).to_contain_text("3")
        assert deposit.entries() == {}
