# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What threads of an upload of many files hand to each other, within a bound."""

from __future__ import annotations

import threading
from collections import deque
from typing import Generic, TypeVar

from .flow import TICK_SECONDS
from .retry import StopSignal

T = TypeVar("T")


class Lane(Generic[T]):
    """A queue that ends.

    :param stop: ends all waiting.
    """

    def __init__(self, stop: StopSignal) -> None:
        self._stop = stop
        self._changed = threading.Condition()
        self._items: deque[T] = deque()
        self._closed = False

    def put(self, item: T) -> None:
        """One more; never waits."""
        with self._changed:
            self._items.append(item)
            self._changed.notify()

    def close(self) -> None:
        """No more will come."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def take(self) -> T | None:
        """The next one; None when none will come any more.

        :raises Stopped: when the upload ended meanwhile.
        """
        with self._changed:
            self._stop.check()
            while not self._items:
                if self._closed:
                    return None
                self._changed.wait(TICK_SECONDS)
                self._stop.check()
            return self._items.popleft()

    @property
    def closed(self) -> bool:
        """Whether no more will come."""
        with self._changed:
            return self._closed

    def __len__(self) -> int:
        with self._changed:
            return len(self._items)


class Budget:
    """So many bytes of files in memory, and no more.

    :param limit_bytes: a single file may have more; it is then alone.
    """

    def __init__(self, limit_bytes: int, stop: StopSignal) -> None:
        self._limit = limit_bytes
        self._stop = stop
        self._changed = threading.Condition()
        self._used = 0

    def take(self, count: int) -> None:
        """Wait until there is room for ``count`` bytes.

        :raises Stopped: when the upload ended meanwhile.
        """
        with self._changed:
            self._stop.check()
            while self._used and self._used + count > self._limit:
                self._changed.wait(TICK_SECONDS)
                self._stop.check()
            self._used += count

    def has_room(self, count: int) -> bool:
        """Whether nobody would have to wait for ``count`` bytes."""
        with self._changed:
            return not self._used or self._used + count <= self._limit

    def give(self, count: int) -> None:
        """They are not needed any more."""
        with self._changed:
            self._used -= count
            self._changed.notify_all()
