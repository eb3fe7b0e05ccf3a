# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""A client with a batch, which knows what it has announced and sent."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import requests

from ..driver import PART, Api, Reply, md5


@dataclass(frozen=True)
class File:
    """A file of a client.

    :param proved: whether what was announced proves the bytes.
    """

    key: str
    data: bytes
    entry: Any
    proved: bool = False


def file_of(kind: str, key: str, data: bytes) -> File:
    """A file announced in one of these ways.

    :param kind: ``plain`` (a key), ``sized``, ``md5``, ``sha256``, ``parts``
        (in two parts), ``empty``.
    """
    if kind == "parts":
        data = (data * (PART // len(data) + 1))[:PART] + data
    elif kind == "empty":
        data = b""
    entry: dict[str, Any] = {"key": key, "size": len(data)}
    if kind == "plain":
        return File(key, data, key)
    if kind == "md5":
        entry["checksum"] = md5(data)
    if kind == "sha256":
        entry["checksum"] = f"sha256:{hashlib.sha256(data).hexdigest()}"
    return File(key, data, entry, proved="checksum" in entry)


def link_to(record: str, target: str, key: str, data: bytes) -> File:
    """A file announced as a link to one that a record has."""
    value = {"id": record, "key": target}
    entry = {"key": key, "check": "link", "value": value}
    return File(key, data, entry, proved=True)


KINDS = ("plain", "sized", "md5", "sha256", "parts", "empty")


@dataclass
class BatchClient:
    """Announces, sends by nothing but the URLs it got, and completes.

    :param sent: by key, all that may have reached the store.
    """

    api: Api
    files: Mapping[str, File]
    reply: Mapping[str, Any] = field(default_factory=dict)
    sent: dict[str, list[bytes]] = field(default_factory=dict)

    @classmethod
    def of(cls, api: Api, files: Sequence[File]) -> BatchClient:
        """A client that has not announced its files yet."""
        return cls(api, {file.key: file for file in files})

    @property
    def id(self) -> str:
        """The batch's id."""
        return str(self.reply["id"])

    @property
    def record_id(self) -> str:
        """The draft's id."""
        return str(self.reply["record_id"])

    def announce(self, path: str, **body: Any) -> Reply:
        """POST the announcement."""
        body = {"files": [file.entry for file in self.files.values()], **body}
        body.setdefault("completed_by", "in 2 hours")
        reply = self.api.call("POST", path, json=body)
        if reply.status == 201:
            self.reply = reply.json
        return reply

    def send(self, key: str, data: bytes | None = None) -> bool:
        """Send a file by its URL, as it is or other bytes; whether it was taken.

        A link is made instead.

        :raises requests.ConnectionError: nobody knows.
        """
        link = self.reply.get("links", {}).get(key)
        if link is not None:
            made = self.api.call("PUT", link)
            assert made.status < 500 or made.status == 503, made.json
            return made.status == 200
        data = self.files[key].data if data is None else data
        self.sent.setdefault(key, []).append(data)
        target = self.reply["presigned_urls"][key]
        if isinstance(target, str):
            return self._put(target, data, self.reply["headers"].get(key))
        taken = True
        for link in target:
            start = (link["part"] - 1) * PART
            piece = data[start : start + PART]
            taken &= self._put(link["url"], piece, link.get("headers"))
        return taken

    def send_all(self) -> None:
        """Send every file; all must be taken."""
        for key in self.files:
            assert self.send(key), key

    def complete(self, **body: Any) -> Reply:
        """PUT the completion."""
        url = self.reply.get("completion_url", f"/uploads/{self.id}/complete")
        return self.api.call("PUT", url, json=body or None)

    def abort(self) -> Reply:
        """PUT the abortion."""
        url = self.reply.get("abort_url", f"/uploads/{self.id}/abort")
        return self.api.call("PUT", url)

    def status(self) -> Reply:
        """GET the batch."""
        return self.api.get(f"/uploads/{self.id}")

    def look_up(self) -> Reply:
        """Ask for fresh URLs, as somebody who has lost the first ones.

        :returns: the page of files.
        """
        page = self.api.get(f"/uploads/{self.id}/files")
        if page.status == 200:
            fresh = {
                name: {**self.reply.get(name, {}), **page.json[name]}
                for name in ("presigned_urls", "headers", "links")
            }
            self.reply = {**self.reply, **fresh}
        return page

    def possible(self, key: str, content: bytes | None) -> bool:
        """Whether a file may have this content after all that was sent."""
        file = self.files[key]
        if file.proved:
            return content == file.data
        if len(file.data) > PART:
            # Parts of what was sent at different times may have met.
            return content is not None and len(content) == len(file.data)
        return content in self.sent.get(key, ())

    def _put(
        self, url: str, data: bytes, headers: Mapping[str, str] | None = None
    ) -> bool:
        wanted = dict(headers or {})
        if url.startswith("http://localhost"):
            wanted["Content-Type"] = "application/octet-stream"
            return self.api.call("PUT", url, data=data, headers=wanted).status == 200
        reply = requests.put(url, data=data, headers=wanted, timeout=30)
        return reply.status_code == 200
