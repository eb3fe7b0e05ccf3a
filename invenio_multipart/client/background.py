# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What was started by this user on this machine, and what still runs.

Each run is a small file with the command, never with a token. It is a memory
for people: what has arrived is known by the server alone.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, TextIO

from .errors import UsageError
from .places import make_folder, read_private, state_folder, write_private

KEPT_RUNS = 100
"""Older ones are forgotten, unless they are still running."""

RUNNING = "running"
DEAD = "dead"
"""Its process is gone and has not said goodbye."""


@dataclass(frozen=True)
class Run:
    """One command that was started.

    :param birth: tells the process from a later one of the same number.
    """

    number: int
    command: str
    """``upload``, ``download`` or ``watch``."""
    arguments: tuple[str, ...]
    folder: str
    """Where it was started."""
    started: float
    """Seconds since 1970."""
    pid: int
    birth: str
    detached: bool = False
    site: str = ""
    draft_id: str = ""
    state: str = RUNNING
    """``running``, ``done``, ``partial``, ``failed`` or ``interrupted``."""
    ended: float | None = None
    exit_code: int | None = None
    message: str = ""
    files: int = 0
    files_done: int = 0
    size_bytes: int = 0
    done_bytes: int = 0

    @property
    def is_resumable(self) -> bool:
        """The same command would go on with something."""
        return self.state not in ("done", RUNNING)


class Runs:
    """The runs of this user.

    :param folder: where they are kept; the user's state folder when None.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = (folder or state_folder()) / "runs"

    def new(self, command: str, arguments: list[str], **more: Any) -> Run:
        """A run of this very process, under a number of its own."""
        make_folder(self.folder)
        number = max(self._numbers(), default=0)
        while True:
            number += 1
            try:
                # Two that start at the same time must not take the same number.
                os.close(os.open(self._path(number), os.O_CREAT | os.O_EXCL, 0o600))
            except FileExistsError:
                continue
            except OSError as error:
                raise UsageError(
                    f"Cannot write to {self.folder}: {error.strerror}."
                ) from error
            break
        run = Run(
            number=number,
            command=command,
            arguments=tuple(arguments),
            folder=str(Path.cwd()),
            started=time.time(),
            pid=os.getpid(),
            birth=birth_of(os.getpid()) or "",
            **more,
        )
        self.save(run)
        self._forget_old()
        return run

    def save(self, run: Run) -> None:
        """``run`` is remembered as it is now."""
        write_private(self._path(run.number), asdict(run))

    def get(self, number: int) -> Run:
        """The run of that number, as it is now.

        :raises UsageError: when there is none.
        """
        run = self._read(number)
        if run is None:
            raise UsageError(f"There is no run {number}.")
        return run

    def all(self) -> list[Run]:
        """All runs, the latest last."""
        found = (self._read(number) for number in sorted(self._numbers()))
        return [run for run in found if run is not None]

    def log(self, number: int) -> Path:
        """Where a detached run writes to."""
        return self.folder / f"{number}.log"

    def _path(self, number: int) -> Path:
        return self.folder / f"{number}.json"

    def _numbers(self) -> list[int]:
        return [
            int(path.stem) for path in self.folder.glob("*.json") if path.stem.isdigit()
        ]

    def _read(self, number: int) -> Run | None:
        try:
            data = read_private(self._path(number))
        except UsageError:
            # Just being made, or damaged: no reason not to show the others.
            return None
        if not isinstance(data, Mapping):
            return None
        names = {field.name for field in fields(Run)}
        try:
            run = Run(**{name: value for name, value in data.items() if name in names})
        except TypeError:
            return None
        run = replace(run, arguments=tuple(run.arguments))
        if run.state == RUNNING and not is_alive(run.pid, run.birth):
            return replace(run, state=DEAD)
        return run

    def _forget_old(self) -> None:
        for run in self.all()[:-KEPT_RUNS]:
            if run.state != RUNNING:
                self._path(run.number).unlink(missing_ok=True)
                self.log(run.number).unlink(missing_ok=True)


def is_alive(pid: int, birth: str) -> bool:
    """The process of that number is still the one that was born then."""
    found = birth_of(pid)
    return found is not None and (not birth or found == birth)


def birth_of(pid: int) -> str | None:
    """When a process was started, as the system tells it; None when it is gone.

    Numbers of processes are used again, also after the machine was started anew.
    """
    stat = Path(f"/proc/{pid}/stat")
    if Path("/proc/self/stat").exists():
        try:
            # The name of the program may hold anything, spaces and brackets too.
            words = stat.read_text(errors="replace").rpartition(")")[2].split()
        except OSError:
            return None
        # State and start time are fields 3 and 22 of proc(5). A zombie is dead.
        return None if words[0] in "ZX" else f"{_boot()}{words[19]}"
    if os.name != "posix":
        return ""
    asked = subprocess.run(  # noqa: S603 - our own words
        ["/bin/ps", "-o", "lstart=", "-p", str(pid)],
        capture_output=True,
        text=True,
        check=False,
    )
    return asked.stdout.strip() or None


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()[:8] + "-"
    except OSError:
        return ""


def detach(work: Callable[[], int], log: Path, begin: Callable[[], None]) -> int:
    """``work`` goes on in a process of its own, which survives the logout.

    It has no terminal; what it writes goes to ``log``. Its exit code is that
    of the process.

    :param begin: called in that process before its number is known here.
    :returns: the number of its process.
    :raises UsageError: where the system cannot do that.
    """
    if not hasattr(os, "fork"):
        raise UsageError("This system cannot detach; run it in a window of its own.")
    make_folder(log.parent)
    read_end, write_end = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        os.close(read_end)
        _become_daemon(work, log, begin, write_end)
    os.close(write_end)
    os.waitpid(child, 0)
    with os.fdopen(read_end) as pipe:
        said = pipe.read()
    if not said.isdigit():
        raise UsageError(f"Cannot detach: {said or 'it ended at once'}.")
    return int(said)


def _become_daemon(
    work: Callable[[], int], log: Path, begin: Callable[[], None], pipe: int
) -> None:
    code = 1
    try:
        # A session of its own, and no leader of it: no terminal can ever be
        # given to it, and none can hang up on it.
        os.setsid()
        if os.fork():
            os._exit(0)
        streams = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.dup2(streams, 1)
        os.dup2(streams, 2)
        begin()
        os.write(pipe, str(os.getpid()).encode())
        os.close(pipe)
        code = work()
    except BaseException as error:  # noqa: BLE001 - a copy of the caller must end here
        os.write(2, f"error: {error}\n".encode(errors="replace"))
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(code)


def follow(path: Path, run: Callable[[], Run], out: TextIO, *, wait: bool) -> None:
    """Copy a log to ``out``; with ``wait``, until its run is over."""
    with path.open(encoding="utf-8", errors="replace") as log:
        while True:
            # Asked before reading: what it wrote at last is read after that.
            over = not wait or run().state != RUNNING
            out.writelines(iter(lambda: log.read(1 << 16), ""))
            out.flush()
            if over:
                return
            time.sleep(0.3)
