# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Puts parts to where their links point, until each one is there."""

from __future__ import annotations

from base64 import b64encode

from .api import TRANSIENT, DraftFileApi, RequestCount, refusal
from .errors import IntegrityError, NetworkError, RefusedError
from .flow import Flow, Part
from .limits import Limits
from .progress import ProgressCounter
from .retry import StopSignal
from .transport import Transport

LINK_REFUSED = frozenset({401, 403, 404, 410})
"""The link expired, or the store forgot the upload: Invenio knows which."""

LINKS_PER_PART = 4
"""Links to try before the refusal is believed. Expiry costs one; a few more
pass a store that is slow to learn new credentials."""

DAMAGED = frozenset({"BadDigest", "part_refused"})
"""The store got other bytes than were announced."""

INTERRUPTED = frozenset({"IncompleteBody", "RequestTimeout"})
"""400 answers to a body that broke off on its way."""


class UnprovenError(Exception):
    """What has arrived is not known to be what was sent."""


class PartSender:
    """Sends parts of a flow; one object serves all sending threads."""

    def __init__(
        self,
        flow: Flow,
        api: DraftFileApi,
        transport: Transport,
        counter: ProgressCounter,
        stop: StopSignal,
        limits: Limits,
    ) -> None:
        self._flow = flow
        self._jobs = limits.jobs
        self._api = api
        self._transport = transport
        self._counter = counter
        self._policy = api.policy
        self._stop = stop
        self.requests = RequestCount()

    def run(self) -> None:
        """Send until there is nothing left to send."""
        while (part := self._flow.take_linked()) is not None:
            try:
                self._deliver(part)
            finally:
                self._flow.put_down()

    def _deliver(self, part: Part) -> None:
        while True:
            try:
                # Other files of the same uploader take turns with this one.
                with self._jobs.turn(self._stop):
                    self._put(part)
            except (NetworkError, IntegrityError) as error:
                self._counter.take_back(part.number)
                if isinstance(error, NetworkError):
                    self._jobs.trouble()
                self._pause(part, error)
                # The pause, or a laptop that slept in it, may have been long.
                if part.link is not None and not part.link.is_good:
                    self._flow.offer_hashed(part)
                    return
            except UnprovenError:
                # Other bytes, or a store that names another digest, as for some kinds
                # of encryption. By a link of its own the store has to compare.
                self._counter.take_back(part.number)
                self._flow.distrust_links()
                part.attempts += 1
                self._flow.offer_hashed(part)
                return
            except RefusedError as error:
                self._counter.take_back(part.number)
                self._ask_for_new_link(part, error)
                return
            else:
                self._jobs.sent(len(part.data))
                self._counter.settle(part.number, len(part.data), reused=False)
                self._flow.settle(part)
                return

    def _put(self, part: Part) -> None:
        assert part.link is not None, "only linked parts are sent"  # noqa: S101
        url = part.link.url
        own = self._api.authorization_for(url)
        headers = {**part.link.headers, **own}
        if "content-length" not in {name.lower() for name in headers}:
            headers["Content-Length"] = str(len(part.data))
        if part.by_any_link and own:
            # The server's own disk names no digest, but it compares this one.
            headers["Content-MD5"] = b64encode(bytes.fromhex(part.md5)).decode()
        self.requests.add()
        response = self._transport.send(
            "PUT",
            url,
            headers,
            part.data,
            lambda count: self._counter.wrote(part.number, count),
        )
        if 200 <= response.status < 300:
            # Hashed by the store anyway; for a Content-MD5 it would hash once more.
            etag = response.headers.get("etag", "").strip('"').lower()
            if part.by_any_link and not own and etag != part.md5:
                raise UnprovenError
            return
        error = refusal(response, TRANSIENT, "The storage")
        if isinstance(error, RefusedError) and error.status == 400:
            if error.code in DAMAGED:
                raise IntegrityError(
                    f"Part {part.number} arrived damaged: {error.message}"
                ) from error
            if error.code in INTERRUPTED:
                raise NetworkError(error.message) from error
        raise error

    def _pause(self, part: Part, error: NetworkError | IntegrityError) -> None:
        self._stop.check()
        part.attempts += 1
        if isinstance(error, NetworkError) and error.permanent:
            raise error
        if part.attempts >= self._policy.attempts:
            if isinstance(error, NetworkError):
                raise self._policy.gave_up(error, part.attempts) from error
            raise error
        self._policy.pause(part.attempts, error, self._stop)

    def _ask_for_new_link(self, part: Part, error: RefusedError) -> None:
        part.links_refused += 1
        if error.status not in LINK_REFUSED or part.links_refused >= LINKS_PER_PART:
            raise RefusedError(
                f"The storage refused part {part.number}: {error.message}",
                status=error.status,
                code=error.code,
            ) from error
        # The first time at once, as links simply expire.
        self._flow.distrust_links()
        if part.links_refused > 1:
            pause = self._policy.delay_seconds(part.links_refused)
            self._stop.sleep(pause)
        self._flow.offer_hashed(part)
