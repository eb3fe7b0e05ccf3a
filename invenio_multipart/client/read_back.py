# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Proves what is written by reading it back, in several places side by side.

One MD5 is computed byte after byte. Small files, and the parts of a large one, do not
depend on each other: eight at once take a third of the time, the reading included,
which the system answers from its memory. And a part that is wrong is known by itself.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Union

from ..core.fast_digests import RunningMd5, feed_together
from .errors import DiskError, TargetError
from .part_file import PartFile
from .proof import Bytes

LANES = 8
"""Places at once; the module in C computes as many side by side."""

READ_BYTES = 128 * 1024
"""Bytes of one place at a time; those of all fit into a CPU's cache."""

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
    """Whether most of these can be read back before the last byte has come."""
    return len(spans) >= 2 * _at_once(spans)


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
    spare = [memoryview(bytearray(READ_BYTES)) for _ in range(min(LANES, len(places)))]
    open_: list[_Reading] = []
    while waiting or open_:
        check()
        while spare and waiting:
            open_.append(_Reading(*waiting.popleft(), spare.pop()))
        pieces = [reading.next() for reading in open_]
        feed_together([reading.md5 for reading in open_], pieces)
        for reading in open_:
            if reading.ended:
                found[reading.index] = reading.error or reading.md5.hexdigest()
                spare.append(reading.buffer)
        open_ = [reading for reading in open_ if not reading.ended]
    return found


class _Reading:
    """One place while it is read."""

    def __init__(self, index: int, place: Place, buffer: memoryview) -> None:
        self.index = index
        self.buffer = buffer
        self.md5 = RunningMd5()
        self.error: TargetError | None = None
        self._part, span = place
        self._next, self._end = span.offset, span.offset + span.length

    @property
    def ended(self) -> bool:
        """Whether nothing is left to read."""
        return self.error is not None or self._next >= self._end

    def next(self) -> memoryview:
        """The next bytes; none when they cannot be read."""
        view = self.buffer[: min(len(self.buffer), self._end - self._next)]
        try:
            count = self._part.read_at(self._next, view)
        except DiskError:
            raise
        except TargetError as error:
            self.error = error
            return view[:0]
        self._next = self._next + count if count == len(view) else self._end
        return view[:count]
