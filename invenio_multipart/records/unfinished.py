# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What is on its way: uploads of no batch, and batches, as one list.

In the order of deadlines, the next first. Each of the two has an index of its open rows
only, so a page costs what is in it, whatever else the tables hold.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Union

from invenio_db import db
from sqlalchemy import and_, case, func, literal_column, or_, select, true

from ..core.states import BATCH_OPEN
from .models import Batch, Upload
from .models.upload import UNFINISHED

Row = Union[Upload, Batch]


class Place(NamedTuple):
    """Where a page ends, and the next one begins: after this row.

    :param deadline: UTC.
    """

    deadline: datetime
    id: uuid.UUID


def place_of(row: Row) -> Place:
    """Where a row stands."""
    is_batch = isinstance(row, Batch)
    return Place(row.complete_before if is_batch else row.expires_at, row.id)


def page(
    created_by: str | None, state: str, after: Place | None, limit: int
) -> Sequence[Row]:
    """Uploads and batches that are not over, the next deadline first.

    :param created_by: id of an account; None for all accounts.
    :param state: only these; empty for all.
    """
    found: list[Row] = []
    for query, moment, id_ in _both(created_by, state):
        later = true()
        if after is not None:
            same = and_(moment == after.deadline, id_ > after.id)
            later = or_(moment > after.deadline, same)
        some = query.where(later).order_by(moment, id_).limit(limit)
        # Rows that are at hand may be old.
        some = some.execution_options(populate_existing=True)
        found += db.session.execute(some).scalars()
    return sorted(found, key=place_of)[:limit]


def count(created_by: str | None, state: str) -> int:
    """How many there are, in all pages."""
    return sum(
        db.session.execute(
            query.with_only_columns(func.count(id_)).order_by(None)
        ).scalar_one()
        for query, _, id_ in _both(created_by, state)
    )


def bytes_of_batches(batch_ids: Collection[uuid.UUID]) -> Mapping[uuid.UUID, int]:
    """Bytes that are known to be there, by batch.

    Whole objects are known of once a completion has looked for them.
    """
    if not batch_ids:
        return {}
    there = case(
        (Upload.completed_on.isnot(None), Upload.size),
        else_=Upload.uploaded_prefix_bytes,
    )
    query = (
        select(Upload.batch_id, func.sum(there))
        .where(Upload.batch_id.in_(batch_ids))
        .group_by(Upload.batch_id)
    )
    return {id_: int(size) for id_, size in db.session.execute(query)}


def _both(created_by: str | None, state: str) -> Sequence[tuple[Any, Any, Any]]:
    """For either table: the query, and what it is ordered by."""
    # As the index has it, to the letter: then it is used.
    uploads = select(Upload).where(literal_column(UNFINISHED))
    batches = select(Batch).where(Batch.state.in_([s.value for s in BATCH_OPEN]))
    if created_by is not None:
        uploads = uploads.where(Upload.created_by == created_by)
        batches = batches.where(Batch.created_by == created_by)
    if state:
        uploads = uploads.where(Upload.state == state)
        batches = batches.where(Batch.state == state)
    return (
        (uploads, Upload.expires_at, Upload.id),
        (batches, Batch.complete_before, Batch.id),
    )
