# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Look at linked objects that belong to others: what has changed is withdrawn.

Some hundreds are one thing to do, the ones not looked at for the longest time first.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from flask import current_app
from invenio_db import db
from invenio_db.uow import UnitOfWork

from ...core.adopted import ObjectAddress
from ...records import adopted
from ...records.adopted import AdoptedFile
from ...records.models import utc_now
from .. import audit
from .walk import Found, Rule

_AT_ONCE = 500
"""Objects in one transaction."""

_PAGES = 20
"""Pages of one run; the next run goes on."""


def _due(at: Any, limit: int) -> Sequence[Found]:
    """One page, as one thing to do. ``at`` has the number of the page, too."""
    number, after = at or (0, None)
    page = _page(after) if number < _PAGES else []
    if not page:
        return ()
    last = (page[-1].checked_on, page[-1].file_id)
    what = f"{len(page)} from {page[0].file_id} on"
    size = sum(file.size for file in page)
    reason = "not looked at for MULTIPART_LINK_CHECK_SECONDS"
    found = Found("objects", what, "check", reason, size=size, at=(number + 1, last))
    return (found,)


def _page(after: adopted.After | None) -> list[AdoptedFile]:
    seconds = current_app.config["MULTIPART_LINK_CHECK_SECONDS"]
    if not seconds:
        return []
    before = utc_now() - timedelta(seconds=seconds)
    return adopted.unchecked(before, after, _AT_ONCE)


def _check(found: Found, uow: UnitOfWork) -> int:
    """Look at the objects that are due now; how many there were."""
    # Sites with local files only do not install what it needs.
    from ...storage.found import look_at

    files = _page(None)
    # The connection goes back to the pool while the store is asked.
    db.session.rollback()
    seen = look_at([ObjectAddress.from_uri(file.uri) for file in files])
    problems = {
        file.file_id: file.expected.difference(now) if file.expected else None
        for file, now in zip(files, seen)
    }
    adopted.record_look(problems)
    for file in files:
        _tell(file, problems[file.file_id])
    return len(files)


def _tell(file: AdoptedFile, problem: str | None) -> None:
    """A line in the log for what was not so the last time."""
    if problem == file.problem:
        return
    file_id: uuid.UUID = file.file_id
    line = {"file": str(file_id), "uri": file.uri, "was": file.problem, "is": problem}
    audit.log("object", line)
    if problem is not None:
        current_app.logger.warning(
            "A linked object has changed, its files are withdrawn: %s %s",
            file.uri,
            problem,
        )


RULES = (Rule("objects_checked", _due, _check),)
