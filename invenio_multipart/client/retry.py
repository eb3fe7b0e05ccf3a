# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""When to try again, and how long to wait before."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TypeVar

from .errors import ClientError, NetworkError

T = TypeVar("T")

POLL_GROWTH = 1.25
"""Each look at what the server does comes after a pause so much longer than the one
before: its end is noticed at most a fifth of that time too late."""


class Stopped(Exception):
    """Raised in a thread of an upload that ended elsewhere."""


class StopSignal:
    """Tells all threads of one upload to end, also those that wait."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def set(self) -> None:
        """End the upload; cannot be taken back."""
        self._event.set()

    def check(self) -> None:
        """Do nothing, unless the upload has ended.

        :raises Stopped: when it has.
        """
        if self._event.is_set():
            raise Stopped

    def sleep(self, seconds: float) -> None:
        """Wait, but not longer than the upload lasts.

        :raises Stopped: when the upload ended meanwhile.
        """
        self._event.wait(seconds)
        self.check()


@dataclass(frozen=True)
class RetryPolicy:
    """Bounded attempts with growing, randomised pauses.

    :param attempts: tries of one request or part, 1 or more. Eight with the
        other defaults bridge about a minute without a server.
    :param base_seconds: pause after the first failure; doubles each time.
    :param cap_seconds: longest pause of our own choosing.
    :param retry_after_cap_seconds: longest pause a server may ask for; a
        server that asks for more has to wait until it is called again.
    :param on_pause: told of the trouble, and the seconds until the next try; from
        any thread.
    """

    attempts: int = 8
    base_seconds: float = 0.5
    cap_seconds: float = 30.0
    retry_after_cap_seconds: float = 600.0
    on_pause: Callable[[str, float], None] | None = None

    def delay_seconds(self, failures: int, asked: float | None = None) -> float:
        """Pause before the next try.

        :param failures: failed tries so far, 1 or more.
        :param asked: what the server's Retry-After said; never undercut.
        """
        grown = self.base_seconds * 2.0 ** (failures - 1)
        # Half fixed, half random: many clients that failed together must not
        # come back together.
        pause = min(grown, self.cap_seconds) * random.uniform(0.5, 1.0)  # noqa: S311
        return max(pause, min(asked or 0.0, self.retry_after_cap_seconds))

    def run(self, call: Callable[[], T], stop: StopSignal) -> T:
        """Result of ``call``, repeated while it raises NetworkError.

        :raises NetworkError: when all attempts are used up.
        :raises Stopped: when the upload ended during a pause.
        """
        for failures in range(1, self.attempts + 1):
            try:
                return call()
            except NetworkError as error:
                stop.check()
                if error.permanent or failures >= self.attempts:
                    raise self.gave_up(error, failures) from error
                self.pause(failures, error, stop)
        raise AssertionError("unreachable: attempts is 1 or more")

    def pause(self, failures: int, error: ClientError, stop: StopSignal) -> None:
        """Wait before the next try, and tell that we do.

        :raises Stopped: when the upload ended meanwhile.
        """
        asked = getattr(error, "retry_after_seconds", None)
        seconds = self.delay_seconds(failures, asked)
        if self.on_pause is not None:
            self.on_pause(error.message, seconds)
        stop.sleep(seconds)

    @staticmethod
    def gave_up(error: NetworkError, attempts: int) -> NetworkError:
        """``error``, saying how often we tried."""
        if attempts == 1:
            return error
        return NetworkError(f"Gave up after {attempts} attempts: {error.message}")


def parse_retry_after(value: str | None) -> float | None:
    """Seconds to wait, from a Retry-After header in either of its two forms.

    Source: RFC 9110, section 10.2.3. None for a header that is absent or
    malformed: our own pauses serve then.
    """
    if value is None:
        return None
    if value.strip().isdigit():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
        return max(moment.timestamp() - time.time(), 0.0)
    except (TypeError, ValueError, OverflowError):
        return None
