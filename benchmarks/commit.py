# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""A verified commit of 1,000 real parts beside the bare calls it cannot do without."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests

from .client import Api
from .harness import Row, Timed, in_turns, shown
from .site import Site

PARTS = 1000
PART_SIZE = 5 * 2**20
TARGET = 1.3


def commit(site: Site, rounds: int) -> Iterator[Row]:
    """Ours proves every part, the object and its size; the bare calls nothing.

    Parts are sent before the clock starts, and the object removed after it stops:
    three times 5 GiB at once would not fit everywhere.
    """
    body = os.urandom(PART_SIZE)
    sides = {
        "ours": _through(site, site.ours.api, body),
        "bare": _bare(site, body),
        "upstream": _through(site, site.upstream.api, body),
    }
    times = in_turns(sides, rounds)
    ratio = times["ours"].median / times["bare"].median
    what = f"verified commit of {PARTS:,} parts of 5 MiB"
    yield Row(
        "commit",
        what,
        shown(times["ours"]),
        f"bare ListParts and CompleteMultipartUpload: {shown(times['bare'])}",
        f"{ratio:.2f} times the bare calls",
        f"at most {TARGET} times",
        ratio <= TARGET,
    )
    ratio = times["upstream"].median / times["bare"].median
    other = f"upstream: {shown(times['upstream'])}"
    result = f"upstream: {ratio:.2f} times the bare calls"
    yield Row("commit", "the same, unverified", "", other, result)


def _through(site: Site, api: Api, body: bytes) -> Timed:
    def timed() -> float:
        files = api.new_draft()
        entries = api.init(files, "a.h5", PARTS, PART_SIZE).json["entries"]
        _send([link["url"] for link in entries[0]["links"]["parts"]], body)
        seconds = api.call("POST", f"{files}/a.h5/commit", json={}).seconds
        _remove_objects(site)
        return seconds

    return timed


def _bare(site: Site, body: bytes) -> Timed:
    at = {"Bucket": site.bucket, "Key": "bare/data"}

    def timed() -> float:
        upload = at | {"UploadId": site.s3.create_multipart_upload(**at)["UploadId"]}
        urls = [
            site.s3.generate_presigned_url(
                "upload_part", Params={**upload, "PartNumber": number}
            )
            for number in range(1, PARTS + 1)
        ]
        _send(urls, body)
        begun = time.perf_counter()
        pages = site.s3.get_paginator("list_parts").paginate(**upload)
        parts = [
            {"PartNumber": part["PartNumber"], "ETag": part["ETag"]}
            for page in pages
            for part in page["Parts"]
        ]
        site.s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
        seconds = time.perf_counter() - begun
        _remove_objects(site)
        return seconds

    return timed


def _send(urls: Sequence[str], body: bytes) -> None:
    with requests.Session() as session, ThreadPoolExecutor(3) as senders:
        for reply in senders.map(lambda url: session.put(url, data=body), urls):
            reply.raise_for_status()
    # Dirty pages of one side must not be written on the other's clock.
    os.sync()


def _remove_objects(site: Site) -> None:
    listed: dict[str, Any] = site.s3.list_objects_v2(Bucket=site.bucket)
    for entry in listed.get("Contents", []):
        site.s3.delete_object(Bucket=site.bucket, Key=entry["Key"])
