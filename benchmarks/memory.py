# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Peak memory of a real web process while uploads go through it or past it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from .client import Api
from .harness import Row, mib
from .site import Server, Site

PARTS = 10_000
PART_SIZE = 5 * 2**20
BATCH = 1000
LOCAL_PART = 16 * 2**20
FLAT = 8 * 2**20
"""Growth that the allocator alone explains; a leak of the data would be far more."""


class Peak:
    """Largest resident memory of a process between two moments, in bytes.

    Counted by the kernel, so that no moment is missed between two samples.
    """

    def __init__(self, process: int) -> None:
        self._folder = Path(f"/proc/{process}")
        self.bytes = 0

    @contextmanager
    def watched(self) -> Iterator[Peak]:
        """Set ``bytes`` to the peak above what was in use at the beginning."""
        baseline = self._read("VmRSS")
        # "5" sets the peak back to what is in use now.
        (self._folder / "clear_refs").write_text("5")
        yield self
        self.bytes = max(self._read("VmHWM") - baseline, 0)

    def _read(self, name: str) -> int:
        for line in (self._folder / "status").read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) * 1024
        raise ValueError(name)


def memory(site: Site, rounds: int) -> Iterator[Row]:
    """Memory is no matter of chance: each is measured once, after a warm-up."""
    yield from _many_parts(site)
    yield from _local_upload(site)


def _many_parts(site: Site) -> Iterator[Row]:
    _run_upload(site.ours.api, 10)
    first, again = (_watch_upload(site.ours) for _ in range(2))
    upstream = Peak(site.upstream.worker)
    _init_and_read(site.upstream.api, 10)
    with upstream.watched():
        _init_and_read(site.upstream.api, PARTS)
    grown = again - first
    yield Row(
        "memory",
        "web process over a 10,000-part upload: init, links, registration, "
        "all pages of parts, status",
        f"{mib(first)} above the start; the same again: {mib(again)}",
        f"upstream: {mib(upstream.bytes)} for init and links alone",
        "flat" if grown <= FLAT else f"grows by {mib(grown)}",
        "flat",
        grown <= FLAT,
    )


def _watch_upload(server: Server) -> int:
    with Peak(server.worker).watched() as peak:
        _run_upload(server.api, PARTS)
    return peak.bytes


def _init_and_read(api: Api, parts: int) -> tuple[str, list[dict[str, Any]]]:
    files = api.new_draft()
    api.init(files, "a.h5", parts, PART_SIZE)
    entry = api.call("GET", f"{files}/a.h5").json
    return files, entry["links"]["parts"]


def _run_upload(api: Api, parts: int) -> None:
    """Every request of a large upload. The store takes parts of a few bytes until
    the commit, which is not asked for here."""
    files, links = _init_and_read(api, parts)
    with requests.Session() as session, ThreadPoolExecutor(3) as senders:
        for reply in senders.map(lambda li: session.put(li["url"], b"part"), links):
            reply.raise_for_status()
    md5 = f"md5:{'0' * 32}"
    for start in range(1, parts + 1, BATCH):
        numbers = range(start, min(start + BATCH, parts + 1))
        announced = [{"part": n, "size": PART_SIZE, "checksum": md5} for n in numbers]
        api.call("POST", f"{files}/a.h5/parts", json=announced)
    for start in range(1, parts + 1, BATCH):
        page = api.call("GET", f"{files}/a.h5/parts?from={start}").json
    status = api.call("GET", f"{files}/a.h5/upload").json
    if page["uploaded"] != parts or status["uploaded_parts"] != parts:
        raise RuntimeError("The store does not show all parts.")
    api.call("DELETE", f"{files}/a.h5")


def _local_upload(site: Site) -> Iterator[Row]:
    site.use_storage("local")
    try:
        _run_local(site.ours.api, 2)
        peaks = {}
        for parts in (4, 64):
            with Peak(site.ours.worker).watched() as peak:
                _run_local(site.ours.api, parts)
            peaks[parts] = peak.bytes
    finally:
        site.use_storage("s3")
    grown = peaks[64] - peaks[4]
    yield Row(
        "memory",
        "web process over a 1 GiB upload to local storage, 64 parts through it",
        f"{mib(peaks[64])} above the start",
        f"64 MiB in 4 parts: {mib(peaks[4])}",
        "flat" if grown <= FLAT else f"grows by {mib(grown)}",
        "flat",
        grown <= FLAT,
    )


def _run_local(api: Api, parts: int) -> None:
    body = os.urandom(LOCAL_PART)
    headers = {"Content-Type": "application/octet-stream"}
    files = api.new_draft()
    api.init(files, "a.h5", parts, LOCAL_PART)
    for number in range(1, parts + 1):
        path = f"{files}/a.h5/content/{number}"
        api.call("PUT", path, data=body, headers=headers)
    api.call("POST", f"{files}/a.h5/commit", json={})
