# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Commands for the people who run a repository.

Exit codes: 0 done; 1 not done, with one line that says why; 2 a wrong option.
"""

from __future__ import annotations

import json
import textwrap
from dataclasses import asdict
from typing import Any

import click
from flask.cli import with_appcontext

from ..core.states import BatchState, JobStatus, UploadState
from ..proxies import current_multipart
from ..services.doctor import examine
from .printing import (
    WIDTH,
    fail,
    job_lines,
    one_line_errors,
    print_fields,
    print_notes,
    print_rows,
    removal_lines,
    text_of,
    two_lines,
)

_STATES = sorted(
    {state.value for states in (UploadState, BatchState) for state in states}
)
LIMIT = click.option(
    "--limit",
    type=click.IntRange(1),
    default=1000,
    show_default=True,
    help="Most rows of a kind.",
)
AS_JSON = click.option(
    "--json", "as_json", is_flag=True, help="One JSON object a line."
)


@click.group()
def multipart() -> None:
    """Look after multipart uploads and batches."""


@multipart.command("list")
@click.option(
    "--state",
    type=click.Choice(_STATES),
    help="Only these; by default all that still hold something.",
)
@LIMIT
@AS_JSON
@with_appcontext
def list_(state: str | None, limit: int, as_json: bool) -> None:
    """Batches and uploads that still hold something, the next deadline first."""
    rows = current_multipart.overview.list(state, limit)
    print_rows(rows, as_json, two_lines)
    if not as_json:
        click.echo(f"{len(rows)} found.")


@multipart.command()
@click.argument("id_", metavar="ID", type=click.UUID)
@click.option(
    "--files",
    type=click.IntRange(0),
    default=20,
    show_default=True,
    help="Files of a batch that are named, and as many links.",
)
@AS_JSON
@with_appcontext
def show(id_: Any, files: int, as_json: bool) -> None:
    """All about the upload, batch or job ID, and what the store holds of it."""
    with one_line_errors():
        found = current_multipart.overview.show(id_, files)
    if as_json:
        click.echo(json.dumps(found, default=text_of))
    else:
        print_fields(found)


@multipart.command()
@click.argument("id_", metavar="ID", type=click.UUID)
@with_appcontext
def abort(id_: Any) -> None:
    """End the upload or batch ID, with its pending files."""
    with one_line_errors():
        what = current_multipart.overview.abort(id_)
    click.echo(f"The {what} is aborted; a worker frees the store.")


@multipart.command()
@click.argument("id_", metavar="ID", type=click.UUID)
@with_appcontext
def verify(id_: Any) -> None:
    """Read the file of the upload ID here and now, and prove its digest."""
    with one_line_errors():
        found = current_multipart.overview.verify(id_)
    if found["error"]:
        fail(found["error"])
    for algorithm, value in sorted(found["digests"].items()):
        click.echo(f"{algorithm}:{value}")
    click.echo(f"The upload is {found['state']}.")


@multipart.command()
@click.option("--status", type=click.Choice([status.value for status in JobStatus]))
@LIMIT
@AS_JSON
@with_appcontext
def jobs(status: str | None, limit: int, as_json: bool) -> None:
    """Jobs that wait or run, the next due first; or those of one status."""
    rows = current_multipart.overview.jobs(status, limit)
    print_rows(rows, as_json, job_lines)
    if not as_json:
        click.echo(f"{len(rows)} found.")


@multipart.command()
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@AS_JSON
@with_appcontext
def reap(dry_run: bool, as_json: bool) -> None:
    """Do now what the reaper does from time to time."""
    if dry_run:
        found, notes = current_multipart.reaper.preview()
        rows = ({**asdict(one), "at": None} for one in found)
        print_rows(rows, as_json, removal_lines)
        print_notes(notes)
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
    print_notes(report.notes)
    if report.failed:
        fail(f"{report.failed} failed; the log has them.")


@multipart.command()
@click.argument("id_", metavar="ID")
@with_appcontext
def restore(id_: str) -> None:
    """Bring back the objects of an upload or batch that was removed.

    Works where the bucket keeps versions, for as long as both these and the audit are
    kept. The objects are put back under their names; records and files are not.
    """
    with one_line_errors():
        restored = current_multipart.reaper.restore(id_)
    removal = restored.removal
    click.echo(f"Removed on {text_of(removal.removed_on)} by {removal.removed_by}.")
    for uri in restored.uris:
        click.echo(uri)
    click.echo(f"{len(restored.uris)} objects are back. No file refers to them.")


@multipart.command()
@AS_JSON
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
            WIDTH - 5,
            break_long_words=False,
            break_on_hyphens=False,
        )
        click.echo(f"{signs[finding.ok]:<5}" + "\n     ".join(lines))
    if bad:
        fail(f"{bad} to be put right.")
