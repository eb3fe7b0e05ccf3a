# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Addresses of objects that others own, and where they may be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invenio_multipart.core.adopted import (
    Expected,
    FoundObject,
    ObjectAddress,
    is_below,
    parse_address,
)
from invenio_multipart.errors import InvalidLink

BAD = {
    "no bucket": "s3://",
    "no bucket but a key": "s3:///key",
    "no slash": "s3://bucket",
    "another scheme": "https://bucket/key",
    "capitals": "S3://bucket/key",
    "climbs": "s3://bucket/data/../other/a",
    "climbs at the end": "s3://bucket/data/..",
    "climbs encoded": "s3://bucket/data/%2e%2E/other/a",
    "encoded slashes": "s3://bucket/data%2F..%2Fother/a",
    "climbs backwards": "s3://bucket/data\\..\\other\\a",
    "dot": "s3://bucket/./a",
    "empty folder name": "s3://bucket/a//b",
    "absolute": "s3://bucket//a",
    "two slashes at the end": "s3://bucket/a//",
    "NUL": "s3://bucket/a\x00b",
    "line feed": "s3://bucket/a\nb",
    "C1": "s3://bucket/a\x85b",
    "half a character": "s3://bucket/a\ud800b",
    "version in the address": "s3://bucket/a?versionId=1",
    "too long": f"s3://bucket/{'a' * 1025}",
    "too long in bytes": f"s3://bucket/{'ü' * 513}",
}


@pytest.mark.parametrize("url", BAD.values(), ids=BAD)
def test_bad_addresses(url: str) -> None:
    """What is no address of an object, or pretends to be elsewhere, is refused."""
    with pytest.raises(InvalidLink) as caught:
        parse_address(url)
    assert caught.value.field == "url"


@pytest.mark.parametrize("version", ["null", "", "a b", "a\nb", "ü"])
def test_bad_versions(version: str) -> None:
    """A version is a name that can stand in a header and cannot be overwritten."""
    with pytest.raises(InvalidLink):
        parse_address("s3://bucket/a", version)


def test_folders_have_no_version() -> None:
    """A version is of one object."""
    with pytest.raises(InvalidLink):
        parse_address("s3://bucket/a/", "1")
    assert parse_address("s3://bucket/a/").is_folder
    assert parse_address("s3://bucket/").is_folder
    assert not parse_address("s3://bucket/a").is_folder


@given(
    key=st.text(
        st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=200
    ),
    version=st.none() | st.text("abcXYZ019-_.", min_size=1, max_size=40),
)
def test_addresses_survive_a_row(key: str, version: str | None) -> None:
    """Whatever is taken comes back from a file's row as it went in."""
    try:
        address = parse_address(f"s3://bucket/{key}", version)
    except InvalidLink:
        return
    assert ObjectAddress.from_uri(address.uri) == address
    assert address.key == key


@pytest.mark.parametrize(
    ("url", "inside"),
    [
        ("s3://bucket/data/a", True),
        ("s3://bucket/data/a/b", True),
        ("s3://bucket/data/", True),
        ("s3://bucket/data", False),
        ("s3://bucket/data2/a", False),
        ("s3://bucket/dat", False),
        ("s3://bucket/", False),
        ("s3://bucket2/data/a", False),
        ("s3://other/a", True),
        ("s3://other/", True),
    ],
)
def test_locations(url: str, inside: bool) -> None:
    """Only whole names count, with or without a slash at the location's end."""
    address = parse_address(url)
    assert is_below(address, ["s3://bucket/data/", "s3://other"]) is inside
    assert is_below(address, ["s3://bucket/data", "s3://other/"]) is inside
    assert not is_below(address, [])
    assert not is_below(address, ["bucket/data", "/srv"])


def test_pins() -> None:
    """What the store calls no version is none."""
    address = parse_address("s3://bucket/a")
    assert address.pinned("v1").uri == "s3://bucket/a?versionId=v1"
    assert address.pinned("null").uri == address.pinned(None).uri == "s3://bucket/a"


@pytest.mark.parametrize(
    ("etag", "encrypted", "known"),
    [
        ("d" * 32, False, True),
        ("d" * 32, True, False),
        ("d" * 32, None, False),
        ("d" * 32 + "-2", False, False),
        ("", False, False),
    ],
)
def test_checksums(etag: str, encrypted: bool | None, known: bool) -> None:
    """An ETag is the MD5 of an object of one piece without keys of its own."""
    found = FoundObject(ObjectAddress("b", "k"), 1, etag, encrypted)
    assert found.checksum == (f"md5:{etag}" if known else None)


def test_differences() -> None:
    """A sentence says what has changed."""
    expected = Expected(3, "abc")
    address = ObjectAddress("b", "k")
    assert expected.difference(FoundObject(address, 3, "abc")) is None
    assert "gone" in str(expected.difference(None))
    assert "4 bytes" in str(expected.difference(FoundObject(address, 4, "abc")))
    assert "ETag" in str(expected.difference(FoundObject(address, 3, "abd")))
