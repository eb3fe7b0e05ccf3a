# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Runs a command and turns however it ends into words and an exit code."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable

from ..errors import ClientError
from ..text import format_share
from .outcome import advice, ending_by_signals, exit_code
from .output import JsonDisplay, warn

Command = Callable[[argparse.Namespace], int]


def execute(options: argparse.Namespace, command: Command) -> int:
    """Exit code of ``command``."""

    def forget() -> None:
        display = getattr(options, "display", None)
        if display is not None:
            display.forget()

    try:
        with ending_by_signals(forget):
            return command(options)
    except KeyboardInterrupt as error:
        code = exit_code(error)
        _report(options, "interrupted", _interrupted(options), "", code)
        return code
    except ClientError as error:
        code = exit_code(error)
        _report(options, error.code, f"error: {error.message}", advice(error), code)
        return code
    except BrokenPipeError:
        # Whoever read our output has enough of it. Python would complain when it
        # closes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


def _interrupted(options: argparse.Namespace) -> str:
    go_on = getattr(options, "how_to_go_on", None)
    display = getattr(options, "display", None)
    known = display.last if display else None
    stored = ""
    if known is not None and known.files == 1:
        share = format_share(known.done_bytes, known.size_bytes)
        stored = f" About {share.replace('/', ' of ')} are there."
    elif known is not None and known.files:
        stored = f" {known.files_done:,} of {known.files:,} files are there."
    return f"Interrupted.{stored} {go_on() if go_on else ''}".strip()


def _report(
    options: argparse.Namespace, code: str, message: str, todo: str, number: int
) -> None:
    if options.json and options.command in ("upload", "download", "watch"):
        JsonDisplay(sys.stdout).event(
            "error",
            code=code,
            message=message.removeprefix("error: "),
            advice=todo or None,
            exit_code=number,
        )
        return
    warn(message)
    if todo:
        warn(f"       {todo}")
