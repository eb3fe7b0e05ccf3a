# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The files of a record page by page, at the cost of the page."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from invenio_db import db
from invenio_files_rest.models import FileInstance, ObjectVersion
from sqlalchemy import func, inspect, select
from sqlalchemy.orm import joinedload

from .bulk import chunks


class Contained(NamedTuple):
    """A file of a record, and where its bytes are.

    :param transfer: transfer type, ``L`` for what is here.
    :param version_id: of its object; None while it is pending.
    :param size: bytes; what was announced of a pending file, None if nothing was.
    :param checksum: ``algorithm:hex`` as upstream shows it, None while it has none.
    :param uri: None while it is pending.
    """

    key: str
    transfer: str
    version_id: uuid.UUID | None
    size: int | None
    checksum: str | None
    uri: str | None
    storage_class: str | None
    readable: bool


def page_of_files(
    model: Any, record_id: uuid.UUID, after: str | None, limit: int
) -> Sequence[Contained]:
    """Files in the order of their keys, as the database sorts them.

    :param model: table of the record's, or draft's, file entries.
    :param after: the last key of the page before, None to begin.
    """
    query = (
        select(
            model.key,
            func.coalesce(model.json[("transfer", "type")].as_string(), "L"),
            model.object_version_id,
            func.coalesce(FileInstance.size, model.json["size"].as_integer()),
            FileInstance.checksum,
            FileInstance.uri,
            FileInstance.storage_class,
            func.coalesce(FileInstance.readable, False),
        )
        .select_from(model)
        .outerjoin(ObjectVersion, ObjectVersion.version_id == model.object_version_id)
        .outerjoin(FileInstance, FileInstance.id == ObjectVersion.file_id)
        .where(model.record_id == record_id, model.json.isnot(None))
        .order_by(model.key)
        .limit(limit)
    )
    if after is not None:
        query = query.where(model.key > after)
    return [Contained(*row) for row in db.session.execute(query)]


def object_versions(ids: Sequence[uuid.UUID]) -> Sequence[Any]:
    """Upstream's objects of these ids and their files, in no order."""
    found: list[Any] = []
    for some in chunks(ids):
        query = (
            select(ObjectVersion)
            .options(joinedload(ObjectVersion.file))
            .where(ObjectVersion.version_id.in_(some))
        )
        found.extend(db.session.execute(query).scalars())
    return found


def load_at_once(file_records: Collection[Any]) -> None:
    """Read the rows that these files are made of, where upstream reads three of each.

    :param file_records: upstream's entries of a record or draft.
    """
    models = [file_record.model for file_record in file_records]
    # Those that were made of a search hit, or deleted, have no row to read.
    states = [inspect(model) for model in models if model is not None]
    states = [state for state in states if state.persistent]
    # After a commit the session reads everything anew.
    expired = [state for state in states if state.expired]
    for some in chunks(state.identity[0] for state in expired):
        table = expired[0].class_
        db.session.execute(select(table).where(table.id.in_(some))).scalars().all()
    # Another request may have deleted some meanwhile.
    models = [state.object for state in states if not state.expired]
    ids = {model.object_version_id for model in models} - {None}
    # The session forgets what nobody holds.
    held = object_versions(sorted(ids))
    for model in models:
        # From here on the entry holds it.
        _ = model.object_version
    del held
