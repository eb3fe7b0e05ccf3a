# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Several digests at once are what each of them is alone."""

import errno
import hashlib
import random
import sys
import threading

import pytest

from invenio_multipart.core import fast_digests
from invenio_multipart.core.fast_digests import (
    FileAndParts,
    RunningMd5,
    has_sha256,
    md5_digests,
    read_together,
    reads_files,
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
@pytest.mark.parametrize("way", range(3))
@pytest.mark.parametrize("count", [3, 8, 9, 15, 16, 17, 40])
def test_every_way_to_compute_several(best_way, way, count):
    """A processor has some of them; this one's best is used again afterwards."""
    if not fast_digests._fast_digests.choose_md5_way(way):
        pytest.skip("This processor has no instructions for it.")
    rng = random.Random(count)
    pieces = [rng.randbytes(1000 + rng.randrange(9000)) for _ in range(count)]
    assert md5_digests(pieces) == list(map(hex_md5, pieces))


@native
@pytest.mark.parametrize(
    ("way", "error"), [(3, ValueError), (-1, ValueError), ("", TypeError)]
)
def test_there_is_no_other_way(way, error):
    """To compute several."""
    with pytest.raises(error):
        fast_digests._fast_digests.choose_md5_way(way)


@pytest.fixture
def best_way():
    """What is chosen when the module is loaded is chosen again."""
    yield
    for way in range(3):
        fast_digests._fast_digests.choose_md5_way(way)


@native
@pytest.mark.parametrize("seed", range(30))
def test_places_of_files(tmp_path, seed):
    """Any number of them, of any lengths; the file may end before."""
    rng = random.Random(seed)
    data = rng.randbytes(rng.choice([0, 100, 200_000]))
    (tmp_path / "file").write_bytes(data)
    with (tmp_path / "file").open("rb") as file:
        places = [
            (file.fileno(), rng.randrange(len(data) + 1), rng.randrange(300_000))
            for _ in range(rng.randrange(40))
        ]
        messages = [RunningMd5() for _ in places]
        counts = read_together(messages, places)
        assert file.tell() == 0
    expected = [data[offset : offset + length] for _, offset, length in places]
    assert counts == list(map(len, expected))
    assert [m.hexdigest() for m in messages] == list(map(hex_md5, expected))


@native
def test_places_that_are_read_on(tmp_path):
    """Each from where it was; those that end within a block have ended."""
    data = random.Random(0).randbytes(1000)
    (tmp_path / "file").write_bytes(data)
    whole = RunningMd5()
    with (tmp_path / "file").open("rb") as file:
        for offset, length in ((0, 640), (640, 64), (704, 296)):
            assert read_together([whole], [(file.fileno(), offset, length)]) == [length]
        assert whole.hexdigest() == hex_md5(data)
        with pytest.raises(ValueError, match="last piece"):
            read_together([whole], [(file.fileno(), 0, 64)])


@native
def test_what_is_read_is_not_fed() -> None:
    """Nobody would see these bytes."""
    with pytest.raises(RuntimeError, match="module in C"):
        RunningMd5().update(b"data")


@native
def test_a_file_that_cannot_be_read(tmp_path):
    """Has the number of the error; the others are read."""
    (tmp_path / "file").write_bytes(b"data")
    with (tmp_path / "file").open("r+b") as good, (tmp_path / "x").open("wb") as bad:
        messages = [RunningMd5() for _ in range(3)]
        places = [(file.fileno(), 0, 4) for file in (good, bad, good)]
        assert read_together(messages, places) == [4, -errno.EBADF, 4]
    assert messages[0].hexdigest() == messages[2].hexdigest() == hex_md5(b"data")


@native
@pytest.mark.parametrize(
    ("states", "places", "error"),
    [
        ([], [(0, 0, 0)], ValueError),
        ([b"short"], [(0, 0, 0)], ValueError),
        ([7], [(0, 0, 0)], TypeError),
        ([bytes(16)], [(0, -1, 0)], ValueError),
        ([bytes(16)], [(0, 0, -1)], ValueError),
        ([bytes(16)], [(0, 0)], TypeError),
        ([bytes(16)], [7], TypeError),
        ([bytes(16)], [(2**40, 0, 0)], OverflowError),
        (None, [], TypeError),
    ],
)
def test_what_is_no_place(states, places, error):
    """Is refused before anything is read."""
    with pytest.raises(error):
        fast_digests._fast_digests.md5_read(states, places)


def test_without_the_module_in_c_no_files_are_read(monkeypatch):
    """Nothing pretends to."""
    monkeypatch.setattr(fast_digests, "_fast_digests", None)
    assert not reads_files()
    with pytest.raises(RuntimeError, match="module in C"):
        read_together([], [])


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
