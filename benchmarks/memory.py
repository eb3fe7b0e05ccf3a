# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Peak memory of a real web process while uploads go through it or past it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import requests

from .client import Api
from .harness import Row, mib
from .site import Site

PARTS = 10_000
PART_SIZE = 5 * 2**20
BATCH = 1000
LOCAL_PART = 16 * 2**20
FLAT = 8 * 2**20
"""Growth that the allocator alone explains; a leak of the data would be far more."""


class Peak:
    """Largest resident memory of a process above what it had at the beginning.

    Counted by the kernel, so that no moment is missed between two samples. The
    beginning is the same for all that is watched: memory that one run leaves to
    the next would otherwise look like none.

    :param process: id of the process, which has had its warm-up.
    """

    def __init__(self, process: int) -> None:
        self._folder = Path(f"/proc/{process}")
        self._baseline = self._read("VmRSS")

    def over(self, work: Callable[[], object]) -> int:
        """Do the work; its peak in bytes."""
        # "5" sets the peak back to what is in use now.
        (self._folder / "clear_refs").write_text("5")
        work()
        return max(self._read("VmHWM") - self._baseline, 0)

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
    ours, upstream = site.ours, site.upstream
    _run_upload(ours.api, 10)
    peak = Peak(ours.worker)
    first, again = (peak.over(lambda: _run_upload(ours.api, PARTS)) for _ in range(2))
    _init_and_read(upstream.api, 10)
    peak = Peak(upstream.worker)
    stock = peak.over(lambda: _init_and_read(upstream.api, PARTS))
    grown = again - first
    yield Row(
        "memory",
        "web process over a 10,000-part upload: init, links, registration, "
        "all pages of parts, status",
        f"{mib(first)} above the start; the same again: {mib(again)}",
        f"upstream: {mib(stock)} for init and links alone",
        "flat" if grown <= FLAT else f"grows by {mib(grown)}",
        "flat",
        grown <= FLAT,
    )


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
        api = site.ours.api
        _run_local(api, 1)
        peak = Peak(site.ours.worker)
        few = peak.over(lambda: _run_local(api, 4))
        many = peak.over(lambda: _run_local(api, 64))
    finally:
        site.use_storage("s3")
    grown = many - few
    yield Row(
        "memory",
        "web process over a 1 GiB upload to local storage, 64 parts through it",
        f"{mib(many)} above the start",
        f"64 MiB in 4 parts: {mib(few)}",
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
