# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What was started is remembered, and told from what still runs."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from invenio_multipart.client import UsageError
from invenio_multipart.client.background import (
    DEAD,
    KEPT_RUNS,
    RUNNING,
    Runs,
    birth_of,
    is_alive,
)
from invenio_multipart.client.cli.address import Target
from invenio_multipart.client.cli.tracking import words_to_repeat


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    """No runs yet."""
    return Runs(tmp_path / "state")


def test_runs_have_numbers(runs: Runs) -> None:
    """They are counted up, and each is a file that nobody else can read."""
    first = runs.new("upload", ["upload", "a b"], draft_id="42")
    second = runs.new("watch", ["watch", "."])

    assert [run.number for run in runs.all()] == [1, 2]
    assert runs.get(1) == first
    assert runs.get(2) == second
    for path in runs.folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(UsageError, match="no run 3"):
        runs.get(3)


def test_numbers_are_not_given_twice(runs: Runs) -> None:
    """Many that start at the same time do not take each other's place."""
    threads = [
        threading.Thread(target=runs.new, args=("upload", [str(number)]))
        for number in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    found = runs.all()
    assert [run.number for run in found] == list(range(1, 21))
    assert {run.arguments for run in found} == {(str(number),) for number in range(20)}


def test_a_killed_run_is_dead(runs: Runs) -> None:
    """A process that could not say goodbye is not taken for a running one."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    birth = birth_of(process.pid)
    assert birth is not None
    run = replace(runs.new("upload", []), pid=process.pid, birth=birth)
    runs.save(run)
    assert runs.get(1).state == RUNNING
    assert not runs.get(1).is_resumable

    process.send_signal(signal.SIGKILL)
    process.communicate()

    assert runs.get(1).state == DEAD
    assert runs.get(1).is_resumable


def test_another_process_of_the_same_number(runs: Runs) -> None:
    """Numbers of processes are used again; the time of birth tells."""
    assert is_alive(os.getpid(), birth_of(os.getpid()) or "")
    assert not is_alive(os.getpid(), "another-time")


def test_old_runs_are_forgotten(runs: Runs) -> None:
    """But never those that are still running."""
    running = runs.new("upload", [])
    for _ in range(KEPT_RUNS + 5):
        run = runs.new("upload", [])
        runs.log(run.number).touch()
        runs.save(replace(run, state="done"))
    last = runs.new("upload", [])

    numbers = [run.number for run in runs.all()]
    assert numbers[0] == running.number
    assert numbers[-1] == last.number
    assert len(numbers) == KEPT_RUNS + 1
    assert not runs.log(2).exists()


def test_damaged_runs_do_not_hide_the_others(runs: Runs) -> None:
    """Nor do those of a later version, which may say more."""
    runs.new("upload", [])
    runs.new("upload", [])
    (runs.folder / "1.json").write_text("{")
    path = runs.folder / "2.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "later": 1}))
    (runs.folder / "3.json").write_text('{"number": 3}')

    assert [run.number for run in runs.all()] == [2]
    assert runs.new("upload", []).number == 4


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        (["upload", "a", "--to", "https://x.org/uploads/1"], ["a"]),
        (["upload", "--new", "--title", "T", "a", "--detach"], ["a"]),
        (["upload", "--new", "--title=--draft", "a", "--jobs", "2"], "a --jobs 2"),
        (["upload", "--url=https://y.org", "--draft=7", "--", "--new"], "-- --new"),
    ],
)
def test_words_that_go_on_with_a_run(words: list[str], kept: str | list[str]) -> None:
    """A new draft is made once; the server stays, whatever is usual later."""
    kept = kept.split() if isinstance(kept, str) else kept
    where = ["--url", "https://x.org", "--draft", "1"]

    assert words_to_repeat(words, Target("https://x.org", "1")) == [
        "upload",
        *where,
        *kept,
    ]
