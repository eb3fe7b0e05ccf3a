# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Give back the bytes of files that nothing uses any more.

Each step is a transaction of its own, and what is left to do is always written down:

1. A use ends, and the file is noted, by whoever ends it.
2. Of a noted file that nobody uses the row goes, and the place of its bytes is noted.
3. The bytes go, then the note.

A worker that dies in between is followed by another one, at the latest the reaper.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any

from flask import current_app
from invenio_db import db
from invenio_db.uow import UnitOfWork
from invenio_files_rest.proxies import current_files_rest

from ..errors import StorageError, StorageUnavailable
from ..records import quota, uses
from ..records.uses import Ended
from ..storage.base import MultipartUploadMixin
from ..tasks import free_files as free_files_task
from .uploads.abort import QueueOp

_AT_ONCE = 500
"""Notes in one transaction; nothing in it waits for the store."""

_DROPPED_AT_ONCE = 50


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


def end_entries(
    files: Any, uow: UnitOfWork, keys: Collection[str] | None = None
) -> None:
    """What a draft's bucket holds without a file entry is used no more.

    Its bytes are free again in the quota now, and in the store after the commit.

    :param files: upstream's manager of the draft's files.
    :param keys: only what has one of these; None for all.
    """
    bucket = files.bucket
    if bucket is None:
        return
    # Entries that are just being deleted shall be seen as such.
    db.session.flush()
    dropped = uses.drop_leftovers(
        files.file_cls.model_cls, files.record.id, bucket.id, keys
    )
    quota.release_bytes(bucket.id, dropped.size)
    if dropped.count:
        free_later(uow)


def end_buckets(bucket_ids: Collection[uuid.UUID], uow: UnitOfWork) -> None:
    """Buckets are about to be removed with all they hold."""
    if uses.note_versions(uses.in_buckets(bucket_ids)):
        free_later(uow)


def free_later(uow: UnitOfWork) -> None:
    """Have a worker free what this transaction notes; the reaper does it otherwise."""
    uow.register(QueueOp(free_files_task))


def free_noted(file_ids: Collection[uuid.UUID] | None = None) -> Freed:
    """Look at noted files, and free those that nobody uses. Commits by itself.

    Any number of workers may do it at once.

    :param file_ids: only these; None for all.
    :raises StorageUnavailable: the store does not answer; what is left stays noted.
    """
    freed, after, kept = Freed(), 0, set[uuid.UUID]()
    while found := uses.ended(after, _AT_ONCE, file_ids=file_ids, lock=True):
        left = uses.settle(found)
        db.session.commit()
        kept |= {row.file_id for row in found} - {row.file_id for row in left}
        for row in left:
            _free_bytes(row, freed)
        after = found[-1].id
    db.session.commit()
    freed.shared = uses.count_files(kept)
    return freed


def free_files(
    file_ids: Iterable[uuid.UUID],
    dropped: Callable[[Collection[uuid.UUID]], Any],
    advance: Callable[[int, int], None] | None = None,
) -> Freed:
    """Take our uses of files away, and the files that nobody else uses.

    Commits transactions of its own, each of a few files. May be repeated.

    :param dropped: the condition, given file ids, for the rows of
        :class:`~invenio_files_rest.models.ObjectVersion` that are ours to delete.
        No file entry may refer to them any more.
    :param advance: told, now and then, how many files are done, and of how many.
    :raises StorageUnavailable: the store does not answer; what is done stays done.
    """
    ids, freed = sorted(set(file_ids)), Freed()
    for start in range(0, len(ids), _DROPPED_AT_ONCE):
        some = ids[start : start + _DROPPED_AT_ONCE]
        uses.drop_versions(dropped(some))
        # Also those of which an earlier try has taken our uses away.
        uses.note(some)
        db.session.commit()
        now = free_noted(some)
        freed.files += now.files
        freed.size += now.size
        freed.shared += now.shared
        if advance is not None:
            advance(start + len(some), len(ids))
    return freed


def _free_bytes(row: Ended, freed: Freed) -> None:
    """Delete what no row names any more; one that fails does not stop the others."""
    try:
        _delete_bytes(str(row.uri), row.size or 0)
    except StorageUnavailable:
        raise
    except (StorageError, OSError):
        current_app.logger.exception("The bytes at %s could not be deleted.", row.uri)
        return
    # Of two workers that come by at once one counts it.
    if uses.forget([row.id]):
        freed.files += 1
        freed.size += row.size or 0
    db.session.commit()


def _delete_bytes(uri: str, size: int) -> None:
    # Upstream's factory takes a place only together with a size that is not 0.
    storage = current_files_rest.storage_factory(fileurl=uri, size=size or 1)
    if isinstance(storage, MultipartUploadMixin):
        storage.remove_object()
        return
    try:
        storage.delete()
    except FileNotFoundError:
        current_app.logger.info("There were no bytes at %s.", uri)
