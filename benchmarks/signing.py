# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The signer alone beside botocore's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timezone
from time import process_time
from typing import Any

from invenio_multipart.core.bindings import PartBinding
from invenio_multipart.core.sigv4 import Credentials, PartSigner

from .harness import Row, Series, clocked, in_turns, shown
from .site import Site, required

COUNT = 10_000
BOTO_COUNT = 200
UPLOAD_ID = "2~6Sx0GhXbGqhVSpdmSdr2wzOYCFkJhzk"
TARGET_SECONDS = 10e-6


def signing(site: Site, rounds: int) -> Iterator[Row]:
    """One link, of many for the same upload: pure computation."""
    plain = [PartBinding(number) for number in range(1, COUNT + 1)]
    md5 = "1B2M2Y8AsgTpgAmY7PhCfg=="
    bound = [PartBinding(number, 5 * 2**20, md5) for number in range(1, COUNT + 1)]
    sides = {
        "plain": clocked(lambda: _sign(site, plain), process_time),
        "bound": clocked(lambda: _sign(site, bound), process_time),
        "botocore": clocked(lambda: _boto_sign(site), process_time),
    }
    # Cheap, so more rounds than the rest: short runs feel every neighbour.
    times = in_turns(sides, max(rounds, 9))
    boto = _each(times["botocore"], BOTO_COUNT)
    for name in ("plain", "bound"):
        ours = _each(times[name], COUNT)
        what = "a part link" if name == "plain" else "a link bound to size and MD5"
        yield Row(
            "signing",
            f"signing {what}, processor time",
            shown(ours),
            f"botocore: {shown(boto)}",
            f"{boto.median / ours.median:,.0f} times faster",
            "under 10 µs",
            ours.median < TARGET_SECONDS,
        )


def _each(series: Series, count: int) -> Series:
    return Series(tuple(seconds / count for seconds in series.seconds))


def _sign(site: Site, bindings: Iterable[PartBinding]) -> None:
    signer = PartSigner(
        f"{required('S3_ENDPOINT_URL')}/{site.bucket}/a/b/data",
        Credentials(required("S3_ACCESS_KEY_ID"), required("S3_SECRET_ACCESS_KEY")),
        "us-east-1",
        datetime.now(timezone.utc),
        3600,
    )
    for _ in signer.links(UPLOAD_ID, bindings):
        pass


def _boto_sign(site: Site) -> None:
    parameters: dict[str, Any] = {
        "Bucket": site.bucket,
        "Key": "a/b/data",
        "UploadId": UPLOAD_ID,
    }
    for number in range(1, BOTO_COUNT + 1):
        site.s3.generate_presigned_url(
            "upload_part", Params={**parameters, "PartNumber": number}, ExpiresIn=3600
        )
