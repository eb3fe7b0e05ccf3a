# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Digests in the form ``algorithm:hex``, and what follows from part digests."""

from __future__ import annotations

import binascii
import hashlib
import re
from base64 import b64decode, b64encode
from collections.abc import Iterable
from dataclasses import dataclass

from ..errors import InvalidDigest

HEX_LENGTHS = {"md5": 32, "sha256": 64, "sha512": 128, "crc64nvme": 16}
"""Algorithms a client may declare for a whole file, and their hex digits.

The hashes are proved by reading; crc64nvme only where the store proves it.
"""

COMPUTABLE = frozenset({"md5", "sha256", "sha512"})
"""What we can compute from the bytes; anything else only the store can prove."""

PART_ALGORITHM = "md5"
"""The one transport check that every S3 server tested enforces per part."""


@dataclass(frozen=True)
class Digest:
    """A checked digest; equal digests compare equal."""

    algorithm: str
    hex: str

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.hex}"

    @property
    def base64(self) -> str:
        """The form of HTTP's Content-MD5 and of S3's checksum headers."""
        return b64encode(bytes.fromhex(self.hex)).decode("ascii")


def parse_digest(text: object, *, field: str = "checksum") -> Digest:
    """The digest that ``text`` spells, in lower case.

    :param text: ``algorithm:hex``, an algorithm of :data:`HEX_LENGTHS`.
    :raises InvalidDigest: for anything else; the message says what.
    """
    algorithm, colon, value = str(text).strip().lower().partition(":")
    if not isinstance(text, str) or not colon:
        raise InvalidDigest("A digest has the form algorithm:hex.", field=field)
    if algorithm not in HEX_LENGTHS:
        known = ", ".join(HEX_LENGTHS)
        raise InvalidDigest(
            f"The algorithm {algorithm[:20]!r} is not one of {known}.", field=field
        )
    length = HEX_LENGTHS[algorithm]
    if not re.fullmatch(f"[0-9a-f]{{{length}}}", value):
        raise InvalidDigest(
            f"{algorithm} needs {length} hexadecimal digits.", field=field
        )
    return Digest(algorithm, value)


def parse_part_digest(text: object, *, field: str = "checksum") -> Digest:
    """The MD5 of a part; other algorithms are refused.

    :raises InvalidDigest: when malformed or not MD5.
    """
    digest = parse_digest(text, field=field)
    if digest.algorithm != PART_ALGORITHM:
        raise InvalidDigest("A part is checked by its md5.", field=field)
    return digest


def parse_content_md5(text: str | None) -> Digest | None:
    """The digest of a Content-MD5 header, None without one.

    :param text: base64 of 16 bytes.
    :raises InvalidDigest: when it is anything else.

    Source: RFC 1864
    """
    if text is None:
        return None
    try:
        raw = b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != 16:
        raise InvalidDigest(
            "Content-MD5 is not the base64 of an MD5.", field="checksum"
        )
    return Digest("md5", raw.hex())


def composite_etag(part_md5s: Iterable[str]) -> str:
    """The ETag S3 gives to an object completed from these parts.

    MD5 over the binary MD5s of all parts, a dash, and their number.

    :param part_md5s: 32 hex digits per part, in order, one at least.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html
    """
    outer = hashlib.md5(usedforsecurity=False)
    count = 0
    for part_md5 in part_md5s:
        outer.update(bytes.fromhex(part_md5))
        count += 1
    return f"{outer.hexdigest()}-{count}"


def is_md5(etag: str) -> bool:
    """Whether an ETag looks like the MD5 of what it names.

    Objects encrypted with KMS or customer keys have other ETags; those are
    proved by checksums or by reading, never by this.
    """
    return re.fullmatch(r"[0-9a-f]{32}", etag) is not None
