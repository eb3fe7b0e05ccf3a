# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The message broker is down."""

from __future__ import annotations

import socket
from datetime import datetime
from typing import Any

import pytest
from celery import Celery

from invenio_multipart import tasks
from invenio_multipart.proxies import current_multipart

from ..driver import PART, Draft
from .left_behind import make_old, uploads_since


def queue_at_nobody(monkeypatch: pytest.MonkeyPatch, task: Any) -> None:
    """The task is really sent, to an address where no broker listens."""
    # Celery takes this before any address it is given.
    monkeypatch.delenv("CELERY_BROKER_URL", raising=False)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    celery = Celery(broker=f"redis://127.0.0.1:{port}/0", set_as_current=False)
    monkeypatch.setattr(
        task, "apply_async", lambda **sent: celery.send_task(task.name, **sent)
    )


def test_delete(
    app: Any,
    draft: Draft,
    begun: datetime,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A delete succeeds without a broker; the reaper frees the store later."""
    draft.begin("a.bin", PART)
    with monkeypatch.context() as patch:
        queue_at_nobody(patch, tasks.purge_upload)
        assert draft.delete("a.bin").status == 204
    assert "No broker" in caplog.text
    with app.app_context():
        upload = uploads_since(begun)[0]
        assert (upload.state, upload.purged_on) == ("aborted", None)
        make_old(begun)
        assert current_multipart.reaper.reap().done["purging"] >= 1
