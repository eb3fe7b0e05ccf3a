# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Where the contents of a record's files are, asked for a thousand at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from .api import items_of
from .errors import ProtocolError

YOUNG_SECONDS = 30.0
"""Links of this age do not expire: when they are refused, others would be, too."""

Get = Callable[[str], Any]


class ContentLinks:
    """Links by key, and new ones when they are old; safe to use from many threads.

    A page of links is asked for when the first of its files is fetched: then they are
    fresh, and a file that is not fetched counts as no download.

    :param url: of the resource, below a record or draft.
    :param get: gives the JSON that is at an address.
    :param clock: seconds; for tests.
    """

    def __init__(
        self, url: str, get: Get, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._url = url
        self._get = get
        self._clock = clock
        self._lock = threading.Lock()
        self._links: dict[str, str] = {}
        self._page_of: dict[str, str | None] = {}
        self._asked_at: dict[str | None, float] = {}

    def files(self) -> Iterator[Mapping[str, Any]]:
        """Every file of the record."""
        after: str | None = None
        while True:
            reply = self._page(after, links="no")
            items = items_of(reply, "files")
            for item in items:
                self._page_of[str(item.get("key"))] = after
                yield item
            if not items or not (reply.get("links") or {}).get("next"):
                return
            before, after = after, str(items[-1].get("key"))
            if after == before:
                raise ProtocolError("The server's list of files has no end.")

    def of(self, key: str) -> str | None:
        """The link to a file's content; None where there is none."""
        # One thread asks, for all files of the page; the others wait for it.
        with self._lock:
            if key in self._page_of and self._page_of[key] not in self._asked_at:
                self._ask(self._page_of[key])
            return self._links.get(key)

    def renewed(self, key: str, link: str) -> str | None:
        """Another link than this one, which was refused; None where there is none."""
        with self._lock:
            page = self._page_of.get(key)
            if self._links.get(key) == link:
                if self._clock() - self._asked_at[page] < YOUNG_SECONDS:
                    return None
                self._ask(page)
            fresh = self._links.get(key)
            return fresh if fresh != link else None

    def _ask(self, after: str | None) -> None:
        # What is refused once is not asked for again by the next thread.
        self._asked_at[after] = self._clock()
        for item in items_of(self._page(after), "files"):
            key, url = str(item.get("key")), item.get("url")
            self._links.pop(key, None)
            if url:
                self._links[key] = str(url)

    def _page(self, after: str | None, **query: str) -> Any:
        if after is not None:
            query["after"] = after
        return self._get(f"{self._url}?{urlencode(query)}" if query else self._url)
