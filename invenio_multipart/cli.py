# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Commands for the people who run a repository."""

from __future__ import annotations

import json

import click
from flask.cli import with_appcontext

from .proxies import current_multipart
from .services.doctor import examine


@click.group()
def multipart() -> None:
    """Look after multipart uploads."""


@multipart.command("list")
@click.option("--limit", type=click.IntRange(1), default=1000, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")
@with_appcontext
def list_uploads(limit: int, as_json: bool) -> None:
    """Uploads that still hold something: open ones, and ended ones not freed yet."""
    rows = current_multipart.uploads.describe(limit)
    for row in rows:
        if as_json:
            click.echo(json.dumps(row, default=str))
        else:
            click.echo(
                f"{row['id']}  {row['state']:<11} {row['size']:>16,}  "
                f"{row['initiated_on']:%Y-%m-%d %H:%M}  {row['key']}"
            )
    if not as_json:
        click.echo(f"{len(rows)} uploads.")


@multipart.command()
@with_appcontext
def doctor() -> None:
    """Check whether this site is set up for large uploads."""
    findings = list(examine())
    signs = {True: "ok", False: "BAD", None: "note"}
    for finding in findings:
        click.echo(f"{signs[finding.ok]:<5}{finding.text}")
    if any(finding.ok is False for finding in findings):
        raise click.exceptions.Exit(1)


@multipart.command()
@with_appcontext
def reap() -> None:
    """Expire overdue uploads now and queue again what was lost."""
    for name, count in current_multipart.uploads.reap().items():
        click.echo(f"{name}: {count}")


@multipart.command()
@click.argument("upload_id", type=click.UUID)
@with_appcontext
def verify(upload_id: click.UUID) -> None:
    """Read the file of UPLOAD_ID here and now, and prove its digest."""
    current_multipart.uploads.verify(str(upload_id))
    click.echo("Done.")


@multipart.command()
@click.argument("upload_id", type=click.UUID)
@with_appcontext
def abort(upload_id: click.UUID) -> None:
    """End the upload UPLOAD_ID and remove its file entry."""
    current_multipart.uploads.abort(str(upload_id))
    click.echo("Aborted; a worker frees the store.")
