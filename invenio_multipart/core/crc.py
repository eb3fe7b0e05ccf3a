# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""CRC-64/NVME of bytes, and of a whole from the CRCs of its parts.

S3's full-object checksum is such a CRC; combining what the store reported per
part and comparing with what it reports for the object proves the assembly. The CRC of
bytes is computed by a module in C only, which is optional: without the processor's
help it would take longer than all other digests of a file together.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
and the parameters of CRC-64/NVME at https://reveng.sourceforge.io/crc-catalogue/
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterable

from .fast_digests import Bytes

try:
    from . import _crc64
except ImportError:
    _crc64 = None  # type: ignore[assignment]

POLYNOMIAL = 0x9A6C9329AC4BC9B5
"""0xAD93D23594C93659 with its bits reversed, as the reflected CRC uses it."""

_Matrix = tuple[int, ...]


class RunningCrc:
    """CRC-64/NVME of bytes that are fed in order.

    :raises RuntimeError: where :func:`is_computable` says that this cannot be had.
    """

    def __init__(self) -> None:
        if _crc64 is None:
            raise RuntimeError("This processor, or this package, has no way to do it.")
        self._native = _crc64
        self._crc = 0

    def update(self, data: Bytes) -> None:
        """The next bytes; other threads run meanwhile."""
        self._crc = self._native.update(self._crc, data)

    def hexdigest(self) -> str:
        """16 hex digits of all bytes so far."""
        return f"{self._crc:016x}"


def is_computable() -> bool:
    """Whether the CRC of bytes can be had, at a small part of what an MD5 takes."""
    return _crc64 is not None


def from_base64(text: str) -> str:
    """The hex form of S3's base64 CRC-64: 16 digits."""
    return b64decode(text).hex()


def combine(parts: Iterable[tuple[str, int]]) -> str:
    """CRC-64/NVME of the concatenation.

    :param parts: (16 hex digits, bytes) of each part, in order.
    """
    shift = _Shift()
    total = 0
    for crc, length in parts:
        # Initial value and final xor of both sides cancel out for this CRC, so
        # the first part's CRC is moved past the second part's bytes and added.
        total = shift.by(total, length) ^ int(crc, 16)
    return f"{total:016x}"


class _Shift:
    """Moves a CRC past ``length`` zero bytes; one matrix per distinct length."""

    def __init__(self) -> None:
        self._matrices: dict[int, _Matrix] = {}

    def by(self, crc: int, length: int) -> int:
        if not crc or not length:
            return crc
        if length not in self._matrices:
            self._matrices[length] = _zeros(length)
        return _times(self._matrices[length], crc)


def _zeros(length: int) -> _Matrix:
    """The linear map that ``length`` zero bytes apply to a CRC register."""
    # One zero bit: shift right, and subtract the polynomial when a one falls out.
    power: _Matrix = (POLYNOMIAL, *(1 << bit for bit in range(63)))
    for _ in range(3):
        power = _square(power)
    result: _Matrix = tuple(1 << bit for bit in range(64))
    while length:
        if length & 1:
            result = tuple(_times(power, row) for row in result)
        length >>= 1
        if length:
            power = _square(power)
    return result


def _times(matrix: _Matrix, vector: int) -> int:
    total, bit = 0, 0
    while vector:
        if vector & 1:
            total ^= matrix[bit]
        vector >>= 1
        bit += 1
    return total


def _square(matrix: _Matrix) -> _Matrix:
    return tuple(_times(matrix, row) for row in matrix)
