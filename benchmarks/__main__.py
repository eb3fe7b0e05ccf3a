# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""``python -m benchmarks``: run, print, and write the results down."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from .adopting import adopting
from .among import among
from .batches import batches
from .commit import commit
from .download import download
from .harness import Row
from .hashing import hashing
from .links import init, listing, read
from .memory import memory
from .report import report
from .sharing import links, publishing, versions
from .signing import signing
from .site import Site, running_site
from .uploader import uploader, uploader_files

TOPICS: dict[str, Callable[[Site, int], Iterator[Row]]] = {
    "signing": signing,
    "hashing": hashing,
    "memory": memory,
    "init": init,
    "read": read,
    "commit": commit,
    "list": listing,
    "among": among,
    "batches": batches,
    "adopting": adopting,
    "links": links,
    "versions": versions,
    "publish": publishing,
    "uploader": uploader,
    "uploader-files": uploader_files,
    "download": download,
}


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each side")
    parser.add_argument(
        "--only", action="append", choices=TOPICS, help="topic; may be repeated"
    )
    parser.add_argument("--write", type=Path, metavar="FILE", help="page to write")
    return parser.parse_args()


def main() -> int:
    """Exit code 1 when a target is missed."""
    options = arguments()
    # As Ctrl-C does: servers and what was made in the services go away first.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    rows: list[Row] = []
    with running_site() as site:
        for name in options.only or TOPICS:
            for row in TOPICS[name](site, options.rounds):
                rows.append(row)
                verdict = {True: "met", False: "MISSED", None: ""}[row.met]
                cells = (row.what, row.ours, row.other, row.result, row.target, verdict)
                print(" | ".join(filter(None, cells)), flush=True)
            # After each topic: a long run that is cut off has not been for nothing.
            if options.write:
                options.write.write_text(report(rows, options.rounds))
    return int(any(row.met is False for row in rows))


sys.exit(main())
