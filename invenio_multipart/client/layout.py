# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What the screen shows of an upload or a download: lines of styled pieces.

Every column has a width of its own that does not depend on the numbers in it,
so that nothing jumps. Drawing is done elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence

from .many import FileState, ManyProgress
from .meter import Meter
from .text import (
    cells,
    clean,
    elide,
    fit,
    format_bytes,
    format_rate,
    format_seconds,
    format_share,
)

Piece = tuple[str, str]
"""A text and its style: ``""``, ``name``, ``bar``, ``rest``, ``dim`` or ``bad``."""

Line = list[Piece]

SHARE_CELLS = 15  # 999.9/999.9 GiB
SIZE_CELLS = 9  # 999.9 MiB
RATE_CELLS = 11  # 999.9 MiB/s
LEFT_CELLS = 12  # ETA 23:59:59

WIDE = 100
"""From so many columns on, there is room to say both of a file: done and all."""

MAX_FILES = 6
"""Files shown one by one: those are the connections a person can follow."""

LABELS = {
    "scanning": "Looking for files",
    "listing": "Looking for files",
    "checking": "Checking",
    "uploading": "Uploading",
    "downloading": "Downloading",
    "committing": "Completing",
    "completing": "Completing",
    "verifying": "Verifying",
    "publishing": "Publishing",
    "completed": "Complete",
}

LOOKING = ("scanning", "listing")
MOVING = ("uploading", "downloading")
"""Phases in which a speed means something."""


def label(phase: str) -> str:
    """``phase`` for a person."""
    return LABELS.get(phase, phase.capitalize())


class Board:
    """The latest look at a transfer, with the speeds that follow from all looks.

    :param name: shown when there is only one file.
    """

    def __init__(self, name: str = "") -> None:
        self._name = clean(name)
        self.progress: ManyProgress | None = None
        """What was reported last."""
        self.moment = 0.0
        self._phase_since = 0.0
        self._total = Meter()
        self._files: dict[str, Meter] = {}
        self._shown: list[str] = []

    def report(self, progress: ManyProgress, moment: float) -> None:
        """There is news.

        :param moment: seconds of a clock that never goes back.
        """
        if self.progress is None or self.progress.phase != progress.phase:
            self._phase_since = moment
        self.progress = progress
        active = {state.key for state in progress.active}
        self._files = {
            key: meter for key, meter in self._files.items() if key in active
        }
        self.tick(moment)

    def tick(self, moment: float) -> None:
        """Time has passed."""
        self.moment = moment
        if self.progress is None:
            return
        self._total.note(moment, self.progress.sent_bytes)
        for state in self.progress.active:
            meter = self._files.setdefault(state.key, Meter())
            meter.note(moment, state.done_bytes)

    def lines(self, width: int, height: int, bar: tuple[str, str]) -> list[Line]:
        """What to show.

        :param width: cells of a line, none of which is exceeded.
        :param height: lines there are, 2 or more.
        :param bar: what the done and the other part of a bar are made of.
        """
        progress = self.progress
        if progress is None:
            return []
        if progress.files <= 1:
            return [_crop(self._one_file(progress, width, bar), width)]
        found = self._choose(progress.active, min(MAX_FILES, height - 3))
        lines = [
            *(self._file(state, width, bar) for state in found),
            self._headline(progress, width, bar),
            self._figures(progress, width),
        ]
        return [_crop(line, width) for line in lines]

    def log_line(self) -> str:
        """The same in one line without a bar, for a log."""
        progress = self.progress
        if progress is None:
            return ""
        if progress.phase in LOOKING:
            return f"{label(progress.phase)}: {progress.files:,} so far"
        share = format_share(progress.done_bytes, progress.size_bytes)
        facts = [f"{_percent(progress.done_bytes, progress.size_bytes)}  {share}"]
        if progress.files > 1:
            facts.insert(0, _files_done(progress).strip())
        if progress.phase in MOVING:
            facts.append(self._speed(progress).strip())
        else:
            facts.append(progress.phase)
        if progress.files_failed:
            facts.append(f"{progress.files_failed:,} failed")
        name = self._name if progress.files == 1 else ""
        return f"{name or label(progress.phase)}: {'  '.join(facts)}"

    def _choose(self, active: Sequence[FileState], room: int) -> list[FileState]:
        # Those that were there stay where they were; the largest come next.
        states = {state.key: state for state in active}
        kept = [key for key in self._shown if key in states]
        others = sorted(
            (key for key in states if key not in kept),
            key=lambda key: -states[key].size_bytes,
        )
        self._shown = (kept + others)[: max(room, 0)]
        return [states[key] for key in self._shown]

    def _one_file(
        self, progress: ManyProgress, width: int, bar: tuple[str, str]
    ) -> Line:
        facts = _columns(width, self._share(progress), self._more(progress))
        name = self._name or label(progress.phase)
        return _row(
            name, progress.done_bytes, progress.size_bytes, facts, width, bar, indent=""
        )

    def _file(self, state: FileState, width: int, bar: tuple[str, str]) -> Line:
        share = f"{format_bytes(state.size_bytes):>{SIZE_CELLS}}"
        if width >= WIDE:
            done = format_share(state.done_bytes, state.size_bytes)
            share = f"{done:>{SHARE_CELLS}}"
        if state.phase in MOVING:
            meter = self._files[state.key]
            left = meter.seconds_left(state.size_bytes - state.done_bytes)
            more = _speed_cells(meter.rate(), left)
        else:
            more = f"{state.phase:<{RATE_CELLS + LEFT_CELLS + 2}}"
        facts = _columns(width, share, more)
        name = clean(state.key)
        return _row(name, state.done_bytes, state.size_bytes, facts, width, bar)

    def _headline(
        self, progress: ManyProgress, width: int, bar: tuple[str, str]
    ) -> Line:
        if progress.phase in LOOKING:
            return [(elide(f"{label(progress.phase)} …", width), "name")]
        ended = progress.phase == "completed" and progress.files_failed
        name = fit("Ended" if ended else label(progress.phase), 12)
        percent = _percent(progress.done_bytes, progress.size_bytes)
        room = width - 12 - 1 - 6
        if room < 4:
            return [(elide(f"{name.strip()} {percent.strip()}", width), "name")]
        done = _bar(progress.done_bytes, progress.size_bytes, room, bar)
        return [(name, "name"), *done, (f"  {percent}", "")]

    def _figures(self, progress: ManyProgress, width: int) -> Line:
        share, more = self._share(progress), self._more(progress)
        # A narrow terminal shows less, not everything in pieces.
        facts = [_files_done(progress), share, more]
        while len(facts) > 1 and 2 * len(facts) + sum(map(len, facts)) > width:
            del facts[1]
        line: Line = [(elide("".join(f"  {fact}" for fact in facts), width), "")]
        line += _counts(progress, width - cells(line[0][0]))
        return line

    def _share(self, progress: ManyProgress) -> str:
        share = format_share(progress.done_bytes, progress.size_bytes)
        return f"{share:>{SHARE_CELLS}}"

    def _more(self, progress: ManyProgress) -> str:
        if progress.phase in MOVING:
            return self._speed(progress)
        shown = progress.phase
        if progress.phase not in ("completed", *LOOKING):
            shown += f"  {format_seconds(self.moment - self._phase_since)}"
        return f"{shown:<{RATE_CELLS + LEFT_CELLS + 2}}"

    def _speed(self, progress: ManyProgress) -> str:
        left = self._total.seconds_left(progress.size_bytes - progress.done_bytes)
        return _speed_cells(self._total.rate(), left)


