# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Files to an InvenioRDM without this extension: what it offers, and no more.

Three calls a file, and bytes through the server up to 100 MiB; larger files in parts
of upstream's own kind. Nothing tells which parts have arrived, so a file that was
interrupted begins anew; files that are complete are kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from ..core.plan import make_plan
from .api import TRANSIENT, RequestCount, draft_path, items_of, refusal
from .counter import ManyCounter
from .crew import Crew
from .errors import (
    ClientError,
    IntegrityError,
    NetworkError,
    ProtocolError,
    RefusedError,
)
from .lane import Budget, Lane
from .large import is_fatal
from .many import FileResult, ManyOptions, Notice, NoticeCallback
from .present import Present
from .reading import failed, planned
from .session import Session
from .source import SourceFile
from .tree import Found
from .wire import PartLink, quote_key, read_entry, read_links

PARTS_FROM_BYTES = 100 * 2**20
"""Files above this size are sent in parts."""

MEMORY_BYTES = 256 * 2**20
"""Content in memory at any time."""

PARTS_AT_ONCE = 4

TEXT = (
    "This server has no invenio-multipart. Files go through it one by one; one that is "
    "interrupted begins anew, and what is sent in parts is not verified."
)


class StockTransfer:
    """One try with a server as it comes.

    :param jobs: files sent at the same time at most.
    """

    def __init__(
        self,
        session: Session,
        draft_id: str,
        options: ManyOptions,
        counter: ManyCounter,
        notice: NoticeCallback,
        *,
        jobs: int,
    ) -> None:
        self._session = session
        self._api = session.api
        self._draft_id = draft_id
        self._options = options
        self._counter = counter
        self._notice = notice
        self._jobs = jobs
        self._budget = Budget(MEMORY_BYTES, session.stop)
        self._lane: Lane[Found] = Lane(session.stop)
        self._crew = Crew(session.stop, session.transport)
        self._requests = RequestCount()

    @property
    def storage_requests(self) -> int:
        """Requests that carried bytes."""
        return self._requests.value

    def run(self, files: Sequence[Found]) -> None:
        """All files are in the draft, or were reported as failed.

        :raises ClientError: what ended the upload as a whole.
        """
        self._notice(Notice("stock_server", TEXT))
        if self._options.link_known or self._options.sts:
            text = "This server can neither link known bytes nor issue credentials."
            self._notice(Notice("not_here", text))
        entries = self._session.drafts.files(self._draft_id)
        # What is pending begins anew, so it is not in the way.
        done = {key: e for key, e in entries.items() if e.status == "completed"}
        present = Present(self._options, done, {}, self._counter, self._notice)
        work = present.settle(files)
        if self._options.dry_run:
            for found in (*work.small, *work.large):
                self._counter.settle(planned(found))
            return
        self._counter.enter("uploading")
        for found in (*work.small, *work.large):
            if found.key in entries:
                self._session.drafts.delete_file(self._draft_id, found.key)
            self._lane.put(found)
        self._lane.close()
        self._send_all(len(work.small) + len(work.large))

    def _send_all(self, count: int) -> None:
        self._crew.run([self._send_some] * min(self._jobs, count))

    def _send_some(self) -> None:
        while (found := self._lane.take()) is not None:
            try:
                self._counter.settle(self._send(found))
            except ClientError as error:
                if is_fatal(error):
                    raise
                self._counter.settle(failed(found, error))

    def _send(self, found: Found) -> FileResult:
        with SourceFile(found.path) as source:
            digests = hashlib.md5(usedforsecurity=False), hashlib.sha256()
            if source.size_bytes > PARTS_FROM_BYTES:
                self._in_parts(found, source, digests)
            else:
                self._whole(found, source, digests)
            size = source.size_bytes
        md5, sha256 = (digest.hexdigest() for digest in digests)
        self._commit(found, md5)
        return FileResult(found.key, found.path, size, "sent", md5, sha256)

    def _whole(self, found: Found, source: SourceFile, digests: Sequence[Any]) -> None:
        size = source.size_bytes
        self._budget.take(size)
        try:
            data = memoryview(bytearray(size))
            source.fill(data)
            for digest in digests:
                digest.update(data)
            self._begin(found, size, {"type": "L"})
            self._put(PartLink(f"{self._url(found)}/content", {}), data)
        finally:
            self._budget.give(size)

    def _in_parts(
        self, found: Found, source: SourceFile, digests: Sequence[Any]
    ) -> None:
        plan = make_plan(source.size_bytes)
        transfer = {"type": "M", "parts": plan.parts, "part_size": plan.part_size}
        entry = self._begin(found, source.size_bytes, transfer)
        links = read_links((entry.get("links") or {}).get("parts") or ())
        if len(links) != plan.parts:
            raise ProtocolError("The server gave no link for some of the parts.")
        with ThreadPoolExecutor(PARTS_AT_ONCE) as pool:
            waiting: list[Future[None]] = []
            for number in range(1, plan.parts + 1):
                data = memoryview(bytearray(plan.size_of(number)))
                source.fill(data)
                for digest in digests:
                    digest.update(data)
                waiting.append(pool.submit(self._put, links[number], data))
                if len(waiting) >= PARTS_AT_ONCE:
                    waiting.pop(0).result()
            for future in waiting:
                future.result()

    def _begin(
        self, found: Found, size: int, transfer: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """The new entry, whatever an earlier attempt has left."""
        policy, url = self._api.policy, f"{draft_path(self._draft_id)}/files"
        body = [{"key": found.key, "size": size, "transfer": transfer}]
        for failures in range(1, policy.attempts + 1):
            try:
                reply = self._api.call_once("POST", url, body)
                break
            except NetworkError as error:
                if error.permanent or failures == policy.attempts:
                    raise policy.gave_up(error, failures) from error
                asked = error.retry_after_seconds
                self._session.stop.sleep(policy.delay_seconds(failures, asked))
                # It may be there although nobody has heard of it.
                self._session.drafts.delete_file(self._draft_id, found.key)
        for item in items_of(reply, "entries"):
            if item.get("key") == found.key:
                return item
        raise ProtocolError("The server's reply does not name the new file.")

    def _put(self, link: PartLink, data: memoryview) -> None:
        headers = {
            **link.headers,
            **self._api.authorization_for(link.url),
            "Content-Type": "application/octet-stream",
            "Content-Length": str(len(data)),
        }
        self._api.policy.run(
            lambda: self._put_once(link.url, headers, data), self._session.stop
        )

    def _put_once(self, url: str, headers: Mapping[str, str], data: memoryview) -> None:
        wrote = 0

        def note(count: int) -> None:
            nonlocal wrote
            wrote += count
            self._counter.wrote(count)

        self._requests.add()
        try:
            response = self._session.transport.send("PUT", url, headers, data, note)
            if not 200 <= response.status < 300:
                raise refusal(response, TRANSIENT, "The server")
        finally:
            # A file of many parts is counted as a whole when it is settled.
            self._counter.take_back(wrote)

    def _commit(self, found: Found, md5: str) -> None:
        url = self._url(found)
        try:
            entry = read_entry(self._api.call("POST", f"{url}/commit"))
        except RefusedError:
            # Of a repeated commit the first may have done it.
            entry = read_entry(self._api.call("GET", url))
            if entry.status != "completed":
                raise
        name, _, value = (entry.checksum or "").partition(":")
        if name != "md5" or len(value) != len(md5):
            text = f"The server has no digest of {found.key}; it was not compared."
            self._notice(Notice("not_compared", text))
        elif value != md5:
            self._session.drafts.delete_file(self._draft_id, found.key)
            raise IntegrityError(
                f"The server has other bytes than {found.path}: md5 {value}, not "
                f"{md5}. They were removed; run again."
            )

    def _url(self, found: Found) -> str:
        root = self._api.root
        return f"{root}{draft_path(self._draft_id)}/files/{quote_key(found.key)}"
