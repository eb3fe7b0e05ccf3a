# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Addresses elsewhere: how they are written, which of them a site allows.

What is accepted here is read the same way by every browser and library. Spellings
that some of them read as another host or another path are refused, not repaired.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import SplitResult, unquote, urlsplit

from ..errors import InvalidLink

MAX_LENGTH = 2000
"""Characters of an address. A unique index holds them, and its pages end near 2700.

Source: https://www.postgresql.org/docs/current/btree.html
"""

_PORTS = {"https": 443, "http": 80}
_PRINTABLE = re.compile(r"[!#-;=?-\[\]_a-z~]+")
"""ASCII without what has to be escaped in an address: space, quotes, brackets of
several kinds, backslash, and everything invisible."""

_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_ESCAPED = re.compile(r"%(?:[01][0-9A-Fa-f]|7[Ff]|(?![0-9A-Fa-f]{2}))")
"""An escaped control character, or a percent sign that escapes nothing."""

_NAT64 = IPv6Network("64:ff9b::/96")
_COMPATIBLE = IPv6Network("::/96")


@dataclass(frozen=True)
class RemoteUrl:
    """An address, taken apart.

    :param host: in lower case; an IPv6 address without brackets.
    :param text: all of it, in the form in which it is compared and kept.
    """

    scheme: str
    host: str
    port: int
    text: str

    @property
    def place(self) -> tuple[str, str, int]:
        """What an allow list names."""
        return self.scheme, self.host, self.port


def parse_remote(url: str) -> RemoteUrl:
    """The address in its parts; scheme and host in lower case, no default port.

    :raises InvalidLink: not http or https, with user or password, with a fragment,
        malformed, or written so that it can be read in more than one way.
    """
    if len(url) > MAX_LENGTH:
        raise _refused(f"It has {len(url)} characters; {MAX_LENGTH} are taken.")
    if not _PRINTABLE.fullmatch(url.lower().replace("%", "")):
        raise _refused("It holds characters that have to be escaped.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise _refused("It is malformed.") from error
    if parts.scheme not in _PORTS:
        raise _refused("Its scheme is neither https nor http.")
    if "@" in parts.netloc:
        raise _refused("It names a user.")
    if "#" in url:
        raise _refused("It names a place within a file.")
    _require_plain_path(parts)
    host = _host(parts)
    port = _PORTS[parts.scheme] if port is None else port
    if not 1 <= port <= 65535:
        raise _refused("Its port is none.")
    return RemoteUrl(parts.scheme, host, port, _text(parts, host, port))


def is_allowed(url: RemoteUrl, allowed: Iterable[str]) -> bool:
    """Whether a list names the address's scheme, host and port.

    :param allowed: ``host``, ``host:port`` (both for https), or with the scheme
        before, ``http://host:port``. Without a port it is the scheme's own.
    """
    return any(_place(entry) == url.place for entry in allowed)


def is_public(address: str) -> bool:
    """Whether an IP address is one of the open internet, for one receiver.

    Addresses of version 6 that carry one of version 4 are what they carry.
    """
    try:
        ip = ip_address(address)
    except ValueError:
        # With a zone, "fe80::1%eth0": good on one cable only.
        return False
    if isinstance(ip, IPv6Address):
        inner = _carried(ip)
        if inner is not None:
            return is_public(str(inner))
        if ip.is_site_local:
            return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved)


def as_address(host: str) -> str | None:
    """The host itself where it is an IP address, None where it is a name."""
    try:
        return str(ip_address(host))
    except ValueError:
        return None


def _carried(ip: IPv6Address) -> IPv4Address | None:
    if ip in _NAT64 or (ip in _COMPATIBLE and int(ip) > 1):
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    if ip.teredo is not None:
        return ip.teredo[1]
    return ip.ipv4_mapped or ip.sixtofour


def _place(entry: str) -> tuple[str, str, int] | None:
    entry = entry.strip().lower().rstrip("/")
    try:
        parts = urlsplit(entry if "://" in entry else f"https://{entry}")
        port = parts.port or _PORTS[parts.scheme]
    except (ValueError, KeyError):
        return None
    host = parts.hostname or ""
    return parts.scheme, as_address(host) or host, port


def _host(parts: SplitResult) -> str:
    host = parts.hostname or ""
    if parts.netloc.startswith("["):
        try:
            address = IPv6Address(host)
        except ValueError as error:
            raise _refused("Its host is malformed.") from error
        if address.scope_id:
            raise _refused("Its host is malformed.")
        return str(address)
    labels = host.split(".")
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise _refused("Its host is malformed.")
    # Whole, octal, hexadecimal or shortened numbers mean addresses to some.
    if _NUMBER.fullmatch(labels[-1]) and as_address(host) != host:
        raise _refused("Its host is a number, but no address.")
    return host


def _require_plain_path(parts: SplitResult) -> None:
    if parts.path in ("", "/") and not parts.query:
        raise _refused("It names no file.")
    if _ESCAPED.search(parts.path + parts.query):
        raise _refused("It holds escaped control characters, or half an escape.")
    if {unquote(segment) for segment in parts.path.split("/")} & {".", ".."}:
        raise _refused("Its path goes up.")


def _text(parts: SplitResult, host: str, port: int) -> str:
    place = f"[{host}]" if ":" in host else host
    if port != _PORTS[parts.scheme]:
        place = f"{place}:{port}"
    return parts._replace(netloc=place).geturl()


def _refused(why: str) -> InvalidLink:
    return InvalidLink(f"This is no address to link to. {why}", field="url")
