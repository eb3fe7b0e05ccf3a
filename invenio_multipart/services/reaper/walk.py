# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""How the reaper goes through what it has to do.

A rule finds things, page by page in the order of an index and without a lock, and does
something about one of them, in a transaction of its own that locks the row, passes by
one that is in use, and looks again whether there is still something to do. So any
number of reapers may run, one thing that fails does not stand in the way of others,
and a dry run is the same walk without the doing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import current_app
from invenio_db import db
from invenio_db.uow import UnitOfWork

PAGE = 100
"""Things in one query."""

MOST = 10_000
"""Things one run does by one rule; the next run goes on."""

PATIENCE = timedelta(minutes=10)
"""How long a task may be on its way before it is taken for lost."""

REDRIVE = timedelta(hours=1)
"""How long a job that failed for good rests before there is another one for the same:
what it needs is out of order, and people have to see it first."""


@dataclass(frozen=True)
class Found:
    """Something to be done about one thing.

    :param what: ``upload``, ``batch``, ``job``, ``stray``, ``file``,
        ``objects``, ``bucket``, ``jobs`` or ``audit``.
    :param id: of the row, or what the store calls a stray.
    :param does: what will be done, a verb.
    :param size: bytes, where that says something.
    :param at: its place in the walk, for the rule that found it.
    """

    what: str
    id: str
    does: str
    reason: str
    key: str | None = None
    record_id: str | None = None
    uri: str = ""
    size: int = 0
    at: Any = None


Find = Callable[[Any, int], Sequence[Found]]
"""``at`` of the last one (None at first) and a limit; the next page, empty at the end."""


@dataclass(frozen=True)
class Rule:
    """One kind of thing the reaper does.

    :param name: of the counter.
    :param act: does it in the given transaction; how many it did, True for one, and
        False when nothing was left to do.
    """

    name: str
    find: Find
    act: Callable[[Found, UnitOfWork], int]

    def walk(self) -> Iterator[Found]:
        """What there is to do; what is done between two pages is not seen again."""
        at, count = None, 0
        while count < MOST:
            page = self.find(at, min(PAGE, MOST - count))
            # Nothing of the page is read afterwards, and no transaction kept open.
            db.session.rollback()
            yield from page
            if not page:
                return
            at, count = page[-1].at, count + len(page)

    def carry_out(self) -> tuple[int, int]:
        """Do it all; how many were done, and how many failed."""
        done = failed = 0
        for found in self.walk():
            try:
                with UnitOfWork() as uow:
                    acted = self.act(found, uow)
                    uow.commit()
            except Exception:
                db.session.rollback()
                failed += 1
                current_app.logger.exception(
                    "The reaper could not %s %s %s.", found.does, found.what, found.id
                )
            else:
                done += acted
        return done, failed
