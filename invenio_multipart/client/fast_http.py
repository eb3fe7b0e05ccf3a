# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Replies whose heads are read by httptools.

Imported only where httptools is installed. ``http.client`` reads the lines of a head one
by one and hands them to the parser of e-mails, which takes fifteen times as long.
Whatever is unusual is left to it.
"""

from __future__ import annotations

import http.client

import httptools

_END_OF_HEAD = b"\r\n\r\n"

_ONCE = frozenset({"connection", "content-length"})
"""Headers that decide where a reply ends. Of others said twice the last one counts."""


class FastResponse(http.client.HTTPResponse):
    """A reply as of ``http.client``; its headers are a dictionary, in lower case."""

    def begin(self) -> None:
        """Read status and headers."""
        head = self._whole_head()
        found = _Head(head) if head else None
        # Nothing was taken yet: http.client begins where we did.
        if found is None or not found.is_usual:
            super().begin()
            return
        self.fp.read(found.length)
        self.code = self.status = found.status
        self.reason = found.reason
        self.version = 11
        self.headers = self.msg = found.headers  # type: ignore[assignment]
        self.chunked = False
        length = found.headers["content-length"]
        has_none = self.status in (204, 304) or self._method == "HEAD"  # type: ignore[attr-defined]
        self.length = 0 if has_none else int(length)
        self.will_close = "close" in found.headers.get("connection", "").lower()

    def _whole_head(self) -> bytes | None:
        """The head, if all of it has come at once; it stays to be read."""
        if self.headers is not None:
            return None
        here = self.fp.peek(1)
        end = here.find(_END_OF_HEAD)
        return here[: end + len(_END_OF_HEAD)] if end >= 0 else None


class _Head:
    """Status and headers, as httptools understands them."""

    def __init__(self, data: bytes) -> None:
        self.headers: dict[str, str] = {}
        self.reason = ""
        self.length = len(data)
        self._repeats = False
        parser = httptools.HttpResponseParser(self)
        try:
            parser.feed_data(data)
            self.status = parser.get_status_code()
            self._is_1_1 = parser.get_http_version() == "1.1"
        except httptools.HttpParserError:
            self.status, self._is_1_1 = 0, False

    @property
    def is_usual(self) -> bool:
        """Whether the head says how long the body is, and says it once."""
        return (
            self.status >= 200
            and self._is_1_1
            and not self._repeats
            and "transfer-encoding" not in self.headers
            and self.headers.get("content-length", "").isdecimal()
        )

    def on_status(self, reason: bytes) -> None:
        """Called by the parser."""
        self.reason = reason.decode("latin-1")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Called by the parser."""
        key = name.decode("latin-1").lower()
        self._repeats |= key in _ONCE and key in self.headers
        self.headers[key] = value.decode("latin-1")
