# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""How far an upload of many files is: counted here, shown elsewhere."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable

from .many import FileCallback, FileResult, FileState, ManyCallback, ManyProgress
from .progress import Pace, Progress


class ManyCounter:
    """Adds up what the threads of one upload report.

    :param callback: called from any of these threads, one at a time, at most ten
        times a second, and once for every new phase.
    :param on_file: called once for each file, in the same manner.
    :param clock: seconds; for tests.
    """

    def __init__(
        self,
        callback: ManyCallback | None = None,
        on_file: FileCallback | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lock = threading.RLock()
        self._callback = callback
        self._on_file = on_file
        self._pace = Pace(clock)
        self._phase = "scanning"
        self._files = 0
        self._size = 0
        self._settled_bytes = 0
        self._on_their_way = 0
        self._large: dict[str, FileState] = {}
        self._outcomes: Counter[str] = Counter()
        self._results: dict[str, str] = {}
        self.failures: list[FileResult] = []
        self.sent_bytes = 0

    @property
    def files(self) -> int:
        """Files found so far."""
        return self._files

    @property
    def size_bytes(self) -> int:
        """Bytes of all files found so far."""
        return self._size

    def outcome(self, name: str) -> int:
        """How many files ended in this way."""
        with self._lock:
            return self._outcomes[name]

    def enter(self, phase: str) -> None:
        """Begin a phase; always reported."""
        with self._lock:
            self._phase = phase
            self._report(now=True)

    def flush(self) -> None:
        """Report what was not reported yet."""
        with self._lock:
            self._report(now=True)

    def found(self, size_bytes: int) -> None:
        """One more file."""
        with self._lock:
            self._files += 1
            self._size += size_bytes
            self._report()

    def resized(self, difference: int) -> None:
        """A file turned out to have so many bytes more than when it was found."""
        with self._lock:
            self._size += difference

    def wrote(self, count: int) -> None:
        """``count`` more bytes of small files went out."""
        with self._lock:
            self.sent_bytes += count
            self._on_their_way += count
            self._report()

    def take_back(self, count: int) -> None:
        """So many bytes of a small file went out for nothing."""
        with self._lock:
            self._on_their_way -= count

    def follow(self, key: str) -> Callable[[Progress], None]:
        """What a large file's own progress is told to."""
        last = 0

        def note(progress: Progress) -> None:
            nonlocal last
            with self._lock:
                self.sent_bytes += progress.sent_bytes - last
                last = progress.sent_bytes
                phase = progress.phase
                self._large[key] = FileState(
                    key,
                    progress.size_bytes,
                    progress.done_bytes,
                    phase if phase in ("committing", "verifying") else "uploading",
                )
                self._report()

        return note

    def settle(self, result: FileResult, on_their_way: int = 0) -> None:
        """A file is over with.

        Known files are not counted again; one that failed after all is.

        :param on_their_way: bytes of it that were reported as written.
        """
        with self._lock:
            self._on_their_way -= on_their_way
            self._large.pop(result.key, None)
            before = self._results.get(result.key)
            if before is not None:
                if result.outcome != "failed" or before == "failed":
                    return
                self._outcomes[before] -= 1
                self._settled_bytes -= result.size_bytes
            self._results[result.key] = result.outcome
            self._outcomes[result.outcome] += 1
            if result.outcome == "failed":
                self.failures.append(result)
            elif result.outcome != "planned":
                self._settled_bytes += result.size_bytes
            if self._on_file is not None:
                self._on_file(result)
            self._report()

    def _report(self, *, now: bool = False) -> None:
        if self._callback is None or not self._pace.lets_pass(now=now):
            return
        large = tuple(self._large.values())
        self._callback(
            ManyProgress(
                phase=self._phase,
                files=self._files,
                files_done=sum(self._outcomes.values()),
                files_reused=self._outcomes["reused"],
                files_linked=self._outcomes["linked"],
                files_failed=self._outcomes["failed"],
                size_bytes=self._size,
                done_bytes=self._settled_bytes
                + self._on_their_way
                + sum(state.done_bytes for state in large),
                sent_bytes=self.sent_bytes,
                active=large,
            )
        )
