# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Whether bytes that came are those the server has."""

from __future__ import annotations

import binascii
import hashlib
import re
from base64 import b64decode
from typing import Protocol, Union

from ..core.digests import COMPUTABLE, parse_digest
from ..errors import InvalidDigest

Bytes = Union[bytes, bytearray, memoryview]

_ALGORITHMS = {"md5": "md5", "sha-256": "sha256", "sha-512": "sha512"}
"""Names that RFC 9530 registers, and ours; the cheapest to compute first."""

_MEMBER = re.compile(r"\s*([a-z0-9*_.-]+)=:([A-Za-z0-9+/=]*):\s*")
_COMPOSITE = re.compile(r"multipart:([0-9a-f]{32}-[0-9]+)-([1-9][0-9]*)")


class _Hash(Protocol):
    def update(self, data: Bytes, /) -> None: ...

    def hexdigest(self) -> str: ...


class _Composite:
    """The ETag of an object in parts of equal size, the last one apart.

    A stock InvenioRDM has nothing better until its own worker has read the file.
    """

    def __init__(self, part_size: int) -> None:
        self._part_size = part_size
        self._left = part_size
        self._part = hashlib.md5(usedforsecurity=False)
        self._all = hashlib.md5(usedforsecurity=False)
        self._parts = 0

    def update(self, data: Bytes, /) -> None:
        view = memoryview(data)
        while view:
            piece, view = view[: self._left], view[self._left :]
            self._part.update(piece)
            self._left -= len(piece)
            if not self._left:
                self._close_part()

    def hexdigest(self) -> str:
        if self._left < self._part_size or not self._parts:
            self._close_part()
        return f"{self._all.hexdigest()}-{self._parts}"

    def _close_part(self) -> None:
        self._all.update(self._part.digest())
        self._parts += 1
        self._left = self._part_size
        self._part = hashlib.md5(usedforsecurity=False)


class Proof:
    """Digest of bytes that are fed in order, beside the one that is expected.

    :param checksum: the server's digest. One that is missing, or that we cannot
        compute, is no expectation; then MD5 is computed.
    """

    def __init__(self, checksum: str | None) -> None:
        self._hash: _Hash
        self._name, self.expected = _expectation(checksum)
        if self._name.isdigit():
            self._hash = _Composite(int(self._name))
        else:
            self._hash = hashlib.new(self._name, usedforsecurity=False)

    def update(self, data: Bytes) -> None:
        """The next bytes."""
        self._hash.update(data)

    def again(self) -> Proof:
        """The same for bytes that come once more."""
        return Proof(self.expected)

    def checksum(self) -> str:
        """``algorithm:hex`` of all bytes so far; the last call of all."""
        digest = self._hash.hexdigest()
        if self._name.isdigit():
            return f"multipart:{digest}-{self._name}"
        return f"{self._name}:{digest}"


def expected_md5(checksum: str | None) -> str | None:
    """Hex MD5 that a file must have; None where its digest is another, or none."""
    name, expected = _expectation(checksum)
    return expected.partition(":")[2] if expected and name == "md5" else None


def is_provable(checksum: str | None) -> bool:
    """Whether we can tell if bytes have this digest."""
    return _expectation(checksum)[1] is not None


def _expectation(checksum: str | None) -> tuple[str, str | None]:
    """What to compute, an algorithm or the size of parts; what should come out."""
    composite = _COMPOSITE.fullmatch(checksum or "")
    if composite:
        return composite[2], checksum
    try:
        digest = parse_digest(checksum)
    except InvalidDigest:
        return "md5", None
    if digest.algorithm not in COMPUTABLE:
        return "md5", None
    return digest.algorithm, str(digest)


def read_repr_digest(value: str | None) -> str | None:
    """A digest of a ``Repr-Digest`` header as ``algorithm:hex``.

    None where there is none that we can compute.

    Source: RFC 9530, section 3
    """
    if not value:
        return None
    found = {}
    for item in value.split(","):
        member = _MEMBER.fullmatch(item)
        if member:
            found[member[1]] = member[2]
    for name, ours in _ALGORITHMS.items():
        try:
            text = f"{ours}:{b64decode(found.get(name, ''), validate=True).hex()}"
            return str(parse_digest(text))
        except (binascii.Error, InvalidDigest):
            continue
    return None
