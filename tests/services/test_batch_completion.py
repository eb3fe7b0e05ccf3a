# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Completion: all files or none, once, with access and publication."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import pytest

from ..backdoor import bucket_size, uploads_of
from ..batching import (
    Open,
    announce,
    brought,
    entries,
    job_ids,
    objects,
    open_batch,
    open_with,
    put,
    run_jobs,
)
from ..driver import RECORD, Api, Draft


def test_one_of_fifty_is_missing(draft: Draft) -> None:
    """While one file is missing none is in the draft; it is named, and can follow."""
    files = [{"key": f"{n:02}", "size": 2} for n in range(50)]
    batch = open_batch(draft, files)
    for n in range(50):
        if n != 17:
            batch.send_ok(f"{n:02}", b"%02d" % n)
    job = batch.complete()
    assert (job["status"], job["error"]["code"]) == ("FAILURE", "files_differ")
    assert job["result"]["errors"] == {"missing": ["17"], "wrong": [], "extra": []}
    assert {entry["status"] for entry in entries(draft).values()} == {"pending"}
    assert bucket_size(draft) == 100
    refused = draft.publish()
    assert (refused.status, refused.json["code"]) == (400, "batch_open")
    status = batch.status()
    assert (status["state"], status["error_code"]) == ("uploading", "files_differ")
    assert status["lock"]["stage"] == "uploading"
    batch.send_ok("17", b"17")
    assert batch.complete()["status"] == "SUCCESS"
    assert {entry["status"] for entry in entries(draft).values()} == {"completed"}
    status = batch.status()
    assert (status["state"], status["error_code"]) == ("completed", None)
    assert draft.content("17") == b"17"


def test_other_bytes_of_the_right_size(s3_draft: Draft) -> None:
    """Whoever has lost the URLs gets one for a file whose digest was wrong."""
    digest = hashlib.sha256(b"right").hexdigest()
    file = {"key": "a", "size": 5, "checksum": f"sha256:{digest}"}
    batch = open_batch(s3_draft, [file])
    batch.send_ok("a", b"wrong")
    assert batch.files()["presigned_urls"] == {}
    job = batch.complete()
    assert (job["status"], job["error"]["code"]) == ("FAILURE", "files_differ")
    assert job["result"]["errors"]["wrong"][0]["key"] == "a"
    url = batch.files()["presigned_urls"]["a"]
    assert put(batch.anonymous, url, b"right", {}) == 200
    assert batch.complete()["status"] == "SUCCESS"
    assert s3_draft.content("a") == b"right"


def test_nothing_was_sent(draft: Draft) -> None:
    """A batch of which nothing has come names every file."""
    batch = open_batch(draft, ["a", {"key": "b", "size": 1}])
    job = batch.complete()
    assert job["result"]["errors"]["missing"] == ["a", "b"]


def test_twice(api: Api, draft: Draft) -> None:
    """A completion that is repeated by its owner is accepted, and names one job."""
    batch = open_with(draft, {"a": b"x"})
    first = batch.try_complete()
    again = api.call("PUT", f"/uploads/{batch.id}/complete")
    assert (again.status, again.json) == (202, first.json)
    assert bucket_size(draft) == 1
    with batch.app.app_context():
        assert len(job_ids(batch, ["complete_batch"])) == 1
    refused = api.call("PUT", f"/uploads/{batch.id}/abort")
    assert (refused.status, refused.json["code"]) == (409, "state_conflict")


def test_purge_is_cancelled(api: Api, draft: Draft) -> None:
    """The job of the deadline is revoked, and can do no harm any more."""
    batch = brought(draft, {"a": b"x"})
    (purge,) = run_jobs(batch, "purge_batch")
    assert purge["status"] == "REVOKED"
    assert draft.content("a") == b"x"


def test_one_save_for_all_files(api: Api, draft: Draft) -> None:
    """However many files a batch brings, its draft is saved and indexed once."""
    before = api.get(draft.path).json["revision_id"]
    batch = open_with(draft, {f"{n}": b"x" for n in range(20)})
    assert api.get(draft.path).json["revision_id"] == before
    assert batch.complete()["status"] == "SUCCESS"
    # Upstream counts a save as two: one for the draft, one for its version.
    single = api.new_draft()
    start = api.get(single.path).json["revision_id"]
    one = brought(single, {"a": b"x"})
    cost = api.get(single.path).json["revision_id"] - start
    assert cost <= 2
    assert api.get(draft.path).json["revision_id"] == before + cost
    assert one.status()["state"] == "completed"


