# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Places to store in, so that one suite can speak to each of them."""

from __future__ import annotations

import hashlib
import io
import random
import uuid
from abc import ABC, abstractmethod
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import requests

from invenio_multipart.core.bindings import PartBinding
from invenio_multipart.core.ledger import StoredPart
from invenio_multipart.errors import PartRefused, StorageError, UploadGone
from invenio_multipart.storage.base import Ability, MultipartUploadMixin
from invenio_multipart.storage.local import LocalStorage
from tests.fakes.memory import MemoryStorage, MemoryStore


def md5_of(data: bytes) -> str:
    """Hex digits."""
    return hashlib.md5(data).hexdigest()


class Place(ABC):
    """A kind of storage, and how a client sends parts to it.

    :cvar unit: bytes of the smallest part that may be followed by another.
    """

    unit: int

    @abstractmethod
    def file(self) -> MultipartUploadMixin:
        """A file that is not there yet."""

    def again(self, storage: MultipartUploadMixin) -> MultipartUploadMixin:
        """The same file as another process would open it."""
        return type(storage)(storage.fileurl)

    def data(self, size: int | None = None) -> bytes:
        """Bytes that are found nowhere else; a unit of them by default."""
        return random.randbytes(self.unit if size is None else size)

    def send(
        self,
        storage: MultipartUploadMixin,
        ref: str,
        number: int,
        data: bytes,
        *,
        size: int | None = None,
        md5: str | None = None,
        offset: int | None = None,
    ) -> None:
        """Send a part as a client does: through the server, or by a signed link.

        :param size: announced bytes, the right ones by default.
        :raises PartRefused: the store did not want these bytes.
        """
        size = len(data) if size is None else size
        if Ability.SERVER_PARTS in storage.abilities:
            stream = io.BytesIO(data)
            storage.put_part(ref, number, stream, size, md5=md5, offset=offset)
            return
        base64 = b64encode(bytes.fromhex(md5)).decode() if md5 else None
        binding = PartBinding(number, size, base64)
        (link,) = storage.sign_parts(ref, [binding], 600)
        headers = dict(link.headers)
        headers.pop("Content-Length")  # requests sets what it sends
        reply = requests.put(link.url, data=data, headers=headers, timeout=60)
        if reply.status_code == 404:
            raise UploadGone(reply.text)
        if reply.status_code in (400, 403):
            raise PartRefused(reply.text)
        if reply.status_code != 200:
            raise StorageError(f"{reply.status_code} {reply.text}")

    def upload(
        self, parts: Sequence[bytes], storage: MultipartUploadMixin | None = None
    ) -> tuple[MultipartUploadMixin, str, list[StoredPart]]:
        """An open upload with these parts, and what the store lists of it."""
        storage = storage or self.file()
        ref = storage.create_upload().ref
        for number, data in enumerate(parts, start=1):
            self.send(storage, ref, number, data)
        return storage, ref, list(storage.list_parts(ref))


@dataclass
class S3Place(Place):
    """The S3 server of the tests."""

    bucket: str
    storage_class: Callable[[str], MultipartUploadMixin]
    unit = 5 * 2**20

    def file(self) -> MultipartUploadMixin:
        """In a folder of its own, with characters that need encoding."""
        return self.storage_class(
            f"s3://{self.bucket}/contract/{uuid.uuid4()}/da ta+ü~1"
        )


@dataclass
class LocalPlace(Place):
    """A folder."""

    folder: Path
    unit = 1000

    def file(self) -> MultipartUploadMixin:
        """Laid out like invenio-files-rest's files."""
        return LocalStorage(str(self.folder / uuid.uuid4().hex / "data"))


class MemoryPlace(Place):
    """Dictionaries."""

    unit = 1000

    def __init__(self) -> None:
        self.store = MemoryStore()

    def file(self) -> MultipartUploadMixin:
        """A new name."""
        return MemoryStorage(f"memory://{uuid.uuid4()}", self.store)

    def again(self, storage: MultipartUploadMixin) -> MultipartUploadMixin:
        """The same name in the same dictionaries."""
        return MemoryStorage(storage.fileurl, self.store)
