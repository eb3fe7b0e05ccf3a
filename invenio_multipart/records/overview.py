# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Queries for operators' eyes: a few rows of many, found by an index."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from invenio_db import db
from sqlalchemy import and_, or_, select

from ..core.states import BATCH_OPEN, JOB_OPEN, OPEN, BatchState, UploadState
from .models import Batch, BatchLink, Job, Upload

UPLOAD_STATES = frozenset(state.value for state in UploadState)
BATCH_STATES = frozenset(state.value for state in BatchState)


def uploads(state: str | None, limit: int) -> Sequence[Upload]:
    """Uploads of no batch, the next deadline first.

    :param state: None for those that hold something: open ones, and ended ones whose
        store is not freed.
    """
    if state is not None:
        wanted: Any = Upload.state == state
    else:
        wanted = _holding(Upload, UploadState, OPEN)
    query = select(Upload).where(wanted, Upload.batch_id.is_(None))
    return _first(query.order_by(Upload.expires_at), limit)


def batches(state: str | None, limit: int) -> Sequence[Batch]:
    """Batches, the next deadline first.

    :param state: as for uploads.
    """
    if state is not None:
        wanted: Any = Batch.state == state
    else:
        wanted = _holding(Batch, BatchState, BATCH_OPEN)
    query = select(Batch).where(wanted)
    return _first(query.order_by(Batch.complete_before), limit)


def links_of_batch(batch_id: uuid.UUID, limit: int) -> Sequence[BatchLink]:
    """Link entries of a batch in the order of their keys, however they ended."""
    query = select(BatchLink).where(BatchLink.batch_id == batch_id)
    return _first(query.order_by(BatchLink.key), limit)


def jobs(status: str | None, limit: int) -> Sequence[Job]:
    """Jobs, the next due first.

    :param status: None for open ones.
    """
    if status is not None:
        query = select(Job).where(Job.status == status)
        return _first(query.order_by(Job.created.desc()), limit)
    query = select(Job).where(Job.status.in_([status.value for status in JOB_OPEN]))
    return _first(query.order_by(Job.due_at), limit)


def _holding(model: Any, states: Any, open_: Any) -> Any:
    unpurged = and_(
        model.state.in_([states.ABORTED.value, states.EXPIRED.value]),
        model.purged_on.is_(None),
    )
    return or_(model.state.in_([state.value for state in open_]), unpurged)


def _first(query: Any, limit: int) -> Sequence[Any]:
    query = query.limit(limit).execution_options(populate_existing=True)
    return db.session.execute(query).scalars().all()
