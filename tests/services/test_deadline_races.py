# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""More time is asked for at the moment at which the time is over."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from invenio_db import db

from invenio_multipart.proxies import current_multipart
from invenio_multipart.records.models import Batch, Job, Upload, utc_now

from ..backdoor import bucket_size, uploads_of
from ..batching import Open, entries, open_batch, run_jobs
from ..driver import PART, Draft, Reply
from .test_races import at_once, statuses

SEEDS = pytest.mark.parametrize("seed", range(4))


def more_time(batch: Open) -> Reply:
    """Ask for it as the owner of the draft."""
    body = {"completed_by": "in 1 hour"}
    return batch.api.call("PUT", f"/uploads/{batch.id}", json=body)


def reaped(app: Any) -> Callable[[], None]:
    """A run of the reaper."""

    def run() -> None:
        with app.app_context():
            current_multipart.reaper.reap()

    return run


def due_in(batch: Open, left: timedelta) -> None:
    """Move the deadline of a batch, and of all that goes by it."""
    with batch.app.app_context():
        moment = utc_now() + left
        Batch.query.filter_by(id=batch.id).update({"complete_before": moment})
        Upload.query.filter_by(batch_id=batch.id).update({"expires_at": moment})
        Job.query.filter_by(batch_id=batch.id).update({"due_at": moment})
        db.session.commit()


def settled(batch: Open, draft: Draft, reply: Reply) -> None:
    """Either it has more time and lacks nothing, or it is over and left nothing."""
    state = batch.status()["state"]
    if reply.status == 200:
        assert state == "uploading"
        assert set(entries(draft)) == {"a", "b"}
        assert bucket_size(draft) == 2
        assert all(upload.is_open for upload in uploads_of(draft))
    else:
        assert (reply.status, reply.json["code"]) == (409, "state_conflict")
        assert state == "expired"
        assert entries(draft) == {}
        assert bucket_size(draft) == 0
        assert [upload for upload in uploads_of(draft) if upload.is_open] == []


def take_out(draft: Draft, key: str) -> Reply:
    """Delete a file; again where InvenioRDM's look-up of terms fails under threads."""
    for _ in range(4):
        reply = draft.delete(key)
        if "Not a valid value" not in str(reply.json):
            break
    return reply


FILES = [{"key": "a", "size": 1}, {"key": "b", "size": 1}]


@SEEDS
def test_batch_at_its_deadline(app: Any, draft: Draft, seed: int) -> None:
    """The job of the deadline and the reaper come while more time is asked for."""
    batch = open_batch(draft, FILES)
    due_in(batch, timedelta(milliseconds=seed * 20))
    first, *others = at_once(
        [
            lambda: more_time(batch),
            lambda: more_time(batch),
            lambda: run_jobs(batch, "purge_batch"),
            reaped(app),
        ]
    )
    settled(batch, draft, others[0])
    assert {first.status, others[0].status} in ({200}, {409})


def test_job_that_runs_already(app: Any, draft: Draft) -> None:
    """The worker has the job of the old deadline; it finds the new one and waits."""
    batch = open_batch(draft, FILES)
    due_in(batch, timedelta(seconds=-1))
    with app.app_context():
        Batch.query.filter_by(id=batch.id).update(
            {"complete_before": utc_now() + timedelta(minutes=5)}
        )
        db.session.commit()
    replies = at_once(
        [lambda: more_time(batch), lambda: run_jobs(batch, "purge_batch")]
    )
    settled(batch, draft, replies[0])
    assert replies[0].status == 200
    (job,) = run_jobs(batch, "purge_batch")
    assert job["status"] == "PENDING"
    with app.app_context():
        kept = Job.query.filter_by(batch_id=batch.id, kind="purge_batch").one()
        assert kept.due_at > utc_now() + timedelta(minutes=4)


@SEEDS
def test_more_time_and_abort(draft: Draft, seed: int) -> None:
    """Of an abort and more time the abort wins in the end, whatever comes first."""
    batch = open_batch(draft, FILES)
    aborted, more = at_once([batch.abort, lambda: more_time(batch)])
    assert aborted.status == 200
    assert more.status in (200, 409)
    assert batch.status()["state"] == "aborted"
    assert bucket_size(draft) == 0


@SEEDS
def test_more_time_and_deletes(draft: Draft, seed: int) -> None:
    """Files are taken out meanwhile: no deadlock, and nothing counts twice."""
    batch = open_batch(draft, FILES)
    replies = at_once(
        [
            lambda: more_time(batch),
            lambda: take_out(draft, "a"),
            lambda: more_time(batch),
            lambda: take_out(draft, "b"),
        ]
    )
    assert [replies[0].status, replies[2].status] == [200, 200]
    # A delete does not wait for whoever has the file just now.
    assert {replies[1].status, replies[3].status} <= {204, 409}
    left = [reply.status for reply in (replies[1], replies[3])].count(409)
    assert bucket_size(draft) == left


@SEEDS
def test_file_at_its_deadline(app: Any, draft: Draft, seed: int) -> None:
    """The same for a single upload and the reaper."""
    draft.begin("a.bin", PART)
    (upload,) = uploads_of(draft)
    with app.app_context():
        moment = utc_now() - timedelta(seconds=1)
        Upload.query.filter_by(id=upload.id).update({"expires_at": moment})
        db.session.commit()
    path, body = draft.file("a.bin", "/upload"), {"expires_at": "in 1 hour"}
    ask = [lambda: draft.api.call("PUT", path, json=body)] * 2
    *replies, _, _ = at_once([*ask, reaped(app), reaped(app)])
    (upload,) = uploads_of(draft)
    if upload.is_open:
        assert 200 in statuses(replies)
        assert bucket_size(draft) == PART
        assert draft.status("a.bin")["state"] == "uploading"
    else:
        assert set(statuses(replies)) <= {404, 409}
        assert (upload.state, bucket_size(draft)) == ("expired", 0)
        assert entries(draft) == {}
