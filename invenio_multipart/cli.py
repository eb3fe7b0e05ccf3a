# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Commands for the people who run a repository.

Exit codes: 0 done; 1 not done, with one line that says why; 2 a wrong option.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from typing import Any

import click
from flask.cli import with_appcontext

from .core.states import BatchState, JobStatus, UploadState
from .errors import MultipartError
from .proxies import current_multipart
from .services.doctor import examine

_WIDTH = 79
_STATES = sorted(
    {state.value for states in (UploadState, BatchState) for state in states}
)
_LIMIT = click.option(
    "--limit",
    type=click.IntRange(1),
    default=1000,
    show_default=True,
    help="Most rows of a kind.",
)
_JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")


@click.group()
def multipart() -> None:
    """Look after multipart uploads and batches."""


@multipart.command("list")
@click.option(
    "--state",
    type=click.Choice(_STATES),
    help="Only these; by default all that still hold something.",
)
@_LIMIT
@_JSON
@with_appcontext
def list_(state: str | None, limit: int, as_json: bool) -> None:
    """Batches and uploads that still hold something, the next deadline first."""
    rows = current_multipart.overview.list(state, limit)
    _print(rows, as_json, _two_lines)
    if not as_json:
        click.echo(f"{len(rows)} found.")


@multipart.command()
@click.argument("id_", metavar="ID", type=click.UUID)
@click.option(
    "--files",
    type=click.IntRange(0),
    default=20,
    show_default=True,
    help="Files of a batch that are named.",
)
@_JSON
@with_appcontext
def show(id_: Any, files: int, as_json: bool) -> None:
    """All about the upload, batch or job ID, and what the store holds of it."""
    with _one_line_errors():
        found = current_multipart.overview.show(id_, files)
    if as_json:
        click.echo(json.dumps(found, default=_text))
    else:
        _print_fields(found)


@multipart.command()
@click.argument("id_", metavar="ID", type=click.UUID)
@with_appcontext
def abort(id_: Any) -> None:
    """End the upload or batch ID, with its pending files."""
    with _one_line_errors():
        what = current_multipart.overview.abort(id_)
    click.echo(f"The {what} is aborted; a worker frees the store.")


@multipart.command()
@click.argument("id_", metavar="ID", type=click.UUID)
@with_appcontext
def verify(id_: Any) -> None:
    """Read the file of the upload ID here and now, and prove its digest."""
    with _one_line_errors():
        found = current_multipart.overview.verify(id_)
    if found["error"]:
        _fail(found["error"])
    for algorithm, value in sorted(found["digests"].items()):
        click.echo(f"{algorithm}:{value}")
    click.echo(f"The upload is {found['state']}.")


@multipart.command()
@click.option("--status", type=click.Choice([status.value for status in JobStatus]))
@_LIMIT
@_JSON
@with_appcontext
def jobs(status: str | None, limit: int, as_json: bool) -> None:
    """Jobs that wait or run, the next due first; or those of one status."""
    rows = current_multipart.overview.jobs(status, limit)
    _print(rows, as_json, _job_lines)
    if not as_json:
        click.echo(f"{len(rows)} found.")


@multipart.command()
@click.argument("name", metavar="FILE")
@_LIMIT
@_JSON
@with_appcontext
def links(name: str, limit: int, as_json: bool) -> None:
    """Who uses the bytes of FILE: recid/key, the id of a file, or its URI."""
    with _one_line_errors():
        found = current_multipart.overview.links(name, limit)
    for file in found:
        if as_json:
            click.echo(json.dumps(file, default=_text))
        else:
            _print_fields(file)


@multipart.command()
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@_JSON
@with_appcontext
def reap(dry_run: bool, as_json: bool) -> None:
    """Do now what the reaper does from time to time."""
    if dry_run:
        found, notes = current_multipart.reaper.preview()
        rows = ({**asdict(one), "at": None} for one in found)
        _print(rows, as_json, _would)
        _print_notes(notes)
        if not as_json:
            click.echo(f"{len(found)} to do; nothing was changed.")
        return
    report = current_multipart.reaper.reap("invenio multipart reap")
    counts = {**report.done, "failed": report.failed}
    if as_json:
        click.echo(json.dumps(counts))
    else:
        for name, count in counts.items():
            click.echo(f"{name.replace('_', ' '):<17}{count:>8,}")
    _print_notes(report.notes)
    if report.failed:
        _fail(f"{report.failed} failed; the log has them.")


