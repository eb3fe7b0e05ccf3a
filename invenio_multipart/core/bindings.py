# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What a signed link accepts: the headers that it was signed for."""

from __future__ import annotations

from typing import NamedTuple, Union


class PartBinding(NamedTuple):
    """What one part link accepts. A tuple: thousands are made per reply.

    :param number: part number, from 1.
    :param size: exact bytes, signed as Content-Length; None leaves it open.
    :param md5: base64 MD5, signed as Content-MD5; None leaves it open.
    """

    number: int
    size: int | None = None
    md5: str | None = None

    @property
    def sha256(self) -> None:
        """Parts are never bound by it."""

    @property
    def headers(self) -> dict[str, str]:
        """Headers the client must send with exactly these values."""
        return _headers(self)


class PutBinding(NamedTuple):
    """What one link to a whole object accepts.

    :param path: key below the signer's prefix, as it is, not percent-encoded.
    :param size: exact bytes, signed as Content-Length; None leaves it open.
    :param md5: base64 MD5, signed as Content-MD5; None leaves it open.
    :param sha256: base64 SHA-256, signed as x-amz-checksum-sha256; None leaves it open.
    """

    path: str
    size: int | None = None
    md5: str | None = None
    sha256: str | None = None

    @property
    def headers(self) -> dict[str, str]:
        """Headers the client must send with exactly these values."""
        headers = _headers(self)
        if self.sha256 is not None:
            headers["x-amz-checksum-sha256"] = self.sha256
        return headers


AnyBinding = Union[PartBinding, PutBinding]


class Signed(NamedTuple):
    """Which headers links sign, in the order of their names; the host always.

    :param size: whether Content-Length.
    :param md5: whether Content-MD5.
    :param sha256: whether x-amz-checksum-sha256.
    """

    size: bool = False
    md5: bool = False
    sha256: bool = False

    @property
    def names(self) -> str:
        """As they stand in a query."""
        names = "content-length%3B" if self.size else ""
        names += "content-md5%3Bhost" if self.md5 else "host"
        return names + ("%3Bx-amz-checksum-sha256" if self.sha256 else "")


def lines_before_host(binding: AnyBinding) -> str:
    """The signed headers whose names come before the host's, as they are hashed."""
    lines = ""
    if binding.size is not None:
        lines = f"content-length:{binding.size}\n"
    if binding.md5 is not None:
        lines += f"content-md5:{binding.md5}\n"
    return lines


def lines_after_host(binding: AnyBinding) -> str:
    """Those whose names come after it."""
    if binding.sha256 is None:
        return ""
    return f"x-amz-checksum-sha256:{binding.sha256}\n"


def _headers(binding: AnyBinding) -> dict[str, str]:
    headers = {}
    if binding.size is not None:
        headers["Content-Length"] = str(binding.size)
    if binding.md5 is not None:
        headers["Content-MD5"] = binding.md5
    return headers
