# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Uploads that were cut off, and go on: here, elsewhere, by other programs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, Page, expect

from ..conftest import ROOT
from .deposit import MIB, Deposit, eventually, parts_held
from .site import Site

Data = Callable[..., Path]


def cut_off(deposit: Deposit, path: Path, leave: Callable[[], Any]) -> set[int]:
    """Begin, leave after two parts or more; the parts that are there then."""
    return begun(deposit, lambda: deposit.choose(path), leave)


def begun(
    deposit: Deposit, choose: Callable[[], Any], leave: Callable[[], Any]
) -> set[int]:
    """Choose the file in a way of one's own; else as :func:`cut_off`."""
    # One body may be lost on its way.
    with parts_held(deposit.site, first=4) as hold:
        choose()
        eventually(lambda: len(deposit.parts_sent()) >= 2 and hold.count > 0)
        leave()
        return set(deposit.parts_sent())


def whole(deposit: Deposit, path: Path) -> None:
    """The file is published, and equal."""
    record = deposit.published()
    url = f"/records/{record}/files/{path.name}/content"
    assert deposit.site.api().content(url) == path.read_bytes()


def test_reload(site: Site, page: Page, data: Data) -> None:
    """Leaving warns; after a reload only what is missing is sent."""
    deposit = Deposit(site, page, site.draft())
    path = data("long.bin", 40 * MIB)
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    # Browsers warn only where somebody has touched the page.
    page.get_by_role("heading").first.click()
    there = cut_off(deposit, path, page.reload)
    assert asked == ["beforeunload"]
    deposit.state("long.bin", "missing")
    expect(page.get_by_test_id("multipart-unfinished")).to_be_visible()
    deposit.again("long.bin", path)
    deposit.state("long.bin", "completed")
    assert Counter(deposit.parts_sent()) == Counter(range(1, 6))
    assert len(there) >= 2
    whole(deposit, path)


KEPT = """
    // A file of the browser's own disk: no person is here to answer the browser's choice.
    const opened = async (options) => {
      const folder = await navigator.storage.getDirectory();
      return folder.getFileHandle("kept.bin", options);
    };
    window.showOpenFilePicker = async () => [await opened()];
    window.makeKept = async (pieces) => {
      const writable = await (await opened({ create: true })).createWritable();
      for (let i = 0; i < pieces; i += 1) {
        await writable.write(crypto.getRandomValues(new Uint8Array(65536)));
      }
      await writable.close();
    };
"""


def test_one_click(site: Site, page: Page) -> None:
    """Where the browser keeps the way to a file, one click goes on after a reload."""
    deposit = Deposit(site, page, site.draft())
    page.add_init_script(KEPT)
    page.reload()
    page.evaluate("makeKept(40 * 16)")
    begun(deposit, page.get_by_role("button", name="Upload files").click, page.reload)
    deposit.state("kept.bin", "missing")
    deposit.press("Go on with", "kept.bin")
    deposit.state("kept.bin", "completed")
    assert Counter(deposit.parts_sent()) == Counter(range(1, 6))
    assert deposit.entries()["kept.bin"]["size"] == 40 * MIB


def test_other_browser(
    site: Site, new_profile: Callable[..., BrowserContext], data: Data
) -> None:
    """Another browser, which remembers nothing, goes on; dropping the file is enough."""
    draft = site.draft()
    path = data("moved.bin", 40 * MIB)
    first = new_profile()
    deposit = Deposit(site, first.new_page(), draft)
    there = cut_off(deposit, path, first.close)
    deposit = Deposit(site, new_profile().new_page(), draft)
    deposit.state("moved.bin", "missing")
    deposit.choose(path)
    deposit.state("moved.bin", "completed")
    assert Counter(deposit.parts_sent()) == Counter(range(1, 6))
    assert len(there) >= 2
    whole(deposit, path)


def test_different_file(site: Site, page: Page, data: Data) -> None:
    """Another file of the name is noticed, whether by size or by content."""
    deposit = Deposit(site, page, site.draft())
    path = data("right.bin", 40 * MIB)
    cut_off(deposit, path, page.reload)
    deposit.state("right.bin", "missing")
    deposit.again("right.bin", data("wrong/right.bin", 40 * MIB))
    expect(deposit.row("right.bin")).to_contain_text(
        "This is not the file", timeout=30_000
    )
    choices = deposit.row("right.bin").get_by_role("button")
    expect(choices.filter(has_text="Upload this one instead")).to_be_visible()
    with page.expect_file_chooser() as chooser:
        choices.filter(has_text="Choose another file").click()
    chooser.value.set_files(path)
    deposit.state("right.bin", "completed")
    assert Counter(deposit.parts_sent()) == Counter(range(1, 6))
    whole(deposit, path)


def test_instead(site: Site, page: Page, data: Data) -> None:
    """The other file can take the place of the one that was begun."""
    deposit = Deposit(site, page, site.draft())
    cut_off(deposit, data("old.bin", 40 * MIB), page.reload)
    deposit.state("old.bin", "missing")
    other = data("new/old.bin", 3 * MIB)
    deposit.again("old.bin", other)
    instead = deposit.row("old.bin").get_by_role(
        "button", name="Upload this one instead"
    )
    instead.click()
    deposit.state("old.bin", "completed")
    whole(deposit, other)


def test_uploader_finishes_what_the_browser_began(
    site: Site, page: Page, data: Data
) -> None:
    """The command of the dialog, on another computer, sends what is missing."""
    deposit = Deposit(site, page, site.draft())
    path = data("handed.bin", 40 * MIB)
    cut_off(deposit, path, page.reload)
    deposit.state("handed.bin", "missing")
    command = ["-m", "invenio_multipart.client", "upload", str(path)]
    command += ["--to", f"{site.url}/uploads/{deposit.draft.id}"]
    done = subprocess.run(
        [sys.executable, *command],
        env={**os.environ, "INVENIO_MULTIPART_TOKEN": site.tokens["owner"]},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    # The page was not touched meanwhile.
    deposit.state("handed.bin", "completed")
    assert Counter(deposit.parts_sent()) == Counter(range(1, 6))
    whole(deposit, path)


def test_browser_finishes_what_a_program_began(
    site: Site, page: Page, data: Data
) -> None:
    """Parts of another size, sent by a program, are kept."""
    draft = site.draft()
    path = data("begun.bin", 18 * MIB)
    content = path.read_bytes()
    size = 6 * MIB
    begun = draft.begin("begun.bin", len(content), transfer={"part_size": size})
    draft.send_ok(begun["links"]["parts"][1], content[size : 2 * size])
    site.calm()
    deposit = Deposit(site, page, draft)
    deposit.state("begun.bin", "missing")
    deposit.again("begun.bin", path)
    deposit.state("begun.bin", "completed")
    assert Counter(deposit.parts_sent()) == Counter([1, 3])
    whole(deposit, path)
