# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Move a draft's files to its new record by a few statements, however many they are.

Upstream writes entry after entry, and looks at all of them before each: a thousand
files take two minutes, and the time grows with the square of their number.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from invenio_db import db
from invenio_files_rest.models import ObjectVersion
from sqlalchemy import insert, literal, select
from sqlalchemy.orm import joinedload
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy_continuum import Operation, version_class, versioning_manager
from sqlalchemy_continuum.utils import is_versioned

from .bulk import insert_many
from .models import utc_now

Versions = Mapping[uuid.UUID, ObjectVersion]
"""Object versions by their ids."""


def move_at_once(draft_files: Any, record_files: Any) -> None:
    """Have it done so when upstream asks for it, in this publication.

    :param draft_files: files manager of the draft.
    :param record_files: of the record that is made of it, which has no files yet.
    """
    upstream = record_files.copy

    def copy(src_files: Any, copy_obj: bool = True) -> None:
        if copy_obj or src_files is not draft_files or not src_files.enabled:
            upstream(src_files, copy_obj=copy_obj)
        else:
            _move(draft_files, record_files, versions)

    versions = _fetch_versions(draft_files)
    record_files.copy = copy


def _fetch_versions(files: Any) -> Versions:
    """Read the object versions of all entries at once; upstream reads one by one.

    They are taken out of the session, which would read each again after its commit, and
    nobody changes them.
    """
    db.session.flush()
    query = (
        select(ObjectVersion)
        .where(ObjectVersion.bucket_id == files.bucket_id)
        .options(joinedload(ObjectVersion.file))
        # Of a file that was folded just now, upstream has read the bytes it had before.
        .execution_options(populate_existing=True)
    )
    versions: dict[uuid.UUID, ObjectVersion] = {}
    for version in db.session.execute(query).scalars().all():
        versions[version.version_id] = version
        _take_out(version, bucket=files.bucket)
    for version in versions.values():
        if version.file is not None and version.file in db.session:
            db.session.expunge(version.file)
    for entry in files.values():
        version = versions.get(entry.object_version_id)
        if version is not None:
            set_committed_value(entry.model, "object_version", version)
    return versions


def _move(source: Any, target: Any, versions: Versions) -> None:
    """From table to table: what upstream has read may be older than our turn.

    A file that was folded since would lose where it came from.
    """
    target.enabled = True
    model, record_id, now = target.file_cls.model_cls, target.record.id, utc_now()
    drafts = source.file_cls.model_cls
    query = select(drafts.key, drafts.json, drafts.object_version_id).where(
        drafts.record_id == source.record.id, drafts.json.isnot(None)
    )
    rows: Sequence[Mapping[str, Any]] = [
        {"id": uuid.uuid4(), **row}
        for row in db.session.execute(query).mappings()
        # One that has come since has not been looked at by upstream.
        if row["key"] in source
    ]
    insert_many(
        model.__table__,
        rows,
        record_id=record_id,
        version_id=1,
        created=now,
        updated=now,
    )
    _write_history(model, record_id)
    target._entries = _entries_of(target, versions)
    target.default_preview = source.default_preview
    target.order = source.order


def _write_history(model: Any, record_id: uuid.UUID) -> None:
    """What upstream's history of entries would have of them."""
    if not is_versioned(model):
        return
    session = db.session()
    unit = versioning_manager.unit_of_work(session)
    transaction = unit.current_transaction or unit.create_transaction(session)
    table, history = model.__table__, version_class(model).__table__
    names = [column.name for column in table.c if column.name in history.c]
    rows = select(
        *(table.c[name] for name in names),
        literal(transaction.id),
        literal(Operation.INSERT),
    ).where(table.c.record_id == record_id)
    columns = [*names, "transaction_id", "operation_type"]
    db.session.execute(insert(history).from_select(columns, rows))


def _entries_of(target: Any, versions: Versions) -> Mapping[str, Any]:
    """The new entries, out of the session: it would look at each before each write."""
    cls = target.file_cls
    query = select(cls.model_cls).where(cls.model_cls.record_id == target.record.id)
    found = {}
    for row in db.session.execute(query).scalars().all():
        version = versions.get(row.object_version_id)
        _take_out(row, object_version=version, record=target.record.model)
        found[row.key] = cls(row.data, model=row)
    return found


def _take_out(row: Any, **related: Any) -> None:
    """Take a row out of the session, with what is read of others through it."""
    db.session.expunge(row)
    for name, value in related.items():
        set_committed_value(row, name, value)
