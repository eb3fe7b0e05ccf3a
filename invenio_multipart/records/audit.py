# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Queries of removals and of bookmarks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from invenio_db import db
from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite

from .models import Bookmark, Removal, utc_now


def removals_of(subject: str) -> Sequence[Removal]:
    """What was removed under this id, the latest first."""
    query = select(Removal).where(Removal.subject == subject)
    query = query.order_by(Removal.removed_on.desc())
    return db.session.execute(query).scalars().all()


def latest(limit: int) -> Sequence[Removal]:
    """What was removed last, the latest first."""
    query = select(Removal).order_by(Removal.removed_on.desc()).limit(limit)
    return db.session.execute(query).scalars().all()


def count_older(before: datetime, limit: int) -> int:
    """How many rows are older, counted up to ``limit``."""
    query = select(Removal.id).where(Removal.removed_on < before).limit(limit)
    return len(db.session.execute(query).all())


def forget(before: datetime, limit: int) -> int:
    """Drop rows that are older, at most so many; how many were dropped."""
    old = (
        select(Removal.id)
        .where(Removal.removed_on < before)
        .order_by(Removal.removed_on)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    ids = db.session.execute(old).scalars().all()
    if ids:
        statement = delete(Removal).where(Removal.id.in_(ids))
        db.session.execute(statement.execution_options(synchronize_session=False))
    return len(ids)


def bookmark(name: str) -> Bookmark | None:
    """What was remembered under this name, read afresh."""
    found: Bookmark | None = db.session.get(Bookmark, name, populate_existing=True)
    return found


def remember(name: str, value: Mapping[str, Any]) -> None:
    """Remember this under this name; of two at once the later stays."""
    sqlite_ = db.session.get_bind().dialect.name == "sqlite"
    insert: Any = (sqlite if sqlite_ else postgresql).insert(Bookmark)
    row = {"value": dict(value), "updated": utc_now()}
    statement = insert.values(name=name, **row)
    db.session.execute(
        statement.on_conflict_do_update(index_elements=["name"], set_=row)
    )
