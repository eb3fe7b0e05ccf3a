# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Small files, thousands of them: read, hashed, announced together, sent.

A file goes: disk -> memory -> MD5 -> announced with others -> its link -> the store.
Each is read once and held until it is sent; while some are sent, the next ones are
announced and those after them are read.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from .batches import BatchFile
from .counter import ManyCounter
from .crew import Crew
from .deliver import Delivery, Item, hashed
from .errors import (
    ClientError,
    FileChangedError,
    IntegrityError,
    RefusedError,
    UsageError,
)
from .lane import Budget, Lane
from .limits import Jobs
from .many import FileResult
from .open_batch import BatchOverError, OpenBatch
from .reading import SMALL_BYTES, failed, read_whole
from .retry import StopSignal
from .transport import Transport
from .tree import Found

MEMORY_BYTES = 256 * 2**20
"""Small files in memory at any time."""

CHUNK_FILES = 1000
CHUNK_BYTES = 128 * 2**20
"""What one announcement names at most."""

LINGER_SECONDS = 0.1
"""How long files wait for company while the senders may run out of work."""

FIRST_LINGER_SECONDS = 0.02
"""The same before the first call, when nobody has anything to send."""

READERS = 4
"""Files read at once: on a shared disk each takes its time."""

GROUP_FILES = 32
GROUP_BYTES = 8 * 2**20
"""What a reader takes in one go, and hashes together."""

MOST_SENDERS = 32

Linker = Callable[[Sequence[Item]], "set[str]"]
"""Links what the repository has; the keys of those files."""


