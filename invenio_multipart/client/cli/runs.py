# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""``resume``, ``jobs`` and ``logs``: what was started on this machine."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict

from ..background import RUNNING, Run, Runs, follow
from ..errors import UsageError
from .arguments import program
from .output import table, tell


def resume(options: argparse.Namespace, again: Callable[[list[str]], int]) -> int:
    """A run goes on; without a number those that can are shown.

    :param again: runs a command line.
    """
    runs = Runs()
    if options.number is None:
        found = _resumable(runs.all())
        if not found:
            tell("There is nothing to go on with.")
            return 0
        _show(found)
        tell(f"Go on with: {program()} resume {found[-1].number}")
        return 0
    run = runs.get(options.number)
    if run.state == RUNNING:
        raise UsageError(f"Run {run.number} is still running (process {run.pid}).")
    try:
        # Names of files were given from there.
        os.chdir(run.folder)
    except OSError as error:
        raise UsageError(f"Cannot go to {run.folder}: {error.strerror}.") from error
    words = list(run.arguments)
    if options.detach:
        words.insert(1, "--detach")
    return again(words)


def jobs(options: argparse.Namespace) -> int:
    """What was detached, and how far it is."""
    runs = Runs()
    if options.stop is not None:
        return _stop(runs, options.stop)
    found = [run for run in runs.all() if run.detached]
    if options.json:
        tell(json.dumps([asdict(run) for run in found], indent=1))
    elif found:
        _show(found)
    else:
        tell("There are no jobs. Start one with: upload --detach")
    return 0


def logs(options: argparse.Namespace) -> int:
    """What a job has written."""
    runs = Runs()
    run = runs.get(options.number)
    path = runs.log(run.number)
    if not path.exists():
        raise UsageError(f"Run {run.number} has no log: it was not detached.")
    follow(path, lambda: runs.get(run.number), sys.stdout, wait=options.follow)
    return 0


def _stop(runs: Runs, number: int) -> int:
    run = runs.get(number)
    if run.state != RUNNING:
        raise UsageError(f"Job {number} is not running; it is {run.state}.")
    os.kill(run.pid, signal.SIGTERM)
    deadline = time.monotonic() + 30
    while runs.get(number).state == RUNNING and time.monotonic() < deadline:
        time.sleep(0.1)
    tell(f"Job {number} is {runs.get(number).state}. What has arrived is kept.")
    return 0


def _resumable(runs: Sequence[Run]) -> list[Run]:
    # Of a command that was run several times the last run counts.
    latest = {
        (run.command, run.arguments, run.folder): run
        for run in runs
        if run.command != "download"
    }
    kept = {run.number for run in latest.values()}
    return [run for run in runs if run.number in kept and run.is_resumable]


def _show(runs: Sequence[Run]) -> None:
    rows = [("N", "started", "state", "done", "draft", "command")]
    for run in runs:
        started = time.strftime("%m-%d %H:%M", time.localtime(run.started))
        what = _command(run)
        rows.append(
            (str(run.number), started, run.state, _done(run), run.draft_id, what)
        )
    tell(table(rows))


def _done(run: Run) -> str:
    if not run.files:
        return ""
    share = run.done_bytes / run.size_bytes if run.size_bytes else 1.0
    return f"{int(share * 100)}%"


def _command(run: Run) -> str:
    # Where it goes to has a column of its own.
    words = list(run.arguments)
    for name in ("--url", "--draft"):
        if name in words[:-1]:
            at = words.index(name)
            del words[at : at + 2]
    return shlex.join(words)
