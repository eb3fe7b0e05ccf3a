# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Reads a file once while its parts are hashed, registered and sent."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ..core.plan import MIB, PREFERRED_MIN_PART_SIZE, S3_LIMITS, make_plan
from .api import DraftFileApi
from .errors import ProtocolError
from .flow import Flow, Part
from .progress import ProgressCounter
from .sender import PartSender
from .source import Digests, FileDigests, SourceFile
from .transport import Transport
from .wire import FileEntry, PartLink, StoredPart

JOIN_SECONDS = 5.0
"""How long a failed upload waits for its threads. They are told and their
connections are broken; only one that is just connecting takes longer."""

PARTS_IN_MEMORY = 8
"""As many should fit: four that are sent, and those before and after them."""


@dataclass(frozen=True)
class Slices:
    """How the file is cut: equal parts, the last one may be shorter."""

    size_bytes: int
    part_size_bytes: int
    parts: int

    def length(self, number: int) -> int:
        """Bytes of part ``number``, from 1."""
        return min(
            self.part_size_bytes,
            self.size_bytes - (number - 1) * self.part_size_bytes,
        )


def part_size_for(size_bytes: int, memory_bytes: int) -> int | None:
    """Bytes per part to ask for; None where the server's plan fits into memory.

    Its plan for a file of 1 TB is of parts of 512 MiB, for a short list. Too few of
    them fit to fill a line.
    """
    fitting = max(memory_bytes // PARTS_IN_MEMORY, PREFERRED_MIN_PART_SIZE)
    needed = -(-size_bytes // S3_LIMITS.max_parts)
    size = -(-max(fitting, needed) // MIB) * MIB
    # Beyond what S3 takes it is for the server to say so.
    if size_bytes > S3_LIMITS.max_size or make_plan(size_bytes).part_size <= size:
        return None
    return size


class Pipeline:
    """One run over one file.

    :param links: for parts of any content, by number: what has one of these is
        sent as soon as it is hashed, and registered at leisure. The others wait
        for the link that their registration gives.
    :param stored: parts the server already has, by number.
    :param jobs: parts that are ever sent at the same time.
    """

    def __init__(
        self,
        source: SourceFile,
        slices: Slices,
        stored: Mapping[int, StoredPart],
        links: Mapping[int, PartLink],
        *,
        api: DraftFileApi,
        transport: Transport,
        flow: Flow,
        sender: PartSender,
        counter: ProgressCounter,
        jobs: int,
    ) -> None:
        self._source = source
        self._slices = slices
        self._stored = stored
        self._links = links
        self._api = api
        self._transport = transport
        self._flow = flow
        self._sender = sender
        self._counter = counter
        self._jobs = min(jobs, max(slices.parts, 1))

    def run(self) -> Digests:
        """Digests of the file, all parts of which are now on the server.

        :raises ClientError: whatever went wrong first, in any thread.
        """
        threads = [threading.Thread(target=self._guard(self._register), daemon=True)]
        for _ in range(self._jobs):
            thread = threading.Thread(target=self._guard(self._sender.run), daemon=True)
            threads.append(thread)
        with FileDigests(self._slices.part_size_bytes) as digests:
            try:
                for thread in threads:
                    thread.start()
                self._read(digests)
                self._flow.wait_until_over()
                return digests.result()
            except BaseException as error:
                self._flow.fail(error)
                self._transport.abort()
                digests.close()
                failure = self._flow.failure
                if failure is None or failure is error:
                    raise
                # `error` is only its echo, and `from` would overwrite its own cause.
                raise failure  # noqa: B904
            finally:
                for thread in threads:
                    # One that an interruption kept from starting has no number.
                    if thread.ident is not None:
                        thread.join(JOIN_SECONDS)

    def _read(self, digests: FileDigests) -> None:
        for number in range(1, self._slices.parts + 1):
            buffer = self._flow.take_buffer()
            data = memoryview(buffer)[: self._slices.length(number)]
            self._source.fill(data)
            # The digests hold it, and the sender.
            part = Part(number, data, buffer, holders=digests.readers + 1)
            hashed, *others = digests.feed(data)
            hashed.add_done_callback(self._take_md5(part))
            for future in (hashed, *others):
                future.add_done_callback(self._let_go(part))
        # Before anything is committed, and after the last byte was read.
        self._source.check_unchanged()
        self._flow.end_of_file()

    def _take_md5(self, part: Part) -> Callable[[Future[str]], None]:
        def take(hashed: Future[str]) -> None:
            # One that was dropped belongs to an upload that has failed already.
            if not hashed.cancelled():
                self._guard(partial(self._offer, part, hashed))()

        return take

    def _offer(self, part: Part, hashed: Future[str]) -> None:
        part.md5 = hashed.result()
        if self._stored.get(part.number) == StoredPart(len(part.data), part.md5):
            self._counter.settle(part.number, len(part.data), reused=True)
            self._flow.settle(part)
        elif link := self._link_at_hand(part):
            part.link, part.by_any_link = link, True
            self._flow.offer_linked([part], tell=True)
        else:
            self._flow.offer_hashed(part)
        self._flow.note_hashed()

    def _link_at_hand(self, part: Part) -> PartLink | None:
        link = self._links.get(part.number)
        # Once one was of no use the others would not be, either.
        if link is None or self._flow.links_distrusted or not link.is_good:
            return None
        headers = {**link.headers, "Content-Length": str(len(part.data))}
        return replace(link, headers=headers)

    def _register(self) -> None:
        while any(batch := self._flow.take_batch()):
            waiting, told = batch
            links = self._api.register([*told, *(part.facts for part in waiting)])
            for part in waiting:
                part.link, part.by_any_link = links[part.number], False
            self._flow.offer_linked(waiting)
            self._flow.note_told()

    def _let_go(self, part: Part) -> Callable[[Future[Any]], None]:
        return lambda _: self._flow.let_go(part)

    def _guard(self, work: Callable[[], None]) -> Callable[[], None]:
        # A thread must not die silently: its failure ends the whole upload.
        def guarded() -> None:
            try:
                work()
            except BaseException as error:  # noqa: BLE001 - raised by run()
                self._flow.fail(error)
                self._transport.abort()

        return guarded


def read_slices(entry: FileEntry, size_bytes: int) -> Slices:
    """The server's part plan for a file of ``size_bytes``.

    :raises ProtocolError: when the plan is missing or does not add up.
    """
    parts, part_size = entry.parts, entry.part_size_bytes
    if not isinstance(parts, int) or not isinstance(part_size, int):
        raise ProtocolError("The server gave no part plan for the file.")
    needed = max(-(-size_bytes // max(part_size, 1)), 1)
    if parts != needed:
        raise ProtocolError(
            f"The server plans {parts} parts of {part_size} bytes for a file of "
            f"{size_bytes} bytes."
        )
    return Slices(size_bytes, part_size, parts)
