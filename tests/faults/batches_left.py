# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What must be true of batches, however they came to their end."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from invenio_db import db
from invenio_files_rest.models import FileInstance, ObjectVersion
from invenio_rdm_records.proxies import current_rdm_records_service
from invenio_rdm_records.records.models import RDMDraftMetadata
from sqlalchemy import func, select

from invenio_multipart.core.states import JOB_OPEN, OPEN
from invenio_multipart.records.models import (
    Batch,
    BatchLink,
    Job,
    Part,
    Upload,
    utc_now,
)

from .left_behind import Store

_ENDED = ("completed", "aborted", "expired")


def batches_since(begun: datetime) -> Sequence[Any]:
    """Batches announced since then, read afresh."""
    db.session.rollback()
    rows: Sequence[Any] = Batch.query.filter(Batch.created >= begun).all()
    return rows


def assert_batches_settled(app: Any, store: Store, begun: datetime) -> None:
    """Of batches since then there are whole files, and nothing else anywhere."""
    with app.app_context():
        found = batches_since(begun)
        for batch in found:
            assert batch.state in _ENDED, f"{batch} is still {batch.state}"
            _assert_objects(batch, store)
            _assert_files(batch, store)
            _assert_jobs(batch)
            _assert_rows(batch)
            _assert_entries(batch.record_id)
            _assert_draft(batch)


def _assert_objects(batch: Any, store: Store) -> None:
    """Nothing is stored that is no file."""
    if batch.prefix.startswith("s3://"):
        stored = {batch.prefix + name for name in store.below(batch.prefix)}
        strays = stored - _files_of(stored)
        assert not strays, f"{batch} left objects: {strays}"
        opened = store.uploads_below(batch.prefix)
        assert not opened, f"{batch} left open uploads: {opened}"
        return
    for upload in Upload.query.filter_by(batch_id=batch.id):
        folder = Path(upload.uri).parent
        names = {str(path) for path in folder.glob("*")} if folder.exists() else set()
        strays = names - _files_of(names)
        assert not strays, f"{batch} left {strays}"


def _files_of(uris: set[str]) -> set[str]:
    """Those of these addresses that a file has."""
    query = select(FileInstance.uri).where(FileInstance.uri.in_(uris))
    return {str(uri) for (uri,) in db.session.execute(query)}


def _assert_files(batch: Any, store: Store) -> None:
    """Each file has its bytes, and they are those its checksum tells of."""
    query = select(FileInstance).join(Upload, Upload.file_id == FileInstance.id)
    for file in db.session.execute(query.where(Upload.batch_id == batch.id)).scalars():
        content = store.content(file.uri)
        assert content is not None, f"{file.uri} has gone"
        assert len(content) == file.size, f"{file.uri} has {len(content)} bytes"
        found = hashlib.md5(content, usedforsecurity=False).hexdigest()
        assert file.checksum == f"md5:{found}", f"{file.uri} is not {file.checksum}"
        assert file.readable


def _assert_jobs(batch: Any) -> None:
    """No job is at work, and none is due."""
    for job in Job.query.filter_by(batch_id=batch.id):
        told = f"{job.kind} of {batch} is {job.status}: {job.error_message}"
        assert job.status != "STARTED", told
        is_open = job.status in {status.value for status in JOB_OPEN}
        assert not (is_open and job.due_at <= utc_now()), told
        if job.kind in ("purge_batch", "sweep_batch"):
            assert not is_open and job.status != "FAILURE", told


def _assert_rows(batch: Any) -> None:
    """No upload is open, holds quota or parts, or waits to be purged or read."""
    uploads = Upload.query.filter_by(batch_id=batch.id).all()
    whole = {upload.id for upload in uploads if upload.state == "completed"}
    assert batch.state == "completed" or not whole, f"{batch} has files"
    for upload in uploads:
        told = f"{upload} of {batch}: {upload.error_message}"
        assert upload.state not in {state.value for state in OPEN}, told
        assert not upload.reserved, f"{told} holds quota"
        assert upload.hash_states is None, f"{told} waits to be read"
        if upload.id not in whole:
            assert upload.purged_on is not None, f"{told} was never freed"
    ids = [upload.id for upload in uploads]
    parts = select(func.count()).where(Part.upload_id.in_(ids))
    assert db.session.execute(parts).scalar_one() == 0, f"{batch} left parts"
    if batch.state != "completed":
        assert batch.purged_on is not None, f"{batch} was never freed"
    for link in BatchLink.query.filter_by(batch_id=batch.id):
        assert link.state in _ENDED, f"{link} is still {link.state}"
        assert batch.state == "completed" or link.state != "completed"
        holds = link.version_id is not None
        assert holds == (link.state == "completed"), f"{link} {link.state}"


def _assert_entries(record_id: Any) -> None:
    """Each file of draft and record has an object version; sums are exact."""
    service = current_rdm_records_service
    for cls in (service.draft_cls, service.record_cls):
        model = cls.files.file_cls.model_cls
        for entry in model.query.filter_by(record_id=record_id):
            if entry.json is not None:
                told = f"{entry.key} is pending for ever: {entry.json}"
                assert entry.object_version_id is not None, told
                assert entry.json["transfer"]["type"] == "L"
        for row in cls.model_cls.query.filter_by(id=record_id):
            if row.bucket is not None:
                _assert_size(row.bucket)


def _assert_size(bucket: Any) -> None:
    db.session.refresh(bucket)
    versions: Iterable[Any] = ObjectVersion.query.filter_by(
        bucket_id=bucket.id, is_head=True
    )
    size = sum(version.file.size for version in versions if version.file_id)
    reserved = select(func.coalesce(func.sum(Upload.size), 0)).where(
        Upload.bucket_id == bucket.id, Upload.reserved.is_(True)
    )
    size += int(db.session.execute(reserved).scalar_one())
    assert bucket.size == size, f"quota says {bucket.size}, files have {size}"


def _assert_draft(batch: Any) -> None:
    """A draft that was made for a batch has gone with it."""
    if batch.state == "completed" or not batch.provisioned:
        return
    draft = db.session.get(RDMDraftMetadata, batch.record_id)
    if draft is None or draft.is_deleted:
        return
    later = Batch.query.filter(
        Batch.record_id == batch.record_id, Batch.created > batch.created
    )
    touched = draft.version_id - 1 != batch.draft_revision
    assert touched or later.count(), f"{batch} left the draft that was made for it"
