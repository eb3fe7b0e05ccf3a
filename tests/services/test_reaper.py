# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The reaper, on what clients, crashes and lost jobs leave behind."""

from __future__ import annotations

import json
import logging
import threading
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from tests.backdoor import bucket_size, held_tasks, left_in_s3, setting, uploads_of
from tests.batching import Open, objects, open_batch, open_with, pass_deadline, row
from tests.driver import PART, Api, Draft, md5
from tests.reaping import (
    audited,
    change,
    drop_jobs,
    make_old,
    preview,
    reap,
    snapshot,
)


@pytest.fixture(scope="module", autouse=True)
def _clean_slate(app: Any) -> None:
    """Forget what other tests have left: here it is counted what is found."""
    from invenio_db import db

    from invenio_multipart.records import models

    with app.app_context():
        for table in (models.Part, models.Job, models.Batch, models.Upload):
            table.query.delete()
        db.session.commit()


SMALL = {"a.txt": b"alpha", "b/c.bin": b"c" * 1000}


def overdue(app: Any, draft: Draft, key: str = "a.bin", size: int = 1000) -> Any:
    """An upload whose deadline is over; its row, detached."""
    draft.begin(key, size)
    upload = next(one for one in uploads_of(draft) if one.key == key)
    change(app, "Upload", upload.id, expires_at=timedelta(seconds=-1))
    return upload


def test_a_removal_is_written_down(
    app: Any, draft: Draft, caplog: pytest.LogCaptureFixture
) -> None:
    """An expired upload leaves one row of audit and one line of JSON in the log."""
    upload = overdue(app, draft)
    with caplog.at_level(logging.INFO, logger=app.logger.name):
        assert reap(app).done["expired"] == 1
    (found,) = audited(app, upload.id)
    assert (found.what, found.key, found.size) == ("upload", "a.bin", 1000)
    assert (found.uri, found.record_id) == (upload.uri, upload.record_id)
    assert found.reason == "deadline"
    assert found.removed_by.startswith("reaper@")
    lines = [r.getMessage() for r in caplog.records if r.name == app.logger.name]
    (line,) = [line for line in lines if line.startswith("multipart.removed ")]
    said = json.loads(line.partition(" ")[2])
    assert list(said) == [
        "what",
        "subject",
        "key",
        "record_id",
        "uri",
        "size",
        "removed_on",
        "removed_by",
        "reason",
    ]
    assert said["subject"] == str(upload.id)
    (line,) = [line for line in lines if line.startswith("multipart.reaped ")]
    assert json.loads(line.partition(" ")[2])["expired"] == 1
    assert reap(app).done["expired"] == 0
    assert len(audited(app, upload.id)) == 1


def test_one_that_fails_does_not_stop_the_others(app: Any, s3_draft: Draft) -> None:
    """An upload that cannot be ended is counted, and those behind it are ended."""
    first = overdue(app, s3_draft, "first")
    second = overdue(app, s3_draft, "second")
    # A service without files: the entry cannot be looked for.
    change(app, "Upload", first.id, service_id="vocabularies")
    report = reap(app)
    assert (report.done["expired"], report.failed) == (1, 1)
    assert audited(app, first.id) == []
    assert audited(app, second.id)
    change(app, "Upload", first.id, service_id=second.service_id)
    assert reap(app).done["expired"] == 1


def test_a_batch_whose_purge_job_is_lost(
    app: Any, api: Api, draft: Draft, storage: str
) -> None:
    """Its deadline ends it all the same: lock, quota, objects and entries are gone."""
    batch = open_with(draft, SMALL)
    pass_deadline(batch)
    drop_jobs(app, batch.id)
    assert reap(app).done["batches_expired"] == 1
    found = row(batch)
    assert found.state == "expired"
    assert found.purged_on is not None
    assert bucket_size(draft) == 0
    if storage == "s3":
        assert objects(batch) == []
    (removal,) = audited(app, batch.id)
    assert (removal.what, removal.uri) == ("batch", found.prefix)
    assert open_batch(draft, ["again"]).json["id"] != batch.json["id"]


