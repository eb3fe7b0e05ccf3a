# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The folder of an S3 bucket where the objects of one batch lie."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta, timezone
from itertools import islice
from typing import Any, NamedTuple

from ..core.bindings import PutBinding
from ..core.plan import GIB, MIB
from ..core.sigv4 import PutSigner
from ..errors import StorageError
from .base import StoredObject
from .s3 import listed_uploads
from .s3_client import connection, translated
from .s3_probe import proves_sha256
from .server_copy import DetachedStorage, ListedSource, copy_as_listed

_PAGE = 1000
"""What one DeleteObjects may name, and what most stores list at once.

Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
"""

_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""Legal in keys, but one of them spoils a whole DeleteObjects request.

Source: https://www.w3.org/TR/xml/#charsets
"""

_GONE = {"NoSuchKey", "NoSuchVersion"}


class ListedObject(NamedTuple):
    """An object below the prefix. A tuple: there are thousands.

    :param name: key after the prefix; empty for an object of the prefix's own name,
        which some programs make as a mark of the folder.
    :param size: bytes.
    :param etag: without quotes, otherwise as the store writes it.
    :param modified_at: UTC.
    """

    name: str
    size: int
    etag: str
    modified_at: datetime


class PutLink(NamedTuple):
    """Where and how a client sends one whole object. A tuple: there are thousands.

    :param name: key after the prefix.
    :param expires_at: UTC.
    :param headers: must be sent with exactly these values.
    """

    name: str
    url: str
    expires_at: datetime
    headers: dict[str, str]


class ObjectPrefix:
    """All objects of a bucket whose keys begin alike.

    All calls may be repeated. An instance needs an application when it is made and
    not afterwards, so that several threads may use it; it does not survive a fork.
    Every method raises :class:`~invenio_multipart.errors.StorageUnavailable` when
    the store cannot be reached.

    :param uri: ``s3://bucket/some/path/``. The path is not empty: no batch has a
        bucket of its own, and whole prefixes are removed.
    :param copy_limit: largest object, in bytes, that is copied by one call.
    :param copy_part_size: bytes of a part of larger ones; at least 5 MiB.
    :raises ValueError: for any other form of ``uri``.

    Source of the limit: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
    """

    def __init__(
        self, uri: str, *, copy_limit: int = 5 * GIB, copy_part_size: int = 512 * MIB
    ) -> None:
        found = re.fullmatch(r"s3://([^/]+)/(.*[^/]/)", uri, re.DOTALL)
        if found is None:
            raise ValueError(f"{uri!r} is not of the form s3://bucket/path/.")
        self.uri = uri
        self._bucket, self._prefix = found[1], found[2]
        self._copy_limit, self._copy_part_size = copy_limit, copy_part_size
        self._s3 = connection()

    def list(self) -> Iterator[ListedObject]:
        """Every object below the prefix, in the store's order, page by page.

        Constant memory; the next page is asked for when it is needed.

        :raises StorageError: when the store ends its listing in the middle.
        """
        # botocore asks for encoded keys, and decodes them, as long as it is not
        # asked to; stores that cannot encode send them as they are.
        more: dict[str, str] = {}
        while True:
            with translated("listing objects"):
                page = self._s3.client.list_objects_v2(
                    Bucket=self._bucket, Prefix=self._prefix, **more
                )
            for entry in page.get("Contents", []):
                yield self._listed(entry)
            # Neither a short nor an empty page is the last one.
            if not page.get("IsTruncated"):
                return
            token = page.get("NextContinuationToken")
            if not token or token == more.get("ContinuationToken"):
                raise StorageError("The object store did not finish its listing.")
            more = {"ContinuationToken": token}

    def remove(self, names: Iterable[str]) -> None:
        """Delete these objects; those that are gone already are no error.

        1,000 per call. All are tried before the first failure is reported.

        :param names: keys after the prefix.
        :raises StorageError: when the store keeps some of them.
        """
        failures: list[str] = []
        for chunk in _chunks(names, _PAGE):
            failures += self._remove(chunk)
        if failures:
            raise StorageError(
                f"The object store kept {len(failures)} objects: "
                f"{', '.join(failures[:3])}."
            )

    def remove_all(self) -> int:
        """Delete every object below the prefix; how many there were.

        Clients may add objects meanwhile: the prefix is empty when this is 0.

        :raises StorageError: when the store keeps some of them.
        """
        count = 0

        def names() -> Iterator[str]:
            nonlocal count
            for entry in self.list():
                count += 1
                yield entry.name

        self.remove(names())
        return count

    def remove_uploads(self) -> int:
        """Abort multipart uploads that are open below the prefix; how many.

        Best effort: some stores do not list all of them. Pages are never turned,
        for markers do not work everywhere; what was aborted makes room for the rest.
        """
        seen: set[tuple[str, str]] = set()
        while new := self._open_uploads() - seen:
            for key, upload in new:
                at = f"s3://{self._bucket}/{key}"
                DetachedStorage(at, self._s3).abort_upload(upload)
            seen |= new
        return len(seen)

    def sign_puts(
        self, bindings: Iterable[PutBinding], expires: int
    ) -> Iterator[PutLink]:
        """A link per whole object, in the order given. No call to the store.

        Where the store proves SHA-256, that binds what has one, and no MD5: the store
        computes an MD5 anyway, and some would compute it twice. Whether it does is
        asked of the store once.

        :param bindings: paths are keys after the prefix.
        :param expires: seconds, 1..604800.
        :raises ValueError: for an expiry outside that range.
        """
        now = datetime.now(timezone.utc)
        expires_at = now.replace(microsecond=0) + timedelta(seconds=expires)
        signer = PutSigner(
            self._s3.object_url(self._bucket, self._prefix),
            self._s3.signing_credentials(),
            self._s3.region,
            now,
            expires,
        )
        for binding, url in signer.links(map(self._provable, bindings)):
            yield PutLink(binding.path, url, expires_at, binding.headers)

    def _provable(self, binding: PutBinding) -> PutBinding:
        if binding.sha256 is None:
            return binding
        if binding.md5 and proves_sha256(self._s3.client, self._bucket):
            return binding._replace(md5=None)
        return binding._replace(sha256=None)

    def adopt(
        self, name: str, target_uri: str, etag: str, size: int, *, confirm: bool = True
    ) -> StoredObject:
        """Copy an object, as it was listed, within the store; the copy.

        The content type is kept, the source stays, and what was refused leaves no
        copy: see :func:`~invenio_multipart.storage.server_copy.copy_as_listed`.

        :param name: key after the prefix.
        :param target_uri: ``s3://bucket/key``, another key than the source's.
        :param etag: as listed.
        :param size: bytes, as listed.
        :param confirm: see there.
        :raises PartsMismatch: the object is not the one that was listed.
        :raises ObjectMissing: there is no such object.
        """
        return copy_as_listed(
            ListedSource(name, self._bucket, self._prefix + name, etag, size),
            DetachedStorage(target_uri, self._s3),
            whole_up_to=self._copy_limit,
            part_size=self._copy_part_size,
            confirm=confirm,
        )

    def _listed(self, entry: dict[str, Any]) -> ListedObject:
        key = entry["Key"]
        if not key.startswith(self._prefix):
            # Whoever asked may delete all that comes.
            raise StorageError(f"The object store listed {key!r}, which is elsewhere.")
        return ListedObject(
            name=key[len(self._prefix) :],
            size=entry["Size"],
            etag=entry.get("ETag", "").strip('"'),
            modified_at=entry["LastModified"].astimezone(timezone.utc),
        )

    def _remove(self, names: Sequence[str]) -> Iterator[str]:
        """Delete up to 1,000 objects; what the store kept, and why."""
        speakable = [name for name in names if not _NOT_IN_XML.search(name)]
        if speakable:
            objects = [{"Key": self._prefix + name} for name in speakable]
            with translated("deleting objects"):
                reply = self._s3.client.delete_objects(
                    Bucket=self._bucket, Delete={"Objects": objects, "Quiet": True}
                )
            for error in reply.get("Errors", []):
                if error.get("Code") not in _GONE:
                    yield f"{error.get('Key')!r} ({error.get('Code')})"
        for name in set(names).difference(speakable):
            DetachedStorage(self.uri + name, self._s3).remove_object()

    def _open_uploads(self) -> set[tuple[str, str]]:
        """Key and name of some uploads below the prefix, of all if they are few."""
        # MinIO finds nothing by a prefix that is not a whole key, but lists a bucket.
        for where in ({"Prefix": self._prefix}, {"KeyMarker": self._prefix}):
            page = listed_uploads(self._s3.client, Bucket=self._bucket, **where)
            found = {
                (entry["Key"], entry["UploadId"])
                for entry in page.get("Uploads", [])
                if entry["Key"].startswith(self._prefix)
            }
            if found:
                return found
        return set()


def _chunks(names: Iterable[str], size: int) -> Iterator[Sequence[str]]:
    rest = iter(names)
    while chunk := tuple(islice(rest, size)):
        yield chunk
