# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The calls to InvenioRDM that one upload needs."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlsplit

from .errors import NetworkError, ProtocolError, RefusedError, UsageError
from .retry import RetryPolicy, StopSignal, parse_retry_after
from .transport import Response, Transport, origin_of
from .wire import (
    FileEntry,
    PartLink,
    StoredPart,
    UploadStatus,
    quote_key,
    read_entry,
    read_json,
    read_links,
    read_refusal,
    read_status,
    read_stored_parts,
)

PAGE_SIZE = 1000
"""Parts per page of the parts list."""

TRANSIENT = frozenset({408, 425, 429})
"""Refusals that mean "later"; every 5xx is taken the same way."""

ACCEPTED = {"Accept": "application/json", "Prefer": "return=minimal"}
"""The reply to a new file would otherwise list all of the draft (RFC 7240)."""

LOST_TERM = "Not a valid value."
"""InvenioRDM 14 says so of a record whose vocabulary it could not read. Its look-up
fails now and then while several threads serve requests, and works the next time."""

COMMIT_TRANSIENT = TRANSIENT | {409, 423}
"""While another commit of the same upload runs, ours is told to wait."""


class RequestCount:
    """A number of requests that threads add to."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.value = 0

    def add(self) -> None:
        """One more."""
        with self._lock:
            self.value += 1


class Api:
    """The REST API of one instance, as one account sees it.

    :param base_url: address of the instance, with or without ``/api``.
    :param token: personal access token; goes to this address only. None asks as
        somebody without an account.
    :raises UsageError: for an address or token that cannot be used.
    """

    def __init__(
        self,
        base_url: str,
        token: str | None,
        *,
        transport: Transport,
        policy: RetryPolicy,
        stop: StopSignal,
    ) -> None:
        self.root = api_root(base_url)
        self._origin = origin_of(self.root)
        if token is not None and not (token.isascii() and token.isprintable()):
            token = ""
        if token == "":
            raise UsageError("The access token is missing or malformed.")
        self._token = token
        self._transport = transport
        self.policy = policy
        self._stop = stop
        self.requests = RequestCount()

    def authorization_for(self, url: str) -> dict[str, str]:
        """The token as a header when ``url`` is the API's own, else nothing."""
        if self._token is None or origin_of(url) != self._origin:
            return {}
        return {"Authorization": f"Bearer {self._token}"}

    def call(
        self,
        method: str,
        url: str,
        body: Any = None,
        transient: frozenset[int] = TRANSIENT,
    ) -> Any:
        """The JSON of a successful answer, after as many attempts as it takes.

        :param url: whole, or a path below the API's root with a slash before it.
        :param body: sent as JSON; None for no body.
        :param transient: statuses below 500 that are worth another attempt.
        :raises RefusedError: the server refuses for good.
        :raises NetworkError: all attempts are used up.
        :raises ProtocolError: the answer is no JSON.
        """
        return self.policy.run(
            lambda: self.call_once(method, url, body, transient), self._stop
        )

    def call_once(
        self,
        method: str,
        url: str,
        body: Any = None,
        transient: frozenset[int] = TRANSIENT,
    ) -> Any:
        """The same with one attempt, for what is not safe to repeat blindly."""
        url = f"{self.root}{url}" if url.startswith("/") else url
        headers = {**ACCEPTED, **self.authorization_for(url)}
        content = b""
        if body is not None:
            content = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        if body is not None or method in ("POST", "PUT"):
            headers["Content-Length"] = str(len(content))
        self.requests.add()
        response = self._transport.send(method, url, headers, content)
        if response.status == 204:
            return None
        if 200 <= response.status < 300:
            return read_json(response)
        error = refusal(response, transient, "Invenio")
        if error.message == LOST_TERM and not _tells_of_a_record(body):
            raise NetworkError(f"Invenio lost a term of its own: {error.message}")
        raise error