class SmallFiles:
    """One pass over small files.

    :param known: files of the batch as an earlier run left it, by key.
    :param linker: asked before anything is announced; None not to ask.
    :param sha256: whether to compute it beside the MD5.
    """

    def __init__(
        self,
        *,
        batch: OpenBatch,
        known: Mapping[str, BatchFile],
        delivery: Delivery,
        transport: Transport,
        counter: ManyCounter,
        jobs: Jobs,
        stop: StopSignal,
        linker: Linker | None = None,
        sha256: bool = True,
    ) -> None:
        self._batch = batch
        self._known = known
        self._delivery = delivery
        self._counter = counter
        self._jobs = jobs
        self._stop = stop
        self._linker = linker
        self._sha256 = sha256
        self._budget = Budget(MEMORY_BYTES, stop)
        # Who has taken a few and waits for room must not wait for itself.
        self._group_bytes = min(GROUP_BYTES, MEMORY_BYTES - SMALL_BYTES)
        self._hashed: Lane[Item] = Lane(stop)
        self._linked: Lane[Item] = Lane(stop)
        self._lock = threading.Lock()
        self._turn = threading.Lock()
        self._unread: Iterator[Found] = iter(())
        self._reading = 0
        self._call_seconds = 0.0
        self._sent = 0
        self._sending_since = 0.0
        self._crew = Crew(stop, transport)
        self.lost: set[str] = set()
        """Keys that were announced, and whose bytes could not be sent."""
        self.in_parts: list[Found] = []
        """Files that the server wants in parts, and which were not sent."""
        self.delivered: dict[str, FileResult] = {}
        """What is in the store and waits for the completion, by key."""

    def run(self, files: Iterable[Found]) -> None:
        """All files are in the store, or were reported as failed.

        :raises ClientError: whatever ended the upload first, in any thread.
        """
        count = min(self._jobs.most, MOST_SENDERS)
        self._unread, self._reading = iter(files), READERS
        work = [*[self._read] * READERS, self._announce, *[self._send] * count]
        try:
            self._crew.run(work)
        finally:
            self._counter.flush()

    def _read(self) -> None:
        while group := self._next_files():
            read = [pair for found in group if (pair := self._read_one(found))]
            for item in hashed(read, sha256=self._sha256):
                self._place(item)
        with self._lock:
            self._reading -= 1
            last = not self._reading
        if last:
            self._hashed.close()

    def _next_files(self) -> list[Found]:
        """The next ones, once there is room for them; none when all are read."""
        group: list[Found] = []
        size = 0
        # In order also where it waits: a large file is not overtaken for ever.
        with self._turn:
            while len(group) < GROUP_FILES and size < self._group_bytes:
                found = next(self._unread, None)
                if found is None:
                    break
                self._budget.take(found.size_bytes)
                group.append(found)
                size += found.size_bytes
        return group

    def _read_one(self, found: Found) -> tuple[Found, bytes] | None:
        """A file as it is now, and its bytes; None when it was reported as failed."""
        try:
            data = read_whole(found)
        except (UsageError, FileChangedError) as error:
            self._budget.give(found.size_bytes)
            if found.key in self._known:
                self._lose(found.key)
            self._settle_failed(found, error)
            return None
        if len(data) != found.size_bytes:
            # It has changed since it was found: what it is now counts.
            self._budget.take(len(data))
            self._budget.give(found.size_bytes)
            self._counter.resized(len(data) - found.size_bytes)
            found = Found(found.key, found.path, len(data))
        return found, data

    def _place(self, item: Item) -> None:
        """Announce it, unless an earlier run has done so or has even sent it."""
        before = self._known.get(item.found.key)
        if before is not None:
            same = (before.size_bytes, before.md5) == (len(item.data), item.md5)
            if same and before.uploaded:
                self._settle(item, "reused")
                return
            if same and before.link is not None:
                item.link = before.link
                self._linked.put(item)
                return
            # Announced were bytes that the file had then.
            self._batch.remove(item.found.key)
        self._hashed.put(item)

    def _announce(self) -> None:
        while chunk := self._take_chunk():
            if self._linker is not None:
                linked = self._linker(chunk)
                for item in chunk:
                    if item.found.key in linked:
                        self._settle(item, "linked")
                chunk = [item for item in chunk if item.found.key not in linked]
            if not chunk:
                continue
            begun = time.monotonic()
            self._sending_since = self._sending_since or begun
            answer = self._batch.add([item.content for item in chunk])
            self._call_seconds = time.monotonic() - begun
            for item in chunk:
                key, item.generation = item.found.key, self._batch.generation
                if key in answer.refused:
                    self._settle_failed(item.found, answer.refused[key], item)
                else:
                    item.link = answer.links.get(key)
                    self._put_or_leave(item)
        self._linked.close()

    def _put_or_leave(self, item: Item) -> None:
        if item.link is not None:
            self._linked.put(item)
            return
        self._lose(item.found.key)
        self._budget.give(len(item.data))
        self.in_parts.append(item.found)

    def _take_chunk(self) -> list[Item]:
        """What is announced together; empty when there is nothing any more.

        A call takes the server as long for one file as for dozens: files wait for
        company, but only as long as the senders have work.
        """
        chunk: list[Item] = []
        size, since = 0, time.monotonic()
        while len(chunk) < CHUNK_FILES and size < CHUNK_BYTES:
            if chunk and not len(self._hashed):
                waited = time.monotonic() - since
                full = not self._budget.has_room(SMALL_BYTES)
                # Calls that take long are not to be the most of the work.
                patience = FIRST_LINGER_SECONDS
                if self._call_seconds:
                    patience = max(LINGER_SECONDS, 2 * self._call_seconds)
                # With no room left nobody else comes before some are sent; but as
                # long as there are some to send, room will come.
                late = full or waited > patience
                if self._hashed.closed or (late and self._is_hungry()):
                    break
                self._stop.sleep(LINGER_SECONDS / 5)
                continue
            item = self._hashed.take()
            if item is None:
                break
            chunk.append(item)
            size += len(item.data)
        return chunk

    def _is_hungry(self) -> bool:
        """Whether the senders may run out of files while some are announced."""
        left, sent = len(self._linked), self._sent
        if left < 2 * self._jobs.current or not sent:
            return True
        each = (time.monotonic() - self._sending_since) / sent
        return left * each < 2 * self._call_seconds

    def _send(self) -> None:
        while True:
            with self._jobs.turn(self._stop):
                item = self._linked.take()
                if item is None:
                    return
                try:
                    self._delivery.deliver(item)
                except BatchOverError:
                    raise
                except (IntegrityError, RefusedError) as error:
                    if isinstance(error, RefusedError) and error.status in (401, 403):
                        # Not this file's fault: no other would be taken.
                        raise
                    self._lose(item.found.key)
                    self._settle_failed(item.found, error, item)
                else:
                    self._settle(item, "sent")
                    with self._lock:
                        self._sent += 1

    def _lose(self, key: str) -> None:
        with self._lock:
            self.lost.add(key)

    def _settle(self, item: Item, outcome: str) -> None:
        found = item.found
        result = FileResult(
            found.key, found.path, len(item.data), outcome, item.md5, item.sha256
        )
        self._budget.give(len(item.data))
        item.data = b""
        if outcome != "linked":
            with self._lock:
                self.delivered[found.key] = result
        self._counter.settle(result, item.wrote)

    def _settle_failed(
        self, found: Found, error: ClientError, item: Item | None = None
    ) -> None:
        if item is not None:
            self._budget.give(len(item.data))
            item.data = b""
        self._counter.settle(failed(found, error))
