# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""CRC-64/NVME of bytes, and of a whole from those of its parts."""

from __future__ import annotations

import random
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invenio_multipart.core import crc
from invenio_multipart.core.crc import RunningCrc, combine, from_base64, is_computable

ONES = 2**64 - 1


def crc64nvme(data: bytes) -> str:
    """The definition, bit by bit; the polynomial as the catalogue prints it."""
    polynomial = int(f"{0xAD93D23594C93659:064b}"[::-1], 2)
    register = ONES
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = (register >> 1) ^ (polynomial if register & 1 else 0)
    return f"{register ^ ONES:016x}"


def combined(*parts: bytes) -> str:
    """What the code makes of the CRCs alone."""
    return combine((crc64nvme(part), len(part)) for part in parts)


def test_the_reference_is_the_standard_one():
    """The catalogue's check value, so that both are not wrong in the same way."""
    assert crc64nvme(b"123456789") == "ae8b14860a799888"


@pytest.mark.parametrize(
    "parts",
    [
        (),
        (b"",),
        (b"", b""),
        (b"a",),
        (b"", b"a", b""),
        (b"123", b"456", b"789"),
        (bytes(1000), b"\xff" * 999, b"x"),
    ],
    ids=lambda parts: "-".join(str(len(part)) for part in parts) or "none",
)
def test_combined_equals_the_whole(parts):
    """Empty, single and several parts give the CRC of all bytes."""
    assert combined(*parts) == crc64nvme(b"".join(parts))


@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=4))
def test_any_split(data, cuts):
    """Wherever the bytes are cut, the whole has the same CRC."""
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    parts = [data[start:end] for start, end in zip(edges, edges[1:], strict=False)]
    assert combined(*parts) == crc64nvme(data)


def test_order_counts():
    """Exchanged parts are another file."""
    assert combined(b"one", b"two") != combined(b"two", b"one")


def test_parts_too_large_to_hash_here():
    """Lengths of S3's size: a part split in two is the same part.

    Zero bytes after a part only move its CRC, so two halves of 5 GiB of zeros can
    be had without making them.
    """
    half = 5 * 2**30
    first = crc64nvme(b"123456789")
    zeros = combine([(crc64nvme(b"\0"), 1)] * 2)
    assert zeros == crc64nvme(b"\0\0")
    zero_half = _zeros(half)
    assert combine([(first, 9), (zero_half, half), (zero_half, half)]) == combine(
        [(first, 9), (_zeros(2 * half), 2 * half)]
    )


def _zeros(length: int) -> str:
    """CRC of that many zero bytes, by doubling."""
    done, crc = 0, crc64nvme(b"")
    for bit in f"{length:b}":
        crc, done = combine([(crc, done), (crc, done)]), done * 2
        if bit == "1":
            crc, done = combine([(crc, done), (crc64nvme(b"\0"), 1)]), done + 1
    return crc


def test_base64_of_the_store():
    """S3 sends eight bytes in base64."""
    raw = bytes.fromhex("ae8b14860a799888")
    assert from_base64(b64encode(raw).decode()) == "ae8b14860a799888"


native = pytest.mark.skipif(
    not is_computable(), reason="no module in C, or no instruction for it"
)


@native
@pytest.mark.parametrize("first", [0, 1, 15, 16, 127, 128, 129, 256, 300])
@pytest.mark.parametrize("second", [0, 1, 15, 16, 17, 127, 128, 130, 511, 2000])
def test_bytes_in_pieces_of_any_size(first, second):
    """Whole strides, single blocks and single bytes, from any state."""
    data = random.Random(first * 3000 + second).randbytes(first + second)
    running = RunningCrc()
    running.update(data[:first])
    running.update(memoryview(data)[first:])
    assert running.hexdigest() == crc64nvme(data)


@native
@given(st.lists(st.binary(max_size=400), max_size=6))
def test_any_bytes_in_any_pieces(pieces):
    """The same as bit by bit."""
    running = RunningCrc()
    for piece in pieces:
        running.update(piece)
    assert running.hexdigest() == crc64nvme(b"".join(pieces))


@native
def test_the_check_value():
    """As the catalogue prints it, and that of nothing."""
    running = RunningCrc()
    assert running.hexdigest() == "0" * 16
    running.update(b"123456789")
    assert running.hexdigest() == "ae8b14860a799888"


def test_without_the_module_in_c_there_is_none(monkeypatch):
    """Nothing pretends to be fast enough."""
    monkeypatch.setattr(crc, "_crc64", None)
    assert not is_computable()
    with pytest.raises(RuntimeError, match="no way"):
        RunningCrc()
