# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Looks behind the API: at rows, and at what the S3 server really holds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .driver import Draft


def bucket_of(draft: Draft) -> Any:
    """Size, quota and limits of the draft's bucket; call inside an app context."""
    from invenio_rdm_records.proxies import current_rdm_records_service as service

    record = service.draft_cls.pid.resolve(draft.id, registered_only=False)
    return record.files.bucket


def bucket_size(draft: Draft) -> int:
    """Bytes that count against the draft's quota."""
    with draft.api.app.app_context():
        return int(bucket_of(draft).size)


def set_limits(draft: Draft, **limits: int | None) -> None:
    """Change quota_size or max_file_size of the draft's bucket."""
    from invenio_db import db

    with draft.api.app.app_context():
        bucket = bucket_of(draft)
        for name, value in limits.items():
            setattr(bucket, name, value)
        db.session.commit()


def uploads_of(draft: Draft) -> list[Any]:
    """All upload rows of the draft, detached."""
    from invenio_db import db
    from invenio_rdm_records.proxies import current_rdm_records_service as service

    from invenio_multipart.records.models import Upload

    with draft.api.app.app_context():
        record = service.draft_cls.pid.resolve(draft.id, registered_only=False)
        rows = Upload.query.filter_by(record_id=record.id).all()
        db.session.expunge_all()
    return rows


def file_rows(uploads: list[Any]) -> list[Any]:
    """File instances of these uploads."""
    from invenio_files_rest.models import FileInstance

    return [FileInstance.get(upload.file_id) for upload in uploads]


def s3_client(app: Any) -> Any:
    """An ordinary client of the S3 server, independent of the package's own."""
    import boto3
    from botocore.config import Config

    return boto3.client(
        "s3",
        endpoint_url=app.config["S3_ENDPOINT_URL"],
        aws_access_key_id=app.config["S3_ACCESS_KEY_ID"],
        aws_secret_access_key=app.config["S3_SECRET_ACCESS_KEY"],
        region_name=app.config["S3_REGION_NAME"],
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
    )


def left_in_s3(app: Any, uploads: list[Any]) -> list[str]:
    """Uploads and objects the S3 server holds at the places of these uploads."""
    client = s3_client(app)
    left = []
    for upload in uploads:
        bucket, _, key = upload.uri.removeprefix("s3://").partition("/")
        open_ = client.list_multipart_uploads(Bucket=bucket, Prefix=key)
        left += [f"upload {u['UploadId']}" for u in open_.get("Uploads", [])]
        objects = client.list_objects_v2(Bucket=bucket, Prefix=key)
        left += [f"object {o['Key']}" for o in objects.get("Contents", [])]
    return left


@contextmanager
def setting(app: Any, **values: Any) -> Iterator[None]:
    """Other settings for a while."""
    before = {name: app.config.get(name) for name in values}
    app.config.update(values)
    try:
        yield
    finally:
        app.config.update(before)


class HeldTasks:
    """Verifications that were queued and wait for somebody to run them."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self.ids: list[str] = []

    def run(self) -> None:
        """Do now what a worker would."""
        from invenio_multipart.proxies import current_multipart

        with self._app.app_context():
            while self.ids:
                current_multipart.uploads.verify(self.ids.pop(0))


@contextmanager
def held_tasks(app: Any) -> Iterator[HeldTasks]:
    """Keep verifications in the queue instead of running them at once."""
    from invenio_multipart.tasks import verify_upload

    held = HeldTasks(app)
    real = verify_upload.apply_async
    verify_upload.apply_async = lambda args, **_: held.ids.append(args[0])
    try:
        yield held
    finally:
        verify_upload.apply_async = real


@contextmanager
def counted_queries(app: Any) -> Iterator[list[str]]:
    """All statements that are sent to the database meanwhile."""
    from invenio_db import db
    from sqlalchemy import event

    seen: list[str] = []

    def note(conn: Any, cursor: Any, statement: str, *rest: Any) -> None:
        seen.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)
