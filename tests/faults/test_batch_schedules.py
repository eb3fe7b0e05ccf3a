# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Random stories of batches in which anything may break at any step.

FAULT_SEEDS="100:300" tells other ones; "17:18" is the seventeenth again.
"""

from __future__ import annotations

import os

import pytest

from .batch_client import BatchClient
from .batches_left import assert_batches_settled
from .left_behind import Store
from .recovery import pass_deadlines
from .schedule import Schedule
from .world import World

FIRST, LAST = os.environ.get("FAULT_SEEDS", "0:100").split(":")


@pytest.mark.parametrize("seed", range(int(FIRST), int(LAST)))
def test_schedule(seed: int, world: World, store: Store) -> None:
    """Whatever broke, in the end there are whole files, and nothing else."""
    schedule = Schedule(seed, world)
    try:
        schedule.run(actions=12)
        world.settle()
        end_all(schedule)
        assert_published(schedule)
        world.pass_time()
        assert_batches_settled(world.app, store, world.begun)
    except Exception as error:
        raise AssertionError("\n".join([*schedule.log, repr(error)])) from error


def end_all(schedule: Schedule) -> None:
    """Whoever is not through goes on to the end, gives up, or is late."""
    for client in schedule.clients:
        state = client.status()
        if state.status != 200 or state.json["state"] != "uploading":
            continue
        end = schedule.random.choice([go_on, go_on, give_up, be_late])
        schedule.log.append(f"at last {end.__name__}")
        end(schedule.world, client)


def go_on(world: World, client: BatchClient) -> None:
    """The batch can be completed."""
    page = client.look_up()
    assert page.status == 200, page.json
    states = {entry["key"]: entry["state"] for entry in page.json["files"]}
    open_keys = {key for key, state in states.items() if state != "aborted"}
    for key in open_keys & client.files.keys():
        # Parts that an earlier try has put together have no place any more.
        if states[key] in ("initiated", "uploading"):
            assert client.send(key), key
    assert client.complete().status == 202
    world.settle()
    status = client.status().json
    if open_keys:
        assert status["state"] == "completed", status
    else:
        assert (status["state"], status["error_code"]) == ("uploading", "bad_request")


def give_up(world: World, client: BatchClient) -> None:
    """The batch can be aborted."""
    reply = client.abort()
    assert (reply.status, reply.json["state"]) == (200, "aborted")


def be_late(world: World, client: BatchClient) -> None:
    """The batch can be forgotten."""
    with world.app.app_context():
        pass_deadlines(world.begun, client.id)


def assert_published(schedule: Schedule) -> None:
    """What is published is whole, and all of it can be read."""
    api = schedule.world.api
    for client in schedule.clients:
        status = client.status()
        for path in ("", "/draft"):
            files = api.get(f"/records/{client.record_id}{path}/files")
            if files.status != 200:
                continue
            found = {entry["key"]: entry for entry in files.json.get("entries", [])}
            if status.status == 200 and status.json["state"] != "completed":
                continue
            for key in client.files.keys() & found.keys():
                assert found[key]["status"] == "completed", found[key]
