# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Presigned links, thousands per reply.

A general signer builds and canonicalises a request per link (about 0.3 ms). All
links of one upload differ in the part number, those of one batch of files in the
end of the path, and both, when bound, in two header values. Everything else is
computed once here: about 5 microseconds a link. The result is byte-equal to
botocore's, which the tests hold it to.

Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Generic, TypeVar
from urllib.parse import quote, urlsplit

from .bindings import (
    PartBinding,
    PutBinding,
    Signed,
    lines_after_host,
    lines_before_host,
)
from .keyed_hash import KeyedHash

MAX_EXPIRES_SECONDS = 7 * 24 * 3600
"""Longest life of a link. Source: the page above."""

_UNSIGNED = "UNSIGNED-PAYLOAD"
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Credentials:
    """Keys that sign, and the token of a temporary session if they are one."""

    access_key: str
    secret_key: str
    token: str | None = None

    def __repr__(self) -> str:
        return f"Credentials({self.access_key!r})"


Binding = TypeVar("Binding", PartBinding, PutBinding)


class _Signer(Generic[Binding]):
    """What links share that are signed at one moment for one place.

    :param url: full URL without query, percent-encoded, as the client will use it;
        host and path are signed as they stand here.
    :param region: region of the bucket, "us-east-1" where the server has none.
    :param at: moment of signing, UTC.
    :param expires: seconds the links live, 1..604800.
    :raises ValueError: for an expiry outside that range.
    """

    def __init__(
        self,
        url: str,
        credentials: Credentials,
        region: str,
        at: datetime,
        expires: int,
    ) -> None:
        if not 1 <= expires <= MAX_EXPIRES_SECONDS:
            raise ValueError(f"A link lives 1..{MAX_EXPIRES_SECONDS} s, not {expires}.")
        parts = urlsplit(url)
        self._url = url
        self._path = parts.path or "/"
        self._host = _host(parts.scheme, parts.hostname or "", parts.port)
        timestamp = at.strftime("%Y%m%dT%H%M%SZ")
        day = timestamp[:8]
        scope = f"{day}/{region}/s3/aws4_request"
        self._mac = KeyedHash(
            _signing_key(credentials.secret_key, day, region),
            f"AWS4-HMAC-SHA256\n{timestamp}\n{scope}\n".encode("ascii"),
        )
        access = _encode(f"{credentials.access_key}/{scope}")
        self._auth = (
            f"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={access}"
            f"&X-Amz-Date={timestamp}&X-Amz-Expires={expires}"
        )
        token = credentials.token
        self._token = "" if token is None else f"&X-Amz-Security-Token={_encode(token)}"

    def _signed(
        self,
        bindings: Iterable[Binding],
        varying: Callable[[Binding], str],
        shape_of: Callable[[str], _Shape],
    ) -> Iterator[tuple[Binding, str]]:
        """Each binding with its URL.

        :param varying: the text that differs from link to link, percent-encoded.
        :param shape_of: what the links that sign these header names share.
        """
        shapes: dict[tuple[bool, bool, bool], _Shape] = {}
        for binding in bindings:
            by_sha256 = binding.sha256 is not None
            bound = binding.size is not None, binding.md5 is not None, by_sha256
            if bound not in shapes:
                shapes[bound] = shape_of(Signed(*bound).names)
            before = lines_before_host(binding)
            after = lines_after_host(binding) if by_sha256 else ""
            yield binding, shapes[bound].url(varying(binding), before, after)

    def _query(self, names: str) -> tuple[str, str]:
        """The common query: as it is hashed, sorted by name, and as it is sent."""
        signed = f"&X-Amz-SignedHeaders={names}"
        return (
            f"{self._auth}{self._token}{signed}",
            f"{self._auth}{signed}{self._token}&X-Amz-Signature=",
        )

    def _headers_end(self, names: str) -> str:
        return f"\n{names.replace('%3B', ';')}\n{_UNSIGNED}"


