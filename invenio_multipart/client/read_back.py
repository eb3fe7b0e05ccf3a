# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Proves what is written by reading it back, in several places side by side.

One MD5 is computed byte after byte. Small files, and the parts of a large one, do not
depend on each other: 16 at once take a fifth of the time, the reading included,
which the system answers from its memory. And a part that is wrong is known by itself.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Union

from ..core.fast_digests import RunningMd5, read_together, reads_files
from .errors import DiskError, TargetError
from .part_file import PartFile
from .proof import Bytes

LANES = 16
"""Places at once; the module in C computes as many side by side."""

READ_BYTES = 64 * 1024
"""Bytes of one place at a time; those of all fit into a CPU's cache."""

NATIVE_BYTES = 16 * 2**20
"""The same of the module in C, which goes through them by itself: some milliseconds."""

WINDOW_BYTES = 2**30
"""What may wait to be read back: the system should still have it in memory."""


@dataclass(frozen=True)
class Span:
    """Bytes of a file, and the MD5 that they must have, hex."""

    offset: int
    length: int
    md5: str


class ReadBack:
    """Stands for the digest of bytes in order: they are looked at once written.

    :param expected: digest of the file, ``md5:hex``.
    :param spans: what proves it: all of the file in order, in one span or more.
    """

    def __init__(self, expected: str, spans: Sequence[Span]) -> None:
        self.expected = expected
        self._spans = spans
        self._waiting = deque(spans)
        self._least = _at_once(spans)
        self.wrong: list[Span] = []
        """What did not prove right."""
        self._found = expected

    def is_mendable(self) -> bool:
        """Whether something is wrong, but not all: that would be another file."""
        return 0 < len(self.wrong) < len(self._spans)

    def update(self, data: Bytes) -> None:
        """Nothing: it is not written yet."""

    def again(self) -> ReadBack:
        """The same for bytes that come once more."""
        return ReadBack(self.expected, self._spans)

    def due(self, written: int, *, end: bool = False) -> list[Span]:
        """Spans to be read back now, each given once; as many as go well together.

        :param written: bytes of the file that are there.
        :param end: whether no more will come, so that few will do.
        """
        count = 0
        for span in self._waiting:
            if span.offset + span.length > written:
                break
            count += 1
        if not end and count < self._least:
            return []
        return [self._waiting.popleft() for _ in range(count)]

    def take(self, span: Span, md5: str) -> None:
        """What a span's MD5 turned out to be."""
        if md5 != span.md5:
            self.wrong.append(span)
            self._found = f"md5:{md5}" if len(self._spans) == 1 else "other bytes"

    def checksum(self) -> str:
        """The expected digest, if all was right."""
        return self._found if self.wrong else self.expected


def is_worthwhile(spans: Sequence[Span]) -> bool:
    """Whether these are enough to be read back side by side."""
    return len(spans) >= min(2 * _at_once(spans), LANES)


def _at_once(spans: Sequence[Span]) -> int:
    return max(min(LANES, WINDOW_BYTES // max(spans[0].length, 1)), 1)


Place = tuple[PartFile, Span]
Found = Union[str, TargetError]


def read_back(places: Sequence[Place], check: Callable[[], None]) -> list[Found]:
    """Hex MD5 of each place, or why it cannot be read.

    :param check: called now and then; what it raises ends the reading.
    :raises DiskError: when nothing can be read any more.
    """
    found: list[Found] = [""] * len(places)
    waiting = deque(enumerate(places))
    go_on = _read_natively if reads_files() else _Reader().go_on
    open_: list[_Reading] = []
    while waiting or open_:
        check()
        while len(open_) < LANES and waiting:
            open_.append(_Reading(*waiting.popleft()))
        go_on(open_)
        for reading in open_:
            if reading.ended:
                found[reading.index] = reading.error or reading.md5.hexdigest()
        open_ = [reading for reading in open_ if not reading.ended]
    return found


class _Reading:
    """One place while it is read."""

    def __init__(self, index: int, place: Place) -> None:
        self.index = index
        self.md5 = RunningMd5()
        self.error: TargetError | None = None
        self.part, span = place
        self.offset, self._end = span.offset, span.offset + span.length

    @property
    def ended(self) -> bool:
        """Whether nothing is left to read."""
        return self.error is not None or self.offset >= self._end

    def length(self, most: int) -> int:
        """How much to read next."""
        return min(most, self._end - self.offset)

    def advance(self, count: int, wanted: int) -> None:
        """So much was read; fewer bytes than wanted are the last ones."""
        self.offset = self.offset + count if count == wanted else self._end

    def fail(self, error: TargetError) -> None:
        """It cannot be read, which is worse where nothing can."""
        if isinstance(error, DiskError):
            raise error
        self.error = error


def _read_natively(readings: Sequence[_Reading]) -> None:
    places = [
        (reading.part.descriptor, reading.offset, reading.length(NATIVE_BYTES))
        for reading in readings
    ]
    counts = read_together([reading.md5 for reading in readings], places)
    for reading, (_, _, wanted), count in zip(readings, places, counts):
        if count < 0:
            reading.fail(reading.part.unreadable(-count))
        else:
            reading.advance(count, wanted)


class _Reader:
    """Reads where there is no module in C."""

    def __init__(self) -> None:
        self._buffers = [memoryview(bytearray(READ_BYTES)) for _ in range(LANES)]

    def go_on(self, readings: Sequence[_Reading]) -> None:
        """The next bytes of each."""
        for reading, buffer in zip(readings, self._buffers):
            reading.md5.update(self._next(reading, buffer))

    def _next(self, reading: _Reading, buffer: memoryview) -> memoryview:
        view = buffer[: reading.length(len(buffer))]
        try:
            count = reading.part.read_at(reading.offset, view)
        except TargetError as error:
            reading.fail(error)
            return view[:0]
        reading.advance(count, len(view))
        return view[:count]
