# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Queries of uploads and parts."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from invenio_db import db
from sqlalchemy import ARRAY, cast, delete, func, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite

from ..core.ledger import PartLedger, RegisteredPart
from ..core.states import OPEN
from .locks import unless_busy
from .models import Part, Upload, utc_now

_PARTS = Part.__table__
_OPEN = tuple(state.value for state in OPEN)


def by_file(file_id: uuid.UUID) -> Upload | None:
    """The upload that made this file instance, None for files of other ways."""
    query = select(Upload).where(Upload.file_id == file_id)
    found: Upload | None = db.session.execute(query).scalar_one_or_none()
    return found


def locked(upload_id: uuid.UUID, *, wait: bool = True) -> Upload | None:
    """The upload with its row locked until the transaction ends, read afresh.

    The lock is what makes a commit, an abort and the reaper take turns; a process
    that dies gives it back at once.

    :param wait: whether to wait for another holder.
    :raises StateConflict: when it is held and ``wait`` is off.
    """
    query = select(Upload).where(Upload.id == upload_id)
    query = query.with_for_update(nowait=not wait)
    query = query.execution_options(populate_existing=True)
    with unless_busy("The upload is busy; try again."):
        found: Upload | None = db.session.execute(query).scalar_one_or_none()
    return found


def open_of_record(record_id: uuid.UUID) -> Sequence[Upload]:
    """Open uploads of a draft, row-locked, in one order so that no two deadlock."""
    query = (
        select(Upload)
        .where(Upload.record_id == record_id, Upload.state.in_(_OPEN))
        .order_by(Upload.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return db.session.execute(query).scalars().all()


def read_batches(
    upload_ids: Sequence[uuid.UUID],
) -> Sequence[tuple[uuid.UUID, uuid.UUID]]:
    """Batches of these uploads of which nothing is left to read, and their records."""
    mine = select(Upload.batch_id).where(
        Upload.id.in_(upload_ids), Upload.batch_id.isnot(None)
    )
    unread = select(Upload.batch_id).where(
        Upload.batch_id.in_(mine), Upload.hash_states.isnot(None)
    )
    query = select(Upload.batch_id, Upload.record_id).where(
        Upload.batch_id.in_(mine), Upload.batch_id.not_in(unread)
    )
    return [tuple(row) for row in db.session.execute(query.distinct())]


def touch(upload_ids: Sequence[uuid.UUID]) -> None:
    """Mark uploads as looked after just now."""
    statement = update(Upload).where(Upload.id.in_(upload_ids))
    db.session.execute(statement.values(updated=utc_now()))


def registered_parts(upload_id: uuid.UUID) -> dict[int, RegisteredPart]:
    """What clients announced, by number."""
    query = select(Part.number, Part.size, Part.md5).where(Part.upload_id == upload_id)
    return {
        number: RegisteredPart(number, size, md5)
        for number, size, md5 in db.session.execute(query.order_by(Part.number))
    }


def ledger_of(upload: Upload) -> PartLedger:
    """The plan with what was registered."""
    return PartLedger(upload.plan, registered_parts(upload.id))


def register_parts(upload_id: uuid.UUID, parts: Iterable[RegisteredPart]) -> None:
    """Record or replace announcements, all in one statement.

    Of two with the same number the later counts. Rows are written in order of
    their numbers, so that parallel calls of one upload wait for each other
    instead of deadlocking.
    """
    last = {part.number: part for part in parts}
    rows = [
        {"upload_id": upload_id, "number": n, "size": last[n].size, "md5": last[n].md5}
        for n in sorted(last)
    ]
    if not rows:
        return
    if db.session.get_bind().dialect.name == "sqlite":
        db.session.execute(_or_replace(sqlite.insert(_PARTS)), rows)
    else:
        db.session.execute(_or_replace(_insert_arrays(upload_id, rows)))


def drop_parts(upload_ids: Sequence[uuid.UUID]) -> None:
    """Forget the announcements of uploads that are over."""
    if upload_ids:
        db.session.execute(delete(Part).where(Part.upload_id.in_(upload_ids)))


def save_progress(
    upload_id: uuid.UUID,
    made_on: datetime,
    offset: int,
    states: dict[str, str] | None,
) -> None:
    """Remember how far a verification of the object made then has read."""
    db.session.execute(
        update(Upload)
        .where(Upload.id == upload_id, Upload.completed_on == made_on)
        .values(hash_offset=offset, hash_states=states)
    )


def _insert_arrays(
    upload_id: uuid.UUID, rows: Sequence[dict[str, Any]]
) -> postgresql.Insert:
    """All rows as three arrays: one statement of one size, ten times as fast."""
    names = ["number", "size", "md5"]
    arrays = [
        cast([row[name] for row in rows], ARRAY(_PARTS.c[name].type)) for name in names
    ]
    source = func.unnest(*arrays).table_valued(*names).render_derived()
    query = select(literal(upload_id, _PARTS.c.upload_id.type), *source.c)
    return postgresql.insert(_PARTS).from_select(["upload_id", *names], query)


def _or_replace(insert: Any) -> Any:
    return insert.on_conflict_do_update(
        index_elements=["upload_id", "number"],
        set_={"size": insert.excluded.size, "md5": insert.excluded.md5},
    )
