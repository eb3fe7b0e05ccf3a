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
from urllib.parse import urlsplit

import requests

from tests.driver import Api, Draft, Reply

PAGE = Path(__file__).parents[2] / "docs" / "rest.md"
DRAFT, SITE, STORE = "abcde-12345", "https://example.org", "s3.example.org"
GRANT = "?X-Upload-Credential=…"
NAMES = {"id", "record_id", "job_id"}
"""Members whose values are the page's names for what this run makes."""
ANY = "…"

PARTS = {1: b"a" * 5 * 2**20, 2: b"b" * 2 * 2**20}
"""The bytes behind the digests of the page."""

FILES = {5: b"alpha", 4: b"beta"}
"""The files of its batch, by their sizes."""


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
            more, less = sorted(set(real) - names), sorted(names - set(real))
            return [f"{where} has also {more}, and not {less}"]
        found = (differences(shown[n], real.get(n), f"{where}.{n}") for n in names)
        return [difference for each in found for difference in each]
    if isinstance(shown, list) and isinstance(real, list) and len(shown) == len(real):
        pairs = enumerate(zip(shown, real))
        return [d for i, (s, r) in pairs for d in differences(s, r, f"{where}[{i}]")]
    return [] if shown == real else [f"{where} is {real!r}, the page says {shown!r}"]


class Conversation:
    """Sends what the page sends, for a draft of this run.

    :param admin: sends what has an administrator's token on the page.
    :param nobody: sends what has a grant in its address.
    """

    def __init__(self, draft: Draft, admin: Api, nobody: Api) -> None:
        self._draft = draft
        self._admin = admin
        self._nobody = nobody
        self._names = {DRAFT: draft.id}
        self._links: dict[int, Any] = {}
        self._granted: dict[str, str] = {}
        self._whole: list[tuple[str, dict[str, str]]] = []

    def send(self, message: Message, expected: Message) -> Reply:
        """The real reply, with the names that the page uses."""
        method, path, _ = message.words
        if message.headers.get("Host") == STORE:
            return self._send_bytes(path, message)
        for shown, real in self._names.items():
            path = path.replace(shown, real)
        path = path.removeprefix("/api")
        api = self._draft.api
        if message.headers.get("Authorization") == "Bearer ADMIN":
            api = self._admin
        if path.endswith(GRANT):
            path, api = self._granted[path.removesuffix(GRANT)], self._nobody
        headers = {k: v for k, v in message.headers.items() if k.startswith("Want-")}
        reply = api.call(method, path, json=message.body, headers=headers)
        self._note_links(reply.json)
        self._note_names(expected.body, reply.json)
        text = json.dumps(reply.json).replace("http://localhost", SITE)
        for shown, real in self._names.items():
            text = text.replace(real, shown)
        return Reply(reply.status, json.loads(text), reply.headers)

    def _note_names(self, expected: Any, reply: Any) -> None:
        """Learn what this run calls a record, a batch or a job of the page."""
        if not isinstance(expected, dict) or not isinstance(reply, dict):
            return
        for member in NAMES & expected.keys() & reply.keys():
            if expected[member] != ANY and reply[member] is not None:
                self._names.setdefault(expected[member], reply[member])
        for url in reply.values():
            if isinstance(url, str) and "?X-Upload-Credential=" in url:
                path = urlsplit(url).path.removeprefix("/api")
                self._granted[path] = url
        for key, url in reply.get("presigned_urls", {}).items():
            self._whole.append((url, reply["headers"].get(key, {})))

    def _send_bytes(self, path: str, message: Message) -> Reply:
        if "partNumber=" in path:
            return self._send_part(path, message)
        shown = {k: v for k, v in message.headers.items() if k != "Host"}
        url = next(url for url, headers in self._whole if headers == shown)
        data = FILES[int(shown["Content-Length"])]
        reply = requests.put(url, data=data, headers=shown, timeout=30)
        return Reply(reply.status_code, None, {})

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
    admin, nobody = Api(app, app.tokens["admin"]), Api(app, None)
    conversation = Conversation(api.new_draft(), admin, nobody)
    shown = list(messages())
    assert len(shown) > 60
    for request, expected in zip(shown[::2], shown[1::2]):
        reply = conversation.send(request, expected)
        title = f"{request.words[0]} {request.words[1][:70]}"
        assert str(reply.status) == expected.words[1], (title, reply.json)
        headers = {name: reply.headers.get(name) for name in expected.headers}
        assert differences(expected.headers, headers) == [], title
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
