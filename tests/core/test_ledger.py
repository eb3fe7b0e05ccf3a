# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What must be in the store before a commit."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invenio_multipart.core.ledger import (
    PartLedger,
    RegisteredPart,
    StoredPart,
    expected_crc,
    expected_etag,
)
from invenio_multipart.core.plan import LOCAL_LIMITS, make_plan
from invenio_multipart.errors import MissingParts, PartsMismatch

CHUNKS = {1: b"THIS\n", 2: b"IS\n", 3: b"A\n", 4: b"TEST\n"}
WHOLE = b"".join(CHUNKS.values())


def md5(data: bytes) -> str:
    """Hex digits."""
    return hashlib.md5(data).hexdigest()


def stored(number: int, data: bytes) -> StoredPart:
    """As a store lists the part."""
    return StoredPart(number, len(data), md5(data))


def registered(number: int, data: bytes) -> RegisteredPart:
    """As a client announces the part."""
    return RegisteredPart(number, len(data), md5(data))


def ledger(size: int, announced: dict[int, bytes] | None = None, **plan) -> PartLedger:
    """A ledger of a file on local storage."""
    parts = {
        number: registered(number, data) for number, data in (announced or {}).items()
    }
    return PartLedger(make_plan(size, limits=LOCAL_LIMITS, **plan), parts)


def as_stored(chunks: dict[int, bytes]) -> list[StoredPart]:
    """As a store lists them."""
    return [stored(number, data) for number, data in chunks.items()]


ARRIVED = {
    "no-errors": (15, CHUNKS, CHUNKS),
    "wrong-whole-md5": (15, CHUNKS, CHUNKS),
    "arrival-order": (15, CHUNKS, {n: CHUNKS[n] for n in (4, 2, 1, 3)}),
}
LATE = {2: CHUNKS[2], 3: CHUNKS[3], 4: CHUNKS[4]}
SHIFTED = {5: CHUNKS[1], 6: CHUNKS[2], 3: CHUNKS[3], 4: CHUNKS[4]}
REFUSED = {
    "missing-chunk-actual-size": (15, LATE, [1]),
    "missing-chunk-reduced-size": (10, LATE, [1]),
    "wrong-order": (15, SHIFTED, [1, 2]),
}


@pytest.mark.parametrize("case", ARRIVED)
def test_scenarios_whose_parts_are_right(case):
    """The parts prove themselves; a wrong whole digest is found by reading, later."""
    size, announced, arrived = ARRIVED[case]
    ledger(size, announced).check(as_stored(arrived))


@pytest.mark.parametrize("case", REFUSED)
def test_scenarios_that_are_refused(case):
    """The numbers of the missing parts and both sizes are told."""
    size, announced, missing = REFUSED[case]
    with pytest.raises(MissingParts) as caught:
        ledger(size, announced).check(as_stored(announced))
    uploaded = sum(map(len, announced.values()))
    assert caught.value.details == {
        "missing_parts": missing,
        "size": size,
        "uploaded_bytes": uploaded,
    }


def test_the_plan_alone():
    """Without registration the parts are those of the plan, any bytes in them."""
    wanted = ledger(15, part_size=6)
    assert not wanted.custom
    assert [wanted.count, wanted.size_of(1), wanted.size_of(3)] == [3, 6, 3]
    wanted.check([StoredPart(1, 6, "x"), StoredPart(2, 6, "y"), StoredPart(3, 3, "z")])


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({1: 6, 2: 6, 3: 2}, "Part 3 has 2 bytes, not 3."),
        ({1: 6, 2: 5, 3: 3}, "Part 2 has 5 bytes, not 6."),
        ({1: 5, 2: 7, 3: 3}, "Part 1 has 5 bytes, not 6."),
        ({1: 6, 2: 6, 3: 3, 4: 0}, "Part 4 is not one of 1..3."),
    ],
)
def test_sizes_that_differ_from_the_plan(sizes, message):
    """Each part at fault is named with what it has and what it should have."""
    parts = [StoredPart(number, size, "") for number, size in sizes.items()]
    with pytest.raises(PartsMismatch) as caught:
        ledger(15, part_size=6).check(parts)
    assert message in caught.value.problems


