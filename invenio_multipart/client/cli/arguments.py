# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What may be written on the command line."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ..credentials import TOKEN_VARIABLE, URL_VARIABLE
from ..many import SYMLINKS
from .outcome import EXIT_HELP
from .values import positive, seconds, size

DEFAULT_JOBS = 16
DEFAULT_SETTLE_SECONDS = 10.0

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

EPILOG = f"""\
The access token comes from the command login, or from the environment variable
{TOKEN_VARIABLE}. {URL_VARIABLE} names the
server when no address is given.

{EXIT_HELP}
After an interruption run the same command again, or use the command resume:
what has arrived is not sent again.
"""


def program() -> str:
    """How this program was called, for messages that tell what to type."""
    name = Path(sys.argv[0]).name
    if name == "__main__.py":
        return "python -m invenio_multipart.client"
    return f"python3 {name}" if name.endswith(".pyz") else "invenio-multipart"


def version_line() -> str:
    """Name and version."""
    # Importing it would be importing all that the package can be.
    package = sys.modules[__name__.partition(".")[0]]
    return f"invenio-multipart {package.__version__}"


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    root = argparse.ArgumentParser(
        prog=program(),
        description="Files to drafts of InvenioRDM, and back: verified, and never "
        "from the start again.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    root.add_argument("--version", action="version", version=version_line())
    commands = root.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _upload(commands)
    _watch(commands)
    _download(commands)
    _drafts(commands)
    _runs(commands)
    _access(commands)
    _command(commands, "version", "show the version")
    return root


def _command(
    commands: Commands, name: str, text: str, description: str = ""
) -> argparse.ArgumentParser:
    made = commands.add_parser(
        name,
        help=text,
        description=description or f"{text[0].upper()}{text[1:]}.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        # A script must not depend on which other options there are.
        allow_abbrev=False,
    )
    made.set_defaults(json=False, quiet=False)
    return made


def _server(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--url", "--base-url", metavar="URL", help="address of the repository"
    )


def _shown(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--json", action="store_true", help="print one event per line, as JSON"
    )
    command.add_argument(
        "--quiet", "-q", action="store_true", help="print nothing but errors"
    )


def _transfer(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--jobs",
        type=positive,
        metavar="N",
        default=DEFAULT_JOBS,
        help=f"requests under way at the same time, at most (default: {DEFAULT_JOBS})",
    )
    command.add_argument(
        "--memory", type=size, metavar="SIZE", help="memory for file content, at most"
    )


def _sending(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--bandwidth",
        type=size,
        metavar="SIZE",
        help="bytes per second, at most; such as 10M",
    )
    command.add_argument(
        "--ignore",
        action="extend",
        nargs="+",
        default=[],
        metavar="PATTERN",
        help="leave out what fits, as in .gitignore; .uploadignore in a folder too",
    )
    command.add_argument(
        "--symlinks",
        choices=SYMLINKS,
        default="follow",
        help="what to do about symbolic links (default: follow)",
    )
    command.add_argument(
        "--prefix", default="", metavar="FOLDER", help="folder in the draft"
    )
    command.add_argument(
        "--link-known",
        action="store_true",
        help="link what the repository has already, send only what is new",
    )
    command.add_argument(
        "--sts", action="store_true", help="send with temporary credentials of S3"
    )
    command.add_argument(
        "--verify",
        action="store_true",
        help="compare digests of what is in the draft already, not only sizes",
    )
    command.add_argument(
        "--detach", action="store_true", help="go on after logout; see: jobs, logs"
    )


def _draft(command: argparse.ArgumentParser) -> argparse._MutuallyExclusiveGroup:
    where = command.add_mutually_exclusive_group(required=True)
    where.add_argument(
        "--to", metavar="URL", help="the draft's address, as the browser shows it"
    )
    where.add_argument("--draft", metavar="ID", help="the draft's identifier")
    return where


def _upload(commands: Commands) -> None:
    upload = _command(
        commands, "upload", "upload files and folders, or go on with that"
    )
    upload.add_argument(
        "paths",
        nargs="+",
        metavar="PATH",
        help="a file, a folder (its name is kept; FOLDER/ for what is in it), or - "
        "for standard input",
    )
    _draft(upload).add_argument(
        "--new", action="store_true", help="make a new draft; see --title"
    )
    _server(upload)
    upload.add_argument("--title", metavar="TEXT", help="title of the new draft")
    upload.add_argument(
        "--key", metavar="NAME", help="name of the only file, or of standard input"
    )
    upload.add_argument(
        "--publish", action="store_true", help="publish the record at the end"
    )
    upload.add_argument(
        "--dry-run", action="store_true", help="only show what would be sent"
    )
    _sending(upload)
    _transfer(upload)
    _shown(upload)
    upload.add_argument(
        "--summary", type=Path, metavar="FILE", help="write the outcome there, as JSON"
    )


def _watch(commands: Commands) -> None:
    watch = _command(
        commands, "watch", "upload what appears in a folder, for as long as it runs"
    )
    watch.add_argument("folder", metavar="FOLDER", type=Path)
    _draft(watch)
    _server(watch)
    watch.add_argument(
        "--settle",
        type=seconds,
        default=DEFAULT_SETTLE_SECONDS,
        metavar="SECONDS",
        help="how long a file must not change before it is complete "
        f"(default: {DEFAULT_SETTLE_SECONDS:.0f})",
    )
    watch.add_argument(
        "--once", action="store_true", help="end when there is nothing to wait for"
    )
    _sending(watch)
    _transfer(watch)
    _shown(watch)


def _download(commands: Commands) -> None:
    download = _command(
        commands, "download", "download a record with its folders, verified"
    )
    download.add_argument(
        "record", metavar="RECORD", help="its address, or its identifier and --url"
    )
    _server(download)
    download.add_argument(
        "--to", metavar="FOLDER", type=Path, help="default: a folder named RECORD"
    )
    download.add_argument(
        "--files",
        action="extend",
        nargs="+",
        metavar="PATTERN",
        help="only these, such as '*.csv' or raw/",
    )
    download.add_argument(
        "--draft", action="store_true", help="files of the draft, not of the record"
    )
    download.add_argument(
        "--overwrite", action="store_true", help="replace files that differ"
    )
    download.add_argument(
        "--dry-run", action="store_true", help="only show what would be downloaded"
    )
    _transfer(download)
    _shown(download)


def _drafts(commands: Commands) -> None:
    for name, text in (
        ("status", "show the files of a draft, and what is missing"),
        ("abort", "end what is pending in a draft; what is complete stays"),
    ):
        command = _command(commands, name, text)
        command.add_argument("draft", metavar="DRAFT", help="address or identifier")
        _server(command)
        command.add_argument(
            "--json", action="store_true", help="print the answer as JSON"
        )


def _runs(commands: Commands) -> None:
    resume = _command(
        commands, "resume", "go on with an upload; without a number, show which"
    )
    resume.add_argument("number", nargs="?", type=positive, metavar="N")
    resume.add_argument("--detach", action="store_true", help="go on after logout")
    jobs = _command(commands, "jobs", "show what was started with --detach")
    jobs.add_argument("--json", action="store_true", help="print them as JSON")
    jobs.add_argument("--stop", type=positive, metavar="N", help="end job N")
    logs = _command(commands, "logs", "show what a job has written")
    logs.add_argument("-f", "--follow", action="store_true", help="until its end")
    logs.add_argument("number", type=positive, metavar="JOB")


def _access(commands: Commands) -> None:
    login = _command(
        commands,
        "login",
        "keep the access token for a server",
        description="Keep the access token for a server: in the keyring where there "
        "is one, otherwise in a file that only you can read. It is asked for, or "
        "read from standard input.",
    )
    login.add_argument("url", metavar="URL", help="address of the repository")
    logout = _command(commands, "logout", "forget the access token for a server")
    logout.add_argument("url", nargs="?", metavar="URL")
