# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT
"""How much passed through Invenio: reads the log that wsgi.py writes."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Traffic:
    """What passed through Invenio's web processes between two moments, as its meter saw it."""

    requests: int
    file_bytes: int  # bodies of requests and answers that carry file content
    all_bytes: int  # bodies of all requests and answers, JSON included


class RequestLog:
    """The log that scripts/demo/wsgi.py writes."""

    def __init__(self, path: Path):
        """Opens the log at its end, so that earlier requests do not count."""
        self.path = path
        self.offset = path.stat().st_size if path.exists() else 0

    def traffic(self) -> Traffic:
        """Sums up what has been logged since."""
        count = file_bytes = all_bytes = 0
        with self.path.open() as log:
            log.seek(self.offset)
            for line in log:
                method, status, received, sent, path = line.rstrip("\n").split(" ", 4)
                count += 1
                all_bytes += int(received) + int(sent)
                # A redirect's body is a sentence of HTML, and a list of files JSON:
                # neither is file content.
                is_content = "content" in path.partition("?")[0].split("/") or (
                    "/files/" in path and not path.startswith("/api/")
                )
                if is_content and method == "PUT":
                    file_bytes += int(received)
                elif is_content and status in ("200", "206"):
                    file_bytes += int(sent)
        return Traffic(count, file_bytes, all_bytes)
