# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Verification of a file beside MD5 over the same bytes in memory."""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

from invenio_multipart.records.models import Upload
from invenio_multipart.services.uploads.verify import hash_object
from invenio_multipart.storage.factory import multipart_storage

from .harness import Row, Series, clocked, in_turns, mib
from .memory import FLAT, Peak
from .site import Site

SIZE = 2**30
SMALL = 2**26
CHUNK = 2**24
TARGET = 0.9


def hashing(site: Site, rounds: int) -> Iterator[Row]:
    """The file is in the page cache, as after an upload: this measures the code."""
    folder = site.folder / "hashing"
    folder.mkdir()
    large, small = _fill(folder / "large", SIZE), _fill(folder / "small", SMALL)
    yield _memory(site, str(large), str(small))
    uri = f"s3://{site.bucket}/hashing/data"
    with large.open("rb") as stream:
        site.s3.upload_fileobj(stream, site.bucket, "hashing/data")
    data = large.read_bytes()
    digest = hashlib.md5(data, usedforsecurity=False).hexdigest()
    times = in_turns(
        {
            "memory": clocked(lambda: hashlib.md5(data, usedforsecurity=False)),
            "local": clocked(lambda: _verify(site, str(large), SIZE, digest)),
            "s3": clocked(lambda: _verify(site, uri, SIZE, digest)),
        },
        max(rounds, 5),
    )
    site.s3.delete_object(Bucket=site.bucket, Key="hashing/data")
    alone = times["memory"]
    share = alone.median / times["local"].median
    yield Row(
        "hashing",
        "verification of 1 GiB on local storage",
        _rate(times["local"]),
        f"`hashlib.md5` in memory: {_rate(alone)}",
        f"{share:.0%} of MD5 alone",
        f"at least {TARGET:.0%}",
        share >= TARGET,
    )
    share = alone.median / times["s3"].median
    what = "verification of 1 GiB on S3, its server on the same cores"
    yield Row("hashing", what, _rate(times["s3"]), "", f"{share:.0%} of MD5 alone")


def _fill(path: Path, size: int) -> Path:
    with path.open("wb") as stream:
        for _ in range(0, size, CHUNK):
            stream.write(os.urandom(CHUNK))
    return path


def _memory(site: Site, large: str, small: str) -> Row:
    peak = Peak(os.getpid())
    few = peak.over(lambda: _verify(site, small, SMALL))
    many = peak.over(lambda: _verify(site, large, SIZE))
    flat = many - few <= FLAT
    return Row(
        "hashing",
        "peak memory of a verification of 1 GiB",
        f"{mib(many)} above the start",
        f"of 64 MiB: {mib(few)}",
        "constant" if flat else "grows with the file",
        "constant",
        flat,
    )


def _verify(site: Site, uri: str, size: int, expected: str | None = None) -> None:
    upload = Upload(
        id=uuid.uuid4(), uri=uri, size=size, digests={}, md5_etags=True, hash_offset=0
    )
    with site.app.app_context():
        found = hash_object(upload, multipart_storage(uri, size))["md5"]
    if expected is not None and found != expected:
        raise RuntimeError("The verification found another digest.")


def _rate(series: Series) -> str:
    rates = sorted(SIZE / seconds for seconds in series.seconds)
    low, high = rates[0], rates[-1]
    return f"{mib(SIZE / series.median)}/s ({mib(low)}/s to {mib(high)}/s)"
