# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What the doctor says about places whose objects may be linked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from flask import current_app
from invenio_db import db
from invenio_files_rest.models import Location

from ..core.adopted import ObjectAddress, is_below, parse_address
from ..errors import InvalidLink, StorageError, StorageUnavailable
from ..records.adopted import count_problems
from .findings import Finding


def examine_links() -> Iterator[Finding]:
    """One finding for each question about each place, and one about the objects."""
    places = current_app.config["MULTIPART_LINK_LOCATIONS"] or []
    locations = [location.uri for location in Location.query]
    # Neither locks nor connections are kept while a store is asked.
    db.session.rollback()
    for place in places:
        yield _place(place, locations)
    problems = count_problems()
    if problems:
        yield Finding(
            f"{problems} linked objects are gone or have changed; their files are "
            "withdrawn. The log names them: multipart.object.",
            ok=False,
        )


def _place(place: str, locations: Sequence[str]) -> Finding:
    where = f"Objects of {place}"
    try:
        folder = parse_address(f"{place.rstrip('/')}/")
    except InvalidLink:
        text = f"{where} cannot be linked: write s3://bucket or s3://bucket/folder/."
        return Finding(text, ok=False)
    for uri in locations:
        if _overlap(folder, uri):
            return Finding(
                f"{where} may be linked, and files are stored at {uri}: whoever may "
                "link could read other people's files. Keep them apart.",
                ok=False,
            )
    return _asked(where, folder)


def _overlap(folder: ObjectAddress, uri: str) -> bool:
    """Whether the place holds files of a location."""
    try:
        return is_below(parse_address(f"{uri.rstrip('/')}/"), [folder.url])
    except InvalidLink:
        # A local one.
        return False


def _asked(where: str, folder: ObjectAddress) -> Finding:
    # As below: sites with local files only do not install what it needs.
    from ..storage.found import list_folder
    from ..storage.versions import keeps_versions

    try:
        next(list_folder(folder), None)
        versions = keeps_versions(folder.url)
    except StorageUnavailable:
        return Finding(f"{where}: the store cannot be reached.", ok=False)
    except StorageError as error:
        return Finding(f"{where} cannot be listed: {error.message}", ok=False)
    if versions:
        return Finding(f"{where} may be linked, in all their versions.", ok=True)
    return Finding(
        f"{where} may be linked. The bucket keeps no versions: what changes there is "
        "withdrawn, and lost.",
        ok=None,
    )
