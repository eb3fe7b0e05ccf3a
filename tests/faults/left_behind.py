# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What is in the store, on the disk and in the database after something broke."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import botocore.session
from botocore.config import Config


class Store:
    """The S3 server as its operator sees it, past all proxies."""

    def __init__(self) -> None:
        session = botocore.session.Session()
        session.set_credentials(
            os.environ["S3_ACCESS_KEY_ID"], os.environ["S3_SECRET_ACCESS_KEY"]
        )
        self.client = session.create_client(
            "s3",
            endpoint_url=os.environ["S3_ENDPOINT_URL"],
            region_name="us-east-1",
            config=Config(s3={"addressing_style": "path"}),
        )

    def uploads(self, uri: str) -> list[str]:
        """Names of the multipart uploads that are open there."""
        bucket, key = _place(uri)
        reply = self.client.list_multipart_uploads(Bucket=bucket, Prefix=key)
        return [e["UploadId"] for e in reply.get("Uploads", []) if e["Key"] == key]

    def objects(self, uri: str) -> list[int]:
        """Sizes of the objects there."""
        bucket, key = _place(uri)
        reply = self.client.list_objects_v2(Bucket=bucket, Prefix=key)
        return [entry["Size"] for entry in reply.get("Contents", [])]

    def below(self, prefix: str) -> list[str]:
        """Names of all objects below a prefix."""
        bucket, key = _place(prefix)
        pages = self.client.get_paginator("list_objects_v2")
        return [
            entry["Key"].removeprefix(key)
            for page in pages.paginate(Bucket=bucket, Prefix=key)
            for entry in page.get("Contents", [])
        ]

    def uploads_below(self, prefix: str) -> list[str]:
        """Keys of the multipart uploads that are open below a prefix."""
        bucket, key = _place(prefix)
        reply = self.client.list_multipart_uploads(Bucket=bucket, Prefix=key)
        return [entry["Key"].removeprefix(key) for entry in reply.get("Uploads", [])]

    def content(self, uri: str) -> bytes | None:
        """Bytes of an object or a local file, None when there is none."""
        if not uri.startswith("s3://"):
            return Path(uri).read_bytes() if Path(uri).exists() else None
        bucket, key = _place(uri)
        try:
            reply = self.client.get_object(Bucket=bucket, Key=key)
        except self.client.exceptions.NoSuchKey:
            return None
        data: bytes = reply["Body"].read()
        return data

    def lose_uploads(self, uri: str) -> None:
        """Abort them behind everybody's back."""
        bucket, key = _place(uri)
        for name in self.uploads(uri):
            self.client.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=name)

    def lose_object(self, uri: str) -> None:
        """Delete it behind everybody's back."""
        bucket, key = _place(uri)
        self.client.delete_object(Bucket=bucket, Key=key)


def _place(uri: str) -> tuple[str, str]:
    address = urlsplit(uri)
    return address.netloc, address.path.removeprefix("/")


def uploads_since(begun: datetime) -> Sequence[Any]:
    """Upload rows made since then, oldest first, read afresh."""
    from invenio_db import db

    from invenio_multipart.records.models import Upload

    db.session.rollback()
    query = Upload.query.filter(Upload.initiated_on >= begun)
    rows: Sequence[Any] = query.order_by(Upload.initiated_on).all()
    return rows


def make_old(begun: datetime) -> None:
    """Let the rows made since then look as if nobody had touched them for a day."""
    from invenio_db import db

    for upload in uploads_since(begun):
        upload.updated -= timedelta(days=1)
    db.session.commit()


def assert_settled(app: Any, store: Store, begun: datetime) -> None:
    """Every upload since then is a whole file or has left no trace."""
    with app.app_context():
        found = uploads_since(begun)
        for upload in found:
            # Files of a batch end with it.
            if upload.batch_id is None:
                _assert_ended(upload, store)
        for bucket_id in {upload.bucket_id for upload in found}:
            _assert_size(bucket_id)
        _assert_no_parts([upload.id for upload in found])


def _assert_ended(upload: Any, store: Store) -> None:
    from invenio_db import db
    from invenio_files_rest.models import FileInstance

    assert not upload.is_open, f"{upload} is still open: {upload.error_message}"
    if upload.state != "completed":
        assert upload.purged_on is not None, f"{upload} was never freed"
    # What became a file stays as long as somebody uses it, and no longer.
    whole = db.session.get(FileInstance, upload.file_id) is not None
    assert upload.state == "completed" or not whole, f"{upload} has become a file"
    if upload.uri.startswith("s3://"):
        assert store.uploads(upload.uri) == [], f"{upload} is still open in S3"
        sizes = store.objects(upload.uri)
    else:
        folder = Path(upload.uri).parent
        sizes = [path.stat().st_size for path in folder.glob("*")]
        assert whole or not folder.exists(), f"{upload} left its folder"
    assert sizes == ([upload.size] if whole else []), f"{upload} has {sizes} stored"


def _assert_size(bucket_id: Any) -> None:
    from invenio_db import db
    from invenio_files_rest.models import Bucket, ObjectVersion

    bucket = db.session.get(Bucket, bucket_id)
    if bucket is not None:
        files = ObjectVersion.query.filter_by(bucket_id=bucket_id, is_head=True).all()
        assert bucket.size == sum(v.file.size for v in files if v.file_id), "quota"


def _assert_no_parts(upload_ids: Sequence[Any]) -> None:
    from invenio_multipart.records.models import Part

    left = Part.query.filter(Part.upload_id.in_(upload_ids)).count()
    assert left == 0, f"{left} registered parts of ended uploads"
