# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Files whose last use may have ended, and whose task was lost."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from invenio_db.uow import UnitOfWork

from ...records import uses
from ...records.models import utc_now
from ..free import free_noted
from .walk import PATIENCE, Found, Rule


def _noted(at: Any, limit: int) -> Sequence[Found]:
    """What is noted is all there is to look at, however large the repository."""
    rows = uses.ended(at or 0, limit, before=utc_now() - PATIENCE)
    return [
        Found(
            "file",
            str(row.file_id),
            "free" if row.uri else "look after",
            "nothing uses it" if row.uri else "a use of it has ended",
            uri=row.uri or "",
            size=row.size or 0,
            at=row.id,
        )
        for row in rows
    ]


def _free(found: Found, uow: UnitOfWork) -> bool:
    return bool(free_noted([uuid.UUID(found.id)]).files)


RULES = (Rule("files_freed", _noted, _free),)
