# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Links for reading objects of S3, thousands at once."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta, timezone

from ..core.sigv4 import GetSigner
from .s3_client import connection

SCHEME = "s3://"


def sign_reads(uris: Iterable[str], expires: int) -> tuple[dict[str, str], datetime]:
    """A link for each object, by its URI, and when they end, UTC.

    No call to the store.

    :param uris: ``s3://bucket/key``.
    :param expires: seconds, 1..604800.
    :raises ValueError: for an expiry outside that range.
    """
    s3, now = connection(), datetime.now(timezone.utc)
    keys: dict[str, list[str]] = {}
    for uri in uris:
        bucket, _, key = uri.removeprefix(SCHEME).partition("/")
        keys.setdefault(bucket, []).append(key)
    links = {}
    for bucket, some in keys.items():
        url, credentials = s3.object_url(bucket, ""), s3.signing_credentials()
        signer = GetSigner(url, credentials, s3.region, now, expires)
        signed = zip(some, signer.urls(some))
        links.update({f"{SCHEME}{bucket}/{key}": link for key, link in signed})
    return links, now.replace(microsecond=0) + timedelta(seconds=expires)
