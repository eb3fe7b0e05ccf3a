# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What breaks on the way is repaired without the user, or told in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page

from ..faults.proxy import Point, answer
from .deposit import MIB, Deposit, part
from .site import Site

Data = Callable[..., Path]


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


def _without_cors(reply: bytes) -> bytes:
    head, _, body = reply.partition(b"\r\n\r\n")
    lines = [
        line
        for line in head.split(b"\r\n")
        if not line.lower().startswith(b"access-control-")
    ]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body
