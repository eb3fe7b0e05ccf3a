# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Queries of batches, over thousands of files."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from invenio_db import db

from invenio_multipart.core.states import UploadState
from invenio_multipart.records import batches
from invenio_multipart.records.models import Batch, Part, Upload, utc_now

COUNT = 5_500
"""More than any of the statements takes at once."""


@pytest.fixture
def batch_id(app: Any) -> Iterator[uuid.UUID]:
    """A batch of :data:`COUNT` uploads of one byte each, and nothing of it later."""
    with app.app_context():
        batch = a_batch()
        batches.insert_uploads([upload_row(batch, n) for n in range(COUNT)])
        db.session.commit()
        yield batch.id
        db.session.rollback()
        Upload.query.filter_by(batch_id=batch.id).delete()
        Batch.query.filter_by(id=batch.id).delete()
        db.session.commit()


def a_batch(**values: Any) -> Batch:
    """A batch in the session that is open for an hour."""
    batch = Batch(
        **{
            "id": uuid.uuid4(),
            "record_id": uuid.uuid4(),
            "pid_value": "abcde-fghij",
            "service_id": "draft-files",
            "bucket_id": uuid.uuid4(),
            "prefix": "s3://bucket/batches/x/",
            "mode": "s3-presigned-url",
            "state": "uploading",
            "draft_revision": 1,
            "files": COUNT,
            "size": COUNT,
            "sessions": [],
            "created": utc_now(),
            "complete_before": utc_now() + timedelta(hours=1),
            **values,
        }
    )
    db.session.add(batch)
    db.session.flush()
    return batch


def upload_row(batch: Batch, number: int) -> dict[str, Any]:
    """Columns of the batch's upload of this number."""
    file_id = uuid.uuid4()
    return {
        "id": uuid.uuid4(),
        "batch_id": batch.id,
        "sent_as": "object",
        "staged": f"in/{file_id}",
        "record_id": batch.record_id,
        "service_id": batch.service_id,
        "key": f"{number:05}",
        "bucket_id": batch.bucket_id,
        "file_id": file_id,
        "uri": f"{batch.prefix}files/{file_id}",
        "state": "uploading",
        "size": 1,
        "size_known": number % 2 == 0,
        "part_size": 1,
        "parts": 1,
        "reserved": True,
        "declared": None,
        "created_by": "1",
        "initiated_on": utc_now(),
        "updated": utc_now(),
        "expires_at": batch.complete_before,
    }


def test_sent_files(batch_id: uuid.UUID) -> None:
    """All open uploads come in the order of their keys, locked or not."""
    for lock in (False, True):
        sent = batches.sent_files(batch_id, lock=lock)
        assert [file.key for file in sent] == [f"{n:05}" for n in range(COUNT)]
        assert {file.status for file in sent} == {UploadState.UPLOADING}
        assert not any(file.made or file.unread for file in sent)


def test_pages(batch_id: uuid.UUID) -> None:
    """Pages by key meet without gap or overlap."""
    found, after = [], ""
    while page := batches.page_of_files(batch_id, after, 1000):
        found += [file.key for file in page]
        after = found[-1]
    assert found == [f"{n:05}" for n in range(COUNT)]


def test_states(batch_id: uuid.UUID) -> None:
    """Thousands of uploads change their state by one call; others stay."""
    sent = batches.sent_files(batch_id)
    ids = [file.id for file in sent[:-1]]
    batches.set_state(ids, UploadState.COMMITTING, hash_offset=0)
    assert batches.progress(batch_id) == {
        "committing": (COUNT - 1, COUNT - 1),
        "uploading": (1, 1),
    }
    batches.set_state([], UploadState.FAILED)
    assert set(batches.progress(batch_id)) == {"committing", "uploading"}


def test_made(batch_id: uuid.UUID) -> None:
    """Objects are written down each with its own values; what has ended stays so."""
    sent = batches.sent_files(batch_id)
    batches.set_state([sent[0].id], UploadState.ABORTED)
    batches.mark_made(
        (file, f"etag {n}", n + 10, {"md5": f"{n:032x}"}) for n, file in enumerate(sent)
    )
    made = {file.id: file for file in batches.sent_files(batch_id)}
    assert len(made) == COUNT - 1
    assert sent[0].id not in made
    for n, file in enumerate(sent[1:], 1):
        now = made[file.id]
        assert (now.size, now.digests, now.made) == (
            n + 10,
            {"md5": f"{n:032x}"},
            True,
        )
    ended = db.session.get(Upload, sent[0].id, populate_existing=True)
    assert (ended.state, ended.size, ended.etag) == ("aborted", 1, None)


def test_sizes(batch_id: uuid.UUID) -> None:
    """Sizes that were found out are written down each to its file."""
    sent = batches.sent_files(batch_id)
    batches.learn_sizes({file.id: n for n, file in enumerate(sent)})
    assert [file.size for file in batches.sent_files(batch_id)] == list(range(COUNT))
    batches.learn_sizes({})
    batches.mark_made([])


def test_end(batch_id: uuid.UUID) -> None:
    """All open uploads end by one call, lose their parts, and reserve nothing."""
    sent = batches.sent_files(batch_id)
    batches.set_state([sent[0].id], UploadState.COMPLETED, reserved=False)
    db.session.add(Part(upload_id=sent[1].id, number=1, size=1))
    db.session.flush()
    batches.end_open(batch_id, UploadState.EXPIRED)
    assert batches.progress(batch_id) == {
        "completed": (1, 1),
        "expired": (COUNT - 1, COUNT - 1),
    }
    assert Part.query.filter_by(upload_id=sent[1].id).count() == 0
    assert Upload.query.filter_by(batch_id=batch_id, reserved=True).count() == 0
    batches.mark_purged(batch_id)
    purged = Upload.query.filter(
        Upload.batch_id == batch_id, Upload.purged_on.isnot(None)
    )
    assert purged.count() == COUNT - 1


def test_other_batches_stay(batch_id: uuid.UUID) -> None:
    """What ends one batch leaves the uploads of all others."""
    other = a_batch()
    batches.insert_uploads([upload_row(other, 1)])
    batches.end_open(batch_id, UploadState.ABORTED)
    batches.mark_purged(batch_id)
    assert batches.progress(other.id) == {"uploading": (1, 1)}


def test_one_open_batch_a_draft(app: Any) -> None:
    """The database itself refuses a second open batch, and takes it after the first."""
    from sqlalchemy.exc import IntegrityError

    with app.app_context():
        first = a_batch()
        with pytest.raises(IntegrityError), db.session.begin_nested():
            a_batch(record_id=first.record_id)
        assert batches.open_of_record(first.record_id).id == first.id
        first.state = "completing"
        with pytest.raises(IntegrityError), db.session.begin_nested():
            a_batch(record_id=first.record_id)
        for state in ("aborted", "completed", "expired"):
            first.state = state
            db.session.flush()
            assert batches.open_of_record(first.record_id) is None
        second = a_batch(record_id=first.record_id)
        assert batches.open_of_record(first.record_id).id == second.id
        db.session.rollback()
