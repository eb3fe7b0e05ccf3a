# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Quota is exact at any moment, not only once the reaper has repaired it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from invenio_db import db
from invenio_files_rest.models import Bucket, FileInstance, ObjectVersion
from sqlalchemy import exists, func, select

from invenio_multipart.records.models import Upload


def assert_quotas(begun: datetime) -> None:
    """Each bucket has what its files and reservations add up to.

    Every transaction leaves it so, whoever dies afterwards. Buckets go with their
    drafts, so it is to be asked as long as they are there. What a deleted record had
    goes piece by piece, and its bucket's size at the end: nobody can fill it any more.
    """
    db.session.rollback()
    begun_in = select(Upload.bucket_id).where(Upload.initiated_on >= begun)
    for bucket_id, size in db.session.execute(
        select(Bucket.id, Bucket.size).where(
            Bucket.id.in_(begun_in), ~Bucket.deleted, ~_of_deleted_record()
        )
    ).all():
        files = (
            select(func.coalesce(func.sum(FileInstance.size), 0))
            .join(ObjectVersion, ObjectVersion.file_id == FileInstance.id)
            .where(ObjectVersion.bucket_id == bucket_id, ObjectVersion.is_head)
        )
        reserved = select(func.coalesce(func.sum(Upload.size), 0)).where(
            Upload.bucket_id == bucket_id, Upload.reserved
        )
        have, hold = (int(db.session.scalar(query)) for query in (files, reserved))
        told = f"quota of {bucket_id} is {size}; files have {have}, uploads hold {hold}"
        assert size == have + hold, told


def _of_deleted_record() -> Any:
    from invenio_rdm_records.records.models import RDMRecordMetadata

    return exists().where(
        RDMRecordMetadata.bucket_id == Bucket.id,
        RDMRecordMetadata.deletion_status != "P",
    )
