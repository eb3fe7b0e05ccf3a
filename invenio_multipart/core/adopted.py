# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Objects that others put into a bucket: their addresses, and where they may be."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple
from urllib.parse import unquote

from ..errors import InvalidLink
from .digests import is_md5
from .keys import MAX_KEY_BYTES

STORAGE_CLASS = "X"
"""Letter of file instances whose object belongs to others, as in "external".

Not A: invenio-files-rest itself gives that one to archives.
"""

_SCHEME = "s3://"
_PIN = "?versionId="
"""As s3fs writes it, which reads everything else of an address as it stands."""

_NO_VERSION = "null"
"""What stores call objects that were written while their bucket kept no versions.

Such an object can be overwritten like any other.
"""


@dataclass(frozen=True)
class ObjectAddress:
    """Bucket and key as they are: nothing of an address is percent-encoded.

    :param key: all that follows the bucket; ends in a slash for a folder.
    :param version_ref: the store's name of one version; None for the newest.
    """

    bucket: str
    key: str
    version_ref: str | None = None

    @property
    def is_folder(self) -> bool:
        """Whether all objects below are meant."""
        return not self.key or self.key.endswith("/")

    @property
    def url(self) -> str:
        """As people write it, without the version."""
        return f"{_SCHEME}{self.bucket}/{self.key}"

    @property
    def uri(self) -> str:
        """What stands in the file's row, pinned where there is a version.

        Programs that know nothing of versions, s3fs among them, read the newest.
        """
        return self.url + (f"{_PIN}{self.version_ref}" if self.version_ref else "")

    @classmethod
    def from_uri(cls, uri: str) -> ObjectAddress:
        """The address in a file's row."""
        url, _, version = uri.partition(_PIN)
        bucket, _, key = url.removeprefix(_SCHEME).partition("/")
        return cls(bucket, key, version or None)

    def pinned(self, version_ref: str | None) -> ObjectAddress:
        """The same for the version that the store has named, if it has named one."""
        known = version_ref if version_ref != _NO_VERSION else None
        return replace(self, version_ref=known)


class FoundObject(NamedTuple):
    """An object as the store describes it. A tuple: there are thousands.

    :param address: pinned where the store keeps versions.
    :param size: bytes.
    :param etag: without quotes, lower case.
    :param encrypted: whether it has keys of its own, which make other ETags; None
        where only a listing was read, which does not tell.
    """

    address: ObjectAddress
    size: int
    etag: str
    encrypted: bool | None = None

    @property
    def checksum(self) -> str | None:
        """What fixity checks compare, where the ETag is known to be the MD5."""
        proved = self.encrypted is False and is_md5(self.etag)
        return f"md5:{self.etag}" if proved else None


class Expected(NamedTuple):
    """What an object was when it was linked.

    :param size: bytes.
    :param etag: without quotes, lower case.
    """

    size: int
    etag: str

    def difference(self, found: FoundObject | None) -> str | None:
        """What is not as it was, in a sentence; None when nothing is."""
        if found is None:
            return "The object is gone."
        if found.size != self.size:
            return f"The object has {found.size} bytes; it had {self.size}."
        if found.etag != self.etag:
            return f"The object's ETag is {found.etag}; it was {self.etag}."
        return None


def parse_address(url: str, version_ref: str | None = None) -> ObjectAddress:
    """The address of an object or folder.

    :param url: ``s3://bucket/key``, or with a slash at its end for all below.
    :raises InvalidLink: another scheme, no bucket, a key that climbs or that no store
        should have, or a version where there can be none.
    """
    bucket, slash, key = url.removeprefix(_SCHEME).partition("/")
    if not url.startswith(_SCHEME) or not bucket or not slash:
        raise _invalid("An object's address is s3://bucket/key.")
    if any(ord(char) < 32 or 127 <= ord(char) < 160 for char in url):
        raise _invalid("The address holds control characters.")
    if _PIN in key:
        raise _invalid("Give the version as version_id, not in the address.")
    try:
        length = len(key.encode("utf-8"))
    except UnicodeEncodeError as error:
        raise _invalid("The address is not valid Unicode.") from error
    if length > MAX_KEY_BYTES:
        raise _invalid(f"The key has {length} bytes; S3 allows {MAX_KEY_BYTES}.")
    # What is encoded means itself in S3; but proxies on the way have been known to
    # decode, and nobody names folders so.
    segments = unquote(key).replace("\\", "/").removesuffix("/").split("/")
    if key and any(segment in ("", ".", "..") for segment in segments):
        raise _invalid("The key climbs, or holds an empty folder name.")
    address = ObjectAddress(bucket, key, version_ref)
    if version_ref is not None:
        _check_version(address, version_ref)
    return address


def _check_version(address: ObjectAddress, version_ref: str) -> None:
    if address.is_folder:
        raise _invalid("A folder has no versions.", "version_id")
    plain = re.fullmatch(r"[!-~]+", version_ref)
    if not plain or version_ref == _NO_VERSION:
        raise _invalid("This names no version of an object.", "version_id")


def _invalid(message: str, field: str = "url") -> InvalidLink:
    return InvalidLink(message, field=field)


def is_below(address: ObjectAddress, locations: Iterable[str]) -> bool:
    """Whether a place that may be linked to holds the object, or all of the folder.

    Names are compared whole: ``data`` does not hold ``data2/a``.

    :param locations: ``s3://bucket`` or ``s3://bucket/folder/``.
    """
    for location in locations:
        if not location.startswith(_SCHEME):
            continue
        bucket, _, folder = location.removeprefix(_SCHEME).partition("/")
        prefix = f"{folder.rstrip('/')}/" if folder.rstrip("/") else ""
        if bucket == address.bucket and address.key.startswith(prefix):
            return True
    return False
