# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""A job that is ours for as long as we say so in time."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from flask import Flask, current_app
from invenio_db import db
from sqlalchemy.exc import SQLAlchemyError

from ...core.running import JobLost
from ...records import jobs
from ...records.models import Job, utc_now

LEASE = timedelta(seconds=120)
"""A worker that has been silent for so long is taken for dead.

Shorter: a busy database makes live workers look dead. Longer: what a dead one held
stays locked."""

BEAT_SECONDS = 30.0
"""Three beats may get lost before the lease ends."""

ADVANCE_SECONDS = 1.0
"""Progress is written at most so often."""


class ClaimedJob:
    """The :class:`~...core.running.RunningJob` that handlers get.

    Whatever it writes goes through a database session of its own: the handler's
    transaction is neither committed nor waited for.

    :param job: as it was claimed.
    :param runner: the name of this run, which no other has.
    """

    def __init__(self, job: Job, runner: uuid.UUID) -> None:
        self.id: uuid.UUID = job.id
        self.kind: str = job.kind
        self.batch_id: uuid.UUID | None = job.batch_id
        self.arguments: dict[str, Any] = dict(job.arguments)
        self.runner = runner
        self.lost = False
        self._app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
        self._written = 0.0
        self._said: dict[str, Any] = {}
        self.attempts: int = job.attempts

    def advance(
        self, done: int, total: int | None = None, stage: str | None = None
    ) -> None:
        """Say how far the job is; written at most once a second.

        :raises JobLost: another worker has taken the job over.
        """
        said = {"done": done, "total": total, "stage": stage}
        self._said |= {name: value for name, value in said.items() if value is not None}
        if self.lost or time.monotonic() - self._written >= ADVANCE_SECONDS:
            self._write()

    def remember(self, **arguments: Any) -> None:
        """Keep values for the worker that takes over if this one dies, now.

        Who remembers has got somewhere: earlier attempts do not count any more.

        :raises JobLost: another worker has taken the job over.
        """
        self.arguments = {**self.arguments, **arguments}
        self.attempts = 1
        self._write(arguments=self.arguments, attempts=self.attempts)

    @property
    def said(self) -> dict[str, Any]:
        """Columns of the progress, as last said; the job's end writes them too."""
        return dict(self._said)

    def beat(self) -> None:
        """Prolong the lease, or find that it is another's."""
        self._change()

    def _write(self, **values: Any) -> None:
        if not self.lost:
            self._change(**values)
        if self.lost:
            raise JobLost(f"Job {self.id} is another worker's now.")
        self._written = time.monotonic()

    def _change(self, **values: Any) -> None:
        # A context of its own has a session of its own.
        with self._app.app_context():
            values = {**self.said, **values}
            if not jobs.beat(self.id, self.runner, utc_now() + LEASE, **values):
                self.lost = True
            db.session.commit()


@contextmanager
def beating(job: ClaimedJob) -> Iterator[None]:
    """Keep the lease alive from a thread while the handler works."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait(BEAT_SECONDS) and not job.lost:
            try:
                job.beat()
            except SQLAlchemyError:
                # The next one may get through before the lease ends.
                job._app.logger.warning("Job %s missed a beat.", job.id)

    thread = threading.Thread(target=beat, name=f"job-{job.id}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
