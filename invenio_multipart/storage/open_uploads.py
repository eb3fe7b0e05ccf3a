# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Every multipart upload that is open below a location, as far as the store tells."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import NamedTuple

from .s3_client import connection, translated


class OpenUpload(NamedTuple):
    """An upload as the store lists it.

    :param uri: of the object it would become.
    :param path: the same below the location, without a slash at its beginning.
    :param ref: the store's name for the upload.
    :param begun_on: UTC, by the store's clock.
    """

    uri: str
    path: str
    ref: str
    begun_on: datetime

    @property
    def file_id(self) -> uuid.UUID | None:
        """The file it belongs to, by the layout of files; None for anything else."""
        folders, _, name = self.path.rpartition("/")
        return _uuid(folders.replace("/", "")) if name == "data" else None

    @property
    def batch_id(self) -> uuid.UUID | None:
        """The batch it belongs to, by the layout of batches; None for anything else."""
        folder, _, rest = self.path.partition("/")
        return _uuid(rest.partition("/")[0]) if folder == "batches" else None


@dataclass(frozen=True)
class Page:
    """Some uploads, in the order of their keys.

    :param following: where the next page begins; None after the last.
    """

    uploads: Sequence[OpenUpload]
    following: str | None


def list_open_uploads(location_uri: str, after: str | None = None) -> Page:
    """One page of the uploads that are open below a location.

    By keys alone: versitygw refuses its own upload marker, and MinIO, which gives a
    whole bucket in one page, finds nothing by a prefix. Of several uploads of one key
    at the end of a page only the first may be seen; no key of ours has several.

    :param location_uri: ``s3://bucket`` or ``s3://bucket/path``.
    :param after: ``following`` of the page before.
    :raises StorageError: the store does not list uploads.
    """
    bucket, _, path = location_uri.removeprefix("s3://").partition("/")
    prefix = f"{path.strip('/')}/" if path.strip("/") else ""
    marker = after or prefix
    with translated("listing uploads"):
        page = connection().client.list_multipart_uploads(
            Bucket=bucket, **({"KeyMarker": marker} if marker else {})
        )
    entries = page.get("Uploads", [])
    uploads = [
        OpenUpload(
            f"s3://{bucket}/{entry['Key']}",
            entry["Key"][len(prefix) :],
            entry["UploadId"],
            entry["Initiated"].astimezone(timezone.utc),
        )
        for entry in entries
        if entry["Key"].startswith(prefix)
    ]
    following = entries[-1]["Key"] if page.get("IsTruncated") and entries else None
    passed = following and following > prefix and not following.startswith(prefix)
    # A store that does not move on would be asked for ever.
    return Page(uploads, None if passed or following == marker else following)


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