def test_own_sizes_replace_the_plan():
    """One registered part that deviates makes the registered ones the plan."""
    wanted = ledger(15, {2: CHUNKS[2], 4: CHUNKS[4]})
    assert wanted.custom
    assert [wanted.count, wanted.size_of(2), wanted.size_of(3)] == [4, 3, None]
    wanted.check(as_stored(CHUNKS))


def test_registered_sizes_that_agree_with_the_plan():
    """Registration of planned parts changes nothing but their digests."""
    wanted = ledger(15, {1: WHOLE[:6]}, part_size=6)
    assert not wanted.custom
    assert [wanted.count, wanted.size_of(3)] == [3, 3]


def test_own_sizes_must_add_up():
    """Parts that all agree with their registration may still be too few bytes."""
    fewer = {1: CHUNKS[1], 2: CHUNKS[2]}
    with pytest.raises(PartsMismatch, match="have 8 bytes, not 15"):
        ledger(15, fewer).check(as_stored(fewer))


def test_a_registered_digest_is_proved():
    """A part with the right size and other bytes is named."""
    with pytest.raises(PartsMismatch, match="Part 2 has the MD5"):
        ledger(15, CHUNKS).check(as_stored(CHUNKS | {2: b"AS\n"}))


@pytest.mark.parametrize(
    ("etag", "etag_is_md5"),
    [("not-an-md5", True), ("0" * 32, False)],
    ids=["odd-etag", "managed-keys"],
)
def test_etags_that_say_nothing(etag, etag_is_md5):
    """Where an ETag is no MD5 it is never the reason of a verdict."""
    parts = as_stored(CHUNKS)
    parts[1] = StoredPart(2, 3, etag)
    ledger(15, CHUNKS).check(parts, etag_is_md5=etag_is_md5)


def test_an_empty_file():
    """No part is needed, and one empty part does no harm."""
    ledger(0).check([])
    ledger(0).check([stored(1, b"")])
    with pytest.raises(PartsMismatch):
        ledger(0).check([stored(1, b"x")])


def test_etag_and_crc_of_the_object():
    """They are known when every part's are, and unknown as soon as one is not."""
    parts = as_stored(CHUNKS)
    outer = md5(b"".join(bytes.fromhex(part.etag) for part in parts))
    assert expected_etag(parts) == f"{outer}-4"
    assert expected_etag([*parts, StoredPart(5, 1, "odd")]) is None
    assert expected_etag([]) is expected_crc([]) is None
    assert expected_crc(parts) is None
    check = StoredPart(1, 9, "", "ae8b14860a799888")
    assert expected_crc([check]) == "ae8b14860a799888"
    assert expected_crc([check, parts[1]]) is None


@given(
    data=st.binary(min_size=1, max_size=60),
    part_size=st.integers(1, 30),
    harm=st.sampled_from(["none", "drop", "cut", "change", "extra"]),
    pick=st.integers(0, 10**6),
)
def test_only_the_whole_file_passes(data, part_size, harm, pick):
    """One part dropped, cut, changed or added is always found."""
    pieces = {
        number: data[start : start + part_size]
        for number, start in enumerate(range(0, len(data), part_size), start=1)
    }
    wanted = ledger(len(data), pieces, part_size=part_size)
    number = pick % len(pieces) + 1
    if harm == "drop":
        pieces.pop(number)
    elif harm == "cut":
        pieces[number] = pieces[number][:-1]
    elif harm == "change":
        pieces[number] = bytes([pieces[number][0] ^ 1]) + pieces[number][1:]
    elif harm == "extra":
        pieces[len(pieces) + 1] = b""
    if harm == "none":
        wanted.check(as_stored(pieces))
        return
    with pytest.raises((MissingParts, PartsMismatch)):
        wanted.check(as_stored(pieces))
