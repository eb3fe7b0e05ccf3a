# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Hashes that are put down and taken up."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invenio_multipart.core import hashing
from invenio_multipart.core.hashing import ResumableHash

RESUMABLE = ["md5", "sha256"]
ALL = [*RESUMABLE, "sha512"]
DATA = bytes(range(256)) * 2


@pytest.fixture
def no_native(monkeypatch):
    """A platform whose hash library does not export its functions."""
    monkeypatch.setattr(hashing, "_found", dict.fromkeys(ALL))


def expected(algorithm: str, data: bytes) -> str:
    """What hashlib says."""
    return hashlib.new(algorithm, data).hexdigest()


@pytest.mark.parametrize("algorithm", RESUMABLE)
def test_every_split_and_state(algorithm):
    """Put down after any number of bytes and taken up, the digest is hashlib's."""
    whole = expected(algorithm, DATA)
    for cut in range(len(DATA) + 1):
        first = ResumableHash(algorithm)
        first.update(DATA[:cut])
        assert first.hexdigest() == expected(algorithm, DATA[:cut])
        state = first.state
        assert state is not None
        second = ResumableHash(algorithm, state)
        assert second.state == state
        second.update(DATA[cut:])
        first.update(DATA[cut:])
        assert second.hexdigest() == first.hexdigest() == whole


@pytest.mark.parametrize("algorithm", ALL)
@given(pieces=st.lists(st.binary(max_size=300), max_size=6))
def test_any_pieces(algorithm, pieces):
    """Pieces of any length, zero bytes and empty ones included, add up."""
    hasher = ResumableHash(algorithm)
    for piece in pieces:
        hasher.update(piece)
        if hasher.state is not None:
            hasher = ResumableHash(algorithm, hasher.state)
    assert hasher.hexdigest() == expected(algorithm, b"".join(pieces))


def test_what_has_no_state():
    """SHA-512 is computed all the same; it says that it cannot be saved."""
    assert ResumableHash("sha512").state is None
    with pytest.raises(ValueError, match="cannot be resumed"):
        ResumableHash("sha512", b"state")


@pytest.mark.parametrize("algorithm", RESUMABLE)
def test_a_state_of_another_hash(algorithm):
    """A state of the wrong length is refused instead of read beyond its end."""
    with pytest.raises(ValueError, match="bytes are no"):
        ResumableHash(algorithm, b"short")


@pytest.mark.parametrize("algorithm", ALL)
def test_without_native_functions(algorithm, no_native):
    """Where nothing is exported hashlib does the work, only without a state."""
    hasher = ResumableHash(algorithm)
    hasher.update(DATA[:100])
    hasher.update(DATA[100:])
    assert hasher.hexdigest() == expected(algorithm, DATA)
    assert hasher.state is None
    with pytest.raises(ValueError, match="cannot be resumed"):
        ResumableHash(algorithm, bytes(92))


def test_functions_that_compute_something_else(monkeypatch):
    """Native functions that disagree with hashlib are found out and not used."""
    wrong = hashing._Context("MD5", 92, 16)
    monkeypatch.setattr(hashing, "_found", {})
    monkeypatch.setitem(hashing._CONTEXTS, "sha256", wrong)
    hasher = ResumableHash("sha256")
    hasher.update(DATA)
    assert hasher.state is None
    assert hasher.hexdigest() == expected("sha256", DATA)


def test_functions_that_are_not_there(monkeypatch):
    """A library without the functions is no error."""
    monkeypatch.setattr(hashing, "_found", {})
    monkeypatch.setitem(hashing._CONTEXTS, "md5", hashing._Context("NONE", 92, 16))
    hasher = ResumableHash("md5")
    hasher.update(DATA)
    assert hasher.state is None
    assert hasher.hexdigest() == expected("md5", DATA)
