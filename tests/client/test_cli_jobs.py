# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Jobs that go on without a terminal, and folders that are watched."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator

import pytest

from invenio_multipart.client.background import Runs

from .batch_server import BatchServer
from .commands import Commands, first_event, home, until
from .trees import make_tree, many
from .wire_server import DRAFT, TOKEN, Fault

__all__ = ("home",)

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")


@pytest.fixture
def server() -> Iterator[BatchServer]:
    """An API and a storage server of its own for each test."""
    world = BatchServer()
    yield world
    world.stop()


@pytest.fixture
def commands(home: Commands) -> Iterator[Commands]:
    """The program; jobs that a test has left running are ended."""
    commands = Commands(home, TOKEN)
    yield commands
    for run in runs_of(commands).all():
        if run.detached and run.state == "running":
            os.kill(run.pid, signal.SIGKILL)


def runs_of(commands: Commands) -> Runs:
    """What this user's program remembers."""
    return Runs(commands.home / ".local" / "state" / "invenio-multipart")


def where(server: BatchServer) -> list[str]:
    """The draft as a browser shows it."""
    return ["--to", f"{server.base_url}/uploads/{DRAFT}"]


def test_a_job_survives_whoever_started_it(
    server: BatchServer, commands: Commands
) -> None:
    """It has a session of its own, a number, a log, and an end that is remembered."""
    contents = make_tree(commands.home / "data", many(20))
    server.fail("put-d001/f0019.dat", Fault("wait"))

    started = commands.run(
        "upload", "data/", *where(server), "--detach", start_new_session=True
    )

    assert started.code == 0, started.err
    assert started.out.startswith("Job 1 has started (process ")
    run = runs_of(commands).get(1)
    assert run.state == "running"
    assert run.pid != 0
    # No leader of its session, and none of ours: no terminal hangs up on it.
    assert os.getsid(run.pid) not in (run.pid, os.getsid(0))
    assert server.waiting.acquire(timeout=30)
    os.kill(run.pid, signal.SIGHUP)
    listed = commands.run("jobs")
    assert "running" in listed.out
    assert "upload data/" in listed.out
    assert "still running" in commands.run("resume", "1").err

    server.released.set()
    log = commands.run("logs", "-f", "1")
    assert log.code == 0
    assert "Complete: 20 of 20 files" in log.out
    assert server.contents() == contents
    (job,) = json.loads(commands.run("jobs", "--json").out)
    assert (job["state"], job["exit_code"], job["files_done"]) == ("done", 0, 20)
    assert TOKEN not in json.dumps(job) + log.out


def test_a_job_can_be_stopped_and_gone_on_with(
    server: BatchServer, commands: Commands
) -> None:
    """What has arrived is kept; the same number goes on, detached or not."""
    make_tree(commands.home / "data", many(20))
    server.fail("put-d001/f0019.dat", Fault("wait"))
    commands.run("upload", "data/", *where(server), "--detach")
    until(lambda: sum(server.puts().values()) == 20)

    stopped = commands.run("jobs", "--stop", "1")

    assert stopped.out.startswith("Job 1 is interrupted.")
    assert commands.run("jobs", "--stop", "1").code == 2
    server.released.set()
    server.seen.clear()
    again = commands.run("resume", "1", "--detach")
    assert again.out.startswith("Job 2 has started")
    assert commands.run("logs", "-f", "2").code == 0
    assert len(server.contents()) == 20
    assert set(server.puts()) <= {"d001/f0019.dat"}


def test_a_job_that_was_killed_is_dead(server: BatchServer, commands: Commands) -> None:
    """Its log ends, and whoever follows it is not kept waiting."""
    make_tree(commands.home / "data", {"a": 5})
    server.fail("put", Fault("wait"))
    commands.run("upload", "data/", *where(server), "--detach")
    assert server.waiting.acquire(timeout=30)

    os.kill(runs_of(commands).get(1).pid, signal.SIGKILL)

    until(lambda: runs_of(commands).get(1).state == "dead")
    assert commands.run("logs", "-f", "1").code == 0
    assert "dead" in commands.run("jobs").out
    assert "upload data/" in commands.run("resume").out


