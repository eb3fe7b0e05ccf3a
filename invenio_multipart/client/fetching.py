# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The bytes of one file come here, in one stream or in ranges, after all trouble."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from .assembly import Assembly
from .board import Board, Job, Piece
from .downloads import DownloadResult
from .errors import ClientError, IntegrityError, NetworkError
from .limits import Bandwidth, Jobs
from .many import Notice
from .proof import Proof, is_provable
from .ranges import Content
from .read_back import ReadBack, Span
from .record_files import RecordFiles, RemoteFile
from .retry import RetryPolicy, StopSignal
from .tally import Tally
from .target import Folder
from .transport import Incoming, Transport

READ_SIZE = 512 * 1024
"""Bytes between two looks at whether to stop; they still fit into a CPU's cache."""


@dataclass(frozen=True)
class Shared:
    """What all files of one download have in common."""

    api: RecordFiles
    transport: Transport
    stop: StopSignal
    policy: RetryPolicy
    board: Board
    tally: Tally
    jobs: Jobs
    bandwidth: Bandwidth
    folder: Folder
    overwrite: bool
    dry_run: bool
    say: Callable[[Notice], None]
    finish: Callable[[DownloadResult, ClientError | None], None]


class Fetcher:
    """Brings the bytes of one file to where they are put together.

    :param job: whose ranges others may fetch, once it is known that there are any.
    """

    def __init__(
        self, file: RemoteFile, shared: Shared, assembly: Assembly, job: Job
    ) -> None:
        self._file = file
        self._shared = shared
        self._assembly = assembly
        self._job = job
        self._content = Content(shared.api, file.key, file.size_bytes, shared.transport)
        self._first_end: int | None = None
        self._complete = False

    def resume(self) -> None:
        """Read what an earlier run has written: its digest is part of the whole's."""
        part, size = self._assembly.part, self._file.size_bytes
        known = is_provable(self._file.checksum) and size is not None
        if not known or part.written > (size or 0):
            # Nothing would tell whether the beginning fits to the rest.
            part.clear()
        self._shared.tally.resumed(part.written)
        if isinstance(self._assembly.proof, ReadBack):
            self._shared.tally.checked(self._file.key, part.written)
            return
        for view in part.read():
            self._shared.stop.check()
            self._assembly.proof.update(view)
            self._shared.tally.checked(self._file.key, len(view))

    def fetch_beginning(self) -> None:
        """All of a small file, or of any where there are no ranges; otherwise the
        first range.

        :raises ClientError: when that cannot be had.
        """
        failures, best = 0, self._assembly.part.written
        while not self._is_beginning_here():
            try:
                self._ask()
            except NetworkError as error:
                written = self._assembly.part.written
                failures = 1 if written > best else failures + 1
                best = max(best, written)
                self._pause(failures, error)

    def fill(self, piece: Piece) -> None:
        """All bytes of a range, unless the file has failed elsewhere meanwhile.

        :raises ClientError: when they cannot be had.
        """
        filled = failures = 0
        while filled < len(piece.data) and not self._assembly.failure:
            before = filled
            first, last = piece.offset + filled, piece.offset + len(piece.data) - 1
            try:
                with self._asking(first, last) as reply:
                    if reply.status != 206:
                        raise IntegrityError("The server stopped sending ranges.")
                    while filled < len(piece.data) and not self._assembly.failure:
                        filled += self._read(reply, piece.data[filled:])
                self._shared.jobs.sent(len(piece.data))
            except NetworkError as error:
                failures = 1 if filled > before else failures + 1
                self._pause(failures, error)

    def fetch_again(self, span: Span) -> None:
        """Other bytes for those of a span.

        :raises ClientError: when they cannot be had.
        """
        size = min(self._shared.board.piece_bytes, span.length)
        buffer, end = bytearray(size), span.offset + span.length
        self._shared.tally.take_back(self._file.key, span.length)
        for offset in range(span.offset, end, size):
            view = memoryview(buffer)[: end - offset]
            self.fill(Piece(offset, view, buffer))
            self._assembly.part.replace(offset, view)

    def _is_beginning_here(self) -> bool:
        end = self._end()
        return self._complete if end is None else self._assembly.part.written >= end

    def _end(self) -> int | None:
        return self._file.size_bytes if self._first_end is None else self._first_end

    def _ask(self) -> None:
        board, size = self._shared.board, self._file.size_bytes
        start, end = self._assembly.part.written, self._first_end
        if end is None and size is not None and size - start > board.piece_bytes:
            end = start + board.piece_bytes
        with self._asking(start, None if end is None else end - 1) as reply:
            if reply.status == 200:
                self._start_over(start)
            self._compare_digests()
            if reply.status == 206 and self._first_end is None and end and size:
                self._first_end = end
                self._assembly.open_ranges(end, size)
                board.publish(self._job)
            self._stream(reply)

    @contextmanager
    def _asking(self, first: int, last: int | None) -> Iterator[Incoming]:
        jobs, stop = self._shared.jobs, self._shared.stop
        with jobs.turn(stop), self._content.fetch(first, last) as reply:
            yield reply

    def _start_over(self, start: int) -> None:
        """The server sends no ranges: all of the file is on its way."""
        if self._first_end is not None:
            raise IntegrityError("The server stopped sending ranges.")
        if start:
            self._assembly.part.clear()
            self._assembly.proof = self._assembly.proof.again()
            self._shared.tally.start_over(self._file.key)

    def _compare_digests(self) -> None:
        """What the reply says of the file's digest, and what the list said."""
        told, expected = self._content.digest, self._assembly.proof.expected
        if told is None:
            return
        if expected is None and not self._assembly.part.written:
            self._assembly.proof = Proof(told)
        elif _algorithm(told) == _algorithm(expected) and told != expected:
            raise IntegrityError("The server has another file there by now.")

    def _stream(self, reply: Incoming) -> None:
        part, end = self._assembly.part, self._end()
        buffer = memoryview(bytearray(min(READ_SIZE, end or READ_SIZE)))
        begun = part.written
        while end is None or part.written < end:
            room = len(buffer) if end is None else end - part.written
            count = self._read(reply, buffer[:room], may_end=end is None)
            if not count:
                self._complete = True
                break
            self._assembly.feed(buffer[:count])
        self._shared.jobs.sent(max(part.written - begun, 1))

    def _read(self, reply: Incoming, view: memoryview, *, may_end: bool = False) -> int:
        shared = self._shared
        shared.stop.check()
        limit = shared.bandwidth.piece_bytes(min(len(view), READ_SIZE))
        count = reply.readinto(view[:limit])
        if not count and not may_end:
            raise NetworkError("The answer ended early.")
        shared.bandwidth.take(count, shared.stop)
        shared.tally.got(self._file.key, count)
        return count

    def _pause(self, failures: int, error: NetworkError) -> None:
        shared = self._shared
        # After a stop the failure is only the echo of our own abort().
        shared.stop.check()
        if error.permanent or failures >= shared.policy.attempts:
            raise shared.policy.gave_up(error, failures) from error
        shared.jobs.trouble()
        delay = shared.policy.delay_seconds(failures, error.retry_after_seconds)
        shared.say(
            Notice(
                "retrying",
                f"{self._file.key}: {error.message} Next try in {delay:.0f} s.",
            )
        )
        shared.stop.sleep(delay)


def _algorithm(checksum: str | None) -> str | None:
    return checksum.partition(":")[0] if checksum else None
