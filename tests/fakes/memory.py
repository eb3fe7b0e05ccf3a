# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The storage contract in a few dictionaries: what a new backend is compared with."""

from __future__ import annotations

import hashlib
import threading
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import BinaryIO, ClassVar

from invenio_multipart.core.digests import composite_etag
from invenio_multipart.core.ledger import StoredPart
from invenio_multipart.core.plan import PlanLimits
from invenio_multipart.errors import (
    ObjectMissing,
    PartRefused,
    PartsMismatch,
    StorageUnavailable,
    UploadGone,
)
from invenio_multipart.storage.base import (
    Ability,
    MultipartUploadMixin,
    OpenedUpload,
    StoredObject,
)

_PIECE = 2**20


@dataclass
class _Upload:
    url: str
    parts: dict[int, tuple[StoredPart, bytes]] = field(default_factory=dict)


@dataclass
class MemoryStore:
    """Everything that storages of one store share; safe between threads.

    :param down: while True the store cannot be reached.
    """

    uploads: dict[str, _Upload] = field(default_factory=dict)
    objects: dict[str, tuple[StoredObject, bytes]] = field(default_factory=dict)
    down: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def upload(self, url: str, ref: str) -> _Upload:
        """The open upload; the caller holds the lock."""
        self.reach()
        found = self.uploads.get(ref)
        if found is None or found.url != url:
            raise UploadGone("The store does not know the upload.")
        return found

    def reach(self) -> None:
        """Fail as a store does that is down."""
        if self.down:
            raise StorageUnavailable("The store cannot be reached.")


class MemoryStorage(MultipartUploadMixin):
    """One file in a :class:`MemoryStore`."""

    abilities: ClassVar[frozenset[Ability]] = frozenset({Ability.SERVER_PARTS})
    limits: ClassVar[PlanLimits] = PlanLimits(min_part_size=1, name="memory")

    def __init__(self, fileurl: str, store: MemoryStore) -> None:
        self.fileurl = fileurl
        self._store = store

    def create_upload(self, content_type: str | None = None) -> OpenedUpload:
        """See the contract."""
        ref = uuid.uuid4().hex
        with self._store.lock:
            self._store.reach()
            self._store.uploads[ref] = _Upload(self.fileurl)
        return OpenedUpload(ref)

    def find_uploads(self) -> list[str]:
        """See the contract."""
        with self._store.lock:
            self._store.reach()
            uploads = self._store.uploads.items()
            return [ref for ref, upload in uploads if upload.url == self.fileurl]

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
        """See the contract."""
        with self._store.lock:
            self._store.upload(self.fileurl, upload_ref)
        # Not under the lock: a slow sender must not hold up the others.
        data = _exactly(stream, size)
        digest = hashlib.md5(data, usedforsecurity=False).hexdigest()
        if md5 not in (None, digest):
            raise PartRefused(f"The MD5 is {digest}, not {md5}.", field="checksum")
        part = StoredPart(number, size, digest, uploaded_at=datetime.now(timezone.utc))
        with self._store.lock:
            upload = self._store.upload(self.fileurl, upload_ref)
            upload.parts[number] = part, data
        return part

    def list_parts(self, upload_ref: str, after: int = 0) -> Iterator[StoredPart]:
        """See the contract."""
        with self._store.lock:
            parts = dict(self._store.upload(self.fileurl, upload_ref).parts)
        for number in sorted(parts):
            if number > after:
                yield parts[number][0]

    def complete_upload(self, upload_ref: str, parts: Sequence[StoredPart]) -> None:
        """See the contract."""
        with self._store.lock:
            upload = self._store.upload(self.fileurl, upload_ref)
            for part in parts:
                held = upload.parts.get(part.number)
                if held is None or held[0].etag != part.etag:
                    raise PartsMismatch([f"Part {part.number} is another one."])
            data = b"".join(upload.parts[part.number][1] for part in parts)
            etag = composite_etag(part.etag for part in parts) if parts else ""
            stored = StoredObject(len(data), etag)
            self._store.objects[self.fileurl] = stored, data
            del self._store.uploads[upload_ref]

    def head(self) -> StoredObject | None:
        """See the contract."""
        with self._store.lock:
            self._store.reach()
            found = self._store.objects.get(self.fileurl)
        return found[0] if found else None

    def abort_upload(self, upload_ref: str) -> None:
        """See the contract."""
        with self._store.lock:
            self._store.reach()
            self._store.uploads.pop(upload_ref, None)

    def remove_object(self) -> None:
        """See the contract."""
        with self._store.lock:
            self._store.reach()
            self._store.objects.pop(self.fileurl, None)

    def read_from(self, offset: int = 0) -> Iterator[bytes]:
        """See the contract."""
        with self._store.lock:
            self._store.reach()
            found = self._store.objects.get(self.fileurl)
        if found is None:
            raise ObjectMissing("The store has no such object.")
        for start in range(offset, len(found[1]), _PIECE):
            yield found[1][start : start + _PIECE]


def _exactly(stream: BinaryIO, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = stream.read(size - len(data))
        if not piece:
            raise PartRefused(
                f"The part ended after {len(data)} of {size} bytes.", field="part"
            )
        data += piece
    return data
