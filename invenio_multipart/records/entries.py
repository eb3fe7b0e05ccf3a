# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""File entries of a draft, thousands at once."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from invenio_db import db
from sqlalchemy import delete, func, select

from .bulk import chunks, insert_many
from .models import utc_now


def present(model: Any, record_id: uuid.UUID, keys: Collection[str]) -> Sequence[Any]:
    """Rows of the draft's file entries that have one of these keys."""
    found: list[Any] = []
    for some in chunks(keys):
        query = select(model).where(model.record_id == record_id, model.key.in_(some))
        found += db.session.execute(query).scalars().all()
    return found


def count(model: Any, record_id: uuid.UUID) -> int:
    """How many files the draft has, pending ones included."""
    query = select(func.count()).where(
        model.record_id == record_id, model.json.isnot(None)
    )
    return int(db.session.execute(query).scalar_one())


def add(
    model: Any,
    record_id: uuid.UUID,
    entries: Mapping[str, Mapping[str, Any]],
    versions: Mapping[str, uuid.UUID] | None = None,
) -> None:
    """File entries of a draft, as upstream writes them one by one.

    :param model: table of the draft's file entries.
    :param entries: their JSON by key; none of the keys has an entry yet.
    :param versions: object versions by key, of all; None while the files are pending.
    """
    now = utc_now()
    insert_many(
        model.__table__,
        [
            {
                "id": uuid.uuid4(),
                "key": key,
                "json": dict(json),
                "object_version_id": versions[key] if versions else None,
            }
            for key, json in entries.items()
        ],
        record_id=record_id,
        version_id=1,
        created=now,
        updated=now,
    )


def drop_pending(model: Any, record_id: uuid.UUID, keys: Collection[str]) -> None:
    """Take pending entries out of the draft; finished files stay."""
    for some in chunks(keys):
        db.session.execute(
            delete(model)
            .where(
                model.record_id == record_id,
                model.key.in_(some),
                model.object_version_id.is_(None),
            )
            .execution_options(synchronize_session="fetch")
        )
