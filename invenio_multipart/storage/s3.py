# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Multipart uploads in S3 and its kin."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any, ClassVar

from invenio_files_rest.storage import FileStorage
from invenio_s3.storage import S3FSFileStorage

from ..core.bindings import PartBinding
from ..core.crc import from_base64
from ..core.ledger import StoredPart
from ..core.plan import S3_LIMITS, PlanLimits
from ..core.sigv4 import PartSigner
from ..errors import ObjectMissing, StorageError, StorageUnavailable, UploadGone
from .base import Ability, MultipartUploadMixin, OpenedUpload, PartLink, StoredObject
from .s3_client import S3Connection, connection, translated
from .s3_probe import proves_crc64nvme

_CHUNK = 2**20
_READ_ATTEMPTS = 5
_OPEN_ATTEMPTS = 3


class S3Storage(MultipartUploadMixin, S3FSFileStorage):  # type: ignore[misc]
    """A file in S3: everything of invenio-s3's, and our multipart contract."""

    abilities: ClassVar[frozenset[Ability]] = frozenset({Ability.PRESIGNED_PARTS})
    limits: ClassVar[PlanLimits] = S3_LIMITS
    store_may_copy: ClassVar[bool] = True
    """Whether a copy within the store is what one reads from here."""

    def copy(self, src: FileStorage, *args: Any, **options: Any) -> Any:
        """invenio-s3's, within the store; but what must be read rightly is read."""
        if isinstance(src, S3Storage) and not src.store_may_copy:
            return FileStorage.copy(self, src, *args, **options)
        return super().copy(src, *args, **options)

    @property
    def _s3(self) -> S3Connection:
        return connection()

    @property
    def _at(self) -> dict[str, str]:
        """Bucket and Key arguments of every call."""
        bucket, _, key = self.fileurl.removeprefix("s3://").partition("/")
        return {"Bucket": bucket, "Key": key}

    def proves(self, algorithm: str) -> bool:
        """See the contract. Found out by a tiny upload, once per bucket."""
        if algorithm != "crc64nvme":
            return False
        with translated("asking for its checksums"):
            return proves_crc64nvme(self._s3.client, self._at["Bucket"])

    def create_upload(self, content_type: str | None = None) -> OpenedUpload:
        """See the contract. Asks for a full-object CRC where the store proves it."""
        options: dict[str, str] = {}
        if content_type:
            options["ContentType"] = content_type
        if self.proves("crc64nvme"):
            options |= {
                "ChecksumAlgorithm": "CRC64NVME",
                "ChecksumType": "FULL_OBJECT",
            }
        reply = self._open(options)
        # S3 says which encryption the bucket applies; only with its own keys (or
        # none) is an ETag an MD5.
        encryption = reply.get("ServerSideEncryption")
        return OpenedUpload(reply["UploadId"], encryption in (None, "AES256"))

    def _open(self, options: dict[str, str]) -> Any:
        """The store's reply to a new upload; the only one open here afterwards.

        A client that repeats by itself would leave an upload that nobody knows,
        and pays for, whenever the store had opened one and the reply was lost.
        """
        for attempt in range(_OPEN_ATTEMPTS):
            try:
                with translated("opening an upload"):
                    return self._s3.single_client.create_multipart_upload(
                        **self._at, **options
                    )
            except StorageUnavailable:
                if attempt == _OPEN_ATTEMPTS - 1:
                    raise
            # The key is this upload's own: what is open here was not heard of.
            for unheard in self.find_uploads():
                self.abort_upload(unheard)
        raise AssertionError("unreachable")

    def find_uploads(self) -> list[str]:
        """See the contract. The exact key is the prefix: MinIO finds no shorter."""
        at = self._at
        # Only the first page is read: no key ever has a thousand uploads, and
        # versitygw refuses its own marker for the second.
        reply = listed_uploads(self._s3.client, Bucket=at["Bucket"], Prefix=at["Key"])
        found = reply.get("Uploads", [])
        return [entry["UploadId"] for entry in found if entry["Key"] == at["Key"]]

    def list_parts(self, upload_ref: str, after: int = 0) -> Iterator[StoredPart]:
        """See the contract. One call per 1,000 parts on most stores."""
        marker = after
        while True:
            with translated("listing parts"):
                page = self._s3.client.list_parts(
                    **self._at,
                    UploadId=upload_ref,
                    PartNumberMarker=marker,
                    MaxParts=1000,
                )
            parts = sorted(page.get("Parts", []), key=lambda part: part["PartNumber"])
            for part in parts:
                if part["PartNumber"] > after:
                    yield _stored(part)
            # Ask IsTruncated, not the length: MinIO sends all parts in one page.
            if not page.get("IsTruncated") or not parts:
                return
            marker = parts[-1]["PartNumber"]

    def complete_upload(self, upload_ref: str, parts: Sequence[StoredPart]) -> None:
        """See the contract. An empty file is one PUT: Garage takes no empty part."""
        client = self._s3.client
        if not parts:
            with translated("storing an empty file"):
                # A PUT would not notice that the upload has been aborted.
                client.list_parts(**self._at, UploadId=upload_ref, MaxParts=1)
                client.put_object(**self._at, Body=b"")
            self.abort_upload(upload_ref)
            return
        with translated("completing an upload"):
            client.complete_multipart_upload(
                **self._at,
                UploadId=upload_ref,
                MultipartUpload={"Parts": [_completed(part) for part in parts]},
            )

    def head(self) -> StoredObject | None:
        """See the contract. HEAD, never GetObjectAttributes: two stores answer
        that one with the whole object."""
        try:
            with translated("looking at an object"):
                reply = self._s3.client.head_object(**self._at, ChecksumMode="ENABLED")
        except (ObjectMissing, UploadGone):
            return None
        crc = reply.get("ChecksumCRC64NVME")
        return StoredObject(
            size=reply["ContentLength"],
            etag=_unquoted(reply.get("ETag", "")),
            crc64nvme=from_base64(crc) if crc else None,
            md5_etag=reply.get("ServerSideEncryption") in (None, "AES256")
            and "SSECustomerAlgorithm" not in reply,
        )

    def abort_upload(self, upload_ref: str) -> None:
        """See the contract."""
        try:
            with translated("aborting an upload"):
                self._s3.client.abort_multipart_upload(**self._at, UploadId=upload_ref)
        except (UploadGone, ObjectMissing):
            return

    def remove_object(self) -> None:
        """See the contract. S3's delete does not mind a missing object."""
        with translated("deleting an object"):
            self._s3.client.delete_object(**self._at)

    def read_from(self, offset: int = 0) -> Iterator[bytes]:
        """See the contract."""
        # Settings are read here: the reading itself may run in another thread,
        # where there is no application.
        return self._read(self._s3.client, offset)

    def _read(self, client: Any, offset: int) -> Iterator[bytes]:
        failures, begun = 0, False
        while True:
            try:
                for piece in self._read_once(client, offset):
                    offset += len(piece)
                    failures, begun = 0, True
                    yield piece
                return
            except StorageUnavailable:
                failures += 1
                # A store that was down from the start has been asked three times
                # already, and a request may be waiting.
                if not begun or failures == _READ_ATTEMPTS:
                    raise

    def sign_parts(
        self, upload_ref: str, bindings: Iterable[PartBinding], expires: int
    ) -> Iterator[PartLink]:
        """See the contract. No call to the store."""
        signer, expires_at = self._signer(expires)
        for binding, url in signer.links(upload_ref, bindings):
            yield PartLink(binding.number, url, expires_at, binding.headers)

    def sign_unbound(
        self, upload_ref: str, numbers: Sequence[int], expires: int
    ) -> tuple[datetime, Iterator[str]]:
        """See the contract. No call to the store."""
        signer, expires_at = self._signer(expires)
        return expires_at, signer.urls(upload_ref, numbers)

    def _signer(self, expires: int) -> tuple[PartSigner, datetime]:
        """A signer of this moment, and when its links end."""
        s3, at, now = self._s3, self._at, datetime.now(timezone.utc)
        expires_at = now.replace(microsecond=0) + timedelta(seconds=expires)
        url = s3.object_url(at["Bucket"], at["Key"])
        credentials = s3.signing_credentials()
        return PartSigner(url, credentials, s3.region, now, expires), expires_at

    def _read_once(self, client: Any, offset: int) -> Iterator[bytes]:
        with translated("reading an object"):
            # HEAD first: a range beyond the end of an empty object is an error.
            size = client.head_object(**self._at)["ContentLength"]
            if offset >= size:
                return
            reply = client.get_object(**self._at, Range=f"bytes={offset}-")
            body = reply["Body"]
        try:
            while True:
                with translated("reading an object"):
                    piece = body.read(_CHUNK)
                if not piece:
                    return
                yield piece
        finally:
            body.close()


def listed_uploads(client: Any, **where: str) -> Any:
    """One page of open uploads; an empty one where the store lists none.

    Some stores do not know the call, and some sites do not allow it: what the database
    knows is then all there is.

    :raises StorageUnavailable: the store cannot be reached.
    """
    try:
        with translated("looking for uploads"):
            return client.list_multipart_uploads(**where)
    except (StorageUnavailable, ObjectMissing):
        raise
    except StorageError:
        return {}


def _stored(part: dict[str, Any]) -> StoredPart:
    crc = part.get("ChecksumCRC64NVME")
    return StoredPart(
        number=part["PartNumber"],
        size=part["Size"],
        etag=_unquoted(part.get("ETag", "")),
        crc64nvme=from_base64(crc) if crc else None,
        uploaded_at=part.get("LastModified"),
    )


def _completed(part: StoredPart) -> dict[str, Any]:
    entry: dict[str, Any] = {"PartNumber": part.number, "ETag": f'"{part.etag}"'}
    if part.crc64nvme:
        raw = bytes.fromhex(part.crc64nvme)
        entry["ChecksumCRC64NVME"] = b64encode(raw).decode("ascii")
    return entry


def _unquoted(etag: str) -> str:
    return etag.strip('"').lower()
