# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Look at objects that others have put into a bucket; nothing is changed here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ..core.adopted import FoundObject, ObjectAddress
from ..errors import ObjectMissing, StorageError, StorageUnavailable, UploadGone
from .s3_client import S3Connection, connection, translated

_THREADS = 8
"""Objects looked at side by side: the store works, the threads wait."""

_MARKERS = {
    "NextContinuationToken": "ContinuationToken",
    "NextKeyMarker": "KeyMarker",
    "NextVersionIdMarker": "VersionIdMarker",
}
"""What a page says of the next one, and how that is asked for."""


def look_at(addresses: Sequence[ObjectAddress]) -> list[FoundObject | None]:
    """Each object as it is now, in this order; None for one that is not there.

    One HEAD for each. An object that the store does not show us is not there.

    :raises StorageUnavailable: the store cannot be reached.
    """
    # Settings are read here: in the threads there is no application.
    s3 = connection()
    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(lambda address: _head(s3, address), addresses))


def _head(s3: S3Connection, address: ObjectAddress) -> FoundObject | None:
    where = {"Bucket": address.bucket, "Key": address.key}
    if address.version_ref is not None:
        where["VersionId"] = address.version_ref
    try:
        with translated("looking at an object"):
            reply = s3.client.head_object(**where)
    except StorageUnavailable:
        raise
    except (ObjectMissing, UploadGone, StorageError):
        # Also 403, which a store says of a missing object to who may not list, and
        # 400 of a key that it could never have.
        return None
    return FoundObject(
        address.pinned(reply.get("VersionId")),
        reply["ContentLength"],
        _plain(reply.get("ETag")),
        encrypted=reply.get("ServerSideEncryption") not in (None, "AES256")
        or "SSECustomerAlgorithm" in reply,
    )


def list_folder(folder: ObjectAddress) -> Iterator[FoundObject]:
    """Every object below, the newest version of each, in the store's order.

    Page by page, in constant memory. Marks of folders, which some programs make, are
    left out: objects without bytes whose names end in a slash.

    :param folder: its key is empty or ends in a slash.
    :raises StorageUnavailable: the store cannot be reached.
    :raises StorageError: it does not show us the bucket, or broke off its listing.
    """
    client = connection().client
    versioned = _has_versions(client, folder.bucket)
    ask = client.list_object_versions if versioned else client.list_objects_v2
    more: dict[str, str] = {}
    while True:
        with translated("listing objects"):
            page = ask(Bucket=folder.bucket, Prefix=folder.key, **more)
        for entry in page.get("Versions" if versioned else "Contents", []):
            if entry.get("IsLatest", True) and not _is_mark(entry):
                yield _listed(folder, entry)
        # Neither a short nor an empty page is the last one.
        if not page.get("IsTruncated"):
            return
        following = {
            ask: page[told] for told, ask in _MARKERS.items() if page.get(told)
        }
        if not following or following == more:
            raise StorageError("The object store did not finish its listing.")
        more = following


def _has_versions(client: Any, bucket: str) -> bool:
    """Whether objects of the bucket may have versions of their own."""
    try:
        with translated("asking for versions"):
            return bool(client.get_bucket_versioning(Bucket=bucket).get("Status"))
    except StorageUnavailable:
        raise
    except StorageError:
        # A store without versions need not know the question.
        return False


def _is_mark(entry: dict[str, Any]) -> bool:
    return bool(entry["Key"].endswith("/") and entry["Size"] == 0)


def _listed(folder: ObjectAddress, entry: dict[str, Any]) -> FoundObject:
    key = entry["Key"]
    if not key.startswith(folder.key):
        # Only what is below was allowed.
        raise StorageError(f"The object store listed {key!r}, which is elsewhere.")
    address = ObjectAddress(folder.bucket, key).pinned(entry.get("VersionId"))
    return FoundObject(address, entry["Size"], _plain(entry.get("ETag")))


def _plain(etag: str | None) -> str:
    return (etag or "").strip('"').lower()
