# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Verification of a file beside MD5 over the same bytes in memory."""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from time import process_time

from invenio_multipart.records.models import Upload
from invenio_multipart.services.uploads.verify import hash_object
from invenio_multipart.storage.factory import multipart_storage

from .harness import Row, Series, clocked, in_turns, mib
from .memory import FLAT, Peak
from .processor import Meter
from .site import Site

SIZE = 2**30
SMALL = 2**26
CHUNK = 2**24
TARGET = 0.9
PROCESSOR = "the same, per second of processor time"


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
    processor = {name: Meter(process_time) for name in ("memory", "local", "s3")}
    work = {
        "memory": lambda: hashlib.md5(data, usedforsecurity=False),
        "local": lambda: _verify(site, str(large), SIZE, digest),
        "s3": lambda: _verify(site, uri, SIZE, digest),
    }
    sides = {name: processor[name].metered(clocked(work[name])) for name in work}
    times = in_turns(sides, max(rounds, 7))
    site.s3.delete_object(Bucket=site.bucket, Key="hashing/data")
    alone, used = times["memory"], processor["memory"].series
    what = "verification of 1 GiB on local storage"
    yield _share(what, times["local"], alone, TARGET)
    yield _share(PROCESSOR, processor["local"].series, used, None)
    yield _share("verification of 1 GiB on S3", times["s3"], alone, None)
    yield _share(PROCESSOR, processor["s3"].series, used, None)


def _share(what: str, ours: Series, alone: Series, least: float | None) -> Row:
    share = alone.median / ours.median
    return Row(
        "hashing",
        what,
        _rate(ours),
        f"`hashlib.md5` in memory: {_rate(alone)}",
        f"{share:.0%} of MD5 alone",
        f"at least {least:.0%}" if least else "",
        share >= least if least else None,
    )


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
