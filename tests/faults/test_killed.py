# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The web process is killed by SIGKILL, at each step of an upload."""

from __future__ import annotations

import os
import socket
from typing import Any

import pytest
import requests

from ..conftest import use_storage
from ..driver import PART, Draft, md5
from .live import LiveApi, LiveServer
from .proxy import FaultProxy, Point

KEY = "a/b.bin"
DATA = (os.urandom(PART), b"the end")
TRANSFER = {"parts": 2, "part_size": PART}
SIZE = sum(map(len, DATA))

CREATE = ("POST", r"\?uploads(=|&|$)")
LIST = ("GET", "uploadId=")
COMPLETE = ("POST", "uploadId=")
HEAD = ("HEAD", ".")


@pytest.fixture(params=["finish", "abort"])
def end(request: pytest.FixtureRequest) -> Any:
    """What the client does afterwards."""
    return {"finish": finish, "abort": abort}[request.param]


def finish(draft: Draft) -> None:
    """Go on with nothing but the draft, and end with a whole file."""
    for entry in draft.parts(KEY, "?status=missing").json["parts"]:
        draft.send_ok(entry, DATA[entry["part"] - 1])
    reply = draft.commit(KEY)
    assert reply.status == 200, reply.json
    assert reply.json["checksum"] == md5(b"".join(DATA))
    assert draft.content(KEY) == b"".join(DATA)


def abort(draft: Draft) -> None:
    """Give the file up."""
    assert draft.delete(KEY).status == 204


@pytest.mark.parametrize("point", [Point.ARRIVED, Point.ANSWERED])
def test_killed_at_create(
    live: LiveApi,
    server: LiveServer,
    session_proxy: FaultProxy,
    s3: str,
    point: Point,
    end: Any,
) -> None:
    """Killed between the row and the store's answer: it can be ended or given up."""
    warm_up = live.new_draft()
    warm_up.begin("probe", SIZE)
    assert warm_up.delete("probe").status == 204
    draft = live.new_draft()
    session_proxy.calm()
    session_proxy.at(*CREATE, server.kill, point)
    before = server.worker
    with pytest.raises(requests.ConnectionError):
        draft.init(KEY, SIZE, transfer=TRANSFER)
    server.wait(killed=before)
    # A list, because reading the file itself would mend it already.
    entries = draft.api.get(f"{draft.path}/files").json["entries"]
    assert [(e["key"], e["status"]) for e in entries] == [(KEY, "pending")]
    end(draft)


@pytest.mark.parametrize(
    ("request_", "point"),
    [
        pytest.param(LIST, Point.ARRIVED, id="at the listing"),
        pytest.param(COMPLETE, Point.ARRIVED, id="before the completion"),
        pytest.param(COMPLETE, Point.ANSWERED, id="after the completion"),
        pytest.param(HEAD, Point.ANSWERED, id="after the last look"),
    ],
)
def test_killed_at_commit(
    live: LiveApi,
    server: LiveServer,
    session_proxy: FaultProxy,
    s3: str,
    request_: tuple[str, str],
    point: Point,
    end: Any,
) -> None:
    """Killed anywhere in a commit: it can be ended or given up."""
    draft = live.new_draft()
    for link, data in zip(begin(draft), DATA, strict=True):
        draft.send_ok(link, data)
    session_proxy.calm()
    session_proxy.at(*request_, server.kill, point)
    before = server.worker
    with pytest.raises(requests.ConnectionError):
        draft.commit(KEY)
    server.wait(killed=before)
    end(draft)


def test_killed_in_a_local_part(
    app: Any, live: LiveApi, server: LiveServer, end: Any
) -> None:
    """Killed with half a part on the disk: half a part is no part."""
    use_storage(app, "local")
    draft = live.new_draft()
    first, second = begin(draft)
    draft.send_ok(second, DATA[1])
    path = first["url"].removeprefix("http://localhost").removeprefix("/api")
    before = server.worker
    with socket.create_connection(("127.0.0.1", int(server.url[-5:]))) as sender:
        head = f"PUT {path} HTTP/1.1\r\nHost: localhost\r\n"
        head += f"Authorization: Bearer {app.tokens['owner']}\r\n"
        head += f"Content-Type: application/octet-stream\r\nContent-Length: {PART}\r\n"
        sender.sendall(head.encode() + b"\r\n" + DATA[0][: PART // 2])
        wait_for_bytes(draft)
        with pytest.raises(Exception, match=r"^$"):
            server.kill()
    server.wait(killed=before)
    assert draft.status(KEY)["uploaded_parts"] == 1
    end(draft)


def begin(draft: Draft) -> list[dict[str, Any]]:
    """Begin an upload; its part links."""
    links: list[dict[str, Any]] = draft.begin(KEY, SIZE, transfer=TRANSFER)["links"][
        "parts"
    ]
    return links


def wait_for_bytes(draft: Draft) -> None:
    """Until the half part has reached the disk."""
    import time
    from pathlib import Path

    from invenio_multipart.records.models import Upload

    with draft.api.app.app_context():
        upload = Upload.query.order_by(Upload.initiated_on.desc()).first()
        folder, staging = Path(upload.uri).parent, f"data.{upload.upload_ref}.staging"
    for _ in range(200):
        if (folder / staging).stat().st_size >= PART // 4:
            return
        time.sleep(0.05)
    raise AssertionError("The part never reached the disk.")