def test_a_purge_that_gave_up(app: Any, draft: Draft) -> None:
    """It gets another job, and not another one every time somebody looks."""
    batch = open_with(draft, SMALL)
    pass_deadline(batch)
    change(app, "Batch", batch.id, state="expired", updated=timedelta(hours=-2))
    change(app, "Job", row(batch).purge_job_id, status="FAILURE")
    change(app, "Upload", None, batch_id=batch.id, state="expired", reserved=False)
    first = row(batch).purge_job_id
    assert reap(app).done["batches_purging"] == 1
    assert row(batch).purge_job_id != first
    assert row(batch).purged_on is not None
    assert reap(app).done["batches_purging"] == 0


def test_a_purge_that_just_failed_rests(app: Any, draft: Draft) -> None:
    """What is out of order gets an hour to be mended."""
    batch = open_with(draft, SMALL)
    pass_deadline(batch)
    change(app, "Batch", batch.id, state="expired", updated=timedelta(minutes=-50))
    change(app, "Job", row(batch).purge_job_id, status="FAILURE")
    assert reap(app).done["batches_purging"] == 0
    change(app, "Batch", batch.id, updated=timedelta(minutes=-61))
    assert reap(app).done["batches_purging"] == 1


def test_a_transient_record_whose_job_gave_up(app: Any, s3_draft: Draft) -> None:
    """What was to live for a while only is deleted, if late."""
    batch = open_with(s3_draft, SMALL, expires_in="in 2 days")
    assert batch.complete(publish=True)["status"] == "SUCCESS"
    past = timedelta(hours=-2)
    change(app, "Batch", batch.id, expires_at=past, updated=past)
    change(app, "Job", row(batch).expires_job_id, status="FAILURE")
    assert reap(app).done["records_expiring"] == 1
    assert row(batch).purged_on is not None
    assert s3_draft.api.get(f"/records/{s3_draft.id}").status == 410
    (removal,) = audited(app, batch.id)
    assert (removal.what, removal.reason) == ("record", "transient")


def stuck(app: Any, draft: Draft) -> Open:
    """A batch that says it is being completed, and nobody does."""
    batch = open_with(draft, SMALL)
    job_id = uuid.uuid4()
    change(app, "Batch", batch.id, state="completing", complete_job_id=job_id)
    return batch


def test_a_completion_that_nobody_does(app: Any, draft: Draft) -> None:
    """The batch is open again, says why, and can be completed."""
    batch = stuck(app, draft)
    assert reap(app).done["batches_reopened"] == 1
    found = row(batch)
    assert (found.state, found.error_code) == ("uploading", "worker_lost")
    assert batch.complete()["status"] == "SUCCESS"
    assert draft.content("a.txt") == SMALL["a.txt"]


def test_such_a_completion_past_its_deadline(app: Any, draft: Draft) -> None:
    """It is ended in one run, not opened again."""
    batch = stuck(app, draft)
    pass_deadline(batch)
    done = reap(app).done
    assert (done["batches_expired"], done["batches_reopened"]) == (1, 0)
    assert row(batch).state == "expired"
    assert bucket_size(draft) == 0


def test_a_completion_under_way_is_left_alone(app: Any, draft: Draft) -> None:
    """Its job waits or runs: neither deadline nor reaper end the batch."""
    batch = stuck(app, draft)
    pass_deadline(batch)
    with app.app_context():
        from invenio_db import db

        from invenio_multipart.records import jobs
        from invenio_multipart.records.models import utc_now

        later = utc_now() + timedelta(hours=1)
        job = jobs.create("complete_batch", batch_id=batch.id, due_at=later)
        db.session.commit()
        job_id = job.id
    change(app, "Batch", batch.id, complete_job_id=job_id)
    reap(app)
    assert row(batch).state == "completing"
    change(app, "Job", job_id, status="REVOKED")
    assert reap(app).done["batches_expired"] == 1


class Died(BaseException):
    """Nobody catches it: as if the process had been killed."""


def killed_commit(
    app: Any, draft: Draft, monkeypatch: pytest.MonkeyPatch, checksum: str
) -> Any:
    """An upload whose process died once the parts were proved; its row."""
    from invenio_multipart.services.uploads import commit

    data = b"x" * 2000
    begun = draft.begin("a.bin", len(data), transfer={"parts": 1})
    draft.send_ok(begun["links"]["parts"][0], data)

    def die(*_: Any) -> None:
        raise Died

    with monkeypatch.context() as patch:
        patch.setattr(commit, "_complete", die)
        with pytest.raises(Died):
            draft.commit("a.bin", checksum)
    (upload,) = uploads_of(draft)
    assert upload.state == "committing"
    return upload


