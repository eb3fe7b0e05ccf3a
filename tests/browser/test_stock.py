# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""InvenioRDM's own uploaders, which a site may keep, with our transfer type behind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from .deposit import MIB, eventually
from .site import Site


def choose_in_uppy(page: Page, path: Path) -> None:
    """Choose a file, and begin."""
    page.locator("input.uppy-Dashboard-input[type=file]").first.set_input_files(path)
    page.locator(".uppy-StatusBar-actionBtn--upload").click()


def choose_in_classic(page: Page, path: Path) -> None:
    """Choose a file; it begins by itself."""
    page.locator("input[type=file]").first.set_input_files(path)


@pytest.mark.parametrize("uppy", [True, False], ids=["uppy", "classic"])
def test_upload_and_publish(
    site: Site, page: Page, data: Callable[..., Path], uppy: bool
) -> None:
    """A file by parts, or whole, is published and comes back byte by byte."""
    draft = site.draft()
    path = data("measured.bin", 12 * MIB)
    choose = choose_in_uppy if uppy else choose_in_classic
    stock = {
        "MULTIPART_DEPOSIT_UI": False,
        "APP_RDM_DEPOSIT_NG_FILES_UI_ENABLED": uppy,
    }
    with site.settings(**stock):
        page.goto(f"/uploads/{draft.id}")
        choose(page, path)
        row = page.locator("tr", has_text="measured.bin")
        expect(row).to_contain_text("100%")
        files = f"{draft.path}/files"
        eventually(
            lambda: (
                [entry["status"] for entry in draft.api.get(files).json["entries"]]
                == ["completed"]
            )
        )
    assert draft.publish().status == 202
    content = site.api().content(f"/records/{draft.id}/files/measured.bin/content")
    assert content == path.read_bytes()
    # The classic one sends its file to the site, which then puts it into the store.
    assert bool([put for put in site.puts() if "partNumber" in put]) is uppy
