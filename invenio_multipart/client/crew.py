# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Threads that work for one end: when one fails, all of them stop."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from .flow import TICK_SECONDS
from .pipeline import JOIN_SECONDS
from .retry import Stopped, StopSignal
from .transport import Transport


class Crew:
    """Runs them, and has the first failure.

    :param stop: set by a failure; what ends all waiting.
    :param transport: its connections are broken by a failure.
    """

    def __init__(self, stop: StopSignal, transport: Transport) -> None:
        self._stop = stop
        self._transport = transport
        self._lock = threading.Lock()
        self._failure: BaseException | None = None

    def run(self, work: Iterable[Callable[[], None]]) -> None:
        """Each in a thread of its own, until all have ended.

        :raises BaseException: whatever ended one of them first, or came from outside,
            such as Ctrl-C.
        """
        threads = [
            threading.Thread(target=self._guard, args=(each,), daemon=True)
            for each in work
        ]
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                while thread.is_alive():
                    # In pieces: some systems deliver Ctrl-C only in between.
                    thread.join(TICK_SECONDS)
        except BaseException as error:
            self._fail(error)
            raise
        finally:
            for thread in threads:
                # One that an interruption kept from starting has no number.
                if thread.ident is not None:
                    thread.join(JOIN_SECONDS)
        if self._failure is not None:
            raise self._failure

    def _guard(self, work: Callable[[], None]) -> None:
        # A thread must not die silently: its failure ends the whole upload.
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - raised by run()
            self._fail(error)

    def _fail(self, failure: BaseException) -> None:
        with self._lock:
            if self._failure is None and not isinstance(failure, Stopped):
                self._failure = failure
        self._stop.set()
        self._transport.abort()
