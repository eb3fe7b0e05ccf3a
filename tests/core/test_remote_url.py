# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Addresses elsewhere: which spellings are taken, which hosts are in the open."""

from __future__ import annotations

import ipaddress
import string
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invenio_multipart.core.remote_url import (
    MAX_LENGTH,
    is_allowed,
    is_public,
    parse_remote,
)
from invenio_multipart.errors import InvalidLink


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("https://data.example.org/a.nc", "https://data.example.org/a.nc"),
        ("HTTPS://Data.Example.ORG/A.nc", "https://data.example.org/A.nc"),
        ("https://data.example.org:443/a", "https://data.example.org/a"),
        ("http://data.example.org:80/a", "http://data.example.org/a"),
        ("https://data.example.org:8443/a?b=c", "https://data.example.org:8443/a?b=c"),
        ("https://data.example.org/?file=1", "https://data.example.org/?file=1"),
        ("https://8.8.8.8/a%20b", "https://8.8.8.8/a%20b"),
        ("https://[2606:4700:0:0::1111]/a", "https://[2606:4700::1111]/a"),
        ("https://xn--mller-kva.example/a", "https://xn--mller-kva.example/a"),
    ],
)
def test_one_form_of_an_address(url: str, text: str) -> None:
    """Scheme, host and port have one form, in which addresses are compared."""
    assert parse_remote(url).text == text


@pytest.mark.parametrize(
    "url",
    [
        "",
        "a.txt",
        "//example.org/a",
        "https:a",
        "https:/example.org/a",
        "https:///a",
        "ftp://example.org/a",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "s3://bucket/key",
        " https://example.org/a",
        "https://example.org/a b",
        "https://example.org/a\nb",
        "https://example.org/a\x00",
        "https://example.org/a\u2028",
        "https://exämple.org/a",
        "https://example.org\\@evil.example/a",
        "https://example.org/a\\b",
        "https://user@example.org/a",
        "https://user:secret@example.org/a",
        "https://@example.org/a",
        "https://example.org",
        "https://example.org/",
        "https://example.org/a#b",
        "https://example.org/a#",
        "https://example.org/../a",
        "https://example.org/a/%2e%2E/b",
        "https://example.org/a/./b",
        "https://example.org/a%0d%0aSet-Cookie:x",
        "https://example.org/a%00",
        "https://example.org/a%zz",
        "https://example.org/a%",
        "https://example.org:0/a",
        "https://example.org:65536/a",
        "https://example.org:http/a",
        "https://example.org:-1/a",
        "https://example.org./a",
        "https://.example.org/a",
        "https://ex..org/a",
        "https://-ex.org/a",
        "https://ex_ample.org/a",
        "https://ex%61mple.org/a",
        "https://" + "a." * 130 + "org/a",
        "https://[::1/a",
        "https://[::g]/a",
        "https://[fe80::1%25eth0]/a",
        "https://[v1.a]/a",
        "https://2130706433/a",
        "https://0x7f000001/a",
        "https://0x7f.0.0.1/a",
        "https://0177.0.0.1/a",
        "https://017700000001/a",
        "https://127.1/a",
        "https://127.0.0.1.2/a",
        "https://127.0.0.256/a",
        "https://example.0x1/a",
        "https://example.org/" + "a" * MAX_LENGTH,
    ],
    ids=ascii,
)
def test_refused_addresses(url: str) -> None:
    """What is malformed, or read in two ways by two programs, is refused."""
    with pytest.raises(InvalidLink) as caught:
        parse_remote(url)
    assert caught.value.field == "url"


@given(st.text(st.sampled_from(string.printable + "ä\u3002\uff11"), max_size=40))
def test_no_text_breaks_the_parser(tail: str) -> None:
    """Whatever text comes, it is refused, or read as the standard library does."""
    url = f"https://{tail}"
    try:
        found = parse_remote(url)
    except InvalidLink:
        return
    assert found.host == urlsplit(found.text).hostname
    assert parse_remote(found.text) == found


@pytest.mark.parametrize(
    ("url", "allowed", "expected"),
    [
        ("https://example.org/a", ["example.org"], True),
        ("https://EXAMPLE.org/a", ["Example.ORG"], True),
        ("https://example.org:443/a", ["example.org"], True),
        ("https://example.org/a", ["example.org:443"], True),
        ("https://example.org/a", ["https://example.org/"], True),
        ("https://example.org:8443/a", ["example.org:8443"], True),
        ("https://[2606:4700::1111]/a", ["[2606:4700:0::1111]"], True),
        ("http://example.org/a", ["http://example.org"], True),
        ("http://example.org:8080/a", ["http://example.org:8080"], True),
        ("https://example.org:8443/a", ["example.org"], False),
        ("https://example.org/a", ["example.org:8443"], False),
        ("http://example.org/a", ["example.org"], False),
        ("http://example.org/a", ["example.org:80"], False),
        ("https://example.org/a", ["http://example.org"], False),
        ("https://sub.example.org/a", ["example.org"], False),
        ("https://example.org.evil.example/a", ["example.org"], False),
        ("https://example.org/a", [], False),
        ("https://example.org/a", ["", "ftp://example.org", "https://[", "a:b"], False),
    ],
)
def test_allow_list(url: str, allowed: list[str], expected: bool) -> None:
    """Scheme, host and port have to agree; plain http only where it is named."""
    assert is_allowed(parse_remote(url), allowed) is expected


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"],
)
def test_public_addresses(address: str) -> None:
    """Addresses of the open internet are public, in every notation."""
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "198.18.0.1",
        "192.0.2.1",
        "::",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "fc00::1",
        "fd12:3456::1",
        "ff02::1",
        "2001:db8::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::1",
        "2002:a00:1::",
        "2001:0:0:0:0:0:80ff:fffe",
        "no address",
    ],
)
def test_private_addresses(address: str) -> None:
    """Private, loopback, link-local, multicast and reserved ones are not public."""
    assert not is_public(address)


@given(st.ip_addresses(v=4))
def test_carried_addresses(address: ipaddress.IPv4Address) -> None:
    """Written as one of version 6, an address is as public as it was."""
    plain = is_public(str(address))
    assert is_public(f"::ffff:{address}") is plain
    assert is_public(f"64:ff9b::{address}") is plain
