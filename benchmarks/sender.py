# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Our uploader as a program: ``python -m benchmarks.sender URL DRAFT PATH``.

A folder goes by ``upload_many``. The token comes in ``BENCH_TOKEN``. The last line
says how long the server's work lasted after everything was sent.

With ``BENCH_MD5_ONLY`` no SHA-256 of files in a folder is computed. With
``BENCH_DIGESTS`` (a JSON file) no byte is hashed: digests are looked up there,
by their number of bytes and where these begin. This is for a figure of what hashing
costs; everything else, the server's proof included, stays as it is.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from invenio_multipart.client import ManyOptions, Uploader

if "BENCH_DIGESTS" in os.environ:
    from .known_digests import use_known_digests

    use_known_digests(Path(os.environ["BENCH_DIGESTS"]))

_SERVERS_WORK = frozenset({"verifying", "completing", "publishing", "completed"})


def main() -> None:
    """Upload, and say how it went."""
    url, draft, name = sys.argv[1:]
    path = Path(name)
    uploader = Uploader(url, os.environ["BENCH_TOKEN"])
    phases: dict[str, float] = {}

    def note(progress: Any) -> None:
        phases.setdefault(progress.phase, time.perf_counter())

    if path.is_dir():
        options = ManyOptions(sha256="BENCH_MD5_ONLY" not in os.environ)
        summary: Any = uploader.upload_many(draft, [path], options, progress=note)
    else:
        summary = uploader.upload(draft, path, progress=note)
    end = time.perf_counter()
    waited = end - min((phases[p] for p in _SERVERS_WORK & phases.keys()), default=end)
    line = {
        "waited_seconds": waited,
        "api_requests": summary.api_requests,
        "storage_requests": summary.storage_requests,
        "bytes_sent": summary.bytes_sent,
    }
    print(json.dumps(line))


if __name__ == "__main__":
    main()
