# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The pages of unfinished uploads, and the record's page, as people have them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, StorageState, expect

from ..batching import announce
from ..driver import PART, Draft
from .conftest import log_in
from .site import Site

PAGE, ADMIN = "/me/unfinished-uploads", "/administration/unfinished-uploads"
SMALL: Any = {"width": 375, "height": 800}


def begun(site: Site) -> Draft:
    """A draft with an upload half done, one that failed; and another with a batch."""
    draft = site.draft()
    entry = draft.begin(
        "ocean/depth profiles.nc", 2 * PART, transfer={"part_size": PART}
    )
    links = draft.parts("ocean/depth profiles.nc").json["parts"]
    assert entry["status"] == "pending"
    draft.send_ok(links[0], b"x" * links[0]["size"])
    draft.status("ocean/depth profiles.nc")
    second = site.draft()
    files = [{"key": f"{number}.csv", "size": 1000} for number in range(12)]
    reply = announce(second.api, f"{second.path}/uploads", files)
    assert reply.status == 201, reply.json
    return draft


@pytest.fixture
def unfinished(site: Site) -> Iterator[Draft]:
    """What is in the list; the list is empty again afterwards."""
    yield begun(site)
    api = site.api()
    for hit in api.get("/uploads/unfinished?size=100").json["hits"]["hits"]:
        method = "DELETE" if hit["kind"] == "upload" else "PUT"
        api.call(method, hit["links"]["abort"])


@pytest.fixture(scope="module")
def administrator(chromium: Browser, site: Site) -> StorageState:
    """Cookies of an administrator."""
    return log_in(chromium, site, "admin")


def shoot(page: Page, name: str) -> None:
    """Keep a picture of the page where somebody wants to look at it."""
    folder = os.environ.get("MULTIPART_SHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def serious(page: Page, within: str) -> list[str]:
    """What axe calls serious or critical there."""
    found = Axe().run(page, context=within).response["violations"]
    return [v["id"] for v in found if v["impact"] in ("serious", "critical")]


def fits(page: Page) -> bool:
    """Whether nothing of the list, or of the menu above it, is cut off."""
    ours = "#dashboard-user-header-container a, [aria-labelledby=unfinished-title] *"
    edges = "all => all.map(each => each.getBoundingClientRect().right)"
    return max(page.eval_on_selector_all(ours, edges)) <= SMALL["width"]


def test_list(page: Page, unfinished: Draft) -> None:
    """It is in the menu of the dashboard, says what there is, and is accessible."""
    page.goto("/me/uploads")
    page.get_by_role("link", name="Unfinished uploads").click()
    page.wait_for_url(f"**{PAGE}")
    expect(page.get_by_role("listitem").first).to_contain_text("Measurements")
    expect(page.get_by_text("ocean/depth profiles.nc").first).to_be_visible()
    expect(page.get_by_text("12 files")).to_be_visible()
    shoot(page, "unfinished")
    assert serious(page, "#main") == []
    page.get_by_text("Discard…").first.click()
    expect(page.get_by_role("button", name="Discard for good").first).to_be_visible()
    shoot(page, "unfinished-discard")
    assert serious(page, "#main") == []


def test_list_by_keyboard(page: Page, unfinished: Draft) -> None:
    """Discard with the keyboard alone: open, confirm, and it is said that it is done."""
    page.goto(PAGE)
    before = page.locator("[role=listitem]").count()
    page.locator("summary").first.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{PAGE}")
    expect(page.get_by_role("alert")).to_contain_text("The upload was discarded.")
    expect(page.locator("[role=listitem]")).to_have_count(before - 1)


def test_go_on(page: Page, unfinished: Draft) -> None:
    """From the list to the draft, where the file waits."""
    page.goto(PAGE)
    item = page.get_by_role("listitem").filter(has_text="ocean/depth profiles.nc")
    item.get_by_role("link", name="Go on").click()
    page.wait_for_url(f"**/uploads/{unfinished.id}")


def test_more_time(page: Page, unfinished: Draft) -> None:
    """One press puts the deadline off."""
    page.goto(PAGE)
    item = page.get_by_role("listitem").filter(has_text="12 files")
    item.get_by_role("button", name="More time").click()
    expect(page.get_by_role("alert")).to_contain_text("has more time")
    item = page.get_by_role("listitem").filter(has_text="12 files")
    expect(item).to_contain_text("in 1 day")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_list_on_a_small_screen(
    new_profile: Callable[..., BrowserContext], unfinished: Draft, scheme: Any
) -> None:
    """375 px wide nothing is cut off, with scripts or without."""
    for scripts in (True, False):
        options = {"viewport": SMALL, "color_scheme": scheme}
        page = new_profile(**options, java_script_enabled=scripts).new_page()
        page.goto(PAGE)
        expect(page.get_by_text("ocean/depth profiles.nc").first).to_be_visible()
        shoot(page, f"unfinished-small-{scheme}-{'scripts' if scripts else 'plain'}")
        if scripts:
            assert fits(page)


def test_empty_list(page: Page) -> None:
    """Nothing is unfinished: the page says so."""
    page.goto(PAGE)
    expect(page.get_by_text("Nothing is unfinished.")).to_be_visible()
    shoot(page, "unfinished-empty")


def test_administration(
    site: Site, chromium: Browser, administrator: StorageState, unfinished: Draft
) -> None:
    """In the panel's menu; all of it, accessible; ended with two presses."""
    context = chromium.new_context(base_url=site.url, storage_state=administrator)
    try:
        page = context.new_page()
        page.goto("/administration/unfinished-uploads")
        expect(page.get_by_role("row").nth(1)).to_contain_text("owner@")
        menu = page.locator("#admin-side-menu")
        expect(menu.get_by_text("Unfinished uploads")).to_have_count(1)
        shoot(page, "administration")
        assert serious(page, "#admin-main-content") == []
        row = page.get_by_role("row").filter(has_text="12 files")
        row.get_by_text("Abort…").click()
        row.get_by_role("button", name="Abort for good").click()
        expect(page.get_by_role("status")).to_contain_text("was aborted")
        expect(page.get_by_role("row").filter(has_text="12 files")).to_have_count(0)
        page.set_viewport_size(SMALL)
        shoot(page, "administration-small")
    finally:
        context.close()


def test_record_page(site: Site, page: Page) -> None:
    """Title, type and description of a file stand in the list of the record's files."""
    draft = site.draft()
    draft.upload("depth.csv", [b"x" * 1000])
    draft.upload("plain.csv", [b"y" * 1000])
    about = {
        "title": "Depth profiles of the northern basin",
        "type": "Table",
        "description": "Measured by sonar, in metres below the surface.\nOne row a ping.",
    }
    body = {"metadata": about}
    assert draft.api.call("PUT", draft.file("depth.csv"), json=body).status == 200
    assert draft.publish().status == 202
    page.goto(f"/records/{draft.id}")
    row = page.locator("#file-list-table tr").filter(has_text="depth.csv")
    expect(row).to_contain_text("Depth profiles of the northern basin")
    expect(row.get_by_role("link", name="depth.csv")).to_have_text("depth.csv")
    shoot(page, "record")
    assert serious(page, ".file-about") == []
    page.set_viewport_size(SMALL)
    shoot(page, "record-small")
