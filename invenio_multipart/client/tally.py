# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""How far a download is: counted here, shown elsewhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from .downloads import DownloadCallback, DownloadProgress, DownloadResult
from .many import FileState
from .progress import Pace


@dataclass
class _Line:
    size_bytes: int
    phase: str = "checking"
    done_bytes: int = 0


@dataclass
class _Counts:
    kept: int = 0
    failed: int = 0
    received: int = 0
    planned: int = 0
    size_bytes: int = 0
    done_bytes: int = 0


@dataclass
class Tally:
    """Adds up what the threads of one download report.

    :param callback: one call at a time, at most ten a second, and one for each
        new phase.
    :param clock: seconds; for tests.
    """

    callback: DownloadCallback | None = None
    clock: Callable[[], float] = time.monotonic
    files: int = 0
    received_bytes: int = 0
    resumed_bytes: int = 0
    counts: _Counts = field(default_factory=_Counts)
    _lines: dict[str, _Line] = field(default_factory=dict)
    _phase: str = "listing"
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        self._pace = Pace(self.clock)

    def expect(self, sizes: Sequence[int | None]) -> None:
        """All files, by their sizes."""
        with self._lock:
            self.files = len(sizes)
            self.counts.size_bytes = sum(size or 0 for size in sizes)

    def enter(self, phase: str) -> None:
        """Begin a phase; always reported."""
        with self._lock:
            self._phase = phase
            self._report(now=True)

    def begin(self, key: str, size_bytes: int | None) -> None:
        """A file is on its way, from its start."""
        with self._lock:
            self._lines[key] = _Line(size_bytes or 0)

    def checked(self, key: str, count: int) -> None:
        """``count`` more bytes of a file were here and have been read."""
        with self._lock:
            self._lines[key].done_bytes += count
            self._report()

    def resumed(self, count: int) -> None:
        """Bytes that need not be asked for again."""
        with self._lock:
            self.resumed_bytes += count

    def got(self, key: str, count: int) -> None:
        """``count`` more bytes of a file came."""
        with self._lock:
            line = self._lines[key]
            line.phase = "downloading"
            line.done_bytes += count
            self.received_bytes += count
            self._report()

    def take_back(self, key: str, count: int) -> None:
        """``count`` bytes of a file were wrong."""
        with self._lock:
            self._lines[key].done_bytes -= count

    def start_over(self, key: str) -> None:
        """What came of a file was for nothing."""
        with self._lock:
            self._lines[key].done_bytes = 0
            self._report()

    def end(self, result: DownloadResult) -> None:
        """A file is over with."""
        with self._lock:
            line = self._lines.pop(result.key, _Line(0))
            self.counts.done_bytes += line.done_bytes
            name = result.outcome
            setattr(self.counts, name, getattr(self.counts, name) + 1)
            self._report()

    def _report(self, *, now: bool = False) -> None:
        if self.callback is None or not self._pace.lets_pass(now=now):
            return
        counts, lines = self.counts, self._lines
        self.callback(
            DownloadProgress(
                phase=self._phase,
                files=self.files,
                files_done=counts.kept
                + counts.failed
                + counts.received
                + counts.planned,
                files_kept=counts.kept,
                files_failed=counts.failed,
                size_bytes=counts.size_bytes,
                done_bytes=counts.done_bytes
                + sum(line.done_bytes for line in lines.values()),
                received_bytes=self.received_bytes,
                active=tuple(
                    FileState(key, line.size_bytes, line.done_bytes, line.phase)
                    for key, line in lines.items()
                ),
            )
        )
