# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The way to the bytes of one file, as many threads go it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from invenio_multipart.client.ranges import Content


class _Slow:
    """Answers any request at once, but for what is done while it does."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.meanwhile: Any = lambda: None

    @contextmanager
    def receive(self, url: str, headers: dict[str, str]) -> Iterator[Any]:
        self.asked.append(url)
        meanwhile, self.meanwhile = self.meanwhile, lambda: None
        meanwhile()
        first = headers["Range"].removeprefix("bytes=").partition("-")[0]
        shown = {"content-range": f"bytes {first}-9/10"}
        yield SimpleNamespace(status=206, headers=shown)


def test_an_old_link_does_not_come_back() -> None:
    """One thread was still using it when another one had got a newer."""
    transport, links = _Slow(), iter(["http://s3/new"])
    api: Any = SimpleNamespace(
        content_url=lambda _: "http://api/content",
        link_of=lambda _: "http://s3/old",
        renewed_link=lambda *_: next(links),
        headers_for=lambda _: {},
    )
    content = Content(api, "a.bin", 10, transport)  # type: ignore[arg-type]
    transport.meanwhile = lambda: content._renew("http://s3/old")
    for _ in range(2):
        with content.fetch(5, 9):
            pass
    assert transport.asked == ["http://s3/old", "http://s3/new"]
