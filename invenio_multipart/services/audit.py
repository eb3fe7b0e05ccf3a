# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Write down what is removed: a row for later, and a line in the log.

Invenio has no convention for counters, so the log is what a site's own tools read: one
line a removal, one a run of the reaper, JSON with always the same fields.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from socket import gethostname
from typing import Any

from celery import current_task
from flask import current_app
from invenio_db import db
from invenio_db.uow import Operation, UnitOfWork

from ..records.models import Batch, Removal, Upload, utc_now

_actor: ContextVar[str | None] = ContextVar("multipart_actor", default=None)

DEADLINE = "deadline"
"""Reason: nobody completed it in time."""
TRANSIENT = "transient"
"""Reason: it was announced for a limited time."""
OPERATOR = "operator"
"""Reason: an operator said so."""
UNKNOWN = "unknown to the database"
"""Reason of a stray."""


@contextmanager
def acting(name: str) -> Iterator[None]:
    """What is removed meanwhile is removed by ``name``."""
    token = _actor.set(name)
    try:
        yield
    finally:
        _actor.reset(token)


def actor() -> str:
    """Who removes things just now: command, task or web, and the machine."""
    name = _actor.get()
    if name is None:
        # Read through the proxy each time: none outside of a worker.
        name = current_task.name.rpartition(".")[2] if current_task else "web"
    return f"{name}@{gethostname()}"[:255]


def upload_removed(upload: Upload, reason: str, uow: UnitOfWork) -> None:
    """An upload was ended that its owner did not end."""
    _write(
        uow,
        what="upload",
        subject=str(upload.id),
        key=upload.key,
        record_id=upload.record_id,
        uri=upload.uri,
        size=upload.size,
        reason=reason,
    )


def batch_removed(batch: Batch, reason: str, uow: UnitOfWork) -> None:
    """A batch was ended that its owner did not end; or what it brought is deleted."""
    _write(
        uow,
        what="record" if reason == TRANSIENT else "batch",
        subject=str(batch.id),
        key=None,
        record_id=batch.record_id,
        uri=batch.prefix,
        size=batch.size,
        reason=reason,
    )


def stray_removed(uri: str, ref: str, key: str, uow: UnitOfWork) -> None:
    """An upload was aborted that only the store knew."""
    _write(
        uow,
        what="stray",
        subject=ref,
        key=key,
        record_id=None,
        uri=uri,
        size=0,
        reason=UNKNOWN,
    )


def log(event: str, fields: Mapping[str, Any]) -> None:
    """One line: ``multipart.EVENT {json}``, for programs that read logs."""
    text = json.dumps({**fields}, default=str, ensure_ascii=True)
    current_app.logger.info("multipart.%s %s", event, text)


def _write(uow: UnitOfWork, **values: Any) -> None:
    row = {"id": uuid.uuid4(), "removed_on": utc_now(), "removed_by": actor(), **values}
    db.session.add(Removal(**row))
    uow.register(_LogOp(row))


class _LogOp(Operation):  # type: ignore[misc]
    """The line of a removal, once it is one."""

    def __init__(self, row: Mapping[str, Any]) -> None:
        self._row = {name: row[name] for name in _FIELDS}

    def on_post_commit(self, uow: UnitOfWork) -> None:
        """Say it."""
        log("removed", self._row)


_FIELDS = (
    "what",
    "subject",
    "key",
    "record_id",
    "uri",
    "size",
    "removed_on",
    "removed_by",
    "reason",
)
