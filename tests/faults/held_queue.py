# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Our tasks in a queue that the test empties: between any two steps, or never."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kombu.exceptions import OperationalError

from invenio_multipart import tasks
from invenio_multipart.proxies import current_multipart

from .lifeline import Lifeline

_HELD = ("run_job", "purge_upload", "verify_upload", "verify_uploads")


class HeldQueue:
    """Messages in the order in which they were sent."""

    def __init__(self, app: Any, lifeline: Lifeline) -> None:
        self._app = app
        self._lifeline = lifeline
        self.down = False
        """Whether nobody can send."""
        self.messages: list[tuple[Any, tuple[Any, ...]]] = []

    def send(self, task: Any, args: Any) -> None:
        """What ``apply_async`` does."""
        self._lifeline.step("before a message")
        if self.down:
            raise OperationalError("The broker is down, says the test.")
        self.messages.append((task, tuple(args or ())))
        self._lifeline.step("after a message")

    def work(self, most: int = 1000) -> int:
        """Be the worker for some messages; how many there were.

        A message whose worker dies is lost: whoever counts on that it comes again
        is found out.
        """
        count = 0
        while self.messages and count < most:
            count += 1
            task, args = self.messages.pop(0)
            with self._app.app_context():
                try:
                    self._run(task, args)
                except getattr(task, "autoretry_for", ()):
                    # Celery sends it again.
                    self.messages.append((task, args))
                    break
        return count

    def _run(self, task: Any, args: tuple[Any, ...]) -> None:
        if task is tasks.run_job:
            # The task itself would send its message again; jobs are found anyway.
            current_multipart.jobs.run(*args)
        else:
            task.run(*args)


@contextmanager
def held(app: Any, lifeline: Lifeline) -> Iterator[HeldQueue]:
    """Our tasks wait in a queue instead of being run at once."""
    queue = HeldQueue(app, lifeline)
    for name in _HELD:
        task = getattr(tasks, name)

        def apply_async(
            args: Any = None, kwargs: Any = None, task: Any = task, **options: Any
        ) -> None:
            queue.send(task, args)

        task.apply_async = apply_async
    try:
        yield queue
    finally:
        for name in _HELD:
            del getattr(tasks, name).apply_async
