# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT
"""Commands that are printed as a reader would type them, and then run as printed."""

import argparse
import json
import os
import shutil
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WIDTH = 79
INDENT = "   "

# What a reader sees of curl is the reply; the demo wants status and reply apart.
PROGRAMS = """curl() {
  command curl --silent --show-error --noproxy '*' --max-time 120 \
    --output "$REPLY_FILE" --write-out '%{http_code}' "$@"
}
python() { "$DEMO_PYTHON" "$@"; }
"""


JOB_SECONDS = 120


class DemoError(Exception):
    """A step did not do what it should; the text says which and how."""


def expect(is_so: bool, otherwise: str) -> None:
    """:raises DemoError: it is not so."""
    if not is_so:
        raise DemoError(otherwise)


def story_parser(text: str) -> argparse.ArgumentParser:
    """The options of every story.

    :param text: of its program; the first line describes it.
    """
    parser = argparse.ArgumentParser(description=text.split("\n", maxsplit=1)[0])
    parser.add_argument("--env", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--storage", required=True)
    return parser


def told(tell: Callable[[argparse.Namespace], int], options: argparse.Namespace) -> int:
    """Tells a story; the exit code of its program.

    :param tell: returns how many steps it had.
    """
    try:
        steps = tell(options)
    except DemoError as error:
        print(f"\nIt did not work: {error}")
        return 1
    print(f"\nAll {steps} steps had the outcome they should have.")
    return 0


@dataclass(frozen=True)
class Reply:
    """What curl got.

    :param body: the JSON of the reply, or its text.
    """

    status: int
    body: Any


class Shown:
    """A shell that works in one folder and shows what it does.

    :param variables: what the commands may use.
    """

    def __init__(self, folder: Path, variables: dict[str, str]):
        """Empties the folder."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self.folder, self.variables, self.steps = folder, dict(variables), 0

    def title(self, text: str) -> None:
        """Begins a step."""
        self.steps += 1
        print()
        self.say(text, first=f"{self.steps:2}. ")

    def say(self, text: str, first: str = INDENT, rest: str = "") -> None:
        """Prints a sentence."""
        rest = rest or " " * len(first)
        print(textwrap.fill(text, WIDTH, initial_indent=first, subsequent_indent=rest))

    def keep(self, **variables: str) -> None:
        """Sets variables for the commands that follow, as a reader would."""
        for name, value in variables.items():
            self._print_variable(name, value)
        self.variables.update(variables)

    def _print_variable(self, name: str, value: str) -> None:
        line = f"{INDENT}{name}='{value}'"
        # Nobody types these from the screen: they come out of the reply.
        print(line if len(line) <= WIDTH else f"{line[: WIDTH - 2]}…'")

    def shell(self, command: str) -> tuple[int, str]:
        """Runs a command.

        :returns: its exit code and what it printed.
        """
        lines = textwrap.dedent(command).strip()
        rest = f"\n{INDENT}  "
        print(f"{INDENT}$ {rest.join(lines.splitlines())}", flush=True)
        return self._run(lines)

    def curl(self, command: str, *expected: int, quiet: bool = False) -> Reply:
        """Runs a command with one curl.

        :param quiet: whether to run it without a word, when it is repeated.
        :raises DemoError: its status is none of the expected ones.
        """
        begun = time.monotonic()
        run = self._run if quiet else self.shell
        code, printed = run(command)
        seconds = time.monotonic() - begun
        reply_file = self.folder / ".reply"
        text = reply_file.read_text("utf-8", "replace") if reply_file.exists() else ""
        reply_file.unlink(missing_ok=True)
        status = int(printed[-3:]) if printed[-3:].isdecimal() else 0
        if status not in expected:
            raise DemoError(f"curl ended with {code}: {printed}; {text[:1000]}")
        if not quiet:
            self.result(f"{status}, {seconds:.1f} s")
        try:
            return Reply(status, json.loads(text))
        except ValueError:
            return Reply(status, text)

    def poll(
        self,
        command: str,
        is_there: Callable[[Any], bool],
        *statuses: int,
        seconds: float,
        quiet: bool = False,
    ) -> Any:
        """Runs a command again and again; it is printed once.

        :param is_there: whether a reply is the one that is waited for.
        :returns: that reply.
        :raises DemoError: it does not come in time.
        """
        end = time.monotonic() + seconds
        reply = self.curl(command, *statuses, quiet=quiet)
        while not is_there(reply):
            if time.monotonic() > end:
                raise DemoError(f"{command.strip()}: not yet, {seconds:.0f} s later")
            time.sleep(0.25)
            reply = self.curl(command, *statuses, quiet=True)
        return reply

    def wait_for_job(self, *, quiet: bool) -> dict[str, Any]:
        """Until the job of $job_url has succeeded.

        :raises DemoError: it fails, or takes too long.
        """
        begun = time.monotonic()
        reply = self.poll(
            'curl "$job_url"',
            lambda reply: reply.body["status"] not in ("PENDING", "STARTED"),
            200,
            seconds=JOB_SECONDS,
            quiet=quiet,
        )
        job = dict(reply.body)
        if job["status"] != "SUCCESS":
            raise DemoError(f"the job is {job['status']}: {job.get('error')}")
        self.result(f"its job: SUCCESS after {time.monotonic() - begun:.1f} s")
        return job

    def complete_and_publish(self) -> None:
        """Completes the batch of $completion_url; its job is waited for silently."""
        accepted = self.curl(
            """curl -X PUT "$completion_url" -H "$JSON" -d '{"publish": true}'""", 202
        ).body
        self.variables["job_url"] = accepted["job_url"]
        self.wait_for_job(quiet=True)

    def result(self, text: str) -> None:
        """Prints what came of it."""
        self.say(text, first=f"{INDENT}= ")

    def json(self, found: dict[str, Any], *names: str) -> None:
        """Prints some members of a reply."""
        for name in names:
            value = json.dumps(found[name], ensure_ascii=False)
            self.say(f"{name}: {value}", first=f"{INDENT}  ", rest=f"{INDENT}    ")

    def write(self, name: str, text: str) -> None:
        """Makes a file, and shows it."""
        text = textwrap.dedent(text).lstrip()
        (self.folder / name).write_text(text)
        print(f"{INDENT}$ cat {name}")
        print(textwrap.indent(text.rstrip(), f"{INDENT}  "))

    def _run(self, command: str) -> tuple[int, str]:
        # The commands talk to loopback, and curl must not find anybody's own settings.
        own = {"HOME": str(self.folder), "REPLY_FILE": str(self.folder / ".reply")}
        own["DEMO_PYTHON"] = sys.executable
        done = subprocess.run(  # noqa: S602, these are our own words
            PROGRAMS + textwrap.dedent(command),
            shell=True,
            executable="/bin/bash",
            cwd=self.folder,
            env={**os.environ, **self.variables, **own},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout.strip()
