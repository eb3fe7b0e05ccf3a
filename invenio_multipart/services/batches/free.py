# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Give back the bytes of files that nothing uses any more.

The database knows best who uses a file: each use is a row with a foreign key to it. So
a file goes in one transaction that locks its row, so that nobody can begin to use it,
takes our uses away, deletes the row unless others are left, then deletes the bytes,
and only then commits. Wherever that breaks off, the rows are as they were, and name
what is to be deleted the next time.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from flask import current_app
from invenio_db import db
from invenio_files_rest.models import FileInstance, ObjectVersion
from sqlalchemy import delete, exists, select
from sqlalchemy.exc import IntegrityError

from ...storage.base import MultipartUploadMixin

_AT_ONCE = 50
"""Files in one transaction, whose rows are locked while the store deletes them."""


@dataclass
class Freed:
    """What has become of the files.

    :param files: how many are gone.
    :param size: their bytes.
    :param shared: how many stay, because somebody else uses them.
    """

    files: int = 0
    size: int = 0
    shared: int = 0


def free_files(
    file_ids: Iterable[uuid.UUID],
    uses: Callable[[Collection[uuid.UUID]], Any],
    advance: Callable[[int, int], None] | None = None,
) -> Freed:
    """Take our uses of files away, and the files that nobody else uses.

    Commits transactions of its own, each of a few files.

    :param uses: the condition, given file ids, for the rows of
        :class:`~invenio_files_rest.models.ObjectVersion` that are ours to delete.
        No file entry may refer to them any more.
    :param advance: told, now and then, how many files are done, and of how many.
    :raises StorageUnavailable: the store does not answer; what is done stays done.
    """
    # In one order for all, so that no two wait for each other.
    ids, freed = sorted(set(file_ids)), Freed()
    for start in range(0, len(ids), _AT_ONCE):
        some = ids[start : start + _AT_ONCE]
        _free_some(some, uses(some), freed)
        db.session.commit()
        if advance is not None:
            advance(start + len(some), len(ids))
    return freed


def _free_some(ids: Sequence[uuid.UUID], ours: Any, freed: Freed) -> None:
    query = select(FileInstance).where(FileInstance.id.in_(ids))
    query = query.order_by(FileInstance.id).with_for_update()
    instances = db.session.execute(query).scalars().all()
    db.session.execute(
        delete(ObjectVersion).where(ours).execution_options(synchronize_session=False)
    )
    for instance in instances:
        if _delete_row(instance.id):
            _delete_bytes(instance)
            freed.files += 1
            freed.size += instance.size or 0
        else:
            freed.shared += 1
        db.session.expunge(instance)


def _delete_row(file_id: uuid.UUID) -> bool:
    """Delete the file's row; False when it is used."""
    used = exists().where(ObjectVersion.file_id == file_id)
    statement = delete(FileInstance).where(FileInstance.id == file_id, ~used)
    try:
        # Tables we do not know may refer to it, too: their foreign keys say so.
        with db.session.begin_nested():
            found = db.session.execute(
                statement.execution_options(synchronize_session=False)
            )
    except IntegrityError:
        current_app.logger.info("File %s is used outside of buckets.", file_id)
        return False
    return bool(found.rowcount)


def _delete_bytes(instance: FileInstance) -> None:
    if not instance.uri:
        return
    storage = instance.storage()
    if isinstance(storage, MultipartUploadMixin):
        storage.remove_object()
        return
    try:
        storage.delete()
    except FileNotFoundError:
        current_app.logger.info("File %s had no bytes.", instance.id)
