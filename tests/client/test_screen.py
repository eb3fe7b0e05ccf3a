# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What a person sees while files are on their way."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from invenio_multipart.client.layout import Board
from invenio_multipart.client.many import FileResult, FileState, ManyProgress, Notice
from invenio_multipart.client.meter import Meter
from invenio_multipart.client.screen import (
    PLAIN_BAR,
    REPEAT_SECONDS,
    SMOOTH_BAR,
    LogDisplay,
    ScreenDisplay,
)
from invenio_multipart.client.text import (
    cells,
    clean,
    elide,
    fit,
    format_bytes,
    format_seconds,
    format_share,
    plural,
)

pyte = pytest.importorskip("pyte")
MIB = 2**20
NAMES = {
    "short": "a.nc",
    "long": "folder/" + "x" * 300 + "-0001.nc",
    "wide": "数据/" * 40 + "一.nc",
    "marks": "e\u0301" * 90 + ".nc",
    "hostile": "a\nb\x1b[31m\x9b2J\u202etxt.exe",
    "bytes": "caf\udce9.txt",
}


def look(
    done: int = 50, files: int = 1000, phase: str = "uploading", name: str = "a.nc"
) -> ManyProgress:
    """A moment of an upload of 100 MiB."""
    return ManyProgress(
        phase=phase,
        files=files,
        files_done=files * done // 100,
        files_reused=3,
        files_linked=0,
        files_failed=1,
        size_bytes=100 * MIB,
        done_bytes=done * MIB,
        sent_bytes=done * MIB,
        active=tuple(
            FileState(f"{number}{name}", 10 * MIB, done * MIB // 10, "uploading")
            for number in range(9)
        ),
    )


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Seconds."""
        return self.now


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        """It is."""
        return True


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
@pytest.mark.parametrize("files", [1, 1000])
@pytest.mark.parametrize("phase", ["scanning", "uploading", "verifying", "completed"])
def test_no_line_is_wider_than_the_terminal(name: str, files: int, phase: str) -> None:
    """Nothing wraps, whatever the names and the width."""
    board = Board(name)
    board.report(look(40, files, phase, name), 0.0)
    board.report(look(50, files, phase, name), 5.0)

    for width in range(1, 200):
        for line in board.lines(width, 24, SMOOTH_BAR):
            text = "".join(piece for piece, _ in line)
            assert cells(text) <= width
            assert text == clean(text)


@pytest.mark.parametrize("width", [79, 119])
def test_columns_do_not_depend_on_the_figures(width: int) -> None:
    """Lines look alike from the first byte to the last: nothing jumps."""
    shapes = set()
    for step in range(101):
        board = Board()
        board.report(look(0), 0.0)
        board.report(look(step), 5.0)
        lines = board.lines(width, 24, PLAIN_BAR)
        text = ["".join(piece for piece, _ in line) for line in lines]
        shapes.add((*(len(row.rstrip()) // 20 for row in text[:-1]), len(text)))
        assert text[0].index("%") == text[1].index("%")
        assert text[-2].endswith("%")
        assert text[-1].index(" files") == 13

    assert len({shape[-1] for shape in shapes}) == 1


def test_files_keep_their_places() -> None:
    """A file stays in its line until it is over; the largest of the new follow."""
    board = Board()
    first = look()
    board.report(first, 0.0)
    before = [line[0][0].strip() for line in board.lines(79, 24, PLAIN_BAR)][:6]
    gone = first.active[2].key
    large = FileState("large", 90 * MIB, 0, "uploading")
    rest = tuple(state for state in first.active if state.key != gone)
    board.report(ManyProgress(**{**vars(first), "active": (large, *rest)}), 1.0)

    after = [line[0][0].strip() for line in board.lines(79, 24, PLAIN_BAR)][:6]

    assert after == [name for name in before if name != gone] + ["large"]


def test_a_low_terminal_shows_fewer_files() -> None:
    """There are never more lines than the terminal has."""
    board = Board()
    board.report(look(), 0.0)

    for height in range(2, 12):
        assert len(board.lines(79, height, PLAIN_BAR)) <= height


def test_speed_and_time_left() -> None:
    """They follow from what was sent, and go when nothing moves any more."""
    meter = Meter()
    assert meter.rate() is None
    meter.note(0, 0)
    meter.note(5, 25 * MIB)
    assert meter.rate() == 5 * MIB
    assert meter.seconds_left(50 * MIB) == 10

    meter.note(10, 25 * MIB)
    assert meter.rate() == 2.5 * MIB
    for moment in range(11, 30):
        meter.note(moment, 25 * MIB)
    assert meter.rate() is None
    assert meter.seconds_left(1) is None


def test_bytes_that_were_taken_back() -> None:
    """A counter that goes back is no negative speed."""
    meter = Meter()
    for moment, count in enumerate([0, 10, 20, 5, 15, 25]):
        meter.note(moment, count)

    assert meter.rate() == 10


def test_a_log_is_short() -> None:
    """Without a terminal there is a line per phase and one every five seconds."""
    stream, clock = io.StringIO(), Clock()
    display = LogDisplay(stream, clock=clock)

    for step in range(100):
        clock.now = step / 10
        display.progress(look(step))
        display.draw()
    display.progress(look(100, phase="completing"))
    display.close()

    lines = stream.getvalue().splitlines()
    assert len(lines) == 3
    assert "\x1b" not in stream.getvalue()
    assert lines[1].startswith("Uploading: 500/1,000 files   50%  50.0/100.0 MiB  10.0")
    assert "ETA 0:05" in lines[1]


def test_a_long_log_becomes_slower() -> None:
    """A transfer of a day does not fill the disk with lines."""
    stream, clock = io.StringIO(), Clock()
    display = LogDisplay(stream, clock=clock)

    for step in range(24 * 3600 // 10):
        clock.now = step * 10.0
        display.progress(look(step * 100 // 8640))
        display.draw()

    assert len(stream.getvalue().splitlines()) < 2900


@pytest.mark.parametrize("name", ["screen", "rich"])
def test_screen_is_drawn_in_place(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The picture stays where it is; what failed stays above it."""
    stream, clock, display = _display(name, monkeypatch)

    for step in range(20):
        clock.now = float(step)
        display.progress(look(step))
        display.tick()
        if step == 10:
            failed = FileResult("bad.nc", "x", 1, "failed", error="It changed.")
            display.file(failed)
    shown = _rows(stream)

    assert shown[0] == "failed: bad.nc: It changed."
    assert shown[1].lstrip().startswith("0a.nc")
    assert shown[7].startswith("Uploading")
    assert "190/1,000 files" in shown[8]
    assert "1.0 MiB/s" in shown[8]
    assert "".join(shown[9:]) == ""

    display._over.set()
    display.close()
    shown = _rows(stream)
    assert shown[1].startswith("Uploading") or shown[6] == ""
    assert sum("Uploading" in row for row in shown) == 1
    assert not any("a.nc" in row for row in shown[1:])


@pytest.mark.parametrize("name", ["screen", "rich"])
def test_screen_does_not_flicker(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new picture is written over the old one: nothing is erased before."""
    stream, clock, display = _display(name, monkeypatch)
    display.progress(look(1))
    display.tick()
    before = len(stream.getvalue())
    clock.now = 1.0
    display.progress(look(2))
    display.tick()

    written = stream.getvalue()[before:]

    if name == "screen":
        assert "\x1b[2K" not in written
        assert "\x1b[2J" not in written
        assert written.index("Uploading") < written.index("\x1b[J")
    assert _rows(stream)[6].startswith("Uploading")


def test_a_notice_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that is away for long is told of now and then."""
    stream, clock, display = _display("screen", monkeypatch)

    for step in range(100):
        clock.now = step / 10
        display.notice(Notice("retrying", "The store is away."))

    assert stream.getvalue().count("The store is away.") == 1
    clock.now = REPEAT_SECONDS
    display.notice(Notice("retrying", "The store is away."))
    assert stream.getvalue().count("The store is away.") == 2


def test_without_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who wants no colours gets none."""
    monkeypatch.setenv("NO_COLOR", "1")
    stream, _, display = _display("screen", monkeypatch)
    display.progress(look())
    display.tick()

    assert "m" not in {part[-1:] for part in stream.getvalue().split("\x1b[")[1:]}


def _display(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> tuple[Terminal, Clock, ScreenDisplay]:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LINES", "24")
    monkeypatch.setenv("TERM", "xterm-256color")
    stream, clock = Terminal(), Clock()
    kind: Callable[..., ScreenDisplay] = ScreenDisplay
    if name == "rich":
        module = pytest.importorskip("invenio_multipart.client.rich_screen")
        kind = module.RichDisplay
    return stream, clock, kind(stream, clock=clock)


def _rows(stream: Terminal) -> list[str]:
    screen = pyte.Screen(80, 24)
    screen.set_mode(pyte.modes.LNM)
    pyte.Stream(screen).feed(stream.getvalue())
    return [row.rstrip() for row in screen.display]


@pytest.mark.parametrize("width", [0, 1, 2, 5, 20])
@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_names_are_shortened_in_the_middle(name: str, width: int) -> None:
    """They fill their column exactly, and keep their beginning and their end."""
    shown = elide(clean(name), width)

    assert cells(shown) <= width
    assert cells(fit(clean(name), width)) == width
    if width == 20 and cells(clean(name)) > 20:
        assert "…" in shown
        assert shown[0] == clean(name)[0]
        assert shown[-1] == clean(name)[-1]


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        (format_bytes(0), "0 B"),
        (format_bytes(999), "999 B"),
        (format_bytes(1000), "1.0 KiB"),
        (format_bytes(1500 * MIB), "1.5 GiB"),
        (format_bytes(2**60), "1024.0 PiB"),
        (format_share(512, 2048), "0.5/2.0 KiB"),
        (format_seconds(0.4), "0:00"),
        (format_seconds(65), "1:05"),
        (format_seconds(3661), "1:01:01"),
        (format_seconds(3 * 86400), "3 days"),
        (plural(1, "file"), "1 file"),
        (plural(1000, "file"), "1,000 files"),
    ],
)
def test_figures_are_readable(shown: str, text: str) -> None:
    """Sizes, times and numbers are written as people write them."""
    assert shown == text


def test_imports_nothing_but_the_standard_library() -> None:
    """Rich is one file, which is imported only where it is installed."""
    folder = Path(__file__).parents[2] / "invenio_multipart" / "client"
    users = {
        str(path.relative_to(folder))
        for path in folder.rglob("*.py")
        if "from rich" in path.read_text() or "import rich" in path.read_text()
    }
    assert users == {"rich_screen.py"}
