# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The bytes of one remote file, in ranges, wherever the server keeps them."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urljoin, urlsplit

from .errors import IntegrityError, ProtocolError
from .proof import read_repr_digest
from .record_files import REASON_BYTES, RecordFiles, refused
from .transport import Incoming, Transport

REDIRECTS = frozenset({301, 302, 303, 307, 308})
HOPS = 5
"""Redirects in a row that are believed."""

LINKS = 3
"""Links to try before a refusal of the store is believed. Expiry costs one; another
one passes a store that is slow to learn new credentials."""

NOT_EXPIRED = frozenset({408, 416, 425, 429})
"""Refusals of a store that a new link does not help against. All other ones may
mean that the link is old: 403 mostly, but one store says 400."""

_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")


class Content:
    """One remote file; safe to use from many threads.

    The server sends the bytes, or names the place that does. That place is kept,
    and asked for again when it does not answer any more: such links expire.

    :param size_bytes: as the server lists it, None when it does not say.
    """

    def __init__(
        self, api: RecordFiles, key: str, size_bytes: int | None, transport: Transport
    ) -> None:
        self._api = api
        self._key = key
        self._url = api.content_url(key)
        self._size = size_bytes
        self._transport = transport
        self._lock = threading.Lock()
        self._link: str | None = None
        self._linked = False
        self._etag: str | None = None
        self.digest: str | None = None
        """What ``Repr-Digest`` of the replies so far says, as ``algorithm:hex``."""

    @contextmanager
    def fetch(self, first: int, last: int | None) -> Iterator[Incoming]:
        """An answer of status 206 with the range, or 200 with the whole file.

        :param last: offset of the last byte, None for all that follows.
        :raises NetworkError: for what may go better another time.
        :raises RefusedError: when the server refuses.
        :raises IntegrityError: when the file is not as long as it was listed, or
            is another one than before.
        """
        headers = {"Accept": "*/*", "Accept-Encoding": "identity"}
        if first or last is not None:
            headers["Range"] = f"bytes={first}-{'' if last is None else last}"
        for _ in range(LINKS - 1):
            with self._follow(headers) as (url, reply):
                if url == self._url or reply.status < 400 or _is_final(reply.status):
                    yield self._checked(reply, first)
                    return
                reply.read(REASON_BYTES)
            self._renew(url)
        with self._follow(headers) as (_, reply):
            yield self._checked(reply, first)

    @contextmanager
    def _follow(self, headers: dict[str, str]) -> Iterator[tuple[str, Incoming]]:
        """The end of the way that the server shows, and the answer there."""
        if not self._linked:
            self._link, self._linked = self._api.link_of(self._key), True
        begin = url = self._link or self._url
        for _ in range(HOPS):
            with self._ask(url, headers) as reply:
                if reply.status not in REDIRECTS:
                    # What we began with may have been replaced by a newer one since.
                    if url != begin and reply.status < 300:
                        self._link = url
                    yield url, reply
                    return
                url = self._target(url, reply)
        raise ProtocolError(f"The server redirects more than {HOPS} times.")

    def _renew(self, link: str) -> None:
        """A new link, unless another thread has got one meanwhile."""
        with self._lock:
            if self._link != link:
                return
            self._link = self._api.renewed_link(self._key, link)
            if self._link:
                return
            # One byte, in case that the server sends the file itself by now.
            with self._ask(self._url, {"Range": "bytes=0-0"}) as reply:
                if reply.status in REDIRECTS:
                    self._link = self._target(self._url, reply)

    def _target(self, url: str, reply: Incoming) -> str:
        location = reply.headers.get("location", "")
        reply.read(REASON_BYTES)
        target = urljoin(url, location)
        if not location or urlsplit(target).scheme not in ("http", "https"):
            raise ProtocolError(f"The server redirects to {location!r}.")
        return target

    @contextmanager
    def _ask(self, url: str, headers: dict[str, str]) -> Iterator[Incoming]:
        headers = {**headers, **self._api.headers_for(url)}
        with self._transport.receive(url, headers) as reply:
            digest = read_repr_digest(reply.headers.get("repr-digest"))
            self.digest = digest or self.digest
            yield reply

    def _checked(self, reply: Incoming, first: int) -> Incoming:
        if reply.status == 416:
            raise IntegrityError("The server's file is shorter than it says it is.")
        if reply.status not in (200, 206):
            raise refused(reply, "The server")
        if reply.headers.get("content-encoding", "identity") != "identity":
            raise ProtocolError("The server sends the file in another encoding.")
        total = reply.headers.get("content-length", "")
        if reply.status == 206:
            total = self._check_range(reply, first)
        if self._size is not None and total.isdigit() and int(total) != self._size:
            raise IntegrityError(
                f"The server has {total} bytes of a file of {self._size}."
            )
        return reply

    def _check_range(self, reply: Incoming, first: int) -> str:
        """The range is ours and of the same bytes as before; size of the file."""
        found = _CONTENT_RANGE.fullmatch(reply.headers.get("content-range", ""))
        if found is None or int(found[1]) != first:
            raise ProtocolError("The server sends another range than asked for.")
        etag = reply.headers.get("etag", "")
        # Weak ones may differ for the same bytes.
        if etag.startswith('"'):
            with self._lock:
                self._etag = self._etag or etag
            if etag != self._etag:
                raise IntegrityError("The server has another file there by now.")
        return found[3]


def _is_final(status: int) -> bool:
    return status in NOT_EXPIRED or status >= 500
