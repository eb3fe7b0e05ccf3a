# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Prove that two files have the same bytes before one stands in for the other.

Two files of one MD5 can be made on purpose, both at once. Whoever made them could have
one of them stand in for the other in somebody else's record; so between files of two
accounts MD5 alone proves nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing

from invenio_db import db

from ...errors import NotAllowedHere, ObjectMissing
from ...records import uploads
from ...records.links import SharedFile
from ...records.models import Upload
from ...records.sharing import OwnCopy
from ...storage.base import MultipartUploadMixin
from ...storage.factory import multipart_storage
from ..uploads.finalize import file_instance
from ..uploads.read_ahead import read_ahead

_STRONG = ("sha512", "sha256")


def proved_same(upload: Upload, copy: OwnCopy, other: SharedFile) -> bool:
    """Whether the bytes are there, and the same. Ends the transaction, and may read both.

    MD5 is enough for two uploads of one account, of whose bytes both were computed
    here. All others need a stronger digest of both, or are compared byte by byte.

    :param upload: that brought ``copy``.
    :raises StorageUnavailable: to be tried again.
    """
    theirs = uploads.by_file(other.file_id)
    instance = file_instance(other.file_id)
    if instance is None:
        return False
    digests = dict(theirs.digests) if theirs is not None else {}
    mine, same_account = dict(upload.digests), _by_one_account(upload, theirs)
    uri, size = str(instance.uri), copy.size
    # The connection goes back to the pool: what follows waits for the store.
    db.session.commit()
    try:
        kept, dropped = multipart_storage(uri, size), multipart_storage(copy.uri, size)
    except NotAllowedHere:
        return False
    stored = kept.head()
    if stored is None or stored.size != size:
        return False
    common = [name for name in _STRONG if name in mine and name in digests]
    if same_account and not common and "md5" in mine and "md5" in digests:
        common = ["md5"]
    if common:
        return all(mine[name] == digests[name] for name in common)
    return same_bytes(kept, dropped)


def _by_one_account(one: Upload, other: Upload | None) -> bool:
    return (
        other is not None
        and one.created_by is not None
        and one.created_by == other.created_by
    )


def same_bytes(one: MultipartUploadMixin, other: MultipartUploadMixin) -> bool:
    """Whether two objects have the same bytes; reads both, in constant memory.

    :raises StorageUnavailable: the store does not answer.
    """
    with ExitStack() as stack:
        left, right = (
            stack.enter_context(closing(read_ahead(storage.read_from())))  # type: ignore[type-var]
            for storage in (one, other)
        )
        try:
            return _equal(left, right)
        except ObjectMissing:
            return False


def _equal(one: Iterator[bytes], other: Iterator[bytes]) -> bool:
    """Pieces may be cut anywhere; none is empty but at the end."""
    left = right = memoryview(b"")
    while True:
        left = left or memoryview(next(one, b""))
        right = right or memoryview(next(other, b""))
        length = min(len(left), len(right))
        if not length:
            return not left and not right
        if left[:length] != right[:length]:
            return False
        left, right = left[length:], right[length:]
