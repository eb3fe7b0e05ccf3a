# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""How a command ends: its exit code, and what a person can do about an error."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from ..downloads import DownloadResult
from ..errors import (
    ClientError,
    FileChangedError,
    IntegrityError,
    NetworkError,
    PartialDownloadError,
    PartialError,
    ProtocolError,
    RefusedError,
    UsageError,
)
from ..many import FileResult

EXIT_CODES: tuple[tuple[type[ClientError], int], ...] = (
    (PartialError, 1),
    (PartialDownloadError, 1),
    (UsageError, 2),
    (RefusedError, 3),
    (ProtocolError, 3),
    (NetworkError, 4),
    (IntegrityError, 5),
    (ClientError, 3),
)

INTERRUPTED = 130
"""What a shell expects of a program that Ctrl-C ended."""

EXIT_HELP = """\
exit codes:
  0    all files are there, complete and verified
  1    some files failed and are named; the others are there
  2    wrong usage, or a file cannot be read or written
  3    the server refused
  4    network or server trouble, all attempts are used up
  5    bytes differ from what they should be
  129  the terminal was closed
  130  interrupted by Ctrl-C
  143  ended by another program
"""

FILE_CODES = {
    "usage": 2,
    "unreadable": 2,
    "invalid_key": 2,
    "unsafe_key": 2,
    "path_conflict": 2,
    "disk": 2,
    "network": 4,
    "integrity": 5,
    "file_changed": 5,
    "checksum_mismatch": 5,
    "digest_mismatch": 5,
}
"""Exit codes by the code of a file's error; all others are refusals."""

ADVICE = {
    "keys_taken": "Files of these names are in the draft; delete them there first.",
    "locked": "Wait for the other upload, or end it with the command abort.",
    "quota_exceeded": "Ask the repository for more room, or send less.",
    "too_many_files": "Pack files together, or spread them over several records.",
    "token": "Make a new one on the server's page, below your account: Applications.",
    "exists": "Delete the file in the draft first, or choose another name with --key.",
}
"""By the server's code."""

BY_STATUS = {
    401: "Make a new access token, and run the command login.",
    403: "Is it your draft, and may your token write? Run login for another token.",
    404: "Compare the address with that of the page in your browser.",
    413: "Ask the repository for its limit.",
}


class Ended(KeyboardInterrupt):
    """Raised in the main thread when a signal asks us to end.

    :param number: of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


def exit_code(error: BaseException) -> int:
    """What the shell gets to see."""
    if isinstance(error, Ended):
        return 128 + error.number
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED
    for kind, code in EXIT_CODES:
        if isinstance(error, kind):
            return code
    return 3


def exit_code_of(
    failed: Sequence[FileResult] | Sequence[DownloadResult], files: int
) -> int:
    """What the shell gets to see of files that failed.

    :param files: how many there are in all.
    """
    if not failed:
        return 0
    if files == 1:
        # Of a single file the reason itself is the outcome.
        return FILE_CODES.get(failed[0].code or "", 3)
    return 1


def advice(error: ClientError) -> str:
    """What to do about it, one sentence; "" when the message says it."""
    if isinstance(error, RefusedError):
        return ADVICE.get(error.code) or BY_STATUS.get(error.status or 0, "")
    if isinstance(error, NetworkError) and not error.permanent:
        return "Run the same command again: what has arrived is not sent again."
    if isinstance(error, FileChangedError):
        return "Run the same command again when nothing writes to it any more."
    return ""


@contextmanager
def ending_by_signals(on_continue: Callable[[], None]) -> Iterator[None]:
    """SIGTERM and SIGHUP end what runs here as Ctrl-C does.

    :param on_continue: called when a stopped program goes on (``fg``).
    """

    def end(number: int, _: FrameType | None) -> None:
        raise Ended(number)

    wanted = [getattr(signal, name, None) for name in ("SIGTERM", "SIGHUP")]
    before = {}
    if threading.current_thread() is threading.main_thread():
        for number in filter(None, wanted):
            # Who has it ignored, as nohup does, wants it ignored.
            if signal.getsignal(number) is not signal.SIG_IGN:
                before[number] = signal.signal(number, end)
        if hasattr(signal, "SIGCONT"):
            before[signal.SIGCONT] = signal.signal(
                signal.SIGCONT, lambda *_: on_continue()
            )
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
