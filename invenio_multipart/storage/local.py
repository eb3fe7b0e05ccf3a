# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Multipart uploads on a local or mounted file system.

Beside the final file lie, while an upload ``ref`` is open:

- ``data.<ref>.staging``: the file in the making. A part whose position is known
  is written to its place at once, so that the commit is a rename, not a copy.
- ``data.<ref>.part-<n>``: a part whose place is unknown (parts of the client's own
  sizes), or that was sent again: the earlier one stays until this one is proved.
- ``data.<ref>.map``: one record per part, see :mod:`.local_map`.

Nothing is at the final path before the commit.
"""

from __future__ import annotations

import errno
import hashlib
import os
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone
from glob import escape
from io import FileIO
from pathlib import Path
from typing import BinaryIO, ClassVar

from invenio_files_rest.storage import PyFSFileStorage
from invenio_files_rest.storage.pyfs import FS

from ..core.ledger import StoredPart
from ..core.plan import LOCAL_LIMITS, PlanLimits
from ..errors import (
    ObjectMissing,
    PartRefused,
    PartsMismatch,
    StorageUnavailable,
    UploadGone,
)
from .base import Ability, MultipartUploadMixin, OpenedUpload, StoredObject
from .local_map import PartMap, PartRecord

_CHUNK = 2**20


class LocalStorage(MultipartUploadMixin, PyFSFileStorage):  # type: ignore[misc]
    """A file on disk: everything of invenio-files-rest's, and our contract."""

    abilities: ClassVar[frozenset[Ability]] = frozenset({Ability.SERVER_PARTS})
    limits: ClassVar[PlanLimits] = LOCAL_LIMITS

    @property
    def _final(self) -> Path:
        path: Path = FS._get_path_from_uri(self.fileurl)
        return path

    def _beside(self, upload_ref: str, suffix: str) -> Path:
        return self._final.with_name(f"{self._final.name}.{upload_ref}.{suffix}")

    def _map(self, upload_ref: str) -> PartMap:
        return PartMap(self._beside(upload_ref, "map"))

    def create_upload(self, content_type: str | None = None) -> OpenedUpload:
        """See the contract. A file system keeps no media type."""
        upload_ref = uuid.uuid4().hex
        with _translated():
            self._final.parent.mkdir(parents=True, exist_ok=True)
            self._beside(upload_ref, "staging").touch()
            self._map(upload_ref).create()
        return OpenedUpload(upload_ref)

    def find_uploads(self) -> list[str]:
        """See the contract."""
        prefix = f"{self._final.name}."
        with _translated():
            found = list(self._final.parent.glob(f"{escape(prefix)}*.map"))
        refs = [path.name.removeprefix(prefix).removesuffix(".map") for path in found]
        # A neighbour's name may go on where ours ends; names of uploads hold no dot.
        return [ref for ref in refs if "." not in ref]

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
        """See the contract. Two senders of one part never mix their bytes."""
        with _translated(), self._map(upload_ref).opened() as part_map:
            with part_map.locked(number, wait=False) as mine:
                if mine and offset is not None and part_map.read(number) is None:
                    staging = self._beside(upload_ref, "staging")
                    digest = _receive(stream, size, md5, staging, offset)
                    part_map.write(number, _record(size, digest, offset))
                    return StoredPart(number, size, digest)
            spare = self._beside(upload_ref, f"tmp-{number}-{uuid.uuid4().hex}")
            try:
                digest = _receive(stream, size, md5, spare, 0)
                with part_map.locked(number, wait=True):
                    spare.replace(self._beside(upload_ref, f"part-{number}"))
                    part_map.write(number, _record(size, digest, None))
            finally:
                spare.unlink(missing_ok=True)
            return StoredPart(number, size, digest)

    def list_parts(self, upload_ref: str, after: int = 0) -> Iterator[StoredPart]:
        """See the contract. One read of at most 400 kB."""
        with _translated(), self._map(upload_ref).opened() as part_map:
            records = part_map.read_all()
        for number, record in records:
            if number > after:
                yield StoredPart(
                    number, record.size, record.md5, uploaded_at=record.uploaded_at
                )

    def complete_upload(self, upload_ref: str, parts: Sequence[StoredPart]) -> None:
        """See the contract. A rename when every part lies in its place already."""
        staging = self._beside(upload_ref, "staging")
        with _translated(), self._map(upload_ref).opened() as part_map:
            records = dict(part_map.read_all())
            wanted = {part.number: part.etag for part in parts}
            present = {number: record.md5 for number, record in records.items()}
            # For an empty file it is all the same whether an empty part was sent.
            if parts and wanted != present:
                raise PartsMismatch(["The parts changed during the commit."])
            offset, moved = 0, False
            for part in parts:
                place = records[part.number].offset
                moved = moved or place not in (None, offset)
                offset += part.size
            if moved:
                target = self._beside(upload_ref, "assembled")
                target.touch()
                self._fill(upload_ref, parts, records, staging, target)
                target.replace(staging)
            else:
                self._fill(upload_ref, parts, records, None, staging)
            os.truncate(staging, offset)
            _sync(staging)
            staging.replace(self._final)
            _sync(self._final.parent)
        self.abort_upload(upload_ref)

    def head(self) -> StoredObject | None:
        """See the contract. A file system has no ETag."""
        with _translated():
            try:
                return StoredObject(self._final.stat().st_size, "")
            except FileNotFoundError:
                return None

    def abort_upload(self, upload_ref: str) -> None:
        """See the contract. The map goes last: it names what is left to remove."""
        with _translated():
            prefix = escape(f"{self._final.name}.{upload_ref}.")
            names = self._final.parent.glob(f"{prefix}*")
            for path in sorted(names, key=lambda path: path.suffix == ".map"):
                path.unlink(missing_ok=True)
            self._remove_empty_folder()

    def remove_object(self) -> None:
        """See the contract."""
        with _translated():
            self._final.unlink(missing_ok=True)
            self._remove_empty_folder()

    def read_from(self, offset: int = 0) -> Iterator[bytes]:
        """See the contract."""
        with _translated():
            try:
                stream = self._final.open("rb", buffering=0)
            except FileNotFoundError as error:
                raise ObjectMissing("The file is not on the disk.") from error
            with stream:
                stream.seek(offset)
                while piece := stream.read(_CHUNK):
                    yield piece

    def _fill(
        self,
        upload_ref: str,
        parts: Sequence[StoredPart],
        records: dict[int, PartRecord],
        source: Path | None,
        target: Path,
    ) -> None:
        """Copy parts to their places in ``target``.

        :param source: file that holds the parts with an offset; None when those
            lie in ``target`` already and only the others are copied.
        """
        position = 0
        with target.open("r+b") as out:
            for part in parts:
                place = records[part.number].offset
                if place is None:
                    loose = self._beside(upload_ref, f"part-{part.number}")
                    _copy(loose, 0, out, position, part.size)
                elif source is not None:
                    _copy(source, place, out, position, part.size)
                position += part.size

    def _remove_empty_folder(self) -> None:
        try:
            self._final.parent.rmdir()
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.ENOENT, errno.EEXIST):
                raise


