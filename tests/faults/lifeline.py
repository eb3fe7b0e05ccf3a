# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Counts what a process does to the world, and breaks it off at one of these steps.

A step is a request to S3 (before it is sent, and when its answer is there) and a
commit (before, and after). What a process does in between nobody sees: killed there,
it looks as if killed at the step before. So a test that can break off at each step
can break off everywhere that matters.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import psycopg2
from botocore.httpsession import URLLib3Session
from sqlalchemy import event
from sqlalchemy.engine import Engine, make_url
from sqlalchemy.orm import Session


class Killed(BaseException):
    """The process is dead: nothing catches this, and nothing works afterwards."""


class Lifeline:
    """What the application of the tests does, as if it were a process of its own."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.dead = False
        self._at: int | None = None
        self._action: Callable[[], None] = self.kill
        self._watching = False
        self._lock = threading.Lock()

    @contextmanager
    def watched(
        self, at: int | None = None, action: Callable[[], None] | None = None
    ) -> Iterator[None]:
        """Count steps, and at one of them do something; by default die.

        :param at: which step, from 1; None only counts.
        :param action: called in the middle of it.
        """
        self.steps, self.dead = [], False
        self._at, self._action = at, action or self.kill
        self._watching = True
        try:
            yield
        finally:
            self._watching, self.dead = False, False

    @property
    def reached(self) -> bool:
        """Whether the step was reached at all."""
        return self._at is not None and len(self.steps) >= self._at

    def kill(self) -> None:
        """Be dead from now on, in every thread."""
        self.dead = True
        raise Killed

    def step(self, name: str) -> None:
        """The process has come to this."""
        if not self._watching:
            return
        self.breathe()
        with self._lock:
            self.steps.append(name)
            here = len(self.steps) == self._at
        if here:
            self._action()

    def breathe(self) -> None:
        """:raises Killed: the dead do nothing."""
        if self.dead:
            raise Killed


@contextmanager
def connected(lifeline: Lifeline) -> Iterator[Lifeline]:
    """Hang the process on this line."""
    send, commit = URLLib3Session.send, Session.commit

    def watched_send(self: Any, request: Any) -> Any:
        name = f"{request.method} {urlsplit(request.url).path[-30:]}"
        lifeline.step(f"before {name}")
        reply = send(self, request)
        lifeline.step(f"after {name}")
        return reply

    def watched_commit(self: Any) -> None:
        lifeline.step("before a commit")
        commit(self)
        lifeline.step("after a commit")

    def before_statement(_: Any, __: Any, statement: str, *args: Any) -> None:
        # A process that is dead does not tidy up on its way out either. But what it
        # has not committed the database rolls back, when its connections end.
        if not statement.startswith("ROLLBACK"):
            lifeline.breathe()

    URLLib3Session.send, Session.commit = watched_send, watched_commit
    event.listen(Engine, "before_cursor_execute", before_statement)
    try:
        yield lifeline
    finally:
        event.remove(Engine, "before_cursor_execute", before_statement)
        URLLib3Session.send, Session.commit = send, commit


def drop_connections(database_uri: str) -> None:
    """Do to the database's clients what a failover does: all connections end."""
    url = make_url(database_uri)
    with (
        psycopg2.connect(
            host=url.host,
            port=url.port,
            user=url.username,
            password=url.password or "",
            dbname=url.database,
        ) as connection,
        connection.cursor() as cursor,
    ):
        # Waits until they are gone, one second at most.
        cursor.execute(
            "SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    connection.close()
