# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The screen drawn by rich, which knows more terminals than we do.

Imported only where rich is installed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from .layout import Line
from .screen import PLAIN_BAR, SMOOTH_BAR, Display
from .text import clean

STYLES = {
    "name": "bold",
    "bar": "green",
    "rest": "bright_black",
    "dim": "bright_black",
    "bad": "red",
}


class RichDisplay(Display):
    """The lines of the board in a live display of rich."""

    def __init__(
        self,
        stream: TextIO,
        name: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(stream, name, clock)
        self._console = Console(file=stream, highlight=False, soft_wrap=False)
        plain = self._console.options.ascii_only or self._console.legacy_windows
        self._bar = PLAIN_BAR if plain else SMOOTH_BAR
        self._most = 0
        # We have a thread of our own, and nothing else writes to the stream.
        self._live = Live(
            console=self._console,
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def draw(self) -> None:
        """Draw the lines over the old ones."""
        width = max(self._console.width - 1, 1)
        lines = self._board.lines(width, self._console.height, self._bar)
        if not lines:
            return
        if self._over.is_set():
            # The total is what remains to be read.
            lines = lines[-2:]
            self._most = 0
        self._most = max(self._most, len(lines))
        lines = [[] for _ in range(self._most - len(lines))] + lines
        if not self._live.is_started:
            self._live.start()
        self._live.update(Group(*map(_rich, lines)), refresh=True)
        # The cursor waits where a typed ^C harms nothing.
        self._stream.write("\r")
        self._stream.flush()

    def say(self, text: str, style: str) -> None:
        """Show a line that stays, above those that are drawn."""
        self._console.print(Text(clean(text), STYLES.get(style, "")))

    def close(self) -> None:
        """Leave the total, and the cursor below it."""
        self.draw()
        self._live.stop()


def _rich(line: Line) -> Text:
    shown = Text(no_wrap=True, overflow="crop")
    for text, style in line:
        shown.append(text, STYLES.get(style, ""))
    return shown
