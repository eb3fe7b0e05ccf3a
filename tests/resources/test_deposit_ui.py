# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The stock deposit page against our M: its requests, replayed one by one.

What Uppy (with InvenioRDM's plugin) and the classic uploader of InvenioRDM 14 send
and what they read of the replies, as seen in the browser.
"""

from __future__ import annotations

import os
import unicodedata
from datetime import datetime
from typing import Any

import requests

from ..backdoor import setting
from ..driver import PART, Draft, Reply, content_md5, md5

STEPS = 5
"""Uppy's part sizes: 5 steps from 5 MiB to 100 times that, evenly on a log scale."""


def uppy_part_size(size: int) -> int:
    """The largest of Uppy's steps that fits into the file."""
    steps = [int(PART * 100 ** (step / (STEPS - 1))) for step in range(STEPS)]
    return max((step for step in steps if step <= size), default=PART)


class Uppy:
    """What the page keeps of an upload."""

    def __init__(self, draft: Draft, name: str, content: bytes) -> None:
        self.draft = draft
        self.name = name
        self.content = content
        self.part_size = uppy_part_size(len(content))
        self.parts = -(-len(content) // self.part_size)
        self.entry: dict[str, Any] = {}

    def initialize(self) -> None:
        """One POST per file; the entry is found by its normalised name."""
        files = self.draft.api.get(self.draft.path).json["links"]["files"]
        body = {
            "key": self.name,
            "size": len(self.content),
            "transfer": {
                "type": "M",
                "parts": self.parts,
                "part_size": self.part_size,
            },
        }
        reply = self.draft.api.call("POST", files, json=[body])
        assert reply.status == 201, reply.json
        self.entry = next(
            entry
            for entry in reply.json["entries"]
            if unicodedata.normalize("NFC", entry["key"])
            == unicodedata.normalize("NFC", self.name)
        )

    def link_of(self, number: int) -> dict[str, Any]:
        """The link is searched by number; an expired one is fetched anew."""
        links = self.entry["links"]["parts"]
        assert len(links) >= number
        link = next(link for link in links if link["part"] == number)
        expires = datetime.fromisoformat(link["expiration"].replace("Z", "+00:00"))
        if expires < datetime.now(expires.tzinfo):
            reply = self.draft.api.get(self.entry["links"]["self"])
            self.entry["links"] = reply.json["links"]
            return self.link_of(number)
        return dict(link)

    def send(self, number: int) -> int:
        """PUT with the MD5 of the part; the status the page sees."""
        start = (number - 1) * self.part_size
        data = self.content[start : start + self.part_size]
        headers = {
            "Content-MD5": content_md5(data),
            "Content-Type": "application/octet-stream",
        }
        reply = self.draft.send(self.link_of(number), data, **headers)
        return reply.status if isinstance(reply, Reply) else reply.status_code

    def complete(self) -> Reply:
        """Commit with an empty object."""
        return self.draft.api.call("POST", self.entry["links"]["commit"], json={})


def test_uppy_uploads(draft: Draft) -> None:
    """Initialise, PUT the parts in any order, commit: the file is complete."""
    uppy = Uppy(draft, "Messung ü.bin", os.urandom(2 * PART + 17))
    uppy.initialize()
    assert uppy.entry["status"] == "pending"
    assert uppy.entry["key"] == "Messung ü.bin"
    assert uppy.entry["transfer"]["parts"] == uppy.parts == 3
    for number in (3, 1, 2):
        assert uppy.send(number) == 200
    reply = uppy.complete()
    assert (reply.status, reply.json["status"]) == (200, "completed")
    assert reply.json["size"] == len(uppy.content)
    assert reply.json["checksum"] == md5(uppy.content)
    assert reply.json["links"]["content"]
    assert draft.content(uppy.name) == uppy.content


def test_uppy_renews_links(s3_draft: Draft) -> None:
    """Links that have expired are had anew from the file's own address."""
    uppy = Uppy(s3_draft, "a.bin", os.urandom(PART + 1))
    uppy.part_size, uppy.parts = PART, 2
    with setting(s3_draft.api.app, MULTIPART_LINK_EXPIRES_SECONDS=1):
        uppy.initialize()
    stale = uppy.entry["links"]["parts"][0]
    # The moment has passed for the page, whatever the server's clock says.
    for link in uppy.entry["links"]["parts"]:
        link["expiration"] = "2020-01-01T00:00:00Z"
    assert [uppy.send(1), uppy.send(2)] == [200, 200]
    assert uppy.link_of(1)["url"] != stale["url"]
    assert uppy.complete().json["status"] == "completed"


def test_uppy_sees_a_damaged_part(draft: Draft) -> None:
    """A damaged part gives the page an error status, and can be sent again."""
    uppy = Uppy(draft, "a.bin", os.urandom(PART + 1))
    uppy.part_size, uppy.parts = PART, 2
    uppy.initialize()
    headers = {"Content-MD5": content_md5(b"something else")}
    reply = draft.send(uppy.link_of(1), uppy.content[:PART], **headers)
    status = reply.status if isinstance(reply, Reply) else reply.status_code
    assert status == 400
    assert [uppy.send(1), uppy.send(2)] == [200, 200]
    assert uppy.complete().status == 200


def test_uppy_removes_a_pending_file(draft: Draft) -> None:
    """The bin deletes by links.self; a second time is a 404, which the page takes."""
    uppy = Uppy(draft, "a.bin", os.urandom(PART + 1))
    uppy.part_size, uppy.parts = PART, 2
    uppy.initialize()
    uppy.send(1)
    self_link = uppy.entry["links"]["self"]
    assert draft.api.call("DELETE", self_link).status == 204
    assert draft.api.call("DELETE", self_link).status == 404
    assert draft.api.get(f"{draft.path}/files").json["entries"] == []


def test_uppy_after_a_reload(draft: Draft) -> None:
    """The page's own state after a reload is one of those it knows by name."""
    uppy = Uppy(draft, "a.bin", os.urandom(PART + 1))
    uppy.part_size, uppy.parts = PART, 2
    uppy.initialize()
    (entry,) = draft.api.get(f"{draft.path}/files").json["entries"]
    assert entry["status"] in {"uploading", "failed", "completed", "pending"}


def test_uppy_with_many_parts_signs_once(s3_draft: Draft) -> None:
    """Every part link works as it stands: PUT without any other header."""
    entry = s3_draft.begin("a", 3 * PART, transfer={"parts": 3, "part_size": PART})
    for link in entry["links"]["parts"]:
        assert "headers" not in link
        assert requests.put(link["url"], data=b"x" * PART, timeout=30).ok
    assert s3_draft.commit("a").status == 200


def test_classic_uploader(draft: Draft) -> None:
    """The classic uploader's L files are untouched."""
    path = f"{draft.path}/files"
    body = [{"key": "l.txt", "size": 0, "transfer": {"type": "L"}}]
    reply = draft.api.call("POST", path, json=body)
    (entry,) = reply.json["entries"]
    content = draft.api.call(
        "PUT",
        entry["links"]["content"],
        data=b"classic",
        headers={"Content-Type": "application/octet-stream"},
    )
    assert content.status == 200
    done = draft.api.call("POST", entry["links"]["commit"], json={})
    assert (done.status, done.json["status"]) == (200, "completed")
    assert draft.content("l.txt") == b"classic"
    assert draft.delete("l.txt").status == 204