@multipart.command()
@click.argument("id_", metavar="ID")
@with_appcontext
def restore(id_: str) -> None:
    """Bring back the objects of an upload or batch that was removed.

    Works where the bucket keeps versions, for as long as both these and the audit are
    kept. The objects are put back under their names; records and files are not.
    """
    with _one_line_errors():
        restored = current_multipart.reaper.restore(id_)
    removal = restored.removal
    click.echo(f"Removed on {_text(removal.removed_on)} by {removal.removed_by}.")
    for uri in restored.uris:
        click.echo(uri)
    click.echo(f"{len(restored.uris)} objects are back. No file refers to them.")


@multipart.command()
@_JSON
@with_appcontext
def doctor(as_json: bool) -> None:
    """Check whether this site is set up for large uploads."""
    bad = 0
    signs = {True: "ok", False: "BAD", None: "note"}
    for finding in examine():
        bad += finding.ok is False
        if as_json:
            click.echo(json.dumps({"result": signs[finding.ok], "text": finding.text}))
            continue
        # Addresses stay whole, to be copied.
        lines = textwrap.wrap(
            finding.text,
            _WIDTH - 5,
            break_long_words=False,
            break_on_hyphens=False,
        )
        click.echo(f"{signs[finding.ok]:<5}" + "\n     ".join(lines))
    if bad:
        _fail(f"{bad} to be put right.")


@contextmanager
def _one_line_errors() -> Iterator[None]:
    """Errors that we have words for become a line and exit code 1."""
    try:
        yield
    except MultipartError as error:
        _fail(error.message)


def _fail(message: str) -> None:
    click.echo(message, err=True)
    raise click.exceptions.Exit(1)


def _print(
    rows: Iterable[Mapping[str, Any]],
    as_json: bool,
    lines: Callable[[Mapping[str, Any]], Iterable[str]],
) -> None:
    for row in rows:
        if as_json:
            click.echo(json.dumps(row, default=_text))
        else:
            click.echo("\n".join(lines(row)))


def _print_notes(notes: Iterable[str]) -> None:
    for note in notes:
        click.echo(textwrap.fill(note, _WIDTH), err=True)


def _two_lines(row: Mapping[str, Any]) -> Iterator[str]:
    """An id is 36 characters wide: what matters most of the rest goes beside it."""
    yield (
        f"{row['id']}  {row['kind']:<6} {row['state']:<10} "
        f"until {_text(row['deadline'])}"
    )
    files = f"{row['files']:,} files, " if row["kind"] == "batch" else ""
    yield f"    {files}{row['size']:,} bytes  {_short(row['key'], 44)}"


def _job_lines(row: Mapping[str, Any]) -> Iterator[str]:
    due = _text(row["date_done"] or row["due_at"])
    yield f"{row['id']}  {row['does']:<14} {row['status']:<8} {due}"
    if row["error"]:
        yield f"    {_short(row['error'], _WIDTH - 4)}"
    elif row["stage"]:
        total = f" of {row['total']:,}" if row["total"] else ""
        yield f"    {row['stage']}: {row['done']:,}{total}"


def _would(row: Mapping[str, Any]) -> Iterator[str]:
    yield f"{row['does']} {row['what']} {row['id']}: {row['reason']}"
    size = f"{row['size']:,} bytes" if row["size"] else ""
    text = "  ".join(part for part in (size, _short(row["key"] or "", 44)) if part)
    for line in filter(None, (text, row["uri"])):
        yield f"    {line}"


def _print_fields(found: Mapping[str, Any], indent: str = "") -> None:
    for name, value in found.items():
        label = f"{indent}{name.replace('_', ' ')}"
        if isinstance(value, Mapping) and value:
            click.echo(label)
            _print_fields(value, f"{indent}  ")
        elif isinstance(value, (list, tuple)) and value:
            click.echo(label)
            for entry in value:
                click.echo(f"{indent}  {_entry(entry)}")
        elif value not in (None, "", {}, [], ()):
            click.echo(f"{label:<18} {_text(value)}")


def _entry(entry: Any) -> str:
    if not isinstance(entry, Mapping):
        return _text(entry)
    return "  ".join(_text(value) for value in entry.values())


def _short(text: str, width: int) -> str:
    """The end of a path says more than its beginning."""
    return text if len(text) <= width else f"...{text[-width + 3 :]}"


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return str(value)
