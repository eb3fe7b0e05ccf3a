# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The storage contract of a multipart upload."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import BinaryIO, ClassVar, NamedTuple

from ..core.bindings import PartBinding
from ..core.ledger import StoredPart
from ..core.plan import PlanLimits
from ..errors import NotAllowedHere


class Ability(Enum):
    """What a storage can do beyond the contract; declared, never guessed."""

    PRESIGNED_PARTS = "presigned_parts"
    """Clients send parts straight to the store by links it signs."""

    SERVER_PARTS = "server_parts"
    """Parts come through the web server, one PUT each."""


@dataclass(frozen=True)
class OpenedUpload:
    """An upload the store has opened.

    :param ref: the store's name for it.
    :param md5_etags: whether ETags of its parts will be their MD5s. They are not
        where the store encrypts with managed keys.
    """

    ref: str
    md5_etags: bool = True


@dataclass(frozen=True)
class StoredObject:
    """A finished object as the store knows it.

    :param size: bytes.
    :param etag: without quotes, lower case.
    :param crc64nvme: full-object CRC, 16 hex digits, None where there is none.
    :param md5_etag: False where the store encrypts with managed or client keys; an
        ETag without a dash is then no MD5.
    """

    size: int
    etag: str
    crc64nvme: str | None = None
    md5_etag: bool = True


class PartLink(NamedTuple):
    """Where and how a client sends one part. A tuple: thousands are made per reply.

    :param expires_at: UTC.
    :param headers: must be sent with exactly these values.
    """

    part: int
    url: str
    expires_at: datetime
    headers: dict[str, str]


class MultipartUploadMixin(ABC):
    """What a file storage class adds to take part in multipart uploads.

    Mixed into a class with the file storage interface of invenio-files-rest: one
    instance is one file, ``fileurl`` says where. All calls may be repeated; a
    repeated call leaves the store as one call does.

    Every method raises :class:`~invenio_multipart.errors.StorageUnavailable` when
    the store cannot be reached, and :class:`~invenio_multipart.errors.UploadGone`
    where it is given an ``upload_ref`` that the store does not know.
    """

    abilities: ClassVar[frozenset[Ability]]
    limits: ClassVar[PlanLimits]
    fileurl: str

    def proves(self, algorithm: str) -> bool:
        """Whether the store computes this digest of whole objects by itself.

        :param algorithm: as in ``core.digests.HEX_LENGTHS``; hashes we can compute
            are not asked for.
        """
        return False

    @abstractmethod
    def create_upload(self, content_type: str | None = None) -> OpenedUpload:
        """Open an upload at ``fileurl``.

        :param content_type: media type for stores that keep one.
        """

    @abstractmethod
    def find_uploads(self) -> list[str]:
        """Names of all uploads open at ``fileurl``, for repairs after a crash."""

    @abstractmethod
    def list_parts(self, upload_ref: str, after: int = 0) -> Iterator[StoredPart]:
        """Parts the store holds, numbers ascending, above ``after``.

        Lazy: a store that pages asks for the next page when it is needed.
        """

    @abstractmethod
    def complete_upload(self, upload_ref: str, parts: Sequence[StoredPart]) -> None:
        """Make the object at ``fileurl`` from exactly these parts.

        :param parts: numbers 1..n in order, with the ETags that were proved, so
            that a part replaced since then is refused. Empty for an empty object.
        :raises PartsMismatch: when the store no longer holds these parts.
        """

    @abstractmethod
    def head(self) -> StoredObject | None:
        """The finished object, None when there is none."""

    @abstractmethod
    def abort_upload(self, upload_ref: str) -> None:
        """Free all parts. An upload that is gone already is no error."""

    @abstractmethod
    def remove_object(self) -> None:
        """Free the finished object. One that is gone already is no error."""

    @abstractmethod
    def read_from(self, offset: int = 0) -> Iterator[bytes]:
        """The object's bytes from ``offset`` on, in pieces of about a MiB.

        Constant memory; a connection lost on the way is taken up again.

        :raises ObjectMissing: when there is no object.
        """

    def put_part(
        self,
        upload_ref: str,
        number: int,
        stream: BinaryIO,
        size: int,
        *,
        md5: str | None = None,
        offset: int | None = None,
    ) -> StoredPart:
        """Take one part through the server (:attr:`Ability.SERVER_PARTS`).

        :param size: exact bytes to read from ``stream``.
        :param md5: 32 hex digits the bytes must have, None to take any.
        :param offset: where the part lies in the file, None while unknown.
        :raises PartRefused: too few bytes or another MD5. A part that was there
            before under this number is still there, unchanged.
        """
        raise NotAllowedHere("This storage takes parts by its own links.")

    def sign_parts(
        self, upload_ref: str, bindings: Iterable[PartBinding], expires: int
    ) -> Iterator[PartLink]:
        """Links that clients use directly (:attr:`Ability.PRESIGNED_PARTS`).

        :param expires: seconds, 1..604800.
        """
        raise NotAllowedHere("This storage takes parts through the server.")

    def sign_unbound(
        self, upload_ref: str, numbers: Sequence[int], expires: int
    ) -> tuple[datetime, Iterator[str]]:
        """When links end that bind neither size nor MD5, and their URLs in order.

        The same links as :meth:`sign_parts` makes. A store that signs thousands in
        a reply may do without an object for each.

        :param numbers: one or more.
        """
        bindings = map(PartBinding, numbers)
        links = list(self.sign_parts(upload_ref, bindings, expires))
        return min(link.expires_at for link in links), (link.url for link in links)
