# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Numbers and names as a person reads them, in as many cells as there are."""

from __future__ import annotations

import unicodedata

UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")

ELLIPSIS = "…"

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def clean(text: str) -> str:
    """``text`` without anything that moves the cursor or turns the writing.

    File names may hold any character; a name must not be able to draw over
    the screen, or to look like another one.
    """
    return "".join(_shown(char) for char in text)


def _shown(char: str) -> str:
    code = ord(char)
    if code < 0x20:
        # The picture of the control character, such as ␊ for a new line.
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\N{SYMBOL FOR DELETE}"
    # Other controls, marks that turn the direction, and bytes of a name that
    # are no text in the file system's encoding.
    if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp"):
        return REPLACEMENT
    return char


def cells(text: str) -> int:
    """Columns that ``text`` takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(_cells(char) for char in text)


def _cells(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1


def elide(text: str, width: int) -> str:
    """``text`` in at most ``width`` columns, its middle left out if need be.

    The end of a name tells files of one series apart, so it keeps more of it.
    """
    if cells(text) <= width:
        return text
    if width < 2:
        return ELLIPSIS[:width]
    tail = -(-(width - 1) * 3 // 5)
    return f"{_cut(text, width - 1 - tail)}{ELLIPSIS}{_cut(text[::-1], tail)[::-1]}"


def _cut(text: str, width: int) -> str:
    taken = 0
    for index, char in enumerate(text):
        taken += _cells(char)
        if taken > width:
            return text[:index]
    return text


def fit(text: str, width: int) -> str:
    """``text`` in exactly ``width`` columns, 0 or more."""
    shown = elide(text, width)
    return shown + " " * (width - cells(shown))


def unit_of(count: int) -> int:
    """Index in ``UNITS`` that shows ``count`` bytes with three digits at most."""
    index = 0
    while count >= 1000 * 1024**index and index < len(UNITS) - 1:
        index += 1
    return index


def number_of(count: float, unit: int) -> str:
    """``count`` bytes as a number of ``UNITS[unit]``."""
    return f"{count:.0f}" if unit == 0 else f"{count / 1024**unit:.1f}"


def format_bytes(count: int) -> str:
    """A size, such as ``1.2 GiB``."""
    unit = unit_of(count)
    return f"{number_of(count, unit)} {UNITS[unit]}"


def format_share(done: int, total: int) -> str:
    """A part of a size, such as ``0.5/1.2 GiB``."""
    unit = unit_of(total)
    return f"{number_of(done, unit)}/{number_of(total, unit)} {UNITS[unit]}"


def format_rate(bytes_per_second: float) -> str:
    """A speed, such as ``98.2 MiB/s``."""
    return f"{format_bytes(int(bytes_per_second))}/s"


def format_seconds(seconds: float) -> str:
    """``m:ss``, ``h:mm:ss`` from an hour on, days from two days on."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours >= 48:
        return f"{hours // 24} days"
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def plural(count: int, noun: str) -> str:
    """``1 file``, ``1,000 files``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
