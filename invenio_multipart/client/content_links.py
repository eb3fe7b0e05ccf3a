# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Where the contents of a record's files are, asked for a thousand at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from .api import items_of
from .errors import NetworkError, ProtocolError, RefusedError

YOUNG_SECONDS = 30.0
"""Links of this age do not expire: when they are refused, others would be, too."""

FIRST_GROUP = 32
GROWTH = 2
GROUP = 1000
"""Files that links are asked for together: at first, times more each, and at most."""

Get = Callable[[str], Any]


class ContentLinks:
    """Links by key, and new ones when they are old; safe to use from many threads.

    Links are asked for in groups of files, when the first file of a group is fetched:
    then they are fresh, and what is not fetched counts as no download. The first group
    is small, so that there is something to fetch while the next one is on its way.

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
        self._links: dict[str, str] = {}
        self._before: dict[str, str | None] = {}
        self._group_of: dict[str, _Group] = {}

    def files(self) -> Iterator[Mapping[str, Any]]:
        """Every file of the record."""
        after: str | None = None
        while True:
            reply = self._page(after, links="no")
            items = items_of(reply, "files")
            begun = after
            for item in items:
                key = str(item.get("key"))
                self._before[key], after = after, key
                yield item
            if not items or not (reply.get("links") or {}).get("next"):
                return
            if after == begun:
                raise ProtocolError("The server's list of files has no end.")

    def expect(self, keys: Iterable[str]) -> None:
        """Of the files that were listed, these will be fetched, in this order."""
        group: _Group | None = None
        last, most = None, FIRST_GROUP
        for key in keys:
            if key not in self._before:
                continue
            after = self._before[key]
            is_full = group is not None and len(group.keys) >= most
            if group is None or is_full or after != last:
                if is_full:
                    most = min(most * GROWTH, GROUP)
                before, group = group, _Group(after)
                if before:
                    before.next = group
            group.keys.append(key)
            self._group_of[key] = group
            last = key

    def of(self, key: str) -> str | None:
        """The link to a file's content; None where there is none."""
        group = self._group_of.get(key)
        if group is None:
            return None
        # One thread asks, for all files of the group; the others wait for it.
        with group.lock:
            if group.asked_at is None:
                self._ask(group)
                return self._links.get(key)
        if group.next:
            self._ask_ahead(group.next)
        return self._links.get(key)

    def _ask_ahead(self, group: _Group) -> None:
        # While one thread waits for the answer, the others have files to fetch.
        if not group.lock.acquire(blocking=False):
            return
        try:
            if group.asked_at is None:
                self._ask(group)
        except NetworkError:
            # Nothing of this file: who fetches one of those will hear it.
            group.asked_at = None
        except RefusedError:
            pass
        finally:
            group.lock.release()

    def renewed(self, key: str, link: str) -> str | None:
        """Another link than this one, which was refused; None where there is none."""
        group = self._group_of.get(key)
        if group is None:
            return None
        with group.lock:
            if self._links.get(key) == link:
                asked_at = group.asked_at or 0.0
                if self._clock() - asked_at < YOUNG_SECONDS:
                    return None
                self._ask(group)
            fresh = self._links.get(key)
            return fresh if fresh != link else None

    def _ask(self, group: _Group) -> None:
        # What is refused once is not asked for again by the next thread.
        group.asked_at = self._clock()
        page = self._page(group.after, size=str(len(group.keys)))
        for item in items_of(page, "files"):
            key, url = str(item.get("key")), item.get("url")
            self._links.pop(key, None)
            if url:
                self._links[key] = str(url)

    def _page(self, after: str | None, **query: str) -> Any:
        if after is not None:
            query["after"] = after
        return self._get(f"{self._url}?{urlencode(query)}" if query else self._url)


class _Group:
    """Files in a row, of which the links are asked for together."""

    def __init__(self, after: str | None) -> None:
        self.after = after
        self.keys: list[str] = []
        self.asked_at: float | None = None
        self.next: _Group | None = None
        self.lock = threading.Lock()
