# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Copies within one S3 store, of exactly the object that was listed."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from botocore.exceptions import ClientError

from ..core.digests import is_md5
from ..core.plan import S3_LIMITS, PartPlan, make_plan
from ..errors import ObjectMissing, PartsMismatch, StorageError, UploadGone
from .base import StoredObject
from .s3 import S3Storage
from .s3_client import S3Connection, translated

_THREADS = 8
"""Parts copied at a time: the store works, the threads wait."""

_CHANGED = {"PreconditionFailed", "412"}
_MISSING = {"NoSuchKey", "404"}


class DetachedStorage(S3Storage):
    """The multipart contract of a file in S3 for threads without an application.

    Only the contract: what invenio-files-rest adds reads settings.
    """

    def __init__(self, fileurl: str, s3: S3Connection) -> None:
        # The inherited initialisation asks the current application for a block size
        # that the contract does not use.
        self.fileurl = fileurl
        self._connection = s3

    @property
    def _s3(self) -> S3Connection:
        return self._connection


@dataclass(frozen=True)
class ListedSource:
    """An object as a listing had it.

    :param name: what errors call it.
    :param etag: without quotes, otherwise as the store writes it.
    :param size: bytes.
    """

    name: str
    bucket: str
    key: str
    etag: str
    size: int

    @property
    def at(self) -> dict[str, str]:
        """Bucket and Key arguments."""
        return {"Bucket": self.bucket, "Key": self.key}

    @property
    def if_match(self) -> str:
        """The ETag as a condition."""
        return f'"{self.etag}"'

    def changed(self) -> PartsMismatch:
        """The error for another object in its place."""
        return PartsMismatch(
            [f"The object {self.name!r} is not the one that was listed."]
        )


def copy_as_listed(
    source: ListedSource,
    target: DetachedStorage,
    *,
    whole_up_to: int,
    part_size: int,
    confirm: bool = True,
) -> StoredObject:
    """Copy an object, with its content type; the copy.

    A wrong copy is removed and an unfinished upload ended. Where the store fails in
    the middle a copy may stay; the next attempt replaces it.

    Not every store minds the ETag it is given (Ceph does not): unless the copy has
    the same one, the source is looked at again.

    :param whole_up_to: bytes that are copied by one call; more go in parts.
    :param part_size: bytes of a part, 5 MiB or more; more where the number of
        parts would be too high.
    :param confirm: whether to look at the copy in any case. Otherwise a reply that
        names the MD5 that was listed is enough: with thousands of small objects the
        second call is half of the time.
    :raises PartsMismatch: another object has taken the source's place.
    :raises ObjectMissing: there is no source.
    """
    with _said_of(source, target):
        if source.size <= whole_up_to:
            copied = _copy_whole(source, target)
            if not confirm and is_md5(copied) and copied == source.etag.lower():
                return StoredObject(source.size, copied)
        else:
            _copy_in_parts(source, target, part_size)
        with ExitStack() as undo:
            undo.callback(target.remove_object)
            copy = target.head()
            if copy is None:
                raise StorageError("The object store has lost a copy.")
            if copy.size != source.size:
                raise source.changed()
            if copy.etag != source.etag.lower():
                _look_at(source, target)
            undo.pop_all()
    return copy


def _copy_whole(source: ListedSource, target: DetachedStorage) -> str:
    """Copy by one call; the ETag that the reply names, without quotes."""
    reply = target._s3.client.copy_object(
        **target._at,
        CopySource=source.at,
        CopySourceIfMatch=source.if_match,
        MetadataDirective="COPY",
    )
    etag: str = reply.get("CopyObjectResult", {}).get("ETag", "")
    return etag.strip('"').lower()


def _copy_in_parts(
    source: ListedSource, target: DetachedStorage, part_size: int
) -> None:
    part_size = max(part_size, -(-source.size // S3_LIMITS.max_parts))
    plan = make_plan(source.size, part_size=part_size)
    content_type = _look_at(source, target).get("ContentType")
    # A worker that was killed in the middle of this has left its upload here.
    for left in target.find_uploads():
        target.abort_upload(left)
    upload = target.create_upload(content_type).ref
    with ExitStack() as undo:
        undo.callback(target.abort_upload, upload)
        _copy_parts(source, target, upload, plan)
        parts = list(target.list_parts(upload))
        if [part.size for part in parts] != list(plan.sizes()):
            raise StorageError("The object store has not copied all parts.")
        try:
            target.complete_upload(upload, parts)
        except UploadGone:
            # Repeated after a lost reply; whether the object is there is seen next.
            return
        undo.pop_all()


def _copy_parts(
    source: ListedSource, target: DetachedStorage, upload: str, plan: PartPlan
) -> None:
    """All parts, in several threads; returns or fails when none is at work."""
    client, at = target._s3.client, target._at
    copy_source = _name_for_parts(source, target, upload)

    def copy(number: int) -> None:
        first = plan.offset_of(number)
        last = first + plan.size_of(number) - 1
        client.upload_part_copy(
            **at,
            CopySource=copy_source,
            CopySourceIfMatch=source.if_match,
            UploadId=upload,
            PartNumber=number,
            CopySourceRange=f"bytes={first}-{last}",
        )

    pool = ThreadPoolExecutor(min(_THREADS, plan.parts))
    try:
        for done in as_completed(
            [pool.submit(copy, number) for number in range(1, plan.parts + 1)]
        ):
            done.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _name_for_parts(
    source: ListedSource, target: DetachedStorage, upload: str
) -> str | dict[str, str]:
    """How to name the source in UploadPartCopy.

    Ceph 16 decodes the name twice there (and once in CopyObject): asked for "%41" it
    copies "A". A tiny object tells, where it matters; its part is replaced later.
    """
    if "%" not in source.key:
        return source.at
    client, bucket = target._s3.client, target._at["Bucket"]
    tiny = DetachedStorage(
        f"s3://{bucket}/.invenio-multipart-probe/{uuid.uuid4()}%41", target._s3
    )
    try:
        client.put_object(**tiny._at, Body=b"x")
        client.upload_part_copy(
            **target._at, UploadId=upload, PartNumber=1, CopySource=tiny._at
        )
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") not in _MISSING:
            raise
        # botocore encodes it a second time.
        return quote(f"{source.bucket}/{source.key}")
    finally:
        tiny.remove_object()
    return source.at


def _look_at(source: ListedSource, target: DetachedStorage) -> dict[str, Any]:
    """The source's headers.

    :raises PartsMismatch: it has another ETag or size.
    """
    found: dict[str, Any] = target._s3.client.head_object(**source.at)
    same = found["ETag"].strip('"') == source.etag
    if not same or found["ContentLength"] != source.size:
        raise source.changed()
    return found


@contextmanager
def _said_of(source: ListedSource, target: DetachedStorage) -> Iterator[None]:
    """Turn what the store says of the source into our words.

    :raises PartsMismatch: it has changed.
    :raises ObjectMissing: it is gone.
    """
    with translated("copying an object"):
        try:
            yield
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code")
            if code in _CHANGED:
                raise source.changed() from error
            if code in _MISSING:
                raise ObjectMissing(
                    f"The object {source.name!r} is not in the store."
                ) from error
            # Stores differ in what they call a range beyond the end of an object
            # that has become shorter.
            _look_at(source, target)
            raise
