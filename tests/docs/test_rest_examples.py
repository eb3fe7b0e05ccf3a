# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The conversation in docs/rest.md, held with a real InvenioRDM and S3 server."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.driver import Api, Draft, Reply

PAGE = Path(__file__).parents[2] / "docs" / "rest.md"
DRAFT, SITE, STORE = "abcde-12345", "https://example.org", "s3.example.org"
JOB = "7c1d9b1e-5f0a-4d0e-9b57-3f1c2a6d8e40"
ANY = "…"

PARTS = {1: b"a" * 5 * 2**20, 2: b"b" * 2 * 2**20}
"""The bytes behind the digests of the page."""


@dataclass(frozen=True)
class Message:
    """A request or a reply as the page has it."""

    first_line: str
    headers: dict[str, str]
    body: Any

    @property
    def words(self) -> list[str]:
        """Parts of the first line."""
        return self.first_line.split(" ")


def messages() -> Iterator[Message]:
    """All blocks of HTTP, in order."""
    text = PAGE.read_text(encoding="utf-8")
    for block in re.findall(r"^```http\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
        head, _, body = block.partition("\n\n")
        first_line, *lines = head.strip().splitlines()
        headers = dict(line.split(": ", 1) for line in lines)
        yield Message(first_line, headers, json.loads(body) if body.strip() else None)


def differences(shown: Any, real: Any, where: str = "") -> list[str]:
    """Where the reply is not what the page shows."""
    if shown == ANY:
        return []
    if isinstance(shown, dict) and isinstance(real, dict):
        names = set(shown) - {ANY}
        if ANY not in shown and names != set(real):
            return [f"{where} has {sorted(real)}, the page {sorted(shown)}"]
        found = (differences(shown[n], real.get(n), f"{where}.{n}") for n in names)
        return [difference for each in found for difference in each]
    if isinstance(shown, list) and isinstance(real, list) and len(shown) == len(real):
        pairs = enumerate(zip(shown, real))
        return [d for i, (s, r) in pairs for d in differences(s, r, f"{where}[{i}]")]
    return [] if shown == real else [f"{where} is {real!r}, the page says {shown!r}"]


class Conversation:
    """Sends what the page sends, for a draft of this run.

    :param admin: sends what has an administrator's token on the page.
    """

    def __init__(self, draft: Draft, admin: Api) -> None:
        self._draft = draft
        self._admin = admin
        self._job = JOB
        self._links: dict[int, Any] = {}

    def send(self, message: Message) -> Reply:
        """The real reply, with the names that the page uses."""
        method, path, _ = message.words
        if message.headers.get("Host") == STORE:
            return self._send_part(path, message)
        path = path.removeprefix("/api").replace(DRAFT, self._draft.id)
        path = path.replace(JOB, self._job)
        as_admin = message.headers.get("Authorization") == "Bearer ADMIN"
        api = self._admin if as_admin else self._draft.api
        reply = api.call(method, path, json=message.body)
        self._note_links(reply.json)
        if isinstance(reply.json, dict):
            self._job = reply.json.get("job_id", self._job)
        text = json.dumps(reply.json).replace(self._draft.id, DRAFT)
        text = text.replace(self._job, JOB)
        return Reply(
            reply.status,
            json.loads(text.replace("http://localhost", SITE)),
            reply.headers,
        )

    def _send_part(self, path: str, message: Message) -> Reply:
        found = re.search(r"partNumber=(\d+)", path)
        assert found is not None
        link = self._links[int(found[1])]
        shown = {k: v for k, v in message.headers.items() if k != "Host"}
        assert link["headers"] == shown
        reply = self._draft.send(link, PARTS[link["part"]])
        return Reply(getattr(reply, "status_code", 0), None, {})

    def _note_links(self, found: Any) -> None:
        """Keep every link that a reply holds, the newest of each part."""
        if isinstance(found, dict):
            if {"part", "url"} <= set(found):
                self._links[found["part"]] = found
            found = list(found.values())
        if isinstance(found, list):
            for inner in found:
                self._note_links(inner)


def test_page_says_what_happens(app: Any, api: Api, s3: str) -> None:
    """Each request of the page gets the reply that the page shows."""
    conversation = Conversation(api.new_draft(), Api(app, app.tokens["admin"]))
    shown = list(messages())
    assert len(shown) > 20
    for request, expected in zip(shown[::2], shown[1::2]):
        reply = conversation.send(request)
        title = f"{request.words[0]} {request.words[1][:70]}"
        assert str(reply.status) == expected.words[1], (title, reply.json)
        if expected.body is not None:
            assert differences(expected.body, reply.json) == [], title


def test_every_request_has_its_reply() -> None:
    """Requests and replies take turns on the page."""
    shown = list(messages())
    replies = [message.first_line.startswith("HTTP/1.1 ") for message in shown]
    assert replies == [False, True] * (len(shown) // 2)


def test_differences_are_noticed() -> None:
    """The comparison finds a changed, a missing and an additional member."""
    assert differences({"a": 1}, {"a": 2})
    assert differences({"a": 1}, {})
    assert differences({"a": 1}, {"a": 1, "b": 2})
    assert differences([{"a": ANY}], [])
    assert differences({"a": 1, ANY: ANY}, {"a": 1, "b": 2}) == []
