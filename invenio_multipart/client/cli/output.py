# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Which display a command gets: a screen, a log, events as JSON, or silence."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime, timezone
from typing import Any, TextIO

from ..many import FileResult, ManyProgress, Notice
from ..screen import Display, LogDisplay, ScreenDisplay
from ..text import cells, clean, elide, fit

EVENT_SECONDS = 1.0
"""Between two progress events of one phase."""


class JsonDisplay(Display):
    """One event per line, for programs.

    The progress may be of an upload or of a download; its members are passed on.
    """

    interval_seconds = 3600.0

    def __init__(
        self,
        stream: TextIO,
        name: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(stream, name, clock)
        self._phase = ""
        self._next = 0.0

    def progress(self, progress: ManyProgress) -> None:
        """A progress event, for each phase and about once a second."""
        with self._lock:
            super().progress(progress)
            now = self._clock()
            if progress.phase != self._phase or now >= self._next:
                self._phase, self._next = progress.phase, now + EVENT_SECONDS
                self.event("progress", **asdict(progress))

    def file(self, result: FileResult) -> None:
        """A file event."""
        self.event("file", **asdict(result))

    def notice(self, notice: Notice) -> None:
        """A notice event."""
        self.event("notice", **asdict(notice))

    def event(self, event: str, **members: Any) -> None:
        """Write any event."""
        moment = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
        shown = {"event": event, "time": moment.replace("+00:00", "Z"), **members}
        with self._lock:
            self._stream.write(f"{json.dumps(shown)}\n")
            self._stream.flush()


class QuietDisplay(Display):
    """Nothing but what failed."""

    interval_seconds = 3600.0

    def notice(self, notice: Notice) -> None:
        """Nothing."""


def display_for(options: argparse.Namespace, name: str = "") -> Display:
    """The display that the options ask for and the terminal is able to show."""
    if options.json:
        return JsonDisplay(sys.stdout)
    if options.quiet:
        return QuietDisplay(sys.stderr)
    if not sys.stderr.isatty():
        return LogDisplay(sys.stderr, name)
    try:
        from ..rich_screen import RichDisplay
    except ImportError:
        return ScreenDisplay(sys.stderr, name)
    return RichDisplay(sys.stderr, name)


def tell(text: str = "") -> None:
    """Say something that was asked for."""
    print("\n".join(clean(line) for line in text.split("\n")))


def warn(text: str) -> None:
    """Say something beside what was asked for."""
    print("\n".join(clean(line) for line in text.split("\n")), file=sys.stderr)


def table(rows: Sequence[tuple[str, ...]]) -> str:
    """Columns below each other; on a terminal no line is wider than it."""
    room = shutil.get_terminal_size().columns if sys.stdout.isatty() else sys.maxsize
    widths = [max(map(cells, map(clean, column))) for column in zip(*rows)]
    lines = []
    for row in rows:
        columns = [fit(clean(cell), width) for cell, width in zip(row, widths)]
        lines.append(elide("  ".join(columns).rstrip(), room))
    return "\n".join(lines)
