# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Database, store or broker fail while a batch is announced and completed.

FAULT_STRIDE=1 loses the database at every single step of a completion.
"""

from __future__ import annotations

import os
from typing import Any

import pytest

from invenio_multipart import tasks

from ..driver import RECORD
from .batch_client import KINDS, BatchClient, file_of
from .batches_left import assert_batches_settled
from .left_behind import Store
from .lifeline import drop_connections
from .proxy import Point, answer, cut, wait
from .test_broker import queue_at_nobody
from .world import World

_STRIDE = int(os.environ.get("FAULT_STRIDE", "17"))
"""Only every so-many-th step: the schedules hit the others."""

LIST = ("GET", "list-type=2")
COPY = ("PUT", r"/files/[0-9a-f-]+$")
READ = ("GET", r"/files/[0-9a-f-]+$")

STORE_FAULTS = {
    "listing: no connection": (LIST, cut, Point.ARRIVED),
    "listing: 500": (LIST, answer(500), Point.ARRIVED),
    "listing: 503": (LIST, answer(503), Point.ARRIVED),
    "listing: reset in a page": (LIST, cut, Point.HALF_ANSWERED),
    "copy: 500": (COPY, answer(500), Point.ARRIVED),
    "copy: 503": (COPY, answer(503), Point.ARRIVED),
    "copy: done, unheard": (COPY, cut, Point.ANSWERED),
    "copy: reset in the reply": (COPY, cut, Point.HALF_ANSWERED),
    "reading: reset in the middle": (READ, cut, Point.HALF_ANSWERED),
    "put together: unheard": (("POST", "uploadId="), cut, Point.ANSWERED),
}


@pytest.fixture
def settled_world(world: World, store: Store) -> Any:
    """In the end nothing is left of any batch."""
    yield world
    world.pass_time()
    assert_batches_settled(world.app, store, world.begun)


def sent(world: World) -> BatchClient:
    """A batch of a file of each kind, of which all was sent."""
    files = [file_of(kind, kind, os.urandom(100)) for kind in KINDS]
    client = BatchClient.of(world.api, files)
    reply = client.announce("/uploads", record=RECORD)
    assert reply.status == 201, reply.json
    client.send_all()
    return client


def assert_published(client: BatchClient) -> None:
    """The record has all files."""
    files = client.api.get(f"/records/{client.record_id}/files")
    assert files.status == 200, client.status().json
    found = {entry["key"]: entry["status"] for entry in files.json["entries"]}
    assert found == dict.fromkeys(client.files, "completed")


def steps_of_a_completion(world: World) -> int:
    """How many there are."""
    client = sent(world)
    assert client.complete(publish=True).status == 202
    with world.lifeline.watched():
        world.queue.work()
        count = len(world.lifeline.steps)
    assert_published(client)
    return count


def test_every_step_of_a_completion(settled_world: World) -> None:
    """A completion that loses its database at a step is gone on with and ends right."""
    world = settled_world
    uri = world.app.config["SQLALCHEMY_DATABASE_URI"]
    for step in range(1, steps_of_a_completion(world), _STRIDE):
        client = sent(world)
        assert client.complete(publish=True).status == 202
        with world.lifeline.watched(step, lambda: drop_connections(uri)):
            world.queue.work()
            assert world.lifeline.reached
        world.settle()
        assert_published(client)


@pytest.mark.parametrize(
    ("request_", "action", "point"), [*STORE_FAULTS.values()], ids=[*STORE_FAULTS]
)
def test_store_fails_at_completion(
    settled_world: World, request_: Any, action: Any, point: Point
) -> None:
    """A store that fails makes the completion wait, and leaves no half of it."""
    world = settled_world
    client = sent(world)
    fault = world.proxy.at(*request_, action, point)
    assert client.complete(publish=True).status == 202
    world.queue.work()
    assert fault.seen
    world.proxy.calm()
    world.settle()
    assert_published(client)


def test_store_is_down_or_slow(settled_world: World) -> None:
    """While the store is down nothing is lost; that it is slow does not matter."""
    world = settled_world
    client = sent(world)
    assert client.complete(publish=True).status == 202
    world.proxy.down()
    world.queue.work()
    job = client.api.get(client.status().json["job_url"]).json
    assert job["status"] == "PENDING"
    world.proxy.calm()
    world.proxy.at("GET|PUT|POST|HEAD", ".", wait(0.2), hits=None)
    world.settle()
    assert_published(client)


def test_no_broker(settled_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a broker batches are announced; jobs are found once it is back."""
    with monkeypatch.context() as patch:
        for task in (tasks.run_job, tasks.verify_uploads):
            queue_at_nobody(patch, task)
        client = sent(settled_world)
        assert client.complete(publish=True).status == 202
    assert client.status().json["state"] == "completing"
    settled_world.settle()
    assert_published(client)
