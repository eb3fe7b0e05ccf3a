# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Which files of a folder are left out, in the language of ``.gitignore``.

Of all patterns that match, the last one decides; ``!`` takes a file back in. What is
below a folder that is left out is not looked at.

Source: https://git-scm.com/docs/gitignore
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Pattern:
    """One line.

    :param regex: for paths below the folder that the line is about.
    """

    regex: re.Pattern[str]
    takes_back: bool
    folders_only: bool


def parse_pattern(line: str) -> Pattern | None:
    """What a line says, None for an empty one and for a comment."""
    line = _without_end(line.rstrip("\r\n"))
    if not line or line.startswith("#"):
        return None
    takes_back = line.startswith("!")
    line = line[1:] if takes_back else line
    folders_only = line.endswith("/")
    line = line.rstrip("/") if folders_only else line
    if not line:
        return None
    # A slash, other than the last, ties the pattern to its folder.
    start = "" if "/" in line else "(?:.*/)?"
    regex = re.compile(start + _translated(line.lstrip("/")), re.DOTALL)
    return Pattern(regex, takes_back, folders_only)


class Ignore:
    """The patterns of one folder, or those that hold for all of an upload."""

    def __init__(self, lines: Iterable[str]) -> None:
        parsed = (parse_pattern(line) for line in lines)
        self._patterns = [pattern for pattern in parsed if pattern is not None]

    def verdict(self, path: str, *, is_folder: bool) -> bool | None:
        """True to leave ``path`` out, False to take it; None when nothing matches.

        :param path: below the folder, ``/`` between its names.
        """
        for pattern in reversed(self._patterns):
            if pattern.folders_only and not is_folder:
                continue
            if pattern.regex.fullmatch(path):
                return not pattern.takes_back
        return None


def _without_end(line: str) -> str:
    # Spaces at the end do not count, unless the last one is escaped.
    bare = line.rstrip(" ")
    return f"{bare} " if bare.endswith("\\") and bare != line else bare


def _translated(pattern: str) -> str:
    """A regular expression for what a pattern means."""
    found, place = "", 0
    while place < len(pattern):
        rest = pattern[place:]
        at_start = place == 0 or pattern[place - 1] == "/"
        if at_start and rest.startswith("**/"):
            found, place = f"{found}(?:.*/)?", place + 3
        elif at_start and rest == "**":
            found, place = f"{found}.+", place + 2
        elif rest[0] == "*":
            found, place = f"{found}[^/]*", place + 1
        elif rest[0] == "?":
            found, place = f"{found}[^/]", place + 1
        elif rest[0] == "[":
            text, length = _one_of(rest)
            found, place = found + text, place + length
        else:
            escaped = rest[0] == "\\" and len(rest) > 1
            found += re.escape(rest[1] if escaped else rest[0])
            place += 2 if escaped else 1
    return found


def _one_of(rest: str) -> tuple[str, int]:
    """A class of characters, and how long it is in the pattern."""
    # A bracket that comes first is a character of the class.
    first = 2 if rest[1:2] in ("!", "^") else 1
    end = rest.find("]", first + 1)
    if end < 0:
        return re.escape("["), 1
    inside = rest[first:end].replace("\\", "\\\\").replace("[", "\\[")
    inside = inside.replace("]", "\\]").replace("&", "\\&").replace("~", "\\~")
    negated = "^" if first == 2 else ""
    text = f"(?!/)[{negated}{inside if inside[0] != '^' else chr(92) + inside}]"
    try:
        re.compile(text)
    except re.error:
        # Such as a range that runs backwards: nothing is in it.
        return "(?!)", end + 1
    return text, end + 1
