# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""From the words of a command line to the command."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from . import access, downloading, drafts, runs, upload, watching
from .arguments import parser, version_line
from .outcome import exit_code
from .output import tell
from .running import Command, execute


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code of one run.

    :param arguments: without the program's name; those of the process if None.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        options = parser().parse_args(words)
        options.words = words
        return execute(options, COMMANDS[options.command])
    except KeyboardInterrupt as error:
        # Before there is anything to tell of, or once more while it is told.
        return exit_code(error)


def _version(_: argparse.Namespace) -> int:
    tell(version_line())
    return 0


COMMANDS: dict[str, Command] = {
    "abort": drafts.abort,
    "download": downloading.download,
    "jobs": runs.jobs,
    "login": access.login,
    "logout": access.logout,
    "logs": runs.logs,
    "resume": lambda options: runs.resume(options, main),
    "status": drafts.status,
    "upload": upload.upload,
    "version": _version,
    "watch": watching.watch,
}
