# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Puts whole small files to where their links point, until each one is there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..core.fast_digests import md5_digests, sha256_digests
from .api import TRANSIENT, Api, RequestCount, refusal
from .counter import ManyCounter
from .drafts import Content
from .errors import IntegrityError, NetworkError, RefusedError
from .limits import Jobs
from .many import Notice, NoticeCallback
from .open_batch import OpenBatch
from .retry import StopSignal
from .sender import DAMAGED, INTERRUPTED, LINK_REFUSED, LINKS_PER_PART
from .transport import Transport
from .tree import Found
from .wire import PartLink


@dataclass(eq=False)
class Item:
    """A small file in memory."""

    found: Found
    data: bytes
    md5: str
    sha256: str | None = None
    link: PartLink | None = None
    generation: int = 0
    """Which renewal the link is of."""
    attempts: int = 0
    """Times it was sent, in vain so far."""
    links_refused: int = 0
    wrote: int = 0
    """Bytes of the try under way that were reported as written."""

    @property
    def content(self) -> Content:
        """As it is announced."""
        return Content(self.found.key, len(self.data), self.md5, self.sha256)


def hashed(read: Sequence[tuple[Found, bytes]], *, sha256: bool) -> list[Item]:
    """Files and their bytes, together: that takes much less time than one by one."""
    pieces = [data for _, data in read]
    others = sha256_digests(pieces) if sha256 else [None] * len(read)
    digests = zip(md5_digests(pieces), others)
    return [Item(*file, *pair) for file, pair in zip(read, digests)]


class Delivery:
    """Sends small files; one object serves all sending threads."""

    def __init__(
        self,
        api: Api,
        transport: Transport,
        stop: StopSignal,
        *,
        batch: OpenBatch,
        counter: ManyCounter,
        jobs: Jobs,
        notice: NoticeCallback,
    ) -> None:
        self._api = api
        self._transport = transport
        self._stop = stop
        self._batch = batch
        self._counter = counter
        self._jobs = jobs
        self._notice = notice
        self.requests = RequestCount()

    def deliver(self, item: Item) -> None:
        """The bytes are in the store.

        :raises IntegrityError: they arrive damaged, each time.
        :raises RefusedError: the store does not take this file.
        :raises NetworkError: all attempts are used up.
        """
        while item.link is not None:
            item.link, item.generation = self._batch.latest(
                item.found.key, item.link, item.generation
            )
            try:
                self._put(item)
            except (NetworkError, IntegrityError) as error:
                self._take_back(item)
                self._pause(item, error)
            except RefusedError as error:
                self._take_back(item)
                self._renew(item, error)
            else:
                self._jobs.sent()
                return

    def _put(self, item: Item) -> None:
        link = item.link
        assert link is not None, "only linked files are sent"  # noqa: S101
        own = self._api.authorization_for(link.url)
        headers = {**link.headers, **own}
        if own:
            # Storage of the server itself, which parses what has no type.
            headers["Content-Type"] = "application/octet-stream"
        if "content-length" not in {name.lower() for name in headers}:
            headers["Content-Length"] = str(len(item.data))
        self.requests.add()
        response = self._transport.send(
            "PUT", link.url, headers, item.data, self._noting(item)
        )
        if 200 <= response.status < 300:
            return
        error = refusal(response, TRANSIENT, "The storage")
        if isinstance(error, RefusedError) and error.status == 400:
            if error.code in DAMAGED:
                raise IntegrityError(
                    f"{item.found.key} arrived damaged: {error.message}"
                ) from error
            if error.code in INTERRUPTED:
                raise NetworkError(error.message) from error
        raise error

    def _noting(self, item: Item) -> Callable[[int], None]:
        def note(count: int) -> None:
            item.wrote += count
            self._counter.wrote(count)

        return note

    def _take_back(self, item: Item) -> None:
        self._counter.take_back(item.wrote)
        item.wrote = 0

    def _pause(self, item: Item, error: NetworkError | IntegrityError) -> None:
        self._stop.check()
        item.attempts += 1
        policy = self._api.policy
        asked = None
        if isinstance(error, NetworkError):
            asked = error.retry_after_seconds
            if error.permanent:
                raise error
            self._jobs.trouble()
        if item.attempts >= policy.attempts:
            if isinstance(error, NetworkError):
                raise policy.gave_up(error, item.attempts) from error
            raise error
        self._notice(Notice("retrying", f"{item.found.key}: {error.message}"))
        self._stop.sleep(policy.delay_seconds(item.attempts, asked))

    def _renew(self, item: Item, error: RefusedError) -> None:
        item.links_refused += 1
        if error.status not in LINK_REFUSED or item.links_refused >= LINKS_PER_PART:
            raise RefusedError(
                f"The storage refused {item.found.key}: {error.message}",
                status=error.status,
                code=error.code,
            ) from error
        # The first time at once, as links simply expire.
        if item.links_refused > 1:
            self._stop.sleep(self._api.policy.delay_seconds(item.links_refused))
        item.link, item.generation = self._batch.renew(item.found.key, item.generation)
