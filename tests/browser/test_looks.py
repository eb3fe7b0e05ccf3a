# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Who cannot see it, who has a small screen, and who uses the keyboard alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, expect

from .deposit import MIB, Deposit, eventually, parts_held
from .site import Site

Data = Callable[..., Path]

STOCK = ("community-theme", "favicon")
"""Addresses that InvenioRDM's own page asks for in vain."""


def serious(page: Page, within: str) -> list[dict[str, str]]:
    """What axe calls serious or critical there."""
    found = Axe().run(page, context=within).response["violations"]
    return [
        {n["html"]: n["failureSummary"] for n in v["nodes"]}
        for v in found
        if v["impact"] in ("serious", "critical")
    ]


def filled(site: Site, page: Page, data: Data) -> Deposit:
    """A page with files in several states; parts must be held meanwhile."""
    deposit = Deposit(site, page, site.draft())
    deposit.choose(data("done.txt", 10))
    deposit.state("done.txt", "completed")
    deposit.choose(data("going.bin", 40 * MIB))
    eventually(lambda: len(deposit.parts_sent()) >= 1)
    deposit.choose(data("resting.bin", 20 * MIB))
    deposit.press("Pause", "resting.bin")
    return deposit


def test_axe(site: Site, page: Page, data: Data) -> None:
    """No serious finding in the list, nor in the dialogs."""
    # Found in the dialog that offers files of records and drafts; more than it has room for.
    for _ in range(9):
        site.draft()
    with parts_held(site, first=2):
        deposit = filled(site, page, data)
        assert serious(page, ".im-area") == []
        deposit.press("Edit details of", "done.txt")
        assert serious(page, "[role=dialog]") == []
        page.keyboard.press("Escape")
        for name, ready in (
            ("Use a file that is already here", ".im-hit .label"),
            ("Upload from another computer", ".im-tabs"),
        ):
            page.get_by_role("button", name=name).click()
            dialog = page.get_by_role("dialog")
            expect(dialog.locator(ready).first).to_be_visible()
            assert serious(page, "[role=dialog]") == []
            # A hint in a field has one colour with the focus, and another without.
            dialog.get_by_role("button").first.focus()
            assert serious(page, "[role=dialog]") == []
            page.keyboard.press("Escape")
            expect(dialog).to_have_count(0)


def test_axe_in_each_tab(site: Site, page: Page) -> None:
    """No serious finding in any way to upload from another computer."""
    dialog = Deposit(site, page, site.draft()).hand_over()
    # Seldom seen by axe, which compares colours: they change while the dialog appears.
    expect(dialog.locator("p a")).to_have_css("text-decoration-line", "underline")
    tabs = dialog.locator(".im-tabs").get_by_role("button")
    expect(tabs).to_have_count(2)
    for tab in tabs.all():
        tab.click()
        expect(tab).to_have_attribute("aria-pressed", "true")
        assert serious(page, "[role=dialog]") == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_small_screen(
    site: Site,
    new_profile: Callable[..., BrowserContext],
    data: Data,
    scheme: Any,
) -> None:
    """375 px wide nothing of it is cut off, and all buttons are within reach."""
    size: Any = {"width": 375, "height": 800}
    page = new_profile(viewport=size, color_scheme=scheme).new_page()
    with parts_held(site, first=2):
        filled(site, page, data)
        area = page.locator(".im-area")
        widths = area.evaluate("area => [area.scrollWidth, area.clientWidth]")
        assert widths[0] <= widths[1]
        for button in area.get_by_role("button").all():
            box = button.bounding_box()
            assert box is None or (box["x"] >= 0 and box["x"] + box["width"] <= 375)
        assert serious(page, ".im-area") == []


def test_keyboard_alone(site: Site, page: Page, data: Data) -> None:
    """A file is removed without a mouse, and the focus does not get lost."""
    deposit = Deposit(site, page, site.draft())
    deposit.choose(data("typed.txt", 10))
    row = deposit.state("typed.txt", "completed")
    row.get_by_role("button", name="Remove typed.txt").focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    dialog.get_by_role("button", name="Remove").focus()
    page.keyboard.press("Enter")
    expect(row).to_have_count(0)
    assert page.evaluate("document.activeElement !== document.body")


def test_console_stays_empty(site: Site, page: Page, data: Data) -> None:
    """No error of ours in the browser's console during a whole upload."""
    said: list[str] = []
    page.on(
        "console",
        lambda m: m.type == "error" and said.append(f"{m.text} {m.location}"),
    )
    page.on("pageerror", lambda error: said.append(str(error)))
    deposit = Deposit(site, page, site.draft())
    deposit.choose(data("quiet.bin", 20 * MIB), data("quiet.txt", 10))
    deposit.state("quiet.bin", "completed")
    deposit.state("quiet.txt", "completed")
    assert [line for line in said if not any(word in line for word in STOCK)] == []
