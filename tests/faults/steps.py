# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""An upload of two parts, step by step, and the requests the store gets for it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from invenio_db import db
from invenio_files_rest.models import Bucket

from invenio_multipart.proxies import current_multipart

from ..driver import PART, Draft, Reply, md5
from .left_behind import make_old, uploads_since
from .proxy import Point, answer, cut

DATA = [b"A" * PART, b"the end"]
SIZE = sum(map(len, DATA))
KEY = "a/file.bin"

CREATE = ("POST", r"\?uploads(=|&|$)")
LIST = ("GET", "uploadId=")
COMPLETE = ("POST", "uploadId=")
HEAD = ("HEAD", ".")

DOWN = pytest.param(Point.ARRIVED, cut, id="before the store did it")
ERROR = pytest.param(Point.ARRIVED, answer(500), id="an error")
UNHEARD = pytest.param(Point.ANSWERED, cut, id="after the store did it")


def begin(draft: Draft, key: str = KEY) -> list[dict[str, Any]]:
    """Begin an upload; its part links."""
    transfer = {"parts": len(DATA), "part_size": PART}
    links: list[dict[str, Any]] = draft.begin(key, SIZE, transfer=transfer)["links"][
        "parts"
    ]
    return links


def send(draft: Draft, key: str = KEY) -> None:
    """Begin an upload and send all parts."""
    for link, data in zip(begin(draft, key), DATA, strict=True):
        draft.send_ok(link, data)


def assert_unavailable(reply: Reply) -> None:
    """The client is told to come back."""
    assert (reply.status, reply.json["code"]) == (503, "storage_unavailable")
    assert int(reply.headers["Retry-After"]) > 0


def assert_whole(draft: Draft, reply: Reply, key: str = KEY) -> None:
    """The file is complete and gives back what was sent."""
    assert reply.status == 200, reply.json
    assert (reply.json["status"], reply.json["size"]) == ("completed", SIZE)
    assert reply.json["checksum"] == md5(b"".join(DATA))
    assert draft.content(key) == b"".join(DATA)


def reap(app: Any, begun: datetime) -> dict[str, int]:
    """Let some time pass, then let the reaper work."""
    with app.app_context():
        make_old(begun)
        result: dict[str, int] = current_multipart.reaper.reap().done
    return result


def reserved(app: Any, begun: datetime) -> int:
    """Bytes that count in the bucket of the test's first upload."""
    with app.app_context():
        bucket = db.session.get(Bucket, uploads_since(begun)[0].bucket_id)
        return int(bucket.size)