def test_index_requests(
    api: Api, draft: Draft, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The search engine hears of a batch once."""
    from invenio_records_resources.services.uow import RecordCommitOp

    said: list[Any] = []
    real = RecordCommitOp.on_commit

    def count(self: Any, uow: Any) -> None:
        if self._indexer is not None:
            said.append(self._record.id)
        real(self, uow)

    batch = open_with(draft, {f"{n}": b"x" for n in range(20)})
    monkeypatch.setattr(RecordCommitOp, "on_commit", count)
    assert batch.complete()["status"] == "SUCCESS"
    assert len(said) == 1


def test_access(api: Api, anonymous: Api, draft: Draft) -> None:
    """Who may read is set with the completion, together with the publication."""
    batch = open_with(draft, {"a": b"secret"})
    job = batch.complete(read_access="owners", publish=True)
    assert job["status"] == "SUCCESS", job
    assert job["result"]["published"] is True
    record = api.get(f"/records/{draft.id}").json
    assert record["access"]["record"] == record["access"]["files"] == "restricted"
    assert anonymous.get(f"/records/{draft.id}").status == 403


def test_owners_and_viewers(app: Any, api: Api, other: Api, draft: Draft) -> None:
    """Owners and viewers of the whole record are set with the completion."""
    batch = open_with(draft, {"a": b"secret"})
    body = {"read_access": "viewers", "viewers": ["other"], "scope": "record"}
    job = batch.complete(**body, publish=True)
    assert job["status"] == "SUCCESS", job
    assert other.get(f"/records/{draft.id}").status == 200
    assert other.get(f"/records/{draft.id}/access/grants").status == 403


def test_metadata_that_cannot_be_published(api: Api, storage: str) -> None:
    """The job says what is wrong with the record; mended, it is published."""
    metadata = {**RECORD["metadata"]}
    del metadata["creators"]
    draft = api.new_draft(metadata=metadata)
    batch = open_with(draft, {"a": b"x", "b": b"yy"})
    job = batch.complete(publish=True)
    assert (job["status"], job["error"]["code"]) == ("FAILURE", "not_publishable")
    assert "metadata.creators" in job["error"]["message"]
    problems = job["result"]["errors"]["problems"]
    assert [problem["field"] for problem in problems] == ["metadata.creators"]
    assert problems[0]["messages"]
    assert batch.status()["state"] == "uploading"
    assert {entry["status"] for entry in entries(draft).values()} == {"pending"}
    assert bucket_size(draft) == 3
    again = batch.complete(publish=True)
    assert (again["status"], again["error"]["code"]) == ("FAILURE", "not_publishable")
    assert api.call("PUT", draft.path, json=RECORD).status == 200
    job = batch.complete(publish=True)
    assert job["status"] == "SUCCESS", job
    assert api.get(f"/records/{draft.id}/files/b").json["size"] == 2


def test_publish_fails_then_without(api: Api, storage: str) -> None:
    """Who cannot publish yet may complete without it."""
    metadata = {**RECORD["metadata"], "title": ""}
    draft = api.new_draft(metadata=metadata)
    batch = open_with(draft, {"a": b"x"})
    assert batch.complete(publish=True)["status"] == "FAILURE"
    assert batch.complete()["status"] == "SUCCESS"
    assert draft.content("a") == b"x"


def test_transient(api: Api, anonymous: Api, draft: Draft) -> None:
    """What is announced for a limited time goes by a job: tombstone, no bytes."""
    from invenio_db import db

    from invenio_multipart.records.models import Batch, Job, utc_now

    batch = open_with(draft, {"a": b"x"}, expires_in="in 1 hour")
    assert batch.complete(publish=True)["status"] == "SUCCESS"
    assert run_jobs(batch, "expire_batch")[0]["status"] == "PENDING"
    assert anonymous.get(f"/records/{draft.id}").status == 200
    with batch.app.app_context():
        past = utc_now() - timedelta(seconds=1)
        Batch.query.filter_by(id=batch.id).update({"expires_at": past})
        Job.query.filter_by(batch_id=batch.id, kind="expire_batch").update(
            {"due_at": past}
        )
        db.session.commit()
    (job,) = run_jobs(batch, "expire_batch")
    assert job["status"] == "SUCCESS", job
    assert job["result"]["result"] == "record_deleted"
    gone = anonymous.get(f"/records/{draft.id}")
    assert (gone.status, "tombstone" in gone.json) == (410, True)
    if batch.json["presigned_urls"]["a"].startswith("http://localhost") is False:
        assert objects(batch) == []
    assert run_jobs(batch, "expire_batch")[0]["status"] == "SUCCESS"


def test_not_completed_does_not_expire(draft: Draft) -> None:
    """A batch that is aborted has no end of a record to wait for."""
    batch = open_batch(draft, ["a"], expires_in="in 1 hour")
    assert batch.abort().status == 200
    assert run_jobs(batch, "expire_batch")[0]["status"] == "REVOKED"


def test_a_file_is_taken_out(api: Api, draft: Draft) -> None:
    """A file that is deleted before goes without the others; quota is exact."""
    batch = open_with(draft, {"a": b"a", "b": b"bb", "c": b"ccc"})
    assert draft.delete("b").status == 204
    assert bucket_size(draft) == 4
    job = batch.complete()
    assert (job["status"], job["result"]["files"]) == ("SUCCESS", 2)
    assert set(entries(draft)) == {"a", "c"}
    assert bucket_size(draft) == 4
    assert batch.status()["files"] == 2


def test_all_files_are_taken_out(api: Api, draft: Draft) -> None:
    """A batch without files left cannot be completed, only aborted."""
    batch = open_with(draft, {"a": b"a", "b": b"bb"})
    for key in ("a", "b"):
        assert draft.delete(key).status == 204
    job = batch.complete()
    assert (job["status"], job["error"]["code"]) == ("FAILURE", "bad_request")
    assert batch.abort().status == 200
    assert bucket_size(draft) == 0


def test_metadata_is_edited_meanwhile(api: Api, draft: Draft) -> None:
    """A draft may be edited while a batch is open; neither change is lost."""
    batch = open_with(draft, {"a": b"a"})
    metadata = {**RECORD["metadata"], "title": "Another title"}
    reply = api.call("PUT", draft.path, json={**RECORD, "metadata": metadata})
    assert reply.status == 200, reply.json
    assert batch.complete()["status"] == "SUCCESS"
    assert api.get(draft.path).json["metadata"]["title"] == "Another title"
    assert draft.content("a") == b"a"


def test_dead_worker(api: Api, draft: Draft, monkeypatch: pytest.MonkeyPatch) -> None:
    """A completion whose worker has died is taken over by whoever comes by."""
    from invenio_db import db

    from invenio_multipart import tasks
    from invenio_multipart.records.models import Job, utc_now

    batch = open_with(draft, {"a": b"a"})
    with monkeypatch.context() as nobody:
        nobody.setattr(tasks.run_job, "apply_async", lambda **_: None)
        reply = batch.try_complete()
        with batch.app.app_context():
            job = db.session.get(Job, reply.json["job_id"])
            job.status, job.attempts = "STARTED", 1
            job.due_at = utc_now() - timedelta(minutes=1)
            db.session.commit()
        assert batch.job(reply)["status"] == "STARTED"
    refused = announce(api, f"{draft.path}/uploads", ["b"])
    assert (refused.status, refused.json["lock"]["stage"]) == (423, "completing")
    assert batch.job(reply)["status"] == "SUCCESS"
    assert draft.content("a") == b"a"
    assert announce(api, f"{draft.path}/uploads", ["b"]).status == 201


def test_deadline_during_completion(
    draft: Draft, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A completion that was asked for in time is not cut off by the deadline."""
    from invenio_multipart import tasks

    from ..batching import pass_deadline

    batch = open_with(draft, {"a": b"a"})
    with monkeypatch.context() as nobody:
        nobody.setattr(tasks.run_job, "apply_async", lambda **_: None)
        reply = batch.try_complete()
        pass_deadline(batch)
        (purge,) = run_jobs(batch, "purge_batch")
        assert purge["status"] == "PENDING"
    (done,) = run_jobs(batch, "complete_batch")
    assert done["status"] == "SUCCESS"
    assert batch.job(reply)["status"] == "SUCCESS"
    assert draft.content("a") == b"a"


def test_no_uploads_are_left(api: Api, draft: Draft) -> None:
    """After a completion every upload is completed, and nothing is reserved."""
    batch = brought(draft, {"a": b"a", "b": b"b"})
    assert {u.state for u in uploads_of(draft)} == {"completed"}
    assert not any(u.reserved for u in uploads_of(draft))
    assert isinstance(batch, Open)
