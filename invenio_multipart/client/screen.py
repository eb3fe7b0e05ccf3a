# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Shows a person how far a transfer is: on a screen, or in a log.

Whoever transfers only leaves the latest news here. A thread of the display
draws them, so that drawing costs the transfer nothing, and the screen shows
that nothing moves when nothing moves.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

from .layout import Board, Line
from .many import FileResult, ManyProgress, Notice
from .text import cells, clean

if TYPE_CHECKING:
    from typing import Self

DRAW_SECONDS = 0.2
"""Between two pictures: fast enough to live, slow enough to read."""

LOG_SECONDS = (5.0, 30.0)
"""Between two lines of a log: at first, and in the long run."""

LOG_PATIENCE_SECONDS = 120.0
"""How long "at first" is."""

REPEAT_SECONDS = 10.0
"""The same notice is shown once in so long."""

SMOOTH_BAR = ("━", "─")
PLAIN_BAR = ("#", "-")

COLOURS = {"name": "1", "bar": "32", "rest": "90", "dim": "90", "bad": "31"}
"""By style, what selects it on a terminal (ECMA-48)."""


class Display:
    """Takes the news of a transfer; the base of all that shows them.

    :param stream: where it is shown.
    :param name: of the only file, when there is one.
    :param clock: seconds, never going back; for tests.
    """

    interval_seconds = DRAW_SECONDS

    def __init__(
        self,
        stream: TextIO,
        name: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream = stream
        self._clock = clock
        self._lock = threading.RLock()
        self._board = Board(name)
        self._said: dict[str, float] = {}
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        """Begin to draw."""
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the last picture, and the cursor on a line of its own."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()
        with self._lock:
            self.close()

    @property
    def last(self) -> ManyProgress | None:
        """What was reported last."""
        return self._board.progress

    def progress(self, progress: ManyProgress) -> None:
        """Show how far it is."""
        with self._lock:
            self._board.report(progress, self._clock())

    def file(self, result: FileResult) -> None:
        """Show what became of a file, if it needs attention."""
        if result.outcome == "failed":
            with self._lock:
                self.say(f"failed: {result.key}: {result.error}", "bad")

    def notice(self, notice: Notice) -> None:
        """Show a notice, unless it was shown just now."""
        with self._lock:
            now = self._clock()
            before = self._said.get(notice.message)
            if before is None or now - before >= REPEAT_SECONDS:
                self._said[notice.message] = now
                self.say(notice.message, "dim")

    def tick(self) -> None:
        """Time for a new picture."""
        with self._lock:
            self._board.tick(self._clock())
            self.draw()

    def say(self, text: str, style: str) -> None:
        """Show a line that stays."""
        self._stream.write(f"{clean(text)}\n")
        self._stream.flush()

    def draw(self) -> None:
        """Show the present state."""

    def close(self) -> None:
        """Nothing will come any more."""

    def forget(self) -> None:
        """Somebody else has written to the screen."""

    def _run(self) -> None:
        while not self._over.wait(self.interval_seconds):
            self.tick()


class LogDisplay(Display):
    """A line now and then, and one for every phase."""

    interval_seconds = 0.5

    def __init__(
        self,
        stream: TextIO,
        name: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(stream, name, clock)
        self._phase = ""
        self._began = clock()
        self._next = 0.0
        self._written = ""

    def progress(self, progress: ManyProgress) -> None:
        """Show how far it is."""
        with self._lock:
            super().progress(progress)
            self.draw()

    def draw(self) -> None:
        """Write a line if it is time for one."""
        progress, now = self.last, self._clock()
        if progress is None or (progress.phase == self._phase and now < self._next):
            return
        self._phase = progress.phase
        self._write(now)

    def close(self) -> None:
        """Write how it ended, unless that has been written."""
        if self.last is not None:
            self._write(self._clock())

    def _write(self, now: float) -> None:
        early = now - self._began < LOG_PATIENCE_SECONDS
        self._next = now + LOG_SECONDS[0 if early else 1]
        line = self._board.log_line()
        if line != self._written:
            self._written = line
            self._stream.write(f"{line}\n")
            self._stream.flush()


class ScreenDisplay(Display):
    """A few lines that are drawn over and over, at the bottom of a terminal."""

    def __init__(
        self,
        stream: TextIO,
        name: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(stream, name, clock)
        encoding = (stream.encoding or "").lower().replace("-", "")
        self._bar = SMOOTH_BAR if encoding.startswith("utf") else PLAIN_BAR
        self._coloured = "NO_COLOR" not in os.environ
        self._drawn: list[int] = []
        self._most = 0

    def draw(self) -> None:
        """Draw the lines over the old ones, in one write."""
        self._show("")

    def say(self, text: str, style: str) -> None:
        """Show a line that stays, above those that are drawn."""
        shown = self._styled([(clean(text), style)])
        self._show(f"{shown}\x1b[K\n")

    def close(self) -> None:
        """Leave the total, and the cursor below it."""
        self._most = 0
        self._show("")
        if self._drawn:
            self._stream.write("\n")
            self._stream.flush()
            self._drawn = []

    def forget(self) -> None:
        """Draw below whatever was written by somebody else."""
        self._drawn = []

    def _show(self, above: str) -> None:
        if not self._is_ours():
            return
        size = self._size()
        # The last column stays free: some terminals wrap when it is written.
        width = max(size.columns - 1, 1)
        lines = self._board.lines(width, max(size.lines, 2), self._bar)
        if self._over.is_set():
            # The total is what remains to be read.
            lines = lines[-2:]
        # Lines that are there once remain: the total must not jump.
        self._most = max(self._most, len(lines))
        lines = [[] for _ in range(self._most - len(lines))] + lines
        if not lines and not above:
            return
        shown = "\n".join(f"{self._styled(line)}\x1b[K" for line in lines)
        # From the first of the old lines on; clearing goes last, as an erase
        # before the new picture would flicker.
        # The cursor waits where a typed ^C harms nothing.
        self._stream.write(f"{self._back(size.columns)}{above}{shown}\x1b[J\r")
        self._stream.flush()
        self._drawn = [sum(cells(text) for text, _ in line) for line in lines]

    def _back(self, columns: int) -> str:
        # On a terminal that has become narrower old lines take several rows.
        rows = sum(max(-(-length // columns), 1) for length in self._drawn) - 1
        return f"\r\x1b[{rows}A" if rows > 0 else "\r"

    def _styled(self, line: Line) -> str:
        if not self._coloured:
            return "".join(text for text, _ in line)
        return "".join(
            f"\x1b[{COLOURS[style]}m{text}\x1b[0m" if style in COLOURS else text
            for text, style in line
            if text
        )

    def _size(self) -> os.terminal_size:
        try:
            size = os.get_terminal_size(self._stream.fileno())
        except (OSError, ValueError):
            size = os.terminal_size((80, 24))
        # A terminal that does not know its size says 0.
        return os.terminal_size((size.columns or 80, size.lines or 24))

    def _is_ours(self) -> bool:
        # In the background of a shell, the screen belongs to somebody else.
        if not hasattr(os, "tcgetpgrp"):
            return True
        try:
            return os.tcgetpgrp(self._stream.fileno()) == os.getpgrp()
        except (OSError, ValueError):
            return True
