# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Sizes and numbers as they are written on the command line."""

from __future__ import annotations

import argparse
import re

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?(?:/s)?", re.IGNORECASE)


def size(text: str) -> int:
    """Bytes of a size such as ``10M`` or ``1.5 GiB``; units are powers of 1024."""
    found = _SIZE.fullmatch(text.strip())
    count = 0
    if found:
        count = int(float(found[1]) * 1024 ** " KMGT".index(found[2].upper() or " "))
    if count < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no size, such as 10M")
    return count


def positive(text: str) -> int:
    """A whole number from 1 on."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 on")
    return int(text)


def seconds(text: str) -> float:
    """Seconds, 0 or more."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1e9:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds")
    return value