def _record(size: int, md5: str, offset: int | None) -> PartRecord:
    return PartRecord(size, md5, offset, datetime.now(timezone.utc))


def _receive(
    stream: BinaryIO, size: int, md5: str | None, path: Path, offset: int
) -> str:
    """Write exactly ``size`` bytes to ``path`` and return their MD5.

    :raises PartRefused: fewer bytes, or another MD5 than ``md5``.
    """
    hasher = hashlib.md5(usedforsecurity=False)
    left = size
    with path.open("r+b" if path.exists() else "xb", buffering=0) as out:
        out.seek(offset)
        while left:
            piece = stream.read(min(_CHUNK, left))
            if not piece:
                raise PartRefused(
                    f"The part ended after {size - left} of {size} bytes.",
                    field="part",
                )
            hasher.update(piece)
            out.write(piece)
            left -= len(piece)
        digest = hasher.hexdigest()
        if md5 is not None and digest != md5:
            raise PartRefused(
                f"The part has the MD5 {digest}, not {md5} as announced.",
                field="checksum",
            )
        os.fdatasync(out.fileno())
    return digest


def _copy(source: Path, start: int, out: BinaryIO, position: int, size: int) -> None:
    with source.open("rb") as stream:
        stream.seek(start)
        out.seek(position)
        left = size
        while left and (piece := stream.read(min(_CHUNK, left))):
            out.write(piece)
            left -= len(piece)
    if left:
        raise PartsMismatch([f"{left} bytes of a part are not on the disk."])


def _read_sequentially(stream: FileIO) -> None:
    """Have the system read far ahead, where it can be told to."""
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_SEQUENTIAL)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _translated() -> Iterator[None]:
    """Turn errors of the file system into ours.

    :raises UploadGone: the part map is not there.
    :raises StorageUnavailable: a full disk, a lost mount, missing rights.
    """
    try:
        yield
    except FileNotFoundError as error:
        raise UploadGone("The upload's files are not on the disk.") from error
    except OSError as error:
        # A client that hangs up in mid-part is an OSError in some WSGI servers.
        if isinstance(error, ConnectionError):
            raise PartRefused("The connection was lost.", field="part") from error
        reason = error.strerror or "input/output error"
        raise StorageUnavailable(f"The local storage failed: {reason}.") from error
