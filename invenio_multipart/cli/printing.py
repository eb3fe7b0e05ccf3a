# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""How commands say what they found: for people by default, else as JSON."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import click

from ..errors import MultipartError

WIDTH = 79
"""Columns of a terminal that lines are broken for."""


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Errors that we have words for become a line and exit code 1."""
    try:
        yield
    except MultipartError as error:
        fail(error.message)


def fail(message: str) -> None:
    """Say why it is not done, and end with exit code 1."""
    click.echo(message, err=True)
    raise click.exceptions.Exit(1)


def print_rows(
    rows: Iterable[Mapping[str, Any]],
    as_json: bool,
    lines: Callable[[Mapping[str, Any]], Iterable[str]],
) -> None:
    """A list, row by row.

    :param lines: how a person reads a row.
    """
    for row in rows:
        if as_json:
            click.echo(json.dumps(row, default=text_of))
        else:
            click.echo("\n".join(lines(row)))


def print_notes(notes: Iterable[str]) -> None:
    """Sentences beside what was asked for; they are no part of it."""
    for note in notes:
        click.echo(textwrap.fill(note, WIDTH), err=True)


def two_lines(row: Mapping[str, Any]) -> Iterator[str]:
    """An id is 36 characters wide: what matters most of the rest goes beside it."""
    yield (
        f"{row['id']}  {row['kind']:<6} {row['state']:<10} "
        f"until {text_of(row['deadline'])}"
    )
    files = f"{row['files']:,} files, " if row["kind"] == "batch" else ""
    yield f"    {files}{row['size']:,} bytes  {_short(row['key'], 44)}"


def job_lines(row: Mapping[str, Any]) -> Iterator[str]:
    """A job, as a person reads it in a list."""
    due = text_of(row["date_done"] or row["due_at"])
    yield f"{row['id']}  {row['does']:<14} {row['status']:<8} {due}"
    if row["error"]:
        yield f"    {_short(row['error'], WIDTH - 4)}"
    elif row["stage"]:
        total = f" of {row['total']:,}" if row["total"] else ""
        yield f"    {row['stage']}: {row['done']:,}{total}"


def removal_lines(row: Mapping[str, Any]) -> Iterator[str]:
    """What the reaper would do."""
    yield f"{row['does']} {row['what']} {row['id']}: {row['reason']}"
    size = f"{row['size']:,} bytes" if row["size"] else ""
    text = "  ".join(part for part in (size, _short(row["key"] or "", 44)) if part)
    for line in filter(None, (text, row["uri"])):
        yield f"    {line}"


def print_fields(found: Mapping[str, Any], indent: str = "") -> None:
    """One thing with all that is known of it; what is empty is left out."""
    for name, value in found.items():
        label = f"{indent}{name.replace('_', ' ')}"
        if isinstance(value, Mapping) and value:
            click.echo(label)
            print_fields(value, f"{indent}  ")
        elif isinstance(value, (list, tuple)) and value:
            click.echo(label)
            for entry in value:
                click.echo(f"{indent}  {_entry(entry)}")
        elif value not in (None, "", {}, [], ()):
            click.echo(f"{label:<18} {text_of(value)}")


def _entry(entry: Any) -> str:
    if not isinstance(entry, Mapping):
        return text_of(entry)
    return "  ".join(text_of(value) for value in entry.values())


def _short(text: str, width: int) -> str:
    """The end of a path says more than its beginning."""
    return text if len(text) <= width else f"...{text[-width + 3 :]}"


def text_of(value: Any) -> str:
    """A value as people read it."""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return str(value)
