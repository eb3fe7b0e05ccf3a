# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Announce a batch: thousands of files in one transaction.

Rows come first and the store second, as with a single file. A small file costs the
store nothing before its bytes come: its link is all there is to it.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from invenio_db import db
from invenio_db.uow import UnitOfWork
from invenio_files_rest.models import Bucket
from sqlalchemy.exc import IntegrityError

from ...core.states import BatchState
from ...errors import StateConflict
from ...records import batch_links, batches, entries, jobs, locks, quota
from ...records.models import Batch, utc_now
from ..drafts import (
    make_room,
    require_keys,
    require_metadata,
    require_there,
    require_writable,
)
from .lock import locked_by
from .rows import entry_of, entry_to_link, link_row, upload_rows
from .schema import AnnouncedFile


@dataclass(frozen=True)
class Announcement:
    """What is announced, and by whom.

    :param files: those to be linked with their targets, see ``checks``.
    :param complete_before: UTC.
    :param expires_at: UTC; when what is published of it goes again, or None.
    :param provisioned: whether the draft was made for this batch.
    """

    files: Sequence[AnnouncedFile]
    mode: str
    complete_before: datetime
    expires_at: datetime | None
    created_by: str | None
    provisioned: bool = False


def announce(
    service: Any, service_id: str, draft: Any, wanted: Announcement, uow: UnitOfWork
) -> Batch:
    """Lock the draft and record the batch, its files and its reservation.

    :param service: file service of the draft.
    :raises Locked: another batch is open.
    :raises StateConflict: the draft is just gone, or another request has just begun
        one of the files.
    :raises TooManyFiles: for the batch or for the record.
    :raises KeysTaken: announced twice, or in the draft already.
    :raises InvalidKey: unsafe key.
    :raises InvalidMetadata: about a file, what pages cannot show.
    :raises InvalidPlan: a file too large, or files are switched off.
    :raises InvalidDigest: malformed digest, or one this store cannot prove.
    :raises QuotaExceeded: no room for all of them.
    """
    require_writable(draft)
    keys = [file.key for file in wanted.files]
    require_keys(keys)
    require_metadata(file.metadata for file in wanted.files)
    locks.await_turn(draft.id)
    require_there(draft)
    batch = _lock(service_id, draft, wanted)
    _fill(batch, service, draft, wanted.files, uow)
    _schedule(batch)
    return batch


def announce_more(
    service: Any,
    draft: Any,
    batch_id: uuid.UUID,
    more: Sequence[AnnouncedFile],
    uow: UnitOfWork,
) -> Batch:
    """Add files to an open batch, all or none.

    :raises StateConflict: the batch is being completed, or over.
    :raises MultipartError: as :func:`announce` does.
    """
    require_writable(draft)
    keys = [file.key for file in more]
    require_keys(keys)
    require_metadata(file.metadata for file in more)
    locks.await_turn(draft.id)
    require_there(draft)
    batch = batches.locked(batch_id)
    if batch is None or batch.status is not BatchState.UPLOADING:
        state = "gone" if batch is None else batch.state
        raise StateConflict(f"The batch is {state}.", state)
    if utc_now() >= batch.complete_before:
        raise StateConflict("The deadline of the batch has passed.", "expired")
    # A link that was taken out of the draft since may be announced again.
    batch_links.forget_ended(batch.id, keys)
    _fill(batch, service, draft, more, uow)
    return batch


def _fill(
    batch: Batch,
    service: Any,
    draft: Any,
    files: Sequence[AnnouncedFile],
    uow: UnitOfWork,
) -> None:
    """Record files of a batch, and reserve what they will take."""
    make_room(service, draft, {file.key for file in files}, uow)
    rows = upload_rows(batch, draft.files.bucket, files)
    reserve(batch, draft.files.bucket, rows)
    add_files(batch, service, rows, files)
    linked = sum(file.target.size for file in files if file.target is not None)
    batch.files += len(files)
    batch.size += sum(row["size"] for row in rows) + linked


def _lock(service_id: str, draft: Any, wanted: Announcement) -> Batch:
    """The batch's row, which no second open batch of this draft can have."""
    bucket = draft.files.bucket
    batch_id = uuid.uuid4()
    batch = Batch(
        id=batch_id,
        record_id=draft.id,
        pid_value=draft.pid.pid_value,
        service_id=service_id,
        bucket_id=bucket.id,
        prefix=f"{bucket.location.uri.rstrip('/')}/batches/{batch_id}/",
        mode=wanted.mode,
        state=BatchState.UPLOADING.value,
        provisioned=wanted.provisioned,
        draft_revision=draft.revision_id,
        files=0,
        size=0,
        sessions=[],
        created_by=wanted.created_by,
        created=utc_now(),
        complete_before=wanted.complete_before,
        expires_at=wanted.expires_at,
    )
    try:
        with db.session.begin_nested():
            db.session.add(batch)
    except IntegrityError as error:
        other = batches.open_of_record(draft.id)
        raise locked_by(other) from error
    return batch


def reserve(batch: Batch, bucket: Bucket, rows: Sequence[dict[str, Any]]) -> None:
    """Take the sum of all sizes from the quota at once.

    :raises QuotaExceeded: naming what is asked for in all.
    """
    quota.reserve_bytes(bucket.id, sum(row["size"] for row in rows))


def add_files(
    batch: Batch,
    service: Any,
    rows: Sequence[dict[str, Any]],
    files: Sequence[AnnouncedFile],
) -> None:
    """Write uploads, links to be made, and the file entries of both.

    :param rows: in the order of those files that are sent.
    :raises StateConflict: another request has just begun one of them.
    """
    batches.insert_uploads(rows)
    sent = [file for file in files if file.target is None]
    linked = [file for file in files if file.target is not None]
    batch_links.insert(batch.id, [link_row(file) for file in linked])
    new = {file.key: entry_of(file, row) for file, row in zip(sent, rows)}
    new.update((file.key, entry_to_link(file, batch)) for file in linked)
    model = service.record_cls.files.file_cls.model_cls
    try:
        entries.add(model, batch.record_id, new)
    except IntegrityError as error:
        raise StateConflict(
            "Another request has just begun a file of these.", "changed"
        ) from error


def _schedule(batch: Batch) -> None:
    """The jobs that end the batch, unless somebody completes it before."""
    purge = jobs.create("purge_batch", batch_id=batch.id, due_at=batch.complete_before)
    batch.purge_job_id = purge.id
    if batch.expires_at is not None:
        expire = jobs.create("expire_batch", batch_id=batch.id, due_at=batch.expires_at)
        batch.expires_job_id = expire.id
