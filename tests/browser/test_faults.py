# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What breaks on the way is repaired without the user, or told in words."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from ..faults.proxy import Point, answer, cut, instead
from .deposit import MIB, PARTS, Deposit, eventually, part, parts_held
from .site import Site

Data = Callable[..., Path]


def test_one_part_refused_once(site: Site, page: Page, data: Data) -> None:
    """A 503 costs one part once more, and nothing else."""
    deposit = Deposit(site, page, site.draft())
    refusal = site.s3.at("PUT", part(2), answer(503))
    deposit.choose(data("busy.bin", 30 * MIB))
    deposit.state("busy.bin", "completed")
    assert refusal.seen >= 2
    assert Counter(deposit.parts_sent()) == Counter(range(1, 5))


def test_store_away(site: Site, page: Page, data: Data) -> None:
    """The store is gone for 20 seconds: the row says so, and it goes on by itself."""
    deposit = Deposit(site, page, site.draft())
    with parts_held(site, first=3) as hold:
        deposit.choose(data("patient.bin", 40 * MIB))
        eventually(lambda: hold.count > 0 and len(deposit.parts_sent()) >= 2)
        site.s3.down()
        gone = time.monotonic()
        hold.lose()
        deposit.state("patient.bin", "waiting")
        assert "storage" in deposit.problem("patient.bin").lower()
        page.wait_for_timeout(max(0, 20 - (time.monotonic() - gone)) * 1000)
    deposit.state("patient.bin", "completed", seconds=90)
    assert Counter(deposit.parts_sent()) == Counter(range(1, 6))


def test_connections_cut(site: Site, page: Page, data: Data) -> None:
    """More often than Chromium sends again by itself."""
    deposit = Deposit(site, page, site.draft())
    site.s3.at("PUT", PARTS, cut, Point.MID_BODY, hits={1, 2, 3, 4})
    deposit.choose(data("cut.bin", 30 * MIB))
    deposit.state("cut.bin", "completed", seconds=120)


def test_links_expired_by_clock(site: Site, page: Page, data: Data) -> None:
    """Links that live for seconds are asked for anew before they are used."""
    deposit = Deposit(site, page, site.draft())
    with site.settings(MULTIPART_LINK_EXPIRES_SECONDS=4):
        with parts_held(site, first=1):
            deposit.choose(data("late.bin", 80 * MIB))
            deposit.state("late.bin", "uploading")
            page.wait_for_timeout(5000)
        deposit.state("late.bin", "completed", seconds=90)


def test_links_expired_by_refusal(site: Site, page: Page, data: Data) -> None:
    """A 403 of the store is met with a new link."""
    deposit = Deposit(site, page, site.draft())
    refusal = site.s3.at("PUT", part(3), answer(403))
    deposit.choose(data("expired.bin", 30 * MIB))
    deposit.state("expired.bin", "completed")
    assert refusal.seen >= 2
    assert Counter(deposit.parts_sent()) == Counter(range(1, 5))


def test_commit_without_an_answer(site: Site, page: Page, data: Data) -> None:
    """The server has done it and a gateway says 504: the row follows the server."""
    deposit = Deposit(site, page, site.draft())
    lost = site.web.at("POST", "/commit", answer(504), Point.ANSWERED)
    deposit.choose(data("done.bin", 20 * MIB))
    deposit.state("done.bin", "completed")
    assert lost.seen >= 1
    assert Counter(deposit.parts_sent()) == Counter(range(1, 4))


def test_site_fails_at_the_beginning(site: Site, page: Page, data: Data) -> None:
    """An answer to the announcement that got lost is no reason to fail."""
    deposit = Deposit(site, page, site.draft())
    site.web.at("POST", "/draft/files$", answer(502), Point.ANSWERED)
    deposit.choose(data("twice.bin", 20 * MIB))
    deposit.state("twice.bin", "completed")
    assert list(deposit.entries()) == ["twice.bin"]


def test_offline(site: Site, page: Page, data: Data) -> None:
    """Without a network the page waits, and says so; then it goes on."""
    deposit = Deposit(site, page, site.draft())
    with parts_held(site, first=3) as hold:
        deposit.choose(data("train.bin", 40 * MIB))
        eventually(lambda: hold.count > 0)
        page.context.set_offline(True)
        expect(page.locator("[data-notice=offline]")).to_be_visible()
    page.wait_for_timeout(2000)
    page.context.set_offline(False)
    deposit.state("train.bin", "completed", seconds=90)
    expect(page.locator("[data-notice=offline]")).to_have_count(0)


def _without_cors(reply: bytes) -> bytes:
    head, _, body = reply.partition(b"\r\n\r\n")
    lines = [
        line
        for line in head.split(b"\r\n")
        if not line.lower().startswith(b"access-control-")
    ]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def test_bucket_without_cors(site: Site, page: Page, data: Data) -> None:
    """The row names the cause, which only the site's people can mend."""
    deposit = Deposit(site, page, site.draft())
    strip = instead(_without_cors)
    site.s3.at("OPTIONS|PUT|GET|HEAD", ".", strip, Point.ANSWERED, hits=None)
    deposit.choose(data("walled.bin", 20 * MIB))
    row = deposit.row("walled.bin")
    expect(row).to_contain_text("CORS", timeout=60_000)
    site.s3.forget()
    if row.get_attribute("data-state") == "failed":
        deposit.press("Retry", "walled.bin")
    deposit.state("walled.bin", "completed", seconds=90)


def test_policy_forbids_the_store(site: Site, page: Page, data: Data) -> None:
    """A content security policy without the store is named as the cause."""
    policy = "default-src 'self' data: blob: 'unsafe-inline'"
    with site.settings(TEST_CONTENT_SECURITY_POLICY=policy):
        deposit = Deposit(site, page, site.draft())
        deposit.choose(data("policy.bin", 20 * MIB))
        row = deposit.row("policy.bin")
        expect(row).to_contain_text("Content-Security-Policy", timeout=60_000)


def test_policy_forbids_web_assembly(site: Site, page: Page, data: Data) -> None:
    """Digests are computed all the same, and whole files proved by them."""
    policy = f"default-src 'self' data: blob: 'unsafe-inline' {site.s3.url}"
    with site.settings(TEST_CONTENT_SECURITY_POLICY=policy):
        deposit = Deposit(site, page, site.draft())
        deposit.choose(data("strict.bin", 20 * MIB))
        deposit.state("strict.bin", "completed", seconds=90)
    assert deposit.draft.status("strict.bin")["is_consistent"] is True


def test_draft_deleted_meanwhile(site: Site, page: Page, data: Data) -> None:
    """The row says that there is no draft any more; nothing is left in the store."""
    deposit = Deposit(site, page, site.draft())
    with parts_held(site, first=2) as hold:
        deposit.choose(data("orphan.bin", 40 * MIB))
        eventually(lambda: hold.count > 0)
        api = deposit.draft.api
        assert api.call("DELETE", deposit.draft.path).status == 204
    expect(page.get_by_text("The draft does not exist any more").first).to_be_visible(
        timeout=60_000
    )
