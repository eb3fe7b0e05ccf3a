# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Jobs that ended long ago are forgotten, some hundreds as one thing to do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from invenio_db.uow import UnitOfWork

from ...records import ended_jobs
from ...records.models import utc_now
from .walk import MOST, Found, Rule

_AT_ONCE = 500
"""Jobs in one transaction."""


def _ended(at: Any, limit: int) -> Sequence[Found]:
    """What one run forgets, page by page. ``at`` has how many are left of it."""
    before = _before()
    if at is None:
        at = ended_jobs.count_older(before, MOST) if before else 0
    if at <= 0:
        return ()
    reason = "ended MULTIPART_JOBS_KEEP_SECONDS ago"
    rows = f"{min(at, _AT_ONCE)} rows"
    return (Found("jobs", rows, "forget", reason, at=at - _AT_ONCE),)


def _forget(found: Found, uow: UnitOfWork) -> int:
    before = _before()
    return ended_jobs.forget(before, _AT_ONCE) if before else 0


def _before() -> datetime | None:
    seconds = current_app.config["MULTIPART_JOBS_KEEP_SECONDS"]
    return utc_now() - timedelta(seconds=seconds) if seconds else None


RULES = (Rule("jobs_forgotten", _ended, _forget),)
