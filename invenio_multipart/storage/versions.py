# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Bring deleted objects back, where the bucket keeps versions.

A delete in such a bucket only puts a mark on top of the object's versions; without the
mark the object is there again. Parts of an unfinished upload have no versions.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from ..errors import StorageError, StorageUnavailable
from .s3_client import connection, translated


class DeletedObject(NamedTuple):
    """An object under a delete mark.

    :param version_id: of the mark.
    """

    uri: str
    version_id: str
    deleted_on: datetime


def keeps_versions(uri: str) -> bool:
    """Whether the bucket of this URI keeps what is deleted.

    :raises StorageUnavailable: the store cannot be reached.
    """
    if not uri.startswith("s3://"):
        return False
    bucket = uri.removeprefix("s3://").partition("/")[0]
    try:
        with translated("asking for versions"):
            reply = connection().client.get_bucket_versioning(Bucket=bucket)
    except StorageUnavailable:
        raise
    except StorageError:
        # A store without versions need not know the question.
        return False
    return bool(reply.get("Status") == "Enabled")


def deleted_objects(uri: str, since: datetime) -> Iterator[DeletedObject]:
    """Objects at or below ``uri`` that were deleted since then and are still away.

    :param uri: of one object, or with a slash at the end of all below.
    """
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    more: dict[str, str] = {}
    while True:
        with translated("listing versions"):
            page = connection().client.list_object_versions(
                Bucket=bucket, Prefix=key, **more
            )
        for mark in page.get("DeleteMarkers", []):
            wanted = mark["Key"] == key or key.endswith("/")
            if wanted and mark["IsLatest"] and mark["LastModified"] >= since:
                at = f"s3://{bucket}/{mark['Key']}"
                yield DeletedObject(at, mark["VersionId"], mark["LastModified"])
        if not page.get("IsTruncated"):
            return
        names = (
            ("NextKeyMarker", "KeyMarker"),
            ("NextVersionIdMarker", "VersionIdMarker"),
        )
        following = {name: page[told] for told, name in names if page.get(told)}
        if not following or following == more:
            raise StorageError("The object store did not finish its listing.")
        more = following


def restore(deleted: DeletedObject) -> None:
    """Take the mark away; repeated, this does nothing."""
    bucket, _, key = deleted.uri.removeprefix("s3://").partition("/")
    with translated("restoring an object"):
        connection().client.delete_object(
            Bucket=bucket, Key=key, VersionId=deleted.version_id
        )
