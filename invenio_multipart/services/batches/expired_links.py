# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Links that a batch has brought for a limited time."""

from __future__ import annotations

from typing import Any

from invenio_db import db
from invenio_files_rest.models import FileInstance, ObjectVersion
from sqlalchemy import delete, select

from ...records import uses
from ...records.bulk import change, chunks
from ...records.models import Batch, BatchLink


def remove_links(batch: Batch, holder: Any) -> int:
    """Take the batch's links out of a draft or record that stays.

    A file of the same name that somebody has put in its place is not the batch's. Where
    a link was the last use of its bytes, these are noted to be freed.

    :returns: how many bytes the bucket's size still counts for them.
    """
    model = holder.files.file_cls.model_cls
    query = (
        select(
            model.id,
            model.json,
            BatchLink.origin,
            ObjectVersion.version_id.label("object_id"),
            FileInstance.size,
        )
        .join(BatchLink, BatchLink.key == model.key)
        .join(ObjectVersion, ObjectVersion.version_id == model.object_version_id)
        .join(FileInstance, FileInstance.id == ObjectVersion.file_id)
        .where(
            BatchLink.batch_id == batch.id,
            BatchLink.origin.isnot(None),
            model.record_id == holder.id,
            model.json.isnot(None),
        )
    )
    # Upstream copies the origin along when an edit is published; no other link of
    # this name has the same, to the second.
    rows = [
        row
        for row in db.session.execute(query)
        if (row.json.get("transfer") or {}).get("origin") == row.origin
    ]
    for some in chunks(rows):
        change(delete(model).where(model.id.in_([row.id for row in some])))
        uses.drop_versions(
            ObjectVersion.version_id.in_([row.object_id for row in some])
        )
    return sum(row.size or 0 for row in rows)
