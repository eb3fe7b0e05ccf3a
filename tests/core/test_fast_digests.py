# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Several digests at once are what each of them is alone."""

import hashlib
import random
import sys
import threading

import pytest

from invenio_multipart.core import fast_digests
from invenio_multipart.core.fast_digests import (
    FileAndParts,
    has_sha256,
    md5_digests,
    sha256_digests,
    takes_parts,
)

AROUND_BLOCKS = [0, 1, 55, 56, 57, 63, 64, 65, 119, 120, 127, 128, 129, 4096, 5000]
"""Sizes at which the padding takes one block more, and at which it does not."""

native = pytest.mark.skipif(
    fast_digests._fast_digests is None,
    reason="built without the module in C (no compiler)",
)


@pytest.fixture(params=["C", "hashlib"])
def either(request, monkeypatch):
    """With the module in C, and without."""
    if request.param == "hashlib":
        monkeypatch.setattr(fast_digests, "_fast_digests", None)
    elif fast_digests._fast_digests is None:
        pytest.skip("built without the module in C (no compiler)")


@pytest.fixture(params=[(md5_digests, hashlib.md5), (sha256_digests, hashlib.sha256)])
def kind(request, either):
    """Function under test, and what hashlib says of one piece."""
    digests, known = request.param
    return digests, lambda data: known(data).hexdigest()


def hex_md5(data):
    """What hashlib says."""
    return hashlib.md5(data).hexdigest()


@pytest.mark.parametrize("count", range(18))
def test_pieces_of_one_size(kind, count):
    """Any number of lanes may be idle."""
    pieces = [random.Random(i).randbytes(10_000) for i in range(count)]
    digests, known = kind
    assert digests(pieces) == [known(piece) for piece in pieces]


@pytest.mark.parametrize("seed", range(50))
def test_pieces_of_any_sizes(kind, seed):
    """Lanes end at different times and are taken by the next piece."""
    rng = random.Random(seed)
    sizes = [
        rng.choice([*AROUND_BLOCKS, rng.randrange(100_000)])
        for _ in range(rng.randrange(40))
    ]
    pieces = [rng.randbytes(size) for size in sizes]
    digests, known = kind
    assert digests(pieces) == [known(piece) for piece in pieces]


def test_buffers_of_any_kind(kind):
    """Bytes, and views that begin anywhere."""
    data = random.Random(0).randbytes(3000)
    pieces = [data, bytearray(data), memoryview(data)[1:], memoryview(data)[7:2000]]
    digests, known = kind
    assert digests(pieces) == [known(piece) for piece in pieces]


@native
@pytest.mark.parametrize("last", AROUND_BLOCKS)
def test_a_file_and_its_parts(last):
    """One pass gives the digests of both."""
    rng = random.Random(last)
    parts = [rng.randbytes(size) for size in (640, 64, 6400, last)]
    both = FileAndParts()
    assert [both.add(memoryview(part)) for part in parts] == list(map(hex_md5, parts))
    assert both.md5() == hex_md5(b"".join(parts))
    if has_sha256():
        assert both.sha256() == hashlib.sha256(b"".join(parts)).hexdigest()


@native
def test_an_empty_file_has_the_digest_of_nothing():
    """Nothing was added."""
    assert FileAndParts().md5() == hex_md5(b"")
    if has_sha256():
        assert FileAndParts().sha256() == hashlib.sha256().hexdigest()


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
    monkeypatch.setattr(fast_digests, "_fast_digests", None)
    assert not takes_parts(64) and not has_sha256()
    with pytest.raises(RuntimeError, match="module in C"):
        FileAndParts()


@native
def test_without_instructions_sha256_is_left_to_hashlib(monkeypatch):
    """MD5 is computed as before."""
    monkeypatch.setattr(fast_digests._fast_digests, "SHA256_START", None)
    assert not has_sha256() and takes_parts(64)
    both, data = FileAndParts(), bytes(100)
    assert both.add(memoryview(data)) == both.md5() == hex_md5(data)
    with pytest.raises(RuntimeError, match="no instructions"):
        both.sha256()
    assert sha256_digests([data]) == [hashlib.sha256(data).hexdigest()]


@native
@pytest.mark.parametrize(
    ("call", "arguments"),
    [
        ("chain", (b"short", None, b"data")),
        ("chain", (bytes(32), None, b"data")),
        ("chain", (bytes(16), bytes(16), b"data")),
        ("chain", (bytes(16), b"short", b"data")),
        ("end", (b"short", b"", 0)),
        ("end", (bytes(16), b"tail", 5)),
        ("end", (bytes(16), bytes(64), 64)),
    ],
)
def test_what_does_not_fit_together_is_refused(call, arguments):
    """No byte beyond a buffer is read."""
    with pytest.raises(ValueError, match=r"state|does not fit"):
        getattr(fast_digests._fast_digests, call)(*arguments)


@native
@pytest.mark.parametrize("wrong", [None, 5, [b"data", "text"], [b"data", 7]])
def test_what_has_no_bytes_is_refused(wrong):
    """And every buffer that was opened is closed: this one may grow again."""
    grown = bytearray(b"data")
    pieces = [grown, *wrong] if isinstance(wrong, list) else wrong
    with pytest.raises(TypeError):
        fast_digests._fast_digests.md5_digests(pieces)
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
        md5_digests([bytes(2**26)] * 32)
        ran_meanwhile = bool(ran)
    finally:
        sys.setswitchinterval(before)
        waiting.join()
    assert ran_meanwhile
