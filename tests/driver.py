# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Drives the REST API as a client would."""

from __future__ import annotations

import hashlib
import threading
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

import requests

PART = 5 * 2**20
"""The smallest part S3 takes; two of them are the smallest multipart upload."""

RECORD = {
    "access": {"record": "public", "files": "public"},
    "files": {"enabled": True},
    "metadata": {
        "title": "Measurements",
        "publication_date": "2026-01-01",
        "publisher": "Example",
        "resource_type": {"id": "dataset"},
        "creators": [
            {
                "person_or_org": {
                    "type": "personal",
                    "family_name": "Doe",
                    "given_name": "Jo",
                }
            }
        ],
    },
}


def md5(data: bytes) -> str:
    """MD5 in the form of the wire."""
    return f"md5:{hashlib.md5(data, usedforsecurity=False).hexdigest()}"


def content_md5(data: bytes) -> str:
    """MD5 as the Content-MD5 header has it."""
    return b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()


@dataclass(frozen=True)
class Reply:
    """Status and JSON of a reply."""

    status: int
    json: Any
    headers: Mapping[str, str]


class Api:
    """The REST API as one account sees it; may be used by several threads."""

    def __init__(self, app: Any, token: str | None) -> None:
        self.app = app
        self._token = token
        self._local = threading.local()

    def call(self, method: str, path: str, json: Any = None, **options: Any) -> Reply:
        """Send a request; ``path`` is below the API root or a full URL."""
        path = path.removeprefix("http://localhost").removeprefix("/api")
        headers = dict(options.pop("headers", {}))
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        client = self.app.test_client()
        reply = client.open(path, method=method, json=json, headers=headers, **options)
        return Reply(reply.status_code, reply.get_json(silent=True), reply.headers)

    def get(self, path: str) -> Reply:
        """GET."""
        return self.call("GET", path)

    def new_draft(self, **changes: Any) -> Draft:
        """A new draft with files enabled."""
        reply = self.call("POST", "/records", json=RECORD | changes)
        assert reply.status == 201, reply.json
        return Draft(self, reply.json["id"])


@dataclass(frozen=True)
class Draft:
    """A draft and its files."""

    api: Api
    id: str

    @property
    def path(self) -> str:
        """Path of the draft."""
        return f"/records/{self.id}/draft"

    def as_(self, api: Api) -> Draft:
        """The same draft through the eyes of another account."""
        return Draft(api, self.id)

    def file(self, key: str, rest: str = "") -> str:
        """Path of a file or below it."""
        return f"{self.path}/files/{quote(key)}{rest}"

    def init(self, key: str, size: int | None, **entry: Any) -> Reply:
        """Begin a multipart upload; keywords go into the entry."""
        transfer = {"type": "M", **entry.pop("transfer", {})}
        body = {"key": key, "transfer": transfer, **entry}
        if size is not None:
            body["size"] = size
        return self.api.call("POST", f"{self.path}/files", json=[body])

    def begin(self, key: str, size: int, **entry: Any) -> dict[str, Any]:
        """Like init, for tests about something else; the entry of the file."""
        reply = self.init(key, size, **entry)
        assert reply.status == 201, reply.json
        return next(e for e in reply.json["entries"] if e["key"] == key)

    def register(self, key: str, parts: Sequence[Mapping[str, Any]]) -> Reply:
        """Announce parts."""
        return self.api.call("POST", self.file(key, "/parts"), json=list(parts))

    def parts(self, key: str, query: str = "") -> Reply:
        """A page of parts."""
        return self.api.get(self.file(key, "/parts") + query)

    def status(self, key: str) -> dict[str, Any]:
        """The status object."""
        reply = self.api.get(self.file(key, "/upload"))
        assert reply.status == 200, reply.json
        return dict(reply.json)

    def commit(self, key: str, checksum: str | None = None, **options: Any) -> Reply:
        """Commit, with an empty object as the stock UI sends it."""
        body = {"checksum": checksum} if checksum else {}
        return self.api.call("POST", self.file(key, "/commit"), json=body, **options)

    def delete(self, key: str) -> Reply:
        """Delete a file."""
        return self.api.call("DELETE", self.file(key))

    def publish(self) -> Reply:
        """Publish."""
        return self.api.call("POST", f"{self.path}/actions/publish")

    def send(
        self, link: Mapping[str, Any], data: bytes, **headers: str
    ) -> requests.Response | Reply:
        """PUT a part by its link: to the store, or through the API."""
        wanted = {**link.get("headers", {}), **headers}
        if urlsplit(link["url"]).hostname == "localhost":
            wanted.setdefault("Content-Type", "application/octet-stream")
            return self.api.call("PUT", link["url"], data=data, headers=wanted)
        return requests.put(link["url"], data=data, headers=wanted, timeout=30)

    def send_ok(self, link: Mapping[str, Any], data: bytes) -> None:
        """PUT a part that must be taken."""
        reply = self.send(link, data)
        code = reply.status if isinstance(reply, Reply) else reply.status_code
        assert code == 200, getattr(reply, "text", reply)

    def upload(self, key: str, parts: Sequence[bytes], **entry: Any) -> Reply:
        """A whole upload of equal parts and a shorter last one, committed."""
        size = sum(map(len, parts))
        transfer = {"parts": len(parts), "part_size": len(parts[0]) or 1}
        begun = self.begin(key, size, transfer=transfer, **entry)
        for link, data in zip(begun["links"]["parts"], parts, strict=True):
            self.send_ok(link, data)
        return self.commit(key)

    def content(self, key: str) -> bytes | None:
        """What a download gives, None when there is none."""
        url = self.file(key, "/content")
        client = self.api.app.test_client()
        headers = {"Authorization": f"Bearer {self.api._token}"}
        with client.get(url, headers=headers) as reply:
            if reply.status_code == 302:
                location = reply.headers["Location"]
                return requests.get(location, timeout=30).content
            return reply.data if reply.status_code == 200 else None
