# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Ranges of one file come in any order; its disk and its digest see them in order."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from .board import Board, Piece
from .errors import ClientError, TargetError
from .part_file import PartFile
from .proof import Proof
from .read_back import Found, ReadBack, Span, read_back
from .retry import StopSignal

Use = Callable[[memoryview], None]


class Assembly:
    """One file while it is put together; safe to use from many threads.

    Digest and disk have a thread each: neither waits for the other, nor does the
    network for them, as long as there is memory. A digest that reads back what the
    disk has needs no memory.

    :param on_end: called once, when nothing of this file is under way any more:
        all of it is written, or something failed. Until :meth:`drop` was called
        for the beginning, too, it is not called.
    """

    def __init__(
        self,
        part: PartFile,
        proof: Proof | ReadBack,
        board: Board,
        stop: StopSignal,
        on_end: Callable[[], None],
    ) -> None:
        self.part = part
        self.proof = proof
        self._stop = stop
        self._board = board
        self._on_end = on_end
        self._lock = threading.Lock()
        self._under_way = 1
        self._handed_out = self._size = 0
        self._turn: int | None = None
        self._arrived: dict[int, Piece] = {}
        self._lanes: list[ThreadPoolExecutor] = []
        self.failure: ClientError | None = None

    def feed(self, view: memoryview) -> None:
        """The next bytes; for who has the file for itself, before any range."""
        self.proof.update(view)
        self.part.write(view)

    def open_ranges(self, first: int, size_bytes: int) -> None:
        """What begins at ``first`` may be handed out in ranges."""
        with self._lock:
            self._handed_out, self._size = first, size_bytes
            self._lanes = [ThreadPoolExecutor(1), ThreadPoolExecutor(1)]

    def next_range(self, longest: int) -> tuple[int, int] | None:
        """Offset and length of a range to fetch, None when there is none."""
        with self._lock:
            offset = self._handed_out
            length = min(longest, self._size - offset)
            if length <= 0 or self.failure:
                return None
            self._handed_out += length
            self._under_way += 1
            return offset, length

    def start(self) -> None:
        """All that comes before the ranges is written."""
        with self._lock:
            self._turn = self.part.written
            self._advance()

    def add(self, piece: Piece) -> None:
        """A range has come."""
        with self._lock:
            if not self.failure:
                self._arrived[piece.offset] = piece
                self._advance()
                return
        self._abandon(piece)

    def fail(self, failure: ClientError) -> None:
        """Nothing more is written. The first failure is the one that counts."""
        with self._lock:
            self.failure = self.failure or failure
            abandoned = list(self._arrived.values())
            self._arrived.clear()
        for piece in abandoned:
            self._abandon(piece)

    def drop(self) -> None:
        """One thing fewer is under way."""
        with self._lock:
            self._under_way -= 1
            handed_out = self._handed_out >= self._size or self.failure is not None
            over = self._under_way == 0 and handed_out
        if over:
            self._on_end()

    def close(self) -> None:
        """End the threads, and leave the file as it is."""
        for lane in self._lanes:
            lane.shutdown(wait=True, cancel_futures=True)
        self.part.close()

    def _advance(self) -> None:
        while self._turn is not None and self._turn in self._arrived:
            piece = self._arrived.pop(self._turn)
            self._turn += len(piece.data)
            uses: list[Use] = [self.proof.update, self._write]
            if isinstance(self.proof, ReadBack):
                uses = uses[1:]
            piece.holders = len(uses)
            for lane, use in zip(self._lanes[-len(uses) :], uses):
                lane.submit(self._use, piece, use)
            if self._turn == self._size:
                # The digest takes longer than the disk: it need not be waited for.
                self._under_way += 1
                self._lanes[-1].submit(self._sync)

    def _write(self, view: memoryview) -> None:
        self.part.write(view)
        if not isinstance(self.proof, ReadBack):
            return
        spans = self.proof.due(self.part.written)
        if spans:
            with self._lock:
                self._under_way += 1
            self._lanes[0].submit(self._read_back, self.proof, spans)

    def _read_back(self, proof: ReadBack, spans: Sequence[Span]) -> None:
        try:
            if not self.failure:
                self.prove(proof, spans)
        except ClientError as error:
            self.fail(error)
        finally:
            self.drop()

    def prove(self, proof: ReadBack, spans: Sequence[Span]) -> None:
        """Read spans back, and note what they are."""
        places = [(self.part, span) for span in spans]
        for span, found in zip(spans, read_back(places, self._stop.check)):
            self.note(proof, span, found)

    def note(self, proof: ReadBack, span: Span, found: Found) -> None:
        """What was read back of the file."""
        if isinstance(found, TargetError):
            self.fail(found)
        else:
            proof.take(span, found)

    def _use(self, piece: Piece, use: Use) -> None:
        try:
            if not self.failure:
                use(piece.data)
        except ClientError as error:
            self.fail(error)
        finally:
            with self._lock:
                piece.holders -= 1
                free = piece.holders == 0
            if free:
                self._abandon(piece)

    def _sync(self) -> None:
        try:
            if not self.failure:
                self.part.sync()
        except ClientError as error:
            self.fail(error)
        finally:
            self.drop()

    def _abandon(self, piece: Piece) -> None:
        self._board.give_back(piece)
        self.drop()
