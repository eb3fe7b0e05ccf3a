# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The deposit page as somebody uses it who looks at it."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, expect

from ..driver import Draft
from ..faults.proxy import Cut
from .site import Site

MIB = 2**20

_SIGNED = "(?=.*X-Amz-Signature=)(?!.*Signature=0{64})"
"""The page tries a store with an address whose signature is none, the site without."""

SENT = f"^{_SIGNED}"
"""Addresses of parts, and of small files."""

PARTS = f"^(?=.*partNumber=){_SIGNED}"
"""Addresses of parts."""


def part(number: int) -> str:
    """Addresses of the parts of this number."""
    return rf"^(?=.*partNumber={number}(?:&|$)){_SIGNED}"


NO_PICKERS = """
    // Playwright can answer the choice of an <input>, but not that of the browser itself.
    delete window.showOpenFilePicker;
    delete window.showDirectoryPicker;
"""


class Deposit:
    """The files of one draft in one window."""

    def __init__(self, site: Site, page: Page, draft: Draft) -> None:
        self.site = site
        self.page = page
        self.draft = draft
        page.add_init_script(NO_PICKERS)
        self.open()

    def open(self) -> None:
        """Load the page, and wait until it can take files."""
        self.page.goto(f"/uploads/{self.draft.id}")
        expect(self.page.get_by_role("button", name="Upload files")).to_be_visible()

    def choose(self, *paths: Path) -> None:
        """Choose files."""
        self.page.get_by_test_id("multipart-files").set_input_files(list(paths))

    def choose_folder(self, path: Path) -> None:
        """Choose a folder, with all that is in it."""
        self.page.get_by_test_id("multipart-folder").set_input_files(path)

    def row(self, key: str) -> Locator:
        """The row of this file."""
        return self.page.locator(
            f"[role=row][data-key={json.dumps(key, ensure_ascii=False)}]"
        )

    def state(self, key: str, state: str, seconds: float = 60) -> Locator:
        """Wait until the row shows this state."""
        row = self.row(key)
        expect(row).to_have_attribute("data-state", state, timeout=seconds * 1000)
        return row

    def press(self, action: str, key: str) -> None:
        """Press the button of a row, by what it is called."""
        self.row(key).get_by_role("button", name=f"{action} {key}", exact=True).click()

    def confirm(self, answer: str) -> None:
        """Answer a question of the page."""
        dialog = self.page.get_by_role("dialog")
        dialog.get_by_role("button", name=answer, exact=True).click()

    def cancel(self, key: str, action: str = "Cancel") -> None:
        """Give a file up, and confirm it if that is asked."""
        self.press(action, key)
        question = self.page.get_by_role("dialog")
        eventually(lambda: bool(question.count()) or not self.row(key).count())
        if question.count():
            self.confirm("Remove")
        expect(self.row(key)).to_have_count(0)

    def again(self, key: str, path: Path) -> None:
        """Choose the file of an unfinished upload again."""
        with self.page.expect_file_chooser() as chooser:
            self.press("Choose again", key)
        chooser.value.set_files(path)

    def hand_over(self, way: str | None = None) -> Locator:
        """The dialog for uploads from another computer, at one of its tabs."""
        self.page.get_by_role("button", name="Upload from another computer").click()
        dialog = self.page.get_by_role("dialog")
        expect(dialog.locator(".im-tabs")).to_be_visible()
        if way is not None:
            dialog.get_by_role("button", name=way).click()
        return dialog

    def problem(self, key: str) -> str:
        """What the row says about what went wrong, once it says something."""
        problem = self.row(key).locator(".im-problem")
        expect(problem).to_be_visible()
        return problem.inner_text()

    def entries(self) -> dict[str, Any]:
        """The files as the server has them, by key."""
        return entries_of(self.draft)

    def all_completed(self, count: int, seconds: float = 120) -> None:
        """Wait until the server has so many files, and all of them whole."""
        eventually(lambda: is_completed(self.draft, count), seconds)

    def published(self) -> str:
        """Publish over REST; the id of the record."""
        reply = self.draft.publish()
        assert reply.status == 202, reply.json
        return str(reply.json["id"])

    def parts_sent(self) -> list[int]:
        """Numbers of the parts that the store has taken, in order."""
        targets = self.site.puts()
        return [int(n) for t in targets for n in re.findall(r"partNumber=(\d+)", t)]

    def open_uploads(self) -> list[str]:
        """Uploads of the draft's files that the store still waits for."""
        from ..backdoor import uploads_of

        return [
            row.key
            for row in uploads_of(self.draft)
            if row.state not in ("completed", "aborted", "expired")
        ]


def entries_of(draft: Draft) -> dict[str, Any]:
    """The files of a draft as the server has them, by key."""
    reply = draft.api.get(f"{draft.path}/files")
    assert reply.status == 200, reply.json
    return {entry["key"]: entry for entry in reply.json["entries"]}


def is_completed(draft: Draft, count: int) -> bool:
    """Whether a draft has so many files, and all of them whole."""
    entries = entries_of(draft).values()
    return len(entries) == count and all(e["status"] == "completed" for e in entries)


def eventually(done: Callable[[], bool], seconds: float = 30) -> None:
    """Wait until it is so.

    :raises AssertionError: it was not so in time.
    """
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "It has not happened in time."
        time.sleep(0.2)


class Hold:
    """Requests that stand still until they are let go, or their time is over."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.count = 0
        self.lost = False

    def __call__(self) -> None:
        """Stand still, then go on, or cut the connection."""
        self.count += 1
        if not self.open.wait(90) or self.lost:
            raise Cut

    def lose(self) -> None:
        """Cut the connections of all that stand still."""
        self.lost = True
        self.open.set()


@contextmanager
def parts_held(site: Site, first: int, which: str = PARTS) -> Iterator[Hold]:
    """From the so-many-th part on nothing comes through until the block ends."""
    hold = Hold()
    site.s3.at("PUT", which, hold, hits=set(range(first, first + 500)))
    try:
        yield hold
    finally:
        site.s3.forget()
        hold.open.set()
