# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The record's page tells what was said about its files, and is stock otherwise."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from ..backdoor import setting
from ..batching import brought
from ..driver import Draft
from .pages import Reader
from .test_file_metadata import say

STOCK = "invenio_app_rdm/records/detail.html"


class Table(HTMLParser):
    """Rows of the list of files: text of links, and what stands beside them.

    Also holds that all that is opened within a row is closed, in order.
    """

    VOID = frozenset({"br", "img", "input", "hr"})

    def __init__(self, text: str) -> None:
        super().__init__()
        found = re.search(r'<table id="file-list-table".*?</table>', text, re.DOTALL)
        assert found is not None
        self.rows: list[tuple[list[str], list[str]]] = []
        self._open: list[str] = []
        self.feed(found[0])
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        """Remember what is open."""
        if tag == "tr":
            self.rows.append(([], []))
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """It is what was opened last."""
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Text, in a link or not."""
        if data.strip() and self.rows:
            self.rows[-1]["a" not in self._open].append(data.strip())


def page_of(pages: Any, draft: Draft) -> str:
    """The record's page."""
    reply = Reader(pages, "owner").client.get(f"/records/{draft.id}")
    assert reply.status_code == 200
    return str(reply.get_data(as_text=True))


def plain(text: str) -> str:
    """The page without what differs each time."""
    return re.sub(r'nonce="[^"]*"|csrf[^>]*>|\s+', " ", text)


def test_told_about_files(pages: Any, draft: Draft) -> None:
    """Title, type and description stand in the file's row, as text, below its link."""
    brought(draft, {"a.bin": b"one", "b.bin": b"two"})
    about = {"title": "Depth <b>&", "type": "table", "description": "By sonar.\nIn m."}
    assert say(draft, "a.bin", about).status == 200
    assert draft.publish().status == 202
    text = page_of(pages, draft)
    rows = {row[0][0]: row for row in Table(text).rows if row[0]}
    links, beside = rows["a.bin"]
    assert links[0] == "a.bin" and "Depth <b>&" not in links
    assert beside[:4] == ["Depth <b>&", "table", "By sonar.", "In m."]
    assert "Depth" not in str(rows["b.bin"])
    assert "&lt;b&gt;" in text


@pytest.mark.parametrize(
    "metadata", [None, {}, {"width": 5}, {"title": ""}, {"title": None}]
)
def test_stock_page_where_nothing_was_said(
    pages: Any, draft: Draft, metadata: Any
) -> None:
    """The page is InvenioRDM's own, to the letter."""
    brought(draft, {"a.bin": b"one"})
    if metadata is not None:
        assert say(draft, "a.bin", metadata).status == 200
    assert draft.publish().status == 202
    ours = page_of(pages, draft)
    with setting(pages, APP_RDM_RECORD_LANDING_PAGE_TEMPLATE=STOCK):
        assert plain(page_of(pages, draft)) == plain(ours)


def test_members_that_are_no_texts(app: Any, pages: Any, draft: Draft) -> None:
    """What an extractor has left there under our names does not break the page."""
    brought(draft, {"a.bin": b"one"})
    assert draft.publish().status == 202
    leave(app, draft, {"title": {"en": "x"}, "type": 5})
    try:
        assert Table(page_of(pages, draft)).rows
    finally:
        # No index takes it, and another test fills that from all there is.
        leave(app, draft, {})


def leave(app: Any, draft: Draft, metadata: dict[str, Any]) -> None:
    """Write what no request may, as an extractor might."""
    from invenio_db import db
    from invenio_rdm_records.proxies import current_rdm_records_service as service

    with app.app_context():
        record = service.record_cls.pid.resolve(draft.id)
        record.files["a.bin"]["metadata"] = metadata
        record.files["a.bin"].commit()
        db.session.commit()
