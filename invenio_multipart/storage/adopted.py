# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Read objects that belong to others, as they were when they were linked.

Where the bucket keeps versions, all reading names the version. Where it keeps none, the
object is looked at before it is read or a reader is sent to it: what has changed is not
served. Nothing here writes or deletes.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, BinaryIO, ClassVar, NoReturn

import s3fs
from flask import Response, current_app

from ..core.adopted import Expected, FoundObject, ObjectAddress
from ..core.ledger import StoredPart
from ..errors import NotAllowedHere, ObjectChanged, StorageUnavailable
from .base import Ability, OpenedUpload
from .found import look_at
from .s3 import S3Storage

Lookup = Callable[[uuid.UUID], "Expected | None"]

_lookup: list[Lookup] = []


def expect_by(lookup: Lookup) -> None:
    """Say where it is known what objects were; set once, when all is wired.

    Storage knows no tables.

    :param lookup: given the id of a file instance; None for one that is not known.
    """
    _lookup[:] = [lookup]


class AdoptedStorage(S3Storage):
    """An object of somebody else's: everything of our S3 storage that reads.

    :param file_id: of the file instance, to ask what the object was.
    """

    abilities: ClassVar[frozenset[Ability]] = frozenset()
    store_may_copy: ClassVar[bool] = False

    def __init__(self, fileurl: str, *, file_id: uuid.UUID, **options: Any) -> None:
        super().__init__(fileurl, **options)
        self._file_id = file_id
        self._address = ObjectAddress.from_uri(fileurl)

    @property
    def _at(self) -> dict[str, str]:
        """Bucket, Key and VersionId arguments of every call."""
        at = {"Bucket": self._address.bucket, "Key": self._address.key}
        if self._address.version_ref is not None:
            at["VersionId"] = self._address.version_ref
        return at

    def require_unchanged(self) -> None:
        """Look at the object; nothing, when it is what it was.

        :raises ObjectChanged: it is not, or is gone.
        :raises StorageUnavailable: the store cannot be reached.
        """
        self._compare(look_at([self._address])[0])

    def open(self, mode: str = "rb") -> BinaryIO:
        """The object for reading.

        Should it change while it is read, reading fails.

        :raises ObjectChanged: it is not what it was.
        :raises NotAllowedHere: for writing.
        :raises StorageUnavailable: the store cannot be reached.
        """
        if mode not in ("r", "rb"):
            self._refuse()
        fs, path = self._get_fs()
        # Others change the object: what this process remembers of it is worth nothing.
        fs.invalidate_cache(path)
        try:
            opened: Any = fs.open(path, mode="rb")
        except FileNotFoundError:
            self._compare(None)
            raise
        except OSError as error:
            raise StorageUnavailable("The object cannot be opened just now.") from error
        etag = str(opened.details.get("ETag", "")).strip('"').lower()
        try:
            self._compare(FoundObject(self._address, opened.size, etag))
        except ObjectChanged:
            opened.close()
            raise
        stream: BinaryIO = opened
        return stream

    def send_file(self, filename: str, **options: Any) -> Response:
        """Send the reader on to the object: to its version, or once it was looked at.

        A link to an object without versions lives for ``S3_URL_EXPIRATION`` seconds,
        in which the object may still change.

        :raises ObjectChanged: it is not what it was.
        """
        if self._address.version_ref is None:
            self.require_unchanged()
        response: Response = super().send_file(filename, **options)
        return response

    def delete(self) -> bool:
        """Nothing is deleted; the caller goes on as if it were."""
        self.remove_object()
        return True

    def remove_object(self) -> None:
        """See :meth:`delete`."""
        current_app.logger.info(
            "The object %s belongs to others, and stays.", self.fileurl
        )

    def abort_upload(self, upload_ref: str) -> None:
        """There is none of ours."""

    def find_uploads(self) -> list[str]:
        """None of ours; uploads of the owner are the owner's."""
        return []

    def initialize(self, size: int = 0) -> NoReturn:
        """:raises NotAllowedHere: always."""
        self._refuse()

    def save(self, *args: Any, **options: Any) -> NoReturn:
        """:raises NotAllowedHere: always."""
        self._refuse()

    def update(self, *args: Any, **options: Any) -> NoReturn:
        """:raises NotAllowedHere: always."""
        self._refuse()

    def copy(self, src: Any, *args: Any, **options: Any) -> NoReturn:
        """:raises NotAllowedHere: always; copying from here is another's method."""
        self._refuse()

    def create_upload(self, content_type: str | None = None) -> OpenedUpload:
        """:raises NotAllowedHere: always."""
        self._refuse()

    def complete_upload(self, upload_ref: str, parts: Sequence[StoredPart]) -> None:
        """:raises NotAllowedHere: always."""
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise NotAllowedHere("The object belongs to others; it is only read.")

    def _compare(self, found: FoundObject | None) -> None:
        expected = _lookup[0](self._file_id) if _lookup else None
        if expected is None:
            raise ObjectChanged("Nothing is known of what the object was.")
        difference = expected.difference(found)
        if difference is not None:
            raise ObjectChanged(difference)

    def _get_fs(self, *args: Any, **options: Any) -> tuple[Any, str]:
        """Like invenio-s3's, but s3fs must know that the address names a version."""
        if self._address.version_ref is None:
            fs, path = super()._get_fs(*args, **options)
            return fs, path
        info = current_app.extensions["invenio-s3"].init_s3fs_info
        fs = s3fs.S3FileSystem(
            default_block_size=self.block_size, version_aware=True, **info
        )
        return fs, self.fileurl


def adopted_storage(instance: Any) -> AdoptedStorage:
    """The storage of a file instance of our storage class."""
    modified: datetime | None = instance.updated
    return AdoptedStorage(
        instance.uri, file_id=instance.id, size=instance.size, modified=modified
    )
