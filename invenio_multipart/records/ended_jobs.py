# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Forget jobs that ended long ago. Nothing here commits."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import datetime

from invenio_db import db
from sqlalchemy import Select, delete, func, select, text, update

from .bulk import change
from .models import FORGETTABLE, Batch, Job

_NAMED_BY_BATCH = (Batch.complete_job_id, Batch.purge_job_id, Batch.expires_job_id)


def count_older(before: datetime, limit: int) -> int:
    """How many jobs ended before a moment and may be forgotten, ``limit`` at most."""
    query = select(func.count()).select_from(_older(before, limit).subquery())
    return int(db.session.execute(query).scalar_one())


def forget(before: datetime, limit: int) -> int:
    """Delete those that ended first, ``limit`` at most; how many it were.

    Rows that somebody else has locked are passed by. Batches do not name them any more.
    """
    found = _older(before, limit).with_for_update(skip_locked=True, of=Job)
    rows = db.session.execute(found).all()
    ids = [row.id for row in rows]
    if ids:
        _take_out({row.batch_id for row in rows if row.batch_id is not None}, ids)
        change(delete(Job).where(Job.id.in_(ids)))
    return len(ids)


def _older(before: datetime, limit: int) -> Select[tuple[uuid.UUID, uuid.UUID | None]]:
    return (
        select(Job.id, Job.batch_id)
        # In the words of the index, or the database does not see that it may use it.
        .where(text(FORGETTABLE), Job.date_done < before)
        .order_by(Job.date_done)
        .limit(limit)
    )


def _take_out(batch_ids: Collection[uuid.UUID], ids: Collection[uuid.UUID]) -> None:
    for name in _NAMED_BY_BATCH:
        change(
            update(Batch)
            .where(Batch.id.in_(batch_ids), name.in_(ids))
            # It is nothing that has happened to the batch.
            .values({name: None, Batch.updated: Batch.updated})
        )
