# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The process that works on a batch is killed by SIGKILL, at each step.

Tasks run within the request here, so the web server's worker is the job's, too.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

import pytest

from ..driver import RECORD, Api
from .batch_client import BatchClient, file_of
from .batches_left import assert_batches_settled, batches_since
from .kill_points import KillPoint
from .left_behind import Store
from .live import LiveApi, LiveServer
from .proxy import FaultProxy
from .recovery import expire, let_leases_end, pass_deadlines, settle

KINDS = ("plain", "sized", "md5", "sha256", "parts", "empty")

BATCH = "services.batches"
QUEUE = "services.uploads.abort:QueueOp.on_post_commit"

AT_COMPLETION = {
    "after the listing": KillPoint(f"{BATCH}.complete:list_objects", after=True),
    "after the comparison": KillPoint(f"{BATCH}.complete:_make_objects"),
    "with some adopted": KillPoint("storage.prefix:ObjectPrefix.adopt", True, call=2),
    "with all adopted": KillPoint("records.batches:mark_made"),
    "written down, not committed": KillPoint("records.batches:mark_made", after=True),
    "before parts are put together": KillPoint("services.uploads.commit:_complete"),
    "with parts put together": KillPoint("services.uploads.commit:_complete", True),
    "before the proof": KillPoint(f"{BATCH}.complete:_prove"),
    "before the proof is queued": KillPoint(QUEUE, call=2),
    "in the middle of the proof": KillPoint("services.uploads.verify:_conclude"),
    "after the proof": KillPoint(f"{BATCH}.complete:finish"),
    "before the draft is saved": KillPoint(f"{BATCH}.finish:_save_draft"),
    "in the middle of saving": KillPoint(f"{BATCH}.finish:apply", after=True),
    "published, not committed": KillPoint(f"{BATCH}.finish:_save_draft", after=True),
    "before tidying": KillPoint(f"{BATCH}.complete:_tidied"),
    "after tidying": KillPoint(f"{BATCH}.complete:_tidied", after=True),
}

AT_ANNOUNCEMENT = {
    "before the commit": KillPoint(f"{BATCH}.announce:_schedule", after=True),
    "before any upload is opened": KillPoint(f"{BATCH}.service:open_uploads"),
    "with some opened": KillPoint(f"{BATCH}.opening:ensure_open", after=True),
    "before the reply": KillPoint(f"{BATCH}.reply:announcement"),
}

AT_PURGE = {
    "before the commit": KillPoint(f"{BATCH}.service:close", after=True),
    "before the task is queued": KillPoint(QUEUE),
    "before the store is freed": KillPoint(f"{BATCH}.end:_free"),
    "before objects are removed": KillPoint("storage.prefix:ObjectPrefix.remove"),
    "after the store is freed": KillPoint(f"{BATCH}.end:_free", after=True),
    "before the rows": KillPoint("records.batches:mark_purged"),
    "in the middle of the rows": KillPoint("records.batches:mark_purged", after=True),
    "before the draft goes": KillPoint(f"{BATCH}.end:_remove_draft"),
}

AT_EXPIRY = {
    "before anything": KillPoint(f"{BATCH}.transient:_take_down"),
    "taken down, not committed": KillPoint(f"{BATCH}.transient:_take_down", after=True),
    "before the bytes": KillPoint(f"{BATCH}.transient:_free"),
    "with some bytes gone": KillPoint("services.free:_delete_bytes", True, call=2),
    "after the bytes": KillPoint(f"{BATCH}.transient:_free", after=True),
    "before settling": KillPoint(f"{BATCH}.transient:_settle"),
    "settled, not committed": KillPoint(f"{BATCH}.transient:_settle", after=True),
}


def points(table: dict[str, KillPoint]) -> Any:
    """A parameter per kill point."""
    return pytest.mark.parametrize("point", [*table.values()], ids=[*table])


@pytest.fixture(scope="module", autouse=True)
def settled_batches(app: Any, store: Store) -> Iterator[None]:
    """In the end all deadlines pass, and of no batch anything is left."""
    begun = datetime.now(timezone.utc)
    yield
    for _ in range(2):
        # Sweeps are made by the first deadlines.
        with app.app_context():
            pass_deadlines(begun)
        settle(app, begun)
    assert_batches_settled(app, store, begun)


@pytest.fixture
def client(live: LiveApi, session_proxy: FaultProxy, s3: str) -> BatchClient:
    """A client with a file of each kind."""
    session_proxy.calm()
    return BatchClient.of(
        live, [file_of(kind, f"dir/{kind}", os.urandom(100)) for kind in KINDS]
    )


def announce(client: BatchClient, **body: Any) -> None:
    """Announce for a new record."""
    reply = client.announce("/uploads", record=RECORD, **body)
    assert reply.status == 201, reply.json


