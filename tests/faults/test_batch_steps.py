# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The store fails while a batch is completed."""

from __future__ import annotations

import os
from typing import Any

import pytest

from ..driver import RECORD
from .batch_client import KINDS, BatchClient, file_of
from .batches_left import assert_batches_settled
from .left_behind import Store
from .proxy import Point, answer, cut
from .world import World

LIST = ("GET", "list-type=2")
COPY = ("PUT", r"/files/[0-9a-f-]+$")

STORE_FAULTS = {
    "listing: no connection": (LIST, cut, Point.ARRIVED),
    "listing: 500": (LIST, answer(500), Point.ARRIVED),
    "listing: 503": (LIST, answer(503), Point.ARRIVED),
    "listing: reset in a page": (LIST, cut, Point.HALF_ANSWERED),
    "copy: 500": (COPY, answer(500), Point.ARRIVED),
    "copy: 503": (COPY, answer(503), Point.ARRIVED),
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