class PartSigner(_Signer[PartBinding]):
    """Signs UploadPart links of one object, whose full URL is ``url``."""

    def links(
        self, upload_id: str, bindings: Iterable[PartBinding]
    ) -> Iterator[tuple[PartBinding, str]]:
        """Each binding with its signed URL, in the order given."""
        return self._signed(
            bindings,
            lambda binding: str(binding.number),
            lambda names: self._shape(upload_id, names),
        )

    def urls(self, upload_id: str, numbers: Iterable[int]) -> Iterator[str]:
        """The URL alone of each part, bound to nothing, in the order given.

        Many links cost as much to carry about, a tuple each, as to hash.
        """
        return map(self._shape(upload_id, Signed().names).url, map(str, numbers))

    def _shape(self, upload_id: str, names: str) -> _Shape:
        upload = _encode(upload_id)
        hashed, sent = self._query(names)
        # What is hashed and what is sent differ in order only: the canonical
        # query is sorted by name, the URL keeps the operation first.
        start = f"PUT\n{self._path}\n{hashed}&partNumber="
        return _Shape(
            mac=self._mac,
            canonical_start=sha256(start.encode()),
            query_end=f"&uploadId={upload}\n",
            host=f"host:{self._host}\n",
            headers_end=self._headers_end(names),
            url_start=f"{self._url}?uploadId={upload}&partNumber=",
            url_end=f"&{sent}",
        )


class PutSigner(_Signer[PutBinding]):
    """Signs PutObject links of many objects; ``url`` is what their URLs begin with.

    It ends where the paths go on: with a slash, unless a path begins with one.
    """

    _method = "PUT"

    def links(self, bindings: Iterable[PutBinding]) -> Iterator[tuple[PutBinding, str]]:
        """Each binding with its signed URL, in the order given."""
        return self._signed(
            bindings, lambda binding: encode_path(binding.path), self._shape
        )

    def _shape(self, names: str) -> _Shape:
        hashed, sent = self._query(names)
        return _Shape(
            mac=self._mac,
            canonical_start=sha256(f"{self._method}\n{self._path}".encode()),
            query_end=f"\n{hashed}\n",
            host=f"host:{self._host}\n",
            headers_end=self._headers_end(names),
            url_start=self._url,
            url_end=f"?{sent}",
        )


class GetSigner(PutSigner):
    """Signs GetObject links of many objects, likewise."""

    _method = "GET"

    def urls(self, paths: Iterable[str]) -> Iterator[str]:
        """The URL of each object, in the order given."""
        return map(self._shape(Signed().names).url, map(encode_path, paths))


@dataclass(frozen=True)
class _Shape:
    """What all links that bind the same headers have in common.

    :param canonical_start: hash of the canonical request up to what varies.
    """

    mac: KeyedHash
    canonical_start: hashlib._Hash
    query_end: str
    host: str
    headers_end: str
    url_start: str
    url_end: str

    def url(self, varying: str, before: str = "", after: str = "") -> str:
        """One signed URL.

        :param varying: what differs from link to link, percent-encoded.
        :param before: the signed headers before the host, as they are hashed.
        :param after: those after it.
        """
        canonical = self.canonical_start.copy()
        end = f"{varying}{self.query_end}{before}{self.host}{after}{self.headers_end}"
        canonical.update(end.encode())
        signature = self.mac.hexdigest(canonical.hexdigest().encode())
        return f"{self.url_start}{varying}{self.url_end}{signature}"


def _encode(text: str) -> str:
    return quote(text, safe="-_.~")


def encode_path(key: str) -> str:
    """An object's key as it stands in a URL; its slashes stay."""
    return quote(key, safe="/-_.~")


def _host(scheme: str, hostname: str, port: int | None) -> str:
    # IPv6 addresses keep their brackets; a default port is not sent, so not signed.
    host = f"[{hostname}]" if ":" in hostname else hostname
    return host if port in (None, _DEFAULT_PORTS.get(scheme)) else f"{host}:{port}"


def _signing_key(secret: str, day: str, region: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (day, region, "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