def test_a_commit_that_died(
    app: Any, draft: Draft, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reaper has it done; the client's own repetition then finds it done."""
    data = b"x" * 2000
    upload = killed_commit(app, draft, monkeypatch, md5(data))
    assert reap(app).done["committing"] == 0, "it is not late yet"
    make_old(app, upload.id)
    assert reap(app).done["committing"] == 1
    assert draft.status("a.bin")["state"] == "completed"
    assert draft.content("a.bin") == data
    assert bucket_size(draft) == len(data)
    assert draft.commit("a.bin").status == 200
    assert draft.publish().status == 202


def test_a_commit_that_died_on_wrong_bytes(
    app: Any, draft: Draft, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The digest that the client had declared still counts."""
    upload = killed_commit(app, draft, monkeypatch, md5(b"other bytes"))
    make_old(app, upload.id)
    assert reap(app).done["committing"] == 1
    status = draft.status("a.bin")
    assert status["state"] == "failed"
    assert "MD5" in status["error_message"] or "md5" in status["error_message"]


def test_a_dry_run_changes_nothing_and_tells_all(
    app: Any, api: Api, s3: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows and objects are as before; the run that follows does just that."""
    drafts = [api.new_draft() for _ in range(7)]
    expired = overdue(app, drafts[0])
    with held_tasks(app):
        drafts[1].begin("big", 10, transfer={"parts": 1})
    purging = overdue(app, drafts[1], "ended")
    change(app, "Upload", purging.id, state="aborted", expires_at=timedelta(days=1))
    make_old(app, purging.id)
    batch = open_with(drafts[2], SMALL)
    pass_deadline(batch)
    drop_jobs(app, batch.id)
    reopened = stuck(app, drafts[3])
    committing = killed_commit(app, drafts[4], monkeypatch, md5(b"x" * 2000))
    make_old(app, committing.id)
    drafts[5].begin("reserving", 500)
    (reserving,) = uploads_of(drafts[5])
    change(app, "Bucket", reserving.bucket_id, size=7)
    wanted = {
        ("expire", str(expired.id)),
        ("purge", str(purging.id)),
        ("expire", str(batch.id)),
        ("reopen", str(reopened.id)),
        ("commit", str(committing.id)),
        ("correct", str(reserving.bucket_id)),
    }
    before = snapshot(app)
    told = {(found.does, found.id) for found in preview(app)}
    assert wanted <= told
    assert snapshot(app) == before
    done = reap(app).done
    counts = Counter(does for does, _ in told)
    assert done["expired"] + done["batches_expired"] == counts["expire"]
    assert done["purging"] + done["batches_purging"] == counts["purge"]
    assert done["batches_reopened"] == counts["reopen"]
    assert done["committing"] == counts["commit"]
    assert done["quotas"] == counts["correct"]
    assert not {one for one in wanted if one in {(f.does, f.id) for f in preview(app)}}


def test_quota_that_drifted(app: Any, draft: Draft) -> None:
    """A bucket with reservations gets the size of its files and reservations."""
    draft.upload("done", [b"d" * 300])
    draft.begin("pending", 500)
    bucket_id = uploads_of(draft)[0].bucket_id
    assert bucket_size(draft) == 800
    assert reap(app).done["quotas"] == 0
    for wrong in (0, 12345):
        change(app, "Bucket", bucket_id, size=wrong)
        assert reap(app).done["quotas"] == 1
        assert bucket_size(draft) == 800


def test_buckets_of_others_are_not_judged(app: Any, draft: Draft) -> None:
    """Without a reservation of ours a bucket's size is not looked at."""
    draft.upload("done", [b"d" * 300])
    change(app, "Bucket", uploads_of(draft)[0].bucket_id, size=12345)
    assert reap(app).done["quotas"] == 0
    assert bucket_size(draft) == 12345


def test_many_reapers_at_once(app: Any, api: Api, s3: str) -> None:
    """Each thing is done once, whoever comes first, and written down once."""
    with held_tasks(app):
        draft = api.new_draft()
        uploads = [overdue(app, draft, f"{number}.bin", 10) for number in range(12)]
        batches = [open_with(api.new_draft(), SMALL) for _ in range(4)]
        for batch in batches:
            pass_deadline(batch)
            drop_jobs(app, batch.id)
    barrier = threading.Barrier(4)

    def one(_: int) -> Any:
        barrier.wait()
        return reap(app)

    with ThreadPoolExecutor(4) as pool:
        reports = list(pool.map(one, range(4)))
    assert sum(report.failed for report in reports) == 0
    for upload in uploads:
        assert len(audited(app, upload.id)) == 1
    for batch in batches:
        assert len(audited(app, batch.id)) == 1
        assert row(batch).state == "expired"
    reap(app)
    assert left_in_s3(app, uploads_of(draft)) == []
    assert bucket_size(draft) == 0


def test_what_is_in_use_is_passed_by(app: Any, api: Api, s3: str) -> None:
    """A row that somebody holds is not waited for; the others are done meanwhile, and
    that one by the next run."""
    from invenio_db import db

    from invenio_multipart.records.models import Batch, Upload

    draft = api.new_draft()
    held, other = (overdue(app, draft, key, 10) for key in ("held", "other"))
    batch = open_with(api.new_draft(), SMALL)
    pass_deadline(batch)
    drop_jobs(app, batch.id)
    with ThreadPoolExecutor(1) as pool, app.app_context():
        with db.engine.begin() as connection:
            for table, id_ in ((Upload, held.id), (Batch, batch.id)):
                row_of = db.select(table.__table__.c.id).where(table.id == id_)
                connection.execute(row_of.with_for_update())
            # Far less than it would be for, if it waited.
            report = pool.submit(reap, app).result(timeout=60)
        assert (report.done["expired"], report.done["batches_expired"]) == (1, 0)
        assert audited(app, other.id)
    done = reap(app).done
    assert (done["expired"], done["batches_expired"]) == (1, 1)


def test_the_audit_is_kept_for_a_time(app: Any, draft: Draft) -> None:
    """Rows older than MULTIPART_AUDIT_DAYS are dropped; 0 keeps them for ever."""
    upload = overdue(app, draft)
    reap(app)
    change(app, "Removal", None, subject=str(upload.id), removed_on=timedelta(days=-91))
    with setting(app, MULTIPART_AUDIT_DAYS=0):
        reap(app)
    assert len(audited(app, upload.id)) == 1
    assert ("audit", "forget") in {(one.what, one.does) for one in preview(app)}
    assert reap(app).done["forgotten"] == 1
    assert audited(app, upload.id) == []


def test_jobs_are_kept_for_a_time(app: Any, draft: Draft) -> None:
    """Those that ended longer ago are deleted; 0 keeps them for ever."""
    batch = open_with(draft, SMALL)
    assert batch.complete()["status"] == "SUCCESS"
    status = batch.status()
    revoked = status["purge_job_id"]
    waiting = open_with(draft.api.new_draft(), SMALL)
    for job_id in (revoked, status["job_id"]):
        change(app, "Job", uuid.UUID(job_id), date_done=timedelta(days=-91))
    with setting(app, MULTIPART_JOBS_KEEP_SECONDS=0):
        assert reap(app).done["jobs_forgotten"] == 0
    with setting(app, MULTIPART_JOBS_KEEP_SECONDS=92 * 24 * 3600):
        assert reap(app).done["jobs_forgotten"] == 0
    told = [(one.id, one.does) for one in preview(app) if one.what == "jobs"]
    assert told == [("1 rows", "forget")]
    path = "/uploads/jobs/{}".format
    assert draft.api.get(path(revoked)).json["status"] == "REVOKED"
    assert reap(app).done["jobs_forgotten"] == 1
    assert draft.api.get(path(revoked)).status == 404
    # What has completed the batch stays, and is told to whoever repeats it.
    assert batch.status() == {**status, "purge_job_id": None}
    assert draft.api.get(path(status["job_id"])).json["status"] == "SUCCESS"
    url = batch.json["completion_url"]
    assert draft.api.call("PUT", url).json["job_id"] == status["job_id"]
    left = waiting.status()["purge_job_id"]
    assert draft.api.get(path(left)).json["status"] == "PENDING"


def test_large_uploads_past_their_deadline(app: Any, s3_draft: Draft) -> None:
    """Parts that were sent are gone from the store, too."""
    begun = s3_draft.begin("big.bin", 2 * PART, transfer={"parts": 2})
    s3_draft.send_ok(begun["links"]["parts"][0], b"p" * PART)
    (upload,) = uploads_of(s3_draft)
    assert left_in_s3(app, [upload]) != []
    change(app, "Upload", upload.id, expires_at=timedelta(seconds=-1))
    reap(app)
    assert left_in_s3(app, [upload]) == []
