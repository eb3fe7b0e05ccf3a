# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Files that a new version takes over whole: they are links, too."""

from __future__ import annotations

import uuid

from invenio_db import db
from invenio_files_rest.models import Bucket, FileInstance, ObjectVersion
from sqlalchemy import exists, insert, literal, select

from .leftovers import count_bucket
from .models import Link, utc_now


def count_imported(bucket_id: uuid.UUID, created_by: str | None) -> None:
    """Say that all files of a bucket came by links, and count them in its size.

    InvenioRDM 14 does not: what is deleted again would make the size negative.
    """
    columns = ["version_id", "size", "created_by", "created"]
    imported = (
        select(
            ObjectVersion.version_id,
            FileInstance.size,
            literal(created_by),
            literal(utc_now()),
        )
        .join(FileInstance, FileInstance.id == ObjectVersion.file_id)
        .where(
            ObjectVersion.bucket_id == bucket_id,
            ObjectVersion.is_head,
            ~exists().where(Link.version_id == ObjectVersion.version_id),
        )
    )
    db.session.flush()
    locked = select(Bucket).where(Bucket.id == bucket_id).with_for_update()
    locked = locked.execution_options(populate_existing=True)
    bucket = db.session.execute(locked).scalar_one()
    db.session.execute(insert(Link.__table__).from_select(columns, imported))
    count = count_bucket(bucket_id)
    if count is not None:
        bucket.size = count.counted
