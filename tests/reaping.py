# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Runs the reaper, and makes what it is to find."""

from __future__ import annotations

import os
import uuid
from datetime import timedelta
from typing import Any

from .backdoor import s3_client
from .conftest import WORKER


def reap(app: Any, **named: Any) -> Any:
    """One run; its report."""
    from invenio_multipart.proxies import current_multipart

    with app.app_context():
        return current_multipart.reaper.reap(**named)


def preview(app: Any) -> list[Any]:
    """What a run would do."""
    from invenio_multipart.proxies import current_multipart

    with app.app_context():
        return list(current_multipart.reaper.preview()[0])


def change(app: Any, model: str, id_: uuid.UUID | None, **values: Any) -> None:
    """Write columns of a row behind everybody's back.

    :param id_: None for the rows that ``batch_id`` or ``subject`` names.
    :param values: a timedelta is counted from now.
    """
    from invenio_db import db
    from invenio_files_rest.models import Bucket

    from invenio_multipart.records import models

    table = Bucket if model == "Bucket" else getattr(models, model)
    with app.app_context():
        now = models.utc_now()
        values = {
            name: now + value if isinstance(value, timedelta) else value
            for name, value in values.items()
        }
        where = {"id": id_}
        if id_ is None:
            name = "batch_id" if "batch_id" in values else "subject"
            where = {name: values.pop(name)}
        # The column would be set to now otherwise.
        if hasattr(table, "updated") and "updated" not in values:
            values["updated"] = table.updated
        assert table.query.filter_by(**where).update(values) >= 1
        db.session.commit()


def make_old(app: Any, upload_id: uuid.UUID) -> None:
    """Let nobody have touched an upload for an hour."""
    change(app, "Upload", upload_id, updated=timedelta(hours=-1))


def drop_jobs(app: Any, batch_id: uuid.UUID) -> None:
    """Lose a batch's jobs, as with a database that was restored."""
    from invenio_db import db

    from invenio_multipart.records.models import Job

    with app.app_context():
        Job.query.filter_by(batch_id=batch_id).delete()
        db.session.commit()


def audited(app: Any, subject: object) -> list[Any]:
    """Rows of audit under this id, detached."""
    from invenio_db import db

    from invenio_multipart.records.audit import removals_of

    with app.app_context():
        found = list(removals_of(str(subject)))
        db.session.expunge_all()
    return found


def snapshot(app: Any) -> dict[str, Any]:
    """All rows a reaper may change, and all objects and uploads in the store."""
    from invenio_db import db
    from invenio_files_rest.models import Bucket, FileInstance, Location, ObjectVersion
    from invenio_rdm_records.records.models import (
        RDMDraftMetadata,
        RDMFileDraftMetadata,
    )

    from invenio_multipart.records import models

    tables = [
        *(getattr(models, name) for name in models.__all__ if name[1:2].islower()),
        *(Bucket, FileInstance, ObjectVersion, RDMDraftMetadata, RDMFileDraftMetadata),
    ]
    with app.app_context():
        rows = {
            table.__tablename__: sorted(
                map(repr, db.session.execute(db.select(table.__table__)).all())
            )
            for table in tables
            if hasattr(table, "__tablename__")
        }
        buckets = {
            location.uri.removeprefix("s3://").partition("/")[0]
            for location in Location.query
            if location.uri.startswith("s3://")
        }
    if WORKER:
        # Other tests' servers have a bucket of this name; here it is another worker's.
        buckets.discard(os.environ["S3_BUCKET"].removesuffix(f"-{WORKER}"))
    client = s3_client(app)
    for bucket in buckets:
        listed = client.list_objects_v2(Bucket=bucket).get("Contents", [])
        begun = client.list_multipart_uploads(Bucket=bucket).get("Uploads", [])
        rows[bucket] = [
            *((entry["Key"], entry["ETag"]) for entry in listed),
            *((entry["Key"], entry["UploadId"]) for entry in begun),
        ]
    return rows
