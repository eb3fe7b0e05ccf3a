# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Digests as text, and what follows from the digests of parts."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invenio_multipart.core.digests import (
    HEX_LENGTHS,
    Digest,
    composite_etag,
    is_md5,
    parse_digest,
    parse_part_digest,
)
from invenio_multipart.errors import InvalidDigest

EMPTY_MD5 = "d41d8cd98f00b204e9800998ecf8427e"


@pytest.mark.parametrize(("algorithm", "length"), HEX_LENGTHS.items())
def test_known_algorithms(algorithm, length):
    """Each algorithm is taken in any case and spelled in lower case again."""
    digest = parse_digest(f" {algorithm.upper()}:{'aB' * (length // 2)}\n")
    assert str(digest) == f"{algorithm}:{'ab' * (length // 2)}"
    for wrong in (length - 1, length + 1, 0):
        with pytest.raises(InvalidDigest):
            parse_digest(f"{algorithm}:{'a' * wrong}")


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        17,
        b"md5:d41d8cd98f00b204e9800998ecf8427e",
        ["md5:" + EMPTY_MD5],
        EMPTY_MD5,
        ":" + EMPTY_MD5,
        "md5",
        "md5:",
        "md5:thisisabadmd5yo",
        "md5:" + "g" * 32,
        "md5:" + "１" * 32,
        "md5:" + EMPTY_MD5 + "\x00",
        "md5:" + EMPTY_MD5[:16] + "\n" + EMPTY_MD5[17:],
        "md4:" + EMPTY_MD5,
        "sha1:" + "0" * 40,
        "multipart:" + EMPTY_MD5 + "-2-5242880",
        "x" * 10_000 + ":00",
    ],
    ids=lambda text: repr(text)[:30],
)
def test_malformed_digests(text):
    """Anything else is refused with the field and in a message of one line."""
    with pytest.raises(InvalidDigest) as caught:
        parse_digest(text, field="parts.0.checksum")
    assert caught.value.field == "parts.0.checksum"
    assert len(caught.value.message) < 100


def test_parts_are_checked_by_md5_only():
    """A part's digest is the one that every store enforces."""
    assert parse_part_digest(f"md5:{EMPTY_MD5}") == Digest("md5", EMPTY_MD5)
    with pytest.raises(InvalidDigest):
        parse_part_digest("sha256:" + "0" * 64)


def test_base64_is_the_form_of_the_header():
    """The empty MD5 in base64 as RFC 1864 would send it."""
    assert parse_digest(f"md5:{EMPTY_MD5}").base64 == "1B2M2Y8AsgTpgAmY7PhCfg=="


def test_composite_etag_of_known_objects():
    """The formula gives what S3 servers were seen to give."""
    assert composite_etag([EMPTY_MD5]) == "59adb24ef3cdbe0297f05b395827453f-1"
    parts = [hashlib.md5(text).hexdigest() for text in (b"THIS\n", b"IS\n")]
    outer = hashlib.md5(b"".join(map(bytes.fromhex, parts))).hexdigest()
    assert composite_etag(parts) == f"{outer}-2"


@given(st.lists(st.binary(max_size=20), min_size=2, max_size=5, unique=True))
def test_composite_etag_depends_on_the_order(parts):
    """Exchanging two different parts gives another ETag."""
    md5s = [hashlib.md5(part).hexdigest() for part in parts]
    assert composite_etag(md5s) != composite_etag(md5s[::-1])
    assert composite_etag(iter(md5s)) == composite_etag(md5s)


@pytest.mark.parametrize(
    "etag",
    ["", EMPTY_MD5.upper(), f"{EMPTY_MD5}-2", f'"{EMPTY_MD5}"', f"{EMPTY_MD5}\n"],
)
def test_what_is_no_md5(etag):
    """Composite, quoted and other ETags are not taken for an MD5."""
    assert is_md5(EMPTY_MD5)
    assert not is_md5(etag)