def _crop(line: Line, width: int) -> Line:
    # Only terminals that nobody can work on are too narrow for the percentage.
    cropped: Line = []
    for text, style in line:
        cropped.append((elide(text, width), style))
        width -= cells(cropped[-1][0])
    return cropped


def _columns(width: int, share: str, more: str) -> str:
    # A narrow terminal shows less, not everything in pieces.
    if width >= 70:
        return f"{share}  {more}"
    if width >= 40:
        return more if width < 50 else share
    return ""


def _row(
    name: str,
    done: int,
    total: int,
    facts: str,
    width: int,
    bar: tuple[str, str],
    indent: str = "  ",
) -> Line:
    percent = _percent(done, total)
    # What is fixed comes first, name and bar share what it leaves.
    facts = f"  {percent}  {facts}" if facts else f" {percent}"
    room = max(width - len(indent) - len(facts), 0)
    length = min(max(room // 3, 0), 40)
    if length < 4:
        length = 0
    line: Line = [(indent + fit(name, room - length - bool(length)), "name")]
    if length:
        line += [(" ", ""), *_bar(done, total, length, bar)]
    line.append((facts, ""))
    return line


def _bar(done: int, total: int, length: int, bar: tuple[str, str]) -> Line:
    share = min(done / total, 1.0) if total else 1.0
    full = int(share * length)
    return [(bar[0] * full, "bar"), (bar[1] * (length - full), "rest")]


def _percent(done: int, total: int) -> str:
    # Never 100 % before the last byte.
    return f"{int(min(done / total, 1) * 100) if total else 100:3}%"


def _files_done(progress: ManyProgress) -> str:
    total = f"{progress.files:,}"
    return f"{progress.files_done:>{len(total)},}/{total} files"


def _speed_cells(rate: float | None, left: float | None) -> str:
    speed = "--.- MiB/s" if rate is None else format_rate(rate)
    rest = "" if left is None else f"ETA {format_seconds(left)}"
    return f"{speed:>{RATE_CELLS}}  {rest:<{LEFT_CELLS}}"


def _counts(progress: ManyProgress, room: int) -> Line:
    line: Line = []
    for count, what, style in (
        (progress.files_failed, "failed", "bad"),
        (progress.files_reused, "kept", "dim"),
        (progress.files_linked, "linked", "dim"),
    ):
        text = f"  {count:,} {what}"
        if count and len(text) <= room:
            line.append((text, style))
            room -= len(text)
    return line
