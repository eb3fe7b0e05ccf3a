# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Uploads in the store that no row names: begun, and then the database forgot them.

The ledger is what counts: an upload is opened only once its row is committed, so these
come from crashes of a database that lost its last transactions, and from restored ones.
They cost money until somebody finds them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from flask import current_app
from invenio_db import db
from invenio_db.uow import UnitOfWork
from invenio_files_rest.models import Location

from ...errors import StorageError, StorageUnavailable
from ...records import audit as rows
from ...records import leftovers, locks
from ...records.models import utc_now
from ...storage.factory import multipart_storage
from ..audit import UNKNOWN, stray_removed
from ..batches.end import GRACE
from .walk import Found, Rule

_PAGES = 10
"""Pages of a location that one run reads; the next run goes on where it ended."""


@dataclass
class Strays:
    """Finds strays, and says what could not be looked through.

    :param remembers: whether the next run goes on where this one ends; a dry run
        leaves no trace.
    """

    remembers: bool
    notes: list[str] = field(default_factory=list)

    @property
    def rule(self) -> Rule:
        """For the walk."""
        found = self._all()
        return Rule("strays", lambda _, limit: tuple(islice(found, limit)), _abort)

    def _all(self) -> Iterator[Found]:
        seconds = current_app.config["MULTIPART_STRAY_GRACE_SECONDS"]
        if seconds is None:
            return
        begun_before = utc_now() - timedelta(seconds=seconds)
        locations = Location.query.order_by(Location.name).all()
        uris = [(location.name, location.uri) for location in locations]
        for name, uri in uris:
            if uri.startswith("s3://"):
                yield from self._of_location(name, uri, begun_before)

    def _of_location(
        self, name: str, uri: str, begun_before: datetime
    ) -> Iterator[Found]:
        # Sites with local files only do not install what it needs.
        from ...storage.open_uploads import list_open_uploads

        bookmark = rows.bookmark(f"strays {name}")
        after = bookmark.value.get("after") if bookmark else None
        try:
            for _ in range(_PAGES):
                page = list_open_uploads(uri, after)
                old = [u for u in page.uploads if u.begun_on < begun_before]
                yield from _unknown(old)
                after = page.following
                if after is None:
                    break
        except StorageUnavailable as error:
            self.notes.append(f"Location {name}: {error.message}")
            return
        except StorageError as error:
            self.notes.append(
                f"Location {name} does not list its uploads ({error.message}); what "
                "the database knows is all that is cleaned up."
            )
            return
        if self.remembers and (after or bookmark):
            rows.remember(f"strays {name}", {"after": after})
            db.session.commit()


def _unknown(listed: Iterable[Any]) -> Sequence[Found]:
    """Those that have our layout, and that nobody knows or may be at work on."""
    ours = [u for u in listed if u.file_id or u.batch_id]
    files = {u.file_id for u in ours} - {None}
    batch_ids = {u.batch_id for u in ours} - {None}
    known = leftovers.known_files(files)
    foreign = leftovers.foreign_files(files)
    live = leftovers.live_batches(batch_ids, utc_now() - 2 * GRACE)
    return [
        Found(
            "stray",
            upload.ref,
            "abort",
            UNKNOWN,
            key=upload.path,
            uri=upload.uri,
        )
        for upload in ours
        if upload.batch_id not in live
        and upload.file_id not in foreign
        and (upload.file_id is None or known.get(upload.file_id) != upload.ref)
    ]


def _abort(found: Found, uow: UnitOfWork) -> bool:
    with locks.held(f"stray {found.id}"):
        if rows.removals_of(found.id):
            # Another reaper was faster.
            return False
        multipart_storage(found.uri, 0).abort_upload(found.id)
        stray_removed(found.uri, found.id, found.key or "", uow)
    return True
