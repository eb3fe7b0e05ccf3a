# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Workers die, lose their broker, or find that the bytes have gone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from invenio_db import db
from sqlalchemy import text

from invenio_multipart import tasks
from invenio_multipart.errors import StorageUnavailable
from invenio_multipart.proxies import current_multipart
from invenio_multipart.records.leftovers import unverified_uploads

from ..driver import PART, Draft, md5
from .left_behind import Store, make_old, uploads_since
from .live import ROOT, live_environment
from .proxy import Cut, FaultProxy, Point, cut

KEY = "big.bin"
READ = ("GET", r"/data(\?|$)")
DATA = [os.urandom(PART) for _ in range(4)]
WHOLE = b"".join(DATA)


@pytest.fixture
def no_worker(app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of every size are for workers, and there is none."""
    monkeypatch.setitem(app.config, "MULTIPART_VERIFY_INLINE_MAX", 0)
    monkeypatch.setattr(tasks.verify_upload, "apply_async", lambda **_: None)


@pytest.fixture
def verifying(no_worker: None, draft: Draft) -> Draft:
    """A draft with a file whose declared digest waits for a worker."""
    reply = draft.upload(KEY, DATA, checksum=md5(WHOLE))
    assert (reply.status, reply.json["status"]) == (200, "pending")
    assert draft.status(KEY)["state"] == "verifying"
    return draft


def verify(app: Any, begun: datetime) -> None:
    """What the task does."""
    with app.app_context():
        current_multipart.uploads.verify(str(uploads_since(begun)[0].id))


def due(app: Any, begun: datetime) -> int:
    """How many uploads the reaper takes for unverified after a day."""
    with app.app_context():
        make_old(begun)
        ids = {upload.id for upload in uploads_since(begun)}
        now = datetime.now(timezone.utc)
        found = unverified_uploads(now, now, None, 1000)
        return len(ids & {upload.id for upload in found})


def test_killed_in_the_middle(
    app: Any,
    site_config: dict[str, Any],
    proxy: FaultProxy,
    s3_draft: Draft,
    no_worker: None,
    begun: datetime,
    tmp_path: Path,
) -> None:
    """A worker killed by SIGKILL is followed by one that goes on at its checkpoint."""
    s3_draft.upload(KEY, DATA, checksum=md5(WHOLE))
    with app.app_context():
        upload_id = str(uploads_since(begun)[0].id)
    environment = live_environment(
        site_config,
        tmp_path,
        S3_ENDPOINT_URL=proxy.url,
        MULTIPART_VERIFY_CHECKPOINT_BYTES=2**20,
    )
    dead = threading.Event()
    proxy.at(*READ, lambda: _until(dead), Point.HALF_ANSWERED)
    command = [sys.executable, "-m", "tests.faults.live_app", upload_id]
    with subprocess.Popen(command, env=environment, cwd=ROOT) as worker:
        _wait_for_progress(app, upload_id)
        os.kill(worker.pid, signal.SIGKILL)
    dead.set()
    status = s3_draft.status(KEY)
    assert status["state"] == "verifying"
    assert 0 < status["verified_bytes"] < len(WHOLE)
    assert due(app, begun) == 1
    proxy.calm()
    verify(app, begun)
    # Read on from there, not from the beginning.
    assert any(f"bytes={status['verified_bytes']}-" in r for r in proxy.requests)
    status = s3_draft.status(KEY)
    assert (status["state"], status["verified_bytes"]) == ("completed", len(WHOLE))
    assert s3_draft.content(KEY) == WHOLE
    assert due(app, begun) == 0


def _until(dead: threading.Event) -> None:
    dead.wait(60)
    raise Cut


def _wait_for_progress(app: Any, upload_id: str) -> None:
    query = text("SELECT hash_offset FROM multipart_upload WHERE id = :id")
    for _ in range(900):
        with app.app_context():
            if db.session.execute(query, {"id": upload_id}).scalar_one():
                return
        time.sleep(0.1)
    raise AssertionError("The worker saved no progress.")


def test_done_is_done(verifying: Draft, app: Any, begun: datetime) -> None:
    """What a worker has proved is never queued again."""
    assert due(app, begun) == 1
    verify(app, begun)
    assert verifying.status(KEY)["state"] == "completed"
    assert due(app, begun) == 0


def test_object_lost(verifying: Draft, app: Any, store: Store, begun: datetime) -> None:
    """A file whose bytes have gone fails, and does not wait for ever."""
    with app.app_context():
        uri = uploads_since(begun)[0].uri
    if uri.startswith("s3://"):
        store.lose_object(uri)
    else:
        Path(uri).unlink()
    verify(app, begun)
    status = verifying.status(KEY)
    assert status["state"] == "failed"
    assert status["error_message"]
    assert verifying.publish().status == 400
    assert verifying.delete(KEY).status == 204


def test_deleted_while_verifying(verifying: Draft, app: Any, begun: datetime) -> None:
    """A file deleted while its digest is awaited leaves nothing for the worker."""
    assert verifying.delete(KEY).status == 204
    verify(app, begun)
    assert verifying.api.get(verifying.file(KEY)).status == 404


def test_publish_while_verifying(verifying: Draft, app: Any, begun: datetime) -> None:
    """Publishing waits for a declared digest, and says for which file."""
    reply = verifying.publish()
    assert (reply.status, reply.json["code"]) == (400, "uploads_unfinished")
    assert reply.json["uploads"] == [{"key": KEY, "state": "verifying"}]
    verify(app, begun)
    assert verifying.publish().status == 202


def test_commit_while_verifying(verifying: Draft, app: Any, begun: datetime) -> None:
    """A repeated commit does no harm to a verification under way."""
    reply = verifying.commit(KEY)
    assert (reply.status, reply.json["status"]) == (200, "pending")
    verify(app, begun)
    assert verifying.status(KEY)["state"] == "completed"


def test_store_breaks_off(
    app: Any,
    no_worker: None,
    proxy: FaultProxy,
    s3_draft: Draft,
    begun: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A worker that loses the store keeps its progress and is tried again."""
    monkeypatch.setitem(app.config, "MULTIPART_VERIFY_CHECKPOINT_BYTES", 2**20)
    s3_draft.upload(KEY, DATA, checksum=md5(WHOLE))
    proxy.at(*READ, cut, Point.HALF_ANSWERED, hits=None)
    proxy.at("HEAD", ".", cut, hits=set(range(2, 99)))
    with pytest.raises(StorageUnavailable):
        verify(app, begun)
    status = s3_draft.status(KEY)
    assert status["state"] == "verifying"
    assert 0 < status["verified_bytes"] < len(WHOLE)
    proxy.calm()
    verify(app, begun)
    assert s3_draft.status(KEY)["state"] == "completed"
