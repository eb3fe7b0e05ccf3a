# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Take turns at something that is no row of ours."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256

from invenio_db import db
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from ..errors import StateConflict

_REFUSED = {"55P03", "40P01"}
"""Lock not available, deadlock.

Source: https://www.postgresql.org/docs/current/errcodes-appendix.html
"""


@contextmanager
def unless_busy(message: str) -> Iterator[None]:
    """Ask for locks without waiting for them.

    :raises StateConflict: with the message; somebody else holds one of them.
    """
    try:
        yield
    except OperationalError as error:
        if getattr(error.orig, "pgcode", None) not in _REFUSED:
            raise
        raise StateConflict(message, "busy") from error


@contextmanager
def held(name: str) -> Iterator[None]:
    """One process at a time; given back with the transaction, however that ends.

    Without PostgreSQL there is one process only, and nothing to wait for.

    Source: https://www.postgresql.org/docs/current/explicit-locking.html
    """
    if db.session.get_bind().dialect.name == "postgresql":
        number = int.from_bytes(sha256(name.encode()).digest()[:8], "big", signed=True)
        db.session.execute(select(func.pg_advisory_xact_lock(number)))
    yield


def await_turn(draft_id: uuid.UUID) -> None:
    """Have announcements, and what ends a draft, come one after the other.

    Until the transaction ends. Without it a batch could be opened in a draft that is
    being deleted or published: neither sees what the other has not committed yet.
    No row of the draft is locked for that: upstream locks those in an order of its
    own.
    """
    with held(f"draft {draft_id}"):
        return
