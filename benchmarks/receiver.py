# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Our download as a program: ``python -m benchmarks.receiver URL DRAFT FOLDER``.

The token comes in ``BENCH_TOKEN``. With ``BENCH_NO_DIGESTS`` no byte is hashed and
every digest is taken to be right, for a figure of what hashing costs; everything else
stays as it is.
"""

from __future__ import annotations

import os
import sys

from invenio_multipart.client import Downloader
from invenio_multipart.client.proof import Proof


class _Believed(Proof):
    """Says what was expected, whatever came."""

    def update(self, data: object) -> None:
        """Look at nothing."""

    def checksum(self) -> str:
        """The expected digest."""
        return self.expected or super().checksum()


def main() -> None:
    """Download the files of a draft."""
    url, draft, folder = sys.argv[1:]
    if "BENCH_NO_DIGESTS" in os.environ:
        from invenio_multipart.client import arrival

        arrival.Proof = _Believed
        # Nothing is read back, either.
        arrival.expected_md5 = lambda _: None
    downloader = Downloader(url, os.environ["BENCH_TOKEN"])
    summary = downloader.download(draft, folder, draft=True)
    if summary.received != summary.files:
        sys.exit(f"Not all files came: {summary}")


if __name__ == "__main__":
    main()
