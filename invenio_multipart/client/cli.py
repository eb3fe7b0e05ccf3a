# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The command line of the uploader."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from .engine import Uploader, UploadSummary
from .errors import (
    ClientError,
    IntegrityError,
    NetworkError,
    ProtocolError,
    RefusedError,
    UsageError,
)
from .terminal import MIB, ProgressDisplay

TOKEN_VARIABLE = "INVENIO_MULTIPART_TOKEN"  # noqa: S105 - a name, no secret

INTERRUPTED = 130
"""What a shell expects of a program that Ctrl-C ended."""

EXIT_CODES: tuple[tuple[type[ClientError], int], ...] = (
    (UsageError, 2),
    (RefusedError, 3),
    (ProtocolError, 3),
    (NetworkError, 4),
    (IntegrityError, 5),
)

EPILOG = f"""\
The access token is read from the environment variable {TOKEN_VARIABLE}.

exit codes:
  0    the file is in the draft, complete and verified
  2    wrong usage, or the file cannot be read
  3    the server refused
  4    network or server trouble, all attempts are used up
  5    the file changed, or the stored bytes differ from it
  130  interrupted

After 4 and 130 run the same command again: parts that are on the server are
checked, kept and not sent again.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code of one run; see ``EPILOG``.

    :param arguments: without the program's name; those of the process if None.
    """
    options = _parser().parse_args(arguments)
    display = ProgressDisplay(options.key or Path(options.file).name, sys.stderr)
    try:
        summary = _upload(options, display)
        display.close()
        _write_summary(options, summary)
    except KeyboardInterrupt:
        display.close()
        print(_how_to_resume(display), file=sys.stderr)
        return INTERRUPTED
    except ClientError as error:
        display.close()
        print(f"error: {error.message}", file=sys.stderr)
        return next(code for kind, code in EXIT_CODES if isinstance(error, kind))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m invenio_multipart.client",
        description="Upload files to drafts of InvenioRDM, in parts, verified.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    upload = commands.add_parser(
        "upload",
        help="upload one file, or go on with an upload that was interrupted",
        description="Upload one file, or go on with an interrupted upload.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    upload.add_argument("file", metavar="FILE", help="a regular file")
    upload.add_argument(
        "--base-url", required=True, metavar="URL", help="address of the instance"
    )
    upload.add_argument(
        "--draft", required=True, metavar="ID", help="identifier of the draft"
    )
    upload.add_argument(
        "--key", metavar="NAME", help="name in the draft, with directories if wanted"
    )
    upload.add_argument(
        "--jobs",
        type=int,
        default=4,
        metavar="N",
        help="parts sent at the same time (default: 4)",
    )
    upload.add_argument(
        "--summary", metavar="PATH", type=Path, help="write the summary there, as JSON"
    )
    upload.add_argument("--json", action="store_true", help="print the summary as JSON")
    return parser


def _upload(options: argparse.Namespace, display: ProgressDisplay) -> UploadSummary:
    token = os.environ.get(TOKEN_VARIABLE, "")
    if not token:
        raise UsageError(f"Set the access token in {TOKEN_VARIABLE}.")
    uploader = Uploader(options.base_url, token, jobs=options.jobs)
    return uploader.upload(options.draft, options.file, options.key, display)


def _write_summary(options: argparse.Namespace, summary: UploadSummary) -> None:
    text = json.dumps(asdict(summary))
    if options.summary is not None:
        try:
            options.summary.write_text(f"{text}\n", encoding="utf-8")
        except OSError as error:
            raise UsageError(
                f"The upload is complete, but its summary cannot be written to "
                f"{options.summary}: {error.strerror}."
            ) from error
    if options.json:
        print(text)
        return
    rate = summary.bytes_sent / MIB / max(summary.seconds, 0.001)
    print(
        f"{summary.state}: {summary.parts_sent} parts sent, "
        f"{summary.parts_reused} reused, {summary.bytes_sent / MIB:.1f} MiB in "
        f"{summary.seconds:.1f} s ({rate:.1f} MiB/s)\n"
        f"md5 {summary.md5}\nsha256 {summary.sha256}"
    )


def _how_to_resume(display: ProgressDisplay) -> str:
    known = display.last
    stored = ""
    if known and known.parts:
        stored = f" {known.parts_done} of {known.parts} parts are stored."
    return (
        f"Interrupted.{stored} Run the same command again to go on: "
        "stored parts are not sent again."
    )
