# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""MD5 of several things at once is MD5."""

import hashlib
import random
import sys
import threading

import pytest

from invenio_multipart.core import md5
from invenio_multipart.core.md5 import FileAndParts, digests, takes_parts

AROUND_BLOCKS = [0, 1, 55, 56, 57, 63, 64, 65, 119, 120, 127, 128, 129, 4096, 5000]
"""Sizes at which the padding of MD5 takes one block more, and at which it does not."""

native = pytest.mark.skipif(
    md5._md5 is None, reason="built without the module in C (no compiler)"
)


@pytest.fixture(params=["C", "hashlib"])
def either(request, monkeypatch):
    """With the module in C, and without."""
    if request.param == "hashlib":
        monkeypatch.setattr(md5, "_md5", None)
    elif md5._md5 is None:
        pytest.skip("built without the module in C (no compiler)")


def hex_md5(data):
    """What hashlib says."""
    return hashlib.md5(data).hexdigest()


@pytest.mark.parametrize("count", range(18))
def test_pieces_of_one_size(either, count):
    """Any number of lanes may be idle."""
    pieces = [random.Random(i).randbytes(10_000) for i in range(count)]
    assert digests(pieces) == [hex_md5(piece) for piece in pieces]


@pytest.mark.parametrize("seed", range(50))
def test_pieces_of_any_sizes(either, seed):
    """Lanes end at different times and are taken by the next piece."""
    rng = random.Random(seed)
    sizes = [
        rng.choice([*AROUND_BLOCKS, rng.randrange(100_000)])
        for _ in range(rng.randrange(40))
    ]
    pieces = [rng.randbytes(size) for size in sizes]
    assert digests(pieces) == [hex_md5(piece) for piece in pieces]


def test_buffers_of_any_kind(either):
    """Bytes, and views that begin anywhere."""
    data = random.Random(0).randbytes(3000)
    pieces = [data, bytearray(data), memoryview(data)[1:], memoryview(data)[7:2000]]
    assert digests(pieces) == [hex_md5(piece) for piece in pieces]


@native
@pytest.mark.parametrize("last", AROUND_BLOCKS)
def test_a_file_and_its_parts(last):
    """One pass gives the digests of both."""
    rng = random.Random(last)
    parts = [rng.randbytes(size) for size in (640, 64, 6400, last)]
    both = FileAndParts()
    assert [both.add(memoryview(part)) for part in parts] == list(map(hex_md5, parts))
    assert both.hexdigest() == hex_md5(b"".join(parts))


@native
def test_an_empty_file_has_the_digest_of_nothing():
    """Nothing was added."""
    assert FileAndParts().hexdigest() == hex_md5(b"")


@native
def test_only_the_last_part_ends_within_a_block():
    """What came after it would be counted from the wrong place."""
    both = FileAndParts()
    both.add(memoryview(bytes(65)))
    with pytest.raises(ValueError, match="last part"):
        both.add(memoryview(bytes(64)))


@native
def test_sizes_that_parts_may_have():
    """Whole blocks of MD5."""
    assert takes_parts(5 * 2**20) and takes_parts(64)
    assert not takes_parts(5 * 2**20 + 1)


def test_without_the_module_in_c_parts_are_hashed_apart(monkeypatch):
    """Nothing pretends to be faster."""
    monkeypatch.setattr(md5, "_md5", None)
    assert not takes_parts(64)
    with pytest.raises(RuntimeError, match="module in C"):
        FileAndParts()


@native
@pytest.mark.parametrize(
    ("call", "arguments"),
    [
        ("chain", (b"short", b"data")),
        ("end", (b"short", b"", 0)),
        ("end", (bytes(16), b"tail", 5)),
        ("end", (bytes(16), bytes(64), 64)),
    ],
)
def test_what_does_not_fit_together_is_refused(call, arguments):
    """No byte beyond a buffer is read."""
    with pytest.raises(ValueError, match=r"16 bytes|does not fit"):
        getattr(md5._md5, call)(*arguments)


@native
@pytest.mark.parametrize("wrong", [None, 5, [b"data", "text"], [b"data", 7]])
def test_what_has_no_bytes_is_refused(wrong):
    """And every buffer that was opened is closed: this one may grow again."""
    grown = bytearray(b"data")
    pieces = [grown, *wrong] if isinstance(wrong, list) else wrong
    with pytest.raises(TypeError):
        md5._md5.digests(pieces)
    grown.append(0)


@native
def test_other_threads_run_meanwhile():
    """The interpreter is let go of while a long digest is made, and only then."""
    gate, ran = threading.Lock(), []
    gate.acquire()
    waiting = threading.Thread(target=lambda: (gate.acquire(), ran.append(True)))
    waiting.start()
    before = sys.getswitchinterval()
    # Nobody is made to let go of the interpreter any more.
    sys.setswitchinterval(1000)
    try:
        gate.release()
        digests([bytes(2**26)] * 32)
        ran_meanwhile = bool(ran)
    finally:
        sys.setswitchinterval(before)
        waiting.join()
    assert ran_meanwhile
