# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The calls to InvenioRDM that a download needs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from .api import TRANSIENT, RequestCount, api_root, items_of, refusal
from .content_links import ContentLinks
from .errors import NetworkError, ProtocolError, RefusedError, UsageError
from .proof import expected_md5
from .read_back import Span
from .retry import RetryPolicy, StopSignal
from .transport import Incoming, Response, Transport, origin_of
from .wire import quote_key, read_json

REASON_BYTES = 64 * 1024
"""As much of a refusal's body is read."""


@dataclass(frozen=True)
class RemoteFile:
    """A file of a record or draft, as the server lists it."""

    key: str
    size_bytes: int | None
    checksum: str | None
    """As the server spells it; None while it has none."""
    completed: bool


class RecordFiles:
    """The files of one record, or of its draft, over Invenio's REST API.

    :param base_url: address of the instance, with or without ``/api``.
    :param token: personal access token, or None; goes to this address only.
    :raises UsageError: for an address or token that cannot be used.
    """

    def __init__(
        self,
        base_url: str,
        token: str | None,
        record_id: str,
        *,
        draft: bool,
        transport: Transport,
        policy: RetryPolicy,
        stop: StopSignal,
    ) -> None:
        root = api_root(base_url)
        if token is not None and not (
            token and token.isascii() and token.isprintable()
        ):
            raise UsageError("The access token is malformed.")
        middle = "/draft" if draft else ""
        base = f"{root}/records/{quote(record_id, safe='')}{middle}"
        self._files_url = f"{base}/files"
        self._links = ContentLinks(f"{base}/content-links", self._get_json)
        self._parts_url = f"{base}/part-digests"
        self._tells_parts = True
        self._origin = origin_of(root)
        self._token = token
        self._transport = transport
        self._policy = policy
        self._stop = stop
        self.requests = RequestCount()
        self.storage_requests = RequestCount()

    def content_url(self, key: str) -> str:
        """Where the bytes of a file are, or who knows where they are."""
        return f"{self._files_url}/{quote_key(key)}/content"

    def link_of(self, key: str) -> str | None:
        """Where the bytes themselves are, if the server tells; such links expire."""
        try:
            return self._links.of(key)
        except RefusedError:
            return None

    def renewed_link(self, key: str, link: str) -> str | None:
        """Another one in the place of one that was refused; None where none helps."""
        try:
            return self._links.renewed(key, link)
        except RefusedError:
            return None

    def list(self) -> list[RemoteFile]:
        """All files, in the server's order.

        :raises RefusedError: when there is no such record, or not for us.
        """
        try:
            return [_read(entry) for entry in self._links.files()]
        except RefusedError as error:
            if error.status not in (404, 405):
                raise
        # A stock InvenioRDM; or there is no such record, which it says as well.
        reply = self._get_json(self._files_url)
        entries = reply.get("entries") if isinstance(reply, dict) else None
        if not isinstance(entries, list):
            raise ProtocolError("The server's reply holds no list of files.")
        return [_read(entry) for entry in entries]

    def expect(self, keys: Iterable[str]) -> None:
        """Of the files that were listed, these will be fetched, in this order."""
        self._links.expect(keys)

    def file(self, key: str) -> RemoteFile:
        """One file, as it is now."""
        return _read(self._get_json(f"{self._files_url}/{quote_key(key)}"))

    def spans(self, key: str, size_bytes: int) -> Sequence[Span]:
        """The parts of a file, each with its MD5; none where the server tells none."""
        if not self._tells_parts:
            return ()
        try:
            reply = self._get_json(f"{self._parts_url}?{urlencode({'key': key})}")
        except RefusedError as error:
            # A stock InvenioRDM is not to be asked about each file.
            self._tells_parts = error.status not in (404, 405)
            return ()
        spans, offset = [], 0
        for item in items_of(reply, "parts"):
            length, md5 = item.get("size"), expected_md5(item.get("checksum"))
            if not isinstance(length, int) or md5 is None:
                return ()
            spans.append(Span(offset, length, md5))
            offset += length
        return spans if offset == size_bytes else ()

    def is_api(self, url: str) -> bool:
        """Whether an address is the API's own."""
        return origin_of(url) == self._origin

    def headers_for(self, url: str) -> dict[str, str]:
        """Headers of a request; the token is for the API's own address only."""
        if not self.is_api(url):
            self.storage_requests.add()
            return {}
        self.requests.add()
        return {"Authorization": f"Bearer {self._token}"} if self._token else {}

    def _get_json(self, url: str) -> Any:
        def once() -> Any:
            headers = {"Accept": "application/json", **self.headers_for(url)}
            response = self._transport.send("GET", url, headers)
            if response.status == 200:
                return read_json(response)
            raise refusal(response, TRANSIENT, "Invenio")

        return self._policy.run(once, self._stop)


def refused(reply: Incoming, who: str) -> NetworkError | RefusedError:
    """The error that an answer without content stands for.

    :raises NetworkError: when the answer breaks off.
    """
    body = reply.read(REASON_BYTES)
    return refusal(Response(reply.status, reply.headers, body), TRANSIENT, who)


def _read(entry: Any) -> RemoteFile:
    try:
        key, size, checksum = entry["key"], entry.get("size"), entry.get("checksum")
        return RemoteFile(
            key=str(key),
            size_bytes=None if size is None else int(size),
            checksum=None if checksum is None else str(checksum),
            completed=entry.get("status", "completed") == "completed",
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ProtocolError("The server's file entry cannot be read.") from error
