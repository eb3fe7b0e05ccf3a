# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Thousands of rows by one statement."""

from __future__ import annotations

import uuid

import pytest
from invenio_db import db
from sqlalchemy import select

from invenio_multipart.records.bulk import insert_many
from invenio_multipart.records.models import Upload, utc_now

KEYS = [
    "plain.txt",
    """it's "quoted", {braced} and \\back\\slashed""",
    "null",
    "NULL",
    "ü-漢-\U0001f600",
    "%s %(key)s",
]


@pytest.fixture
def batch_id(app):
    """A batch's id, and nothing of it in the database afterwards."""
    with app.app_context():
        yield uuid.uuid4()
        db.session.rollback()


def _insert(batch_id, rows):
    nobody = uuid.uuid4()
    insert_many(
        Upload.__table__,
        [{"id": uuid.uuid4(), "file_id": uuid.uuid4(), **row} for row in rows],
        batch_id=batch_id,
        record_id=nobody,
        bucket_id=nobody,
        service_id="draft-files",
        uri="s3://bucket/key",
        size=2**40,
        part_size=1,
        parts=1,
        reserved=True,
        created_by=None,
        expires_at=utc_now(),
    )
    query = select(Upload).where(Upload.batch_id == batch_id)
    return db.session.execute(query).scalars().all()


def test_odd_values(batch_id):
    """Texts, nothing and JSON arrive as they are."""
    rows = [
        {"key": key, "declared": None if number % 2 else key, "digests": {key: None}}
        for number, key in enumerate(KEYS)
    ]
    found = {upload.key: upload for upload in _insert(batch_id, rows)}
    assert set(found) == set(KEYS)
    for row in rows:
        upload = found[row["key"]]
        assert (upload.declared, upload.digests) == (row["declared"], row["digests"])
        assert (upload.size, upload.reserved, upload.created_by) == (2**40, True, None)
        assert upload.expires_at.tzinfo is not None


def test_defaults(batch_id):
    """What is not given has the columns' defaults."""
    (upload,) = _insert(batch_id, [{"key": "a"}])
    assert (upload.state, upload.sent_as, upload.digests) == ("initiated", "parts", {})
    assert upload.hash_states is None
    assert abs((utc_now() - upload.initiated_on).total_seconds()) < 60


def test_more_than_one_statement_takes(batch_id):
    """Any number of rows is taken, also none."""
    assert _insert(batch_id, []) == []
    rows = [{"key": str(number)} for number in range(4001)]
    found = _insert(batch_id, rows)
    assert {upload.key for upload in found} == {row["key"] for row in rows}
