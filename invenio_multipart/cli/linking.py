# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Commands about files that share bytes."""

from __future__ import annotations

import json
from typing import Any

import click
from flask.cli import with_appcontext
from invenio_access.permissions import system_identity
from invenio_pidstore.errors import PersistentIdentifierError
from sqlalchemy.exc import NoResultFound

from ..proxies import current_multipart
from .commands import AS_JSON, LIMIT, multipart
from .printing import fail, one_line_errors, print_fields, text_of


@multipart.command()
@click.argument("name", metavar="FILE")
@LIMIT
@AS_JSON
@with_appcontext
def links(name: str, limit: int, as_json: bool) -> None:
    """Who uses the bytes of FILE: recid/key, the id of a file, or its URI."""
    with one_line_errors():
        found = current_multipart.overview.links(name, limit)
    for file in found:
        if as_json:
            click.echo(json.dumps(file, default=text_of))
        else:
            print_fields(file)


@multipart.command()
@click.argument("draft")
@click.argument("url")
@click.option(
    "--as",
    "key",
    metavar="KEY",
    help="Key of the file; of a folder, the folder its objects go to.  [default: the "
    "object's own name]",
)
@click.option("--version-id", help="Of the object; the newest by default.")
@AS_JSON
@with_appcontext
def adopt(
    draft: str, url: str, key: str | None, version_id: str | None, as_json: bool
) -> None:
    """Link the object of URL, or all below a folder, into DRAFT (a record's id).

    URL is s3://bucket/key, or s3://bucket/folder/ with a slash at its end, below one of
    the places that MULTIPART_LINK_LOCATIONS names. The objects stay where they are.
    """
    wanted: dict[str, Any] = {"url": url}
    wanted["key"] = url.rpartition("/")[2] if key is None else key
    if version_id is not None:
        wanted["version_id"] = version_id
    with one_line_errors():
        try:
            made = current_multipart.links.link(
                system_identity, draft, {"files": [wanted]}
            )
        except (PersistentIdentifierError, NoResultFound):
            fail(f"There is no draft {draft}.")
    for file in made["files"]:
        size = text_of(file["size"])
        line = json.dumps(file) if as_json else f"{size:>18}  {file['key']}"
        click.echo(line)
    if not as_json:
        click.echo(f"{made['total']} linked.")