def complete(app: Any, client: BatchClient, begun: datetime) -> None:
    """Go on to the end and find a published record with all files."""
    client.complete(publish=True)
    settle(app, begun)
    status = client.status().json
    assert status["state"] == "completed", status
    assert_published(client)


def assert_published(client: BatchClient) -> None:
    """The record is published, and gives back every file."""
    api = client.api
    files = api.get(f"/records/{client.record_id}/files")
    assert files.status == 200, files.json
    found = {entry["key"]: entry["status"] for entry in files.json["entries"]}
    assert found == dict.fromkeys(client.files, "completed")
    owner = Api(api.app, api.app.tokens["owner"])
    for key, file in client.files.items():
        assert content(owner, client.record_id, key) == file.data


def content(api: Api, record_id: str, key: str) -> bytes | None:
    """What a download of a published file gives."""
    import requests

    reply = api.get(f"/records/{record_id}/files/{key}/content")
    if reply.status != 302:
        return None
    return requests.get(reply.headers["Location"], timeout=30).content


@points(AT_COMPLETION)
def test_killed_at_completion(
    app: Any,
    client: BatchClient,
    server: LiveServer,
    begun: datetime,
    point: KillPoint,
) -> None:
    """Killed anywhere in a completion: the record is published whole, or not yet."""
    announce(client)
    client.send_all()
    with server.killed_at(point):
        client.complete(publish=True)
    state = client.status().json["state"]
    assert state in ("completing", "completed")
    record = client.api.get(f"/records/{client.record_id}")
    assert record.status == (200 if state == "completed" else 404)
    complete(app, client, begun)


@pytest.mark.parametrize(
    "point",
    [KillPoint("records.jobs:create", after=True), KillPoint(QUEUE)],
    ids=["before the commit", "before the task is queued"],
)
def test_killed_at_the_request(
    app: Any,
    client: BatchClient,
    server: LiveServer,
    begun: datetime,
    point: KillPoint,
) -> None:
    """Killed while a completion is asked for: it goes on by itself, or if repeated."""
    announce(client)
    client.send_all()
    with server.killed_at(point):
        client.complete(publish=True)
    settle(app, begun)
    complete(app, client, begun)


@points(AT_ANNOUNCEMENT)
def test_killed_at_announcement(
    app: Any,
    client: BatchClient,
    server: LiveServer,
    begun: datetime,
    point: KillPoint,
) -> None:
    """Killed in an announcement: there is none, or it can be gone on with."""
    draft = client.api.new_draft()
    path = f"{draft.path}/uploads"
    with server.killed_at(point):
        client.announce(path)
    with app.app_context():
        found = [str(batch.id) for batch in batches_since(begun)]
    if not found:
        assert client.announce(path).status == 201
    else:
        client.reply = {"id": found[0], "record_id": draft.id}
        page = client.look_up()
        assert page.status == 200, page.json
        assert set(client.reply["presigned_urls"]) == set(client.files)
    client.send_all()
    complete(app, client, begun)


def test_aborted_after_death(
    app: Any, client: BatchClient, server: LiveServer, begun: datetime
) -> None:
    """What was half announced can be given up, and is purged."""
    draft = client.api.new_draft()
    with server.killed_at(AT_ANNOUNCEMENT["with some opened"]):
        client.announce(f"{draft.path}/uploads")
    with app.app_context():
        client.reply = {"id": str(batches_since(begun)[0].id)}
    assert client.abort().status == 200
    settle(app, begun)
    with app.app_context():
        assert batches_since(begun)[0].purged_on is not None


@points(AT_PURGE)
def test_killed_at_purge(
    app: Any,
    client: BatchClient,
    server: LiveServer,
    begun: datetime,
    point: KillPoint,
) -> None:
    """Killed in an abort or the purge after it: it is done to the end later."""
    announce(client)
    client.send_all()
    with server.killed_at(point):
        client.abort()
    settle(app, begun)
    state = client.status()
    if state.status == 200 and state.json["state"] == "uploading":
        assert client.abort().status == 200
    assert client.api.get(f"/records/{client.record_id}/draft").status == 404


@points(AT_EXPIRY)
def test_killed_at_expiry(
    app: Any,
    client: BatchClient,
    live: LiveApi,
    server: LiveServer,
    begun: datetime,
    point: KillPoint,
) -> None:
    """Killed while a transient record expires: nothing of it is left later."""
    announce(client, expires_in="in 3 days")
    client.send_all()
    complete(app, client, begun)
    with app.app_context():
        pass_deadlines(begun)
        expire(begun)
    with server.killed_at(point):
        live.call("POST", "/faults/reap")
    settle(app, begun)
    assert live.get(f"/records/{client.record_id}").status == 410
    with app.app_context():
        assert batches_since(begun)[0].purged_on is not None
        assert let_leases_end(begun) == 0
