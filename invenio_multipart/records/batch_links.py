# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Queries of a batch's link entries: thousands in a handful of statements."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from invenio_db import db
from invenio_files_rest.models import FileInstance, ObjectVersion
from sqlalchemy import delete, func, select, union, update

from ..core.states import BATCH_OPEN, UploadState
from . import uses
from .bulk import change, insert_many, update_many
from .locks import unless_busy
from .models import Batch, BatchLink, Upload

_MADE = UploadState.COMMITTING.value
_OPEN = (UploadState.INITIATED.value, _MADE)


class EntryToLink(NamedTuple):
    """A link entry of a batch, as plain values.

    :param version_id: None until the link is made.
    :param readable: whether the linked bytes may be read; None until it is made.
    """

    key: str
    target_record: str
    target_key: str
    size: int
    checksum: str | None
    state: str
    version_id: uuid.UUID | None
    origin: Mapping[str, Any] | None
    readable: bool | None = None


_COLUMNS = (
    *(getattr(BatchLink, name) for name in EntryToLink._fields[:-1]),
    FileInstance.readable,
)


def insert(batch_id: uuid.UUID, rows: Sequence[Mapping[str, Any]]) -> None:
    """New link entries.

    :param rows: key, target_record, target_key, size and checksum of each.
    """
    if rows:
        state = UploadState.INITIATED.value
        insert_many(BatchLink.__table__, rows, batch_id=batch_id, state=state)


def forget_ended(batch_id: uuid.UUID, keys: Collection[str]) -> None:
    """Remove entries of these keys that ended without a file."""
    db.session.execute(
        delete(BatchLink).where(
            BatchLink.batch_id == batch_id,
            BatchLink.key.in_(keys),
            BatchLink.state.not_in(_OPEN),
        )
    )


def open_links(
    batch_id: uuid.UUID, *, key: str | None = None, lock: bool = False
) -> Sequence[EntryToLink]:
    """Entries that have not ended, in the order of their keys.

    :param key: this one only.
    :param lock: whether to lock their rows until the transaction ends.
    """
    query = _entries(batch_id).where(BatchLink.state.in_(_OPEN))
    if key is not None:
        query = query.where(BatchLink.key == key)
    query = query.order_by(BatchLink.key)
    if lock:
        query = query.with_for_update(of=BatchLink)
    return [EntryToLink._make(row) for row in db.session.execute(query)]


def of_keys(batch_id: uuid.UUID, keys: Collection[str]) -> Sequence[EntryToLink]:
    """Those of a batch's link entries that have these keys, however they ended."""
    query = _entries(batch_id).where(BatchLink.key.in_(keys))
    return [EntryToLink._make(row) for row in db.session.execute(query)]


def _entries(batch_id: uuid.UUID) -> Any:
    return (
        select(*_COLUMNS)
        .outerjoin(ObjectVersion, ObjectVersion.version_id == BatchLink.version_id)
        .outerjoin(FileInstance, FileInstance.id == ObjectVersion.file_id)
        .where(BatchLink.batch_id == batch_id)
    )


def locked(batch_id: uuid.UUID, record_id: uuid.UUID, key: str) -> BatchLink | None:
    """An open entry of a draft's open batch, its row locked; None without one.

    :raises StateConflict: another request is at it. This one does not wait.
    """
    query = (
        select(BatchLink)
        .join(Batch, Batch.id == BatchLink.batch_id)
        .where(
            BatchLink.batch_id == batch_id,
            BatchLink.key == key,
            BatchLink.state.in_(_OPEN),
            Batch.record_id == record_id,
            Batch.state.in_([state.value for state in BATCH_OPEN]),
        )
        .with_for_update(nowait=True, of=BatchLink)
        .execution_options(populate_existing=True)
    )
    with unless_busy("The link is just being made; try again."):
        found: BatchLink | None = db.session.execute(query).scalar_one_or_none()
    return found


def mark_made(batch_id: uuid.UUID, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write down that links are made.

    :param rows: key, version_id and origin of each.
    """
    table = BatchLink.__table__
    update_many(table, rows, table.c.batch_id == batch_id, by="key", state=_MADE)


def end(batch_id: uuid.UUID, target: UploadState, *, key: str | None = None) -> None:
    """End open entries without files: what was linked is not used here any more.

    The caller holds their locks, and gives quota and file entries back.

    :param key: this one only.
    """
    mine = [BatchLink.batch_id == batch_id, BatchLink.state.in_(_OPEN)]
    if key is not None:
        mine.append(BatchLink.key == key)
    versions = select(BatchLink.version_id).where(
        *mine, BatchLink.version_id.isnot(None)
    )
    uses.drop_versions(ObjectVersion.version_id.in_(versions))
    change(update(BatchLink).where(*mine).values(state=target.value, version_id=None))


def complete(batch_id: uuid.UUID) -> None:
    """Say that all open entries are files now."""
    change(
        update(BatchLink)
        .where(BatchLink.batch_id == batch_id, BatchLink.state.in_(_OPEN))
        .values(state=UploadState.COMPLETED.value)
    )


def progress(batch_id: uuid.UUID) -> dict[str, int]:
    """Number of a batch's link entries by state."""
    query = (
        select(BatchLink.state, func.count())
        .where(BatchLink.batch_id == batch_id)
        .group_by(BatchLink.state)
    )
    return {row[0]: row[1] for row in db.session.execute(query)}


def keys_of(batch_id: uuid.UUID) -> Any:
    """A query for the keys of all that a batch has announced, files and links."""
    return union(
        *(
            select(model.key).where(model.batch_id == batch_id)
            for model in (Upload, BatchLink)
        )
    )
