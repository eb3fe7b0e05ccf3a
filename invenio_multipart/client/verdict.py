# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Waits for what the server has to say about a file that was committed."""

from __future__ import annotations

import time

from .api import DraftFileApi
from .errors import IntegrityError, NetworkError, RefusedError
from .progress import ProgressCounter
from .retry import POLL_GROWTH, StopSignal

POLL_SECONDS = (0.1, 5.0)
"""First and longest pause between two looks at a verification."""


def wait_until_completed(
    api: DraftFileApi,
    counter: ProgressCounter,
    stop: StopSignal,
    verify_seconds: float,
    crc64nvme: str | None = None,
) -> str | None:
    """The server has proved the file, or had nothing to prove.

    :param crc64nvme: hex, of the bytes that were sent. A store that computes it proves
        the whole object with it at once, long before anybody has read that.
    :param verify_seconds: how long to wait at most.
    :returns: that CRC where the store has proved it, None otherwise.
    :raises IntegrityError: when it found other bytes.
    :raises RefusedError: when the upload ended in another way.
    :raises NetworkError: when it is too early to know.
    """
    pause, longest = POLL_SECONDS
    give_up = time.monotonic() + verify_seconds
    while True:
        status = api.status()
        stored = status.digests.get("crc64nvme")
        if None not in (stored, crc64nvme) and stored != crc64nvme:
            raise IntegrityError(
                f"The store has an object with the CRC {stored}; {crc64nvme} was sent."
            )
        reason = status.error_message or "no reason was given"
        if status.state == "completed":
            return stored and crc64nvme
        if status.state == "failed":
            raise IntegrityError(f"The server could not verify the file: {reason}")
        if status.state in ("aborted", "expired"):
            raise RefusedError(
                f"The upload is {status.state}: {reason}", code=status.state
            )
        if status.state not in ("committing", "verifying"):
            raise NetworkError(
                f"The server took back the commit ({reason}). Run again: the "
                "parts are kept."
            )
        if time.monotonic() > give_up:
            raise NetworkError(
                f"The file is sent, but the server is still {status.state} it. "
                "Run again later to see the outcome."
            )
        counter.enter("verifying")
        stop.sleep(pause)
        pause = min(pause * POLL_GROWTH, longest)
