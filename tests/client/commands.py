# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The command line in processes of its own, for tests of what it shows and keeps."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from invenio_multipart.client.credentials import TOKEN_VARIABLE, URL_VARIABLE

ROOT = Path(__file__).parents[2]
WAIT_SECONDS = 60.0


@dataclass(frozen=True)
class Ended:
    """A command that is over."""

    code: int
    out: str
    err: str

    @property
    def events(self) -> list[dict[str, Any]]:
        """What --json has printed."""
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass(frozen=True)
class Commands:
    """Runs the program as a user who has a home and nothing else.

    :param token: in the environment; "" for none.
    """

    home: Path
    token: str

    @property
    def environment(self) -> dict[str, str]:
        """What a process gets to see of us."""
        kept = {
            name: value
            for name, value in os.environ.items()
            # Workers of pytest-xdist are told a size that no terminal has.
            if not name.startswith(("XDG_", "INVENIO_MULTIPART_", "COLUMNS", "LINES"))
        }
        kept |= {"HOME": str(self.home), "PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8"}
        kept |= {"PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}
        if self.token:
            kept[TOKEN_VARIABLE] = self.token
        return kept

    def start(
        self, *words: str, bare: bool = False, **options: Any
    ) -> subprocess.Popen[str]:
        """A process that has begun.

        :param bare: without any installed package.
        """
        program = [sys.executable, *(["-S"] if bare else [])]
        program += ["-m", "invenio_multipart.client", *words]
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        streams.setdefault("cwd", self.home)
        environment = {**self.environment, **streams.pop("env", {})}
        return subprocess.Popen(  # type: ignore[call-overload,no-any-return]
            program, text=True, env=environment, **streams
        )

    def run(self, *words: str, stdin: str | None = None, **options: Any) -> Ended:
        """What came of a command."""
        if stdin is not None:
            options["stdin"] = subprocess.PIPE
        process = self.start(*words, **options)
        out, err = process.communicate(stdin, timeout=WAIT_SECONDS)
        assert "Traceback" not in out + err, err
        if self.token:
            assert self.token not in out + err
        return Ended(process.returncode, out, err)

    def on_terminal(
        self, *words: str, columns: int = 80, bare: bool = False, **options: Any
    ) -> tuple[int, str]:
        """Exit code, and all that a terminal was sent."""
        master, slave = pty.openpty()
        size = partial(_resize, slave, columns)
        size()
        process = self.start(
            *words,
            bare=bare,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            env={"TERM": "xterm-256color"},
            **options,
        )
        os.close(slave)
        shown = b""
        end = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < end:
            if select.select([master], [], [], 0.1)[0]:
                try:
                    data = os.read(master, 1 << 16)
                except OSError:
                    break
                shown += data
        os.close(master)
        return process.wait(10), shown.decode()


def _resize(terminal: int, columns: int) -> None:
    import fcntl
    import struct
    import termios

    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))


def until(what: Callable[[], object], why: str = "It did not happen.") -> None:
    """Wait for something.

    :raises AssertionError: when it does not happen.
    """
    end = time.monotonic() + WAIT_SECONDS
    while not what():
        assert time.monotonic() < end, why
        time.sleep(0.05)


def first_event(process: subprocess.Popen[str], **wanted: Any) -> dict[str, Any]:
    """The first event of a running command that has these members.

    :raises AssertionError: when it ends before.
    """
    assert process.stdout is not None
    for line in process.stdout:
        event: dict[str, Any] = json.loads(line)
        if all(event.get(name) == value for name, value in wanted.items()):
            return event
    raise AssertionError("It ended too early.")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An empty home."""
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


__all__ = ("URL_VARIABLE", "Commands", "Ended", "first_event", "home", "until")
