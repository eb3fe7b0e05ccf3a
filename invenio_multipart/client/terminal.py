# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Shows progress to a person: one steady line, or a log line now and then."""

from __future__ import annotations

import shutil
import time
from collections import deque
from collections.abc import Callable
from typing import TextIO

from .progress import Progress

RATE_WINDOW_SECONDS = 10.0
"""Rates are averages over this long: steady enough for an ETA."""

LOG_INTERVAL_SECONDS = 5.0
"""Between two lines where there is no terminal."""

BAR_CELLS = 30
MIB = 2**20


class ProgressDisplay:
    """A progress callback that writes to a stream.

    :param name: what is being uploaded.
    :param stream: where to write; decides between bar and log lines.
    :param clock: seconds; for tests.
    """

    def __init__(
        self,
        name: str,
        stream: TextIO,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = name
        self._stream = stream
        self._clock = clock
        self._is_terminal = stream.isatty()
        self._samples: deque[tuple[float, int]] = deque()
        self._phase = ""
        self._next_log = 0.0
        self._dirty = False
        self.last: Progress | None = None
        """What was reported last."""

    def __call__(self, progress: Progress) -> None:
        """Show ``progress``."""
        moment = self._clock()
        self.last = progress
        self._samples.append((moment, progress.sent_bytes))
        while moment - self._samples[0][0] > RATE_WINDOW_SECONDS:
            self._samples.popleft()
        if self._is_terminal:
            width = shutil.get_terminal_size().columns
            # One write, over the old line and clearing only what is beyond the
            # new one: an erase before it would flicker.
            self._stream.write(f"\r{self.line(progress, width)}\x1b[K")
            self._stream.flush()
            self._dirty = True
        elif progress.phase != self._phase or moment >= self._next_log:
            self._next_log = moment + LOG_INTERVAL_SECONDS
            self._stream.write(f"{self.line(progress, 0)}\n")
            self._stream.flush()
        self._phase = progress.phase

    def close(self) -> None:
        """Leave the cursor at the start of a fresh line."""
        if self._dirty:
            self._stream.write("\n")
            self._stream.flush()
            self._dirty = False

    def line(self, progress: Progress, width: int) -> str:
        """One line for ``progress``.

        :param width: columns of the terminal; 0 for a log line without a bar.
        """
        share = progress.done_bytes / progress.size_bytes if progress.size_bytes else 1
        facts = (
            f"{share:4.0%}  {progress.done_bytes / MIB:.1f}/"
            f"{progress.size_bytes / MIB:.1f} MiB"
        )
        if progress.phase == "uploading":
            facts += self._speed(progress)
        else:
            facts += f"  {progress.phase}"
        if not width:
            return f"{self._name}: {facts.strip()}"
        # Figures come first, name and bar share what they leave. The last column
        # stays free, as some terminals wrap when it is written.
        room = max(width - 1 - len(facts) - 2, 0)
        cells = min(max(room // 2 - 2, 0), BAR_CELLS)
        full = int(min(share, 1) * cells)
        bar = f"[{'#' * full}{'-' * (cells - full)}]" if cells else ""
        name, space = self._name, room - len(bar)
        if len(name) > space:
            name = f"{name[: space - 1]}~" if space > 1 else ""
        return f"{name} {bar} {facts}".strip()[: width - 1]

    def _speed(self, progress: Progress) -> str:
        (first, sent), (last, total) = self._samples[0], self._samples[-1]
        # Too early to tell, or nothing moved.
        if last - first < 0.5 or total <= sent:
            return "   --.- MiB/s"
        rate = (total - sent) / (last - first)
        left = max(progress.size_bytes - progress.done_bytes, 0)
        return f"  {rate / MIB:.1f} MiB/s  ETA {format_seconds(left / rate)}"


def format_seconds(seconds: float) -> str:
    """``m:ss``, or ``h:mm:ss`` from an hour on."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