def test_a_job_that_fails_says_why(server: BatchServer, commands: Commands) -> None:
    """The reason is in its log and in the list of runs."""
    make_tree(commands.home / "data", {"a": 5})
    server.fail("draft", Fault("status", 403, "access_denied"))

    commands.run("upload", "data/", *where(server), "--detach")

    log = commands.run("logs", "-f", "1").out
    assert "error: No: access_denied." in log
    run = runs_of(commands).get(1)
    assert (run.state, run.exit_code) == ("failed", 3)
    assert run.message == "No: access_denied."


def test_jobs_and_logs_without_any(commands: Commands) -> None:
    """What is not there is named."""
    assert "There are no jobs" in commands.run("jobs").out
    assert commands.run("logs", "1").code == 2
    assert commands.run("jobs", "--stop", "1").code == 2
    assert commands.run("resume", "1").code == 2


def test_watch_until_nothing_is_left(server: BatchServer, commands: Commands) -> None:
    """With --once everything that rests is sent, under its name in the folder."""
    contents = make_tree(commands.home / "scope", {"run 1/a.raw": 500, "b.txt": 3})
    make_tree(commands.home / "scope", {"c.part": 3})
    options = ["--settle", "0.5", "--once", "--ignore", "*.part"]

    ended = commands.run("watch", "scope", *where(server), *options)

    assert ended.code == 0, ended.err
    assert server.contents() == contents
    assert "sent  run 1/a.raw  500 B" in ended.err
    assert ended.out == "2 files sent, 503 B\n"
    assert commands.run("watch", "scope", *where(server), *options).code == 0
    assert sum(server.puts().values()) == 2


def test_watch_goes_on(server: BatchServer, commands: Commands) -> None:
    """New files go as they come, growing ones later; trouble is only a pause."""
    folder = commands.home / "scope"
    folder.mkdir()
    options = ["--settle", "0.6", "--prefix", "day 1", "--json"]
    process = commands.start("watch", "scope", *where(server), *options)
    first_event(process, event="start")

    make_tree(folder, {"a.raw": 500})
    assert first_event(process, event="file")["key"] == "day 1/a.raw"
    with (folder / "b.raw").open("ab") as growing:
        for _ in range(10):
            growing.write(b"12345")
            growing.flush()
            time.sleep(0.2)
    event = first_event(process, event="file")
    assert (event["key"], event["size_bytes"]) == ("day 1/b.raw", 50)
    server.add("day 1/c.raw", b"other bytes")
    make_tree(folder, {"c.raw": 5, "d.raw": 6})
    keys = {first_event(process, event="file")["key"] for _ in range(2)}
    assert keys == {"day 1/c.raw", "day 1/d.raw"}
    until(lambda: "day 1/d.raw" in server.contents())

    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 143, err
    assert json.loads(out.splitlines()[-1])["code"] == "interrupted"
    assert err == ""
    assert set(server.contents()) == {f"day 1/{name}.raw" for name in "abcd"}
    assert runs_of(commands).get(1).state == "interrupted"


def test_watch_ends_when_only_a_person_can_help(
    server: BatchServer, commands: Commands
) -> None:
    """A token that is no longer valid is not tried for ever."""
    make_tree(commands.home / "scope", {"a.raw": 500})
    server.fail("draft", Fault("status", 401, "unauthorized"))

    ended = commands.run("watch", "scope", *where(server), "--settle", "0.1")

    assert ended.code == 3
    assert "Make a new access token" in ended.err


def test_watch_of_no_folder(server: BatchServer, commands: Commands) -> None:
    """A folder that is not there is wrong usage."""
    assert commands.run("watch", "absent", *where(server)).code == 2
