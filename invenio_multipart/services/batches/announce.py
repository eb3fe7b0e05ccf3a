# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Announce a batch: thousands of files in one transaction.

Rows come first and the store second, as with a single file. A small file costs the
store nothing before its bytes come: its link is all there is to it.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import current_app
from invenio_db import db
from invenio_db.uow import UnitOfWork
from invenio_files_rest.models import Bucket
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from ...core.states import BatchState
from ...errors import (
    BadRequest,
    KeysTaken,
    NotAllowedHere,
    StateConflict,
    TooManyFiles,
)
from ...records import batches, entries, jobs, locks, quota, uploads
from ...records.models import (
    Batch,
    utc_now,
)
from ..uploads.abort import abort_all
from ..uploads.initiate import checked_key
from .lock import locked_by
from .rows import at_place, entry_of, upload_rows
from .schema import AnnouncedFile


@dataclass(frozen=True)
class Announcement:
    """What is announced, and by whom.

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
    :raises InvalidPlan: a file too large, or files are switched off.
    :raises InvalidDigest: malformed digest, or one this store cannot prove.
    :raises QuotaExceeded: no room for all of them.
    """
    _check_draft(draft)
    _check_keys(wanted.files)
    locks.await_turn(draft.id)
    _require_there(draft)
    batch = _lock(service_id, draft, wanted)
    _make_room(service, draft, wanted.files, uow)
    rows = upload_rows(batch, draft.files.bucket, wanted.files)
    reserve(batch, draft.files.bucket, rows)
    add_files(batch, service, rows, wanted.files)
    batch.files = len(rows)
    batch.size = sum(row["size"] for row in rows)
    _schedule(batch)
    return batch


def _check_draft(draft: Any) -> None:
    if not draft.files.enabled:
        raise NotAllowedHere("Files are switched off in this draft.", field="files")
    if draft.files.bucket is None or draft.files.bucket.locked:
        raise NotAllowedHere(
            "The files of a published record cannot change; make a new version.",
            field="files",
        )


def _require_there(draft: Any) -> None:
    """:raises StateConflict: deleted or published since it was read."""
    model = type(draft.model)
    deleted = db.session.execute(
        select(model.is_deleted).where(model.id == draft.id)
    ).scalar_one_or_none()
    if deleted is None or deleted:
        raise StateConflict("The draft has just been published or deleted.", "gone")


def _check_keys(files: Sequence[AnnouncedFile]) -> None:
    limit = current_app.config["MULTIPART_BATCH_MAX_FILES"]
    if not 1 <= len(files) <= limit:
        raise TooManyFiles(
            f"A batch has 1 to {limit} files, not {len(files)}.",
            limit=limit,
            files=len(files),
        )
    for index, file in enumerate(files):
        try:
            checked_key(file.key)
        except BadRequest as error:
            raise at_place(index, error) from None
    counts = Counter(file.key for file in files)
    twice = [key for key, count in counts.items() if count > 1]
    if twice:
        raise KeysTaken("Keys were announced twice:", twice)


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
        files=len(wanted.files),
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


def _make_room(
    service: Any, draft: Any, files: Sequence[AnnouncedFile], uow: UnitOfWork
) -> None:
    """Check what the draft has; uploads that are begun again make way."""
    model = draft.files.file_cls.model_cls
    keys = {file.key for file in files}
    present = entries.present(model, draft.id, keys)
    taken = [entry.key for entry in present if not _is_pending_upload(entry)]
    if taken:
        raise KeysTaken("The draft has these files already:", sorted(taken))
    pending = [entry.key for entry in present]
    if pending:
        begun = [u for u in uploads.open_of_record(draft.id) if u.key in keys]
        abort_all(begun, uow)
        entries.drop_pending(model, draft.id, pending)
    check_count(service, draft, len(files))


def check_count(service: Any, draft: Any, more: int) -> None:
    """:raises TooManyFiles: when the draft would hold more than the site allows."""
    limit = service.config.max_files_count
    present = entries.count(draft.files.file_cls.model_cls, draft.id)
    # As upstream has it: what is beyond the limit already may stay so.
    if limit and present <= limit < present + more:
        raise TooManyFiles(
            f"A record may have {limit} files; this one would have {present + more}.",
            limit=limit,
            files=present + more,
        )


def _is_pending_upload(entry: Any) -> bool:
    if entry.json is None:
        return True
    transfer = entry.json.get("transfer") or {}
    return entry.object_version_id is None and "upload_id" in transfer


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
    """Write uploads and file entries; the rows are in the order of the files.

    :raises StateConflict: another request has just begun one of them.
    """
    batches.insert_uploads(rows)
    new = {file.key: entry_of(file, row) for file, row in zip(files, rows)}
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
