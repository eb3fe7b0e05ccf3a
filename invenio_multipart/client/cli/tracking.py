# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Remembers what was started, so that it can be gone on with by its number."""

from __future__ import annotations

import argparse
import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace

from ..background import Run, Runs, birth_of, detach
from ..errors import UsageError
from ..many import ManyProgress
from .address import Target
from .arguments import program
from .outcome import exit_code
from .output import tell, warn

SAVE_SECONDS = 2.0
"""Between two notes of how far it is."""

STATES = {
    0: "done",
    1: "partial",
    **dict.fromkeys((129, 130, 143), "interrupted"),
}
"""By exit code; all others have failed."""


class Tracker:
    """A run that is kept up to date; of ``None`` nothing is remembered."""

    def __init__(self, runs: Runs, run: Run | None) -> None:
        self._runs = runs
        self.run = run
        self._next = 0.0

    @classmethod
    def none(cls) -> Tracker:
        """A tracker that remembers nothing."""
        return cls(Runs(), None)

    def progress(self, progress: ManyProgress) -> None:
        """Note now and then how far it is."""
        if self.run is None or time.monotonic() < self._next:
            return
        self._next = time.monotonic() + SAVE_SECONDS
        self._note(progress)
        self._save()

    def adopt(self) -> None:
        """It goes on in this process."""
        if self.run is not None:
            pid = os.getpid()
            self.run = replace(self.run, pid=pid, birth=birth_of(pid) or "")
            self._save()

    def end(self, code: int, message: str, last: ManyProgress | None) -> None:
        """It is over."""
        if self.run is None:
            return
        if last is not None:
            self._note(last)
        self.run = replace(
            self.run,
            state=STATES.get(code, "failed"),
            exit_code=code,
            message=message,
            ended=time.time(),
        )
        self._save()

    def how_to_go_on(self) -> str:
        """What a person can do after an interruption."""
        again = "To go on, run the same command again"
        if self.run is not None:
            again += f", or: {program()} resume {self.run.number}"
        return f"{again}. What has arrived is not sent again."

    def _note(self, progress: ManyProgress) -> None:
        assert self.run is not None, "checked by the callers"  # noqa: S101
        self.run = replace(
            self.run,
            files=progress.files,
            files_done=progress.files_done,
            size_bytes=progress.size_bytes,
            done_bytes=progress.done_bytes,
        )

    def _save(self) -> None:
        try:
            if self.run is not None:
                self._runs.save(self.run)
        except UsageError:
            # A full disk at home must not end an upload.
            self.run = None


def words_to_repeat(words: list[str], target: Target) -> list[str]:
    """The command that goes on with a run, wherever it was sent to.

    A new draft has an identifier by now, and the server stays the same when
    another one becomes the usual one.
    """
    end = words.index("--") if "--" in words else len(words)
    kept: list[str] = []
    skip = 0
    for word in words[1:end]:
        if skip:
            skip -= 1
        elif word in ("--title", "--url", "--base-url", "--draft", "--to"):
            skip = 1
        elif word not in ("--new", "--detach") and not word.startswith(
            ("--title=", "--url=", "--base-url=", "--draft=", "--to=")
        ):
            kept.append(word)
    where = ["--url", target.site, "--draft", target.identifier]
    return [words[0], *where, *kept, *words[end:]]


def track(options: argparse.Namespace, target: Target) -> Tracker:
    """The run is remembered, unless there is no place to remember it."""
    runs = Runs()
    words = words_to_repeat(options.words, target)
    try:
        run = runs.new(
            options.command,
            words,
            detached=options.detach,
            site=target.site,
            draft_id=target.identifier,
        )
    except UsageError as error:
        if options.detach:
            raise
        warn(f"This run cannot be remembered: {error.message}")
        return Tracker(runs, None)
    return Tracker(runs, run)


def in_background(tracker: Tracker, work: Callable[[], int]) -> int:
    """``work`` goes on without us; its number is told."""
    run = tracker.run
    assert run is not None, "detached runs are always remembered"  # noqa: S101
    runs = Runs()
    log = runs.log(run.number)

    def begin() -> None:
        tracker.adopt()
        if hasattr(signal, "SIGHUP"):
            signal.signal(signal.SIGHUP, signal.SIG_IGN)

    try:
        pid = detach(work, log, begin)
    except UsageError as error:
        tracker.end(exit_code(error), error.message, None)
        raise
    tell(
        f"Job {run.number} has started (process {pid}); it goes on when you log out.\n"
        f"  {program()} jobs\n"
        f"  {program()} logs -f {run.number}"
    )
    return 0