class DraftFileApi(Api):
    """One file of one draft, over Invenio's REST API.

    :param base_url: address of the instance, with or without ``/api``.
    :param token: personal access token; goes to this address only.
    :param key: name of the file in the draft, ``/`` between directories.
    :raises UsageError: for an address, token or key that cannot be used.
    """

    def __init__(
        self,
        base_url: str,
        token: str,
        draft_id: str,
        key: str,
        *,
        transport: Transport,
        policy: RetryPolicy,
        stop: StopSignal,
    ) -> None:
        super().__init__(
            base_url, token or "", transport=transport, policy=policy, stop=stop
        )
        self._files_url = f"{self.root}{draft_path(draft_id)}/files"
        self._file_url = f"{self._files_url}/{quote_key(key)}"
        self._key = key

    def entry(self) -> FileEntry | None:
        """The file as the draft has it, None when it has no such file."""
        try:
            return read_entry(self.call("GET", self._file_url))
        except RefusedError as error:
            if error.status != 404:
                raise
            # A missing draft is a 404 as well; then initiate() says so.
            return None

    def initiate(
        self, size_bytes: int, part_size_bytes: int | None = None
    ) -> FileEntry:
        """The new entry, its parts planned by the server. Never repeated here.

        :param part_size_bytes: of each part but the last; None leaves it to the
            server.
        :raises NetworkError: when it is not known whether the entry exists.
        """
        transfer: dict[str, Any] = {"type": "M"}
        if part_size_bytes is not None:
            transfer["part_size"] = part_size_bytes
        wanted = {"key": self._key, "size": size_bytes, "transfer": transfer}
        reply = self.call_once("POST", self._files_url, [wanted])
        for item in items_of(reply, "entries"):
            if isinstance(item, dict) and item.get("key") == self._key:
                return read_entry(item)
        raise ProtocolError("The server's reply does not name the new file.")

    def stored_parts(self) -> dict[int, StoredPart]:
        """All parts the server has, by number from 1."""
        found: dict[int, StoredPart] = {}
        first = 1
        while True:
            # Uploaded ones only: links of missing parts would be signed and
            # sent for nothing, as each part gets its own bound link later.
            query = f"status=uploaded&from={first}&size={PAGE_SIZE}"
            page = self.call("GET", f"{self._file_url}/parts?{query}")
            fresh = read_stored_parts(items_of(page, "parts"))
            found.update(fresh)
            if not fresh or not (page.get("links") or {}).get("next"):
                return found
            first = max(fresh) + 1

    def register(self, parts: Sequence[tuple[int, int, str]]) -> dict[int, PartLink]:
        """A link for each part, bound to its length and MD5.

        :param parts: number from 1, size in bytes, hex MD5.
        """
        wanted = [
            {"part": number, "size": size, "checksum": f"md5:{md5}"}
            for number, size, md5 in parts
        ]
        reply = self.call("POST", f"{self._file_url}/parts", wanted)
        links = read_links(items_of(reply, "parts"))
        if any(number not in links for number, _, _ in parts):
            raise ProtocolError("The server gave no link for some of the parts.")
        return links

    def commit(self, md5: str) -> None:
        """Have the parts put together. Safe to repeat, and repeated.

        :param md5: hex MD5 of the whole file, which the server proves.
        """
        body = {"checksum": f"md5:{md5}"}
        self.call("POST", f"{self._file_url}/commit", body, COMMIT_TRANSIENT)

    def status(self) -> UploadStatus:
        """Where the upload is."""
        return read_status(self.call("GET", f"{self._file_url}/upload"))


def draft_path(draft_id: str) -> str:
    """Path of a draft below the API's root."""
    return f"/records/{quote(draft_id, safe='')}/draft"


def _tells_of_a_record(body: Any) -> bool:
    return isinstance(body, dict) and ("metadata" in body or "record" in body)


def refusal(
    response: Response, transient: frozenset[int], who: str
) -> NetworkError | RefusedError:
    """The error that an answer outside 200..299 stands for.

    :param transient: statuses below 500 that are worth another attempt.
    :param who: the server's name in the message.
    """
    reason = read_refusal(response)
    if response.status >= 500 or response.status in transient:
        return NetworkError(
            f"{who} answered {response.status}: {reason.message}",
            retry_after_seconds=parse_retry_after(response.headers.get("retry-after")),
        )
    if 300 <= response.status < 400:
        where = response.headers.get("location", "elsewhere")
        reason.message = f"{who} redirects to {where}; check the base URL."
        reason.args = (reason.message,)
    return reason


def api_root(base_url: str) -> str:
    """Root of the REST API of an instance, without a slash at its end.

    :raises UsageError: when it is no plain http or https address.
    """
    try:
        parts = urlsplit(base_url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname)
        # Reading the port checks it.
        good = good and parts.port != 0 and parts.username is None
    except ValueError:
        good = False
    if not good or parts.query or parts.fragment:
        raise UsageError(f"{base_url!r} is not a plain http or https address.")
    root = base_url.rstrip("/")
    return root if root.endswith("/api") else f"{root}/api"


def items_of(reply: Any, name: str) -> Sequence[Mapping[str, Any]]:
    """The list that a reply has under this name.

    :raises ProtocolError: when it has none.
    """
    items = reply.get(name) if isinstance(reply, dict) else None
    if not isinstance(items, list):
        raise ProtocolError(f"The server's reply holds no list of {name}.")
    return items
