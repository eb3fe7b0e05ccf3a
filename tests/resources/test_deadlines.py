# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Deadlines are put off: by whom, how far, and what follows them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from invenio_multipart.records.models import Job, Upload, utc_now

from ..backdoor import setting, uploads_of
from ..batching import Open, open_batch, pass_deadline, put, refused, row, run_jobs
from ..driver import PART, Api, Draft, Reply

DAY = timedelta(days=1)


def extend(api: Api, batch: Open, text: Any = "in 2 days") -> Reply:
    """Ask for another deadline of a batch."""
    return api.call("PUT", f"/uploads/{batch.id}", json={"completed_by": text})


def extend_file(draft: Draft, key: str, text: Any = "in 3 days") -> Reply:
    """The same for one file."""
    body = {"expires_at": text}
    return draft.api.call("PUT", draft.file(key, "/upload"), json=body)


def make_due(draft: Draft, moment: datetime) -> None:
    """Give the draft's uploads another deadline behind the service's back."""
    from invenio_db import db

    ids = [upload.id for upload in uploads_of(draft)]
    with draft.api.app.app_context():
        found = Upload.query.filter(Upload.id.in_(ids))
        found.update({"expires_at": moment}, synchronize_session=False)
        db.session.commit()


def about(text: str, ahead: timedelta) -> bool:
    """Whether a moment of a reply is so far ahead, give or take a minute."""
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return abs(moment - datetime.now(timezone.utc) - ahead) < timedelta(minutes=1)


def test_batch_gets_more_time(app: Any, api: Api, draft: Draft) -> None:
    """The batch, its files and its purge job have the new deadline; URLs are new."""
    batch = open_batch(draft, [{"key": "a", "size": 1}, {"key": "b", "size": PART}])
    before = row(batch)
    reply = extend(api, batch)
    assert reply.status == 200, reply.json
    assert about(reply.json["complete_before"], 2 * DAY)
    after = row(batch)
    assert after.complete_before > before.complete_before + DAY
    assert {u.expires_at for u in uploads_of(draft)} == {after.complete_before}
    with app.app_context():
        job = Job.query.filter_by(id=after.purge_job_id).one()
        assert job.due_at == after.complete_before
    names = ("self", "completion_url", "abort_url", "files_url", "script_url")
    for name in names:
        assert reply.json[name] != batch.json[name]
    assert reply.json["links_url"] is None
    assert (
        api.get(f"/uploads/{batch.id}").json["complete_before"]
        == (reply.json["complete_before"])
    )


def test_new_urls_outlive_the_old_deadline(
    anonymous: Api, api: Api, draft: Draft, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the old deadline the old URLs have ended, and the new ones work."""
    batch = open_batch(draft, [{"key": "a", "size": 1}])
    extended = Open(api, {**batch.json, **extend(api, batch).json})
    later = utc_now() + timedelta(minutes=30)
    monkeypatch.setattr(
        "invenio_multipart.services.batches.rights.utc_now", lambda: later
    )
    refused(anonymous.get(batch.json["files_url"]), 401, "grant_expired", None)
    page = extended.files()
    headers = page["headers"].get("a", {})
    assert put(anonymous, page["presigned_urls"]["a"], b"x", headers) == 200
    assert extended.complete()["status"] == "SUCCESS"


def test_purge_waits_for_the_new_deadline(draft: Draft) -> None:
    """What was due at the old deadline leaves the batch alone, and is due at the new."""
    batch = open_batch(draft, [{"key": "a", "size": 1}])
    assert extend(draft.api, batch).status == 200
    with draft.api.app.app_context():
        from invenio_db import db

        # A message of the old deadline, which is on its way already.
        Job.query.filter_by(id=row(batch).purge_job_id).update({"due_at": utc_now()})
        db.session.commit()
    (job,) = run_jobs(batch, "purge_batch")
    assert job["status"] == "PENDING"
    assert batch.status()["state"] == "uploading"
    pass_deadline(batch)
    (job,) = run_jobs(batch, "purge_batch")
    assert job["status"] == "SUCCESS"
    assert batch.status()["state"] == "expired"


def test_only_who_may_upload(
    app: Any, api: Api, other: Api, anonymous: Api, draft: Draft
) -> None:
    """Others are refused, and so is whoever has only the URLs."""
    batch = open_batch(draft, [{"key": "a", "size": 1}])
    refused(extend(other, batch), 403, "access_denied", None)
    for name in ("self", "completion_url", "files_url"):
        url = f"/uploads/{batch.id}?X-Upload-Credential={batch.grant(name)}"
        reply = anonymous.call("PUT", url, json={"completed_by": "in 2 days"})
        refused(reply, 403, "access_denied", None)
    admin = Api(app, app.tokens["admin"])
    assert extend(admin, batch).status == 200


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("in 31 days", "completed_by"),
        ("2020-01-01", "completed_by"),
        ("in 1 second", "completed_by"),
        ("soon", "completed_by"),
        (17, "completed_by"),
        (None, "completed_by"),
    ],
)
def test_impossible_deadlines(draft: Draft, text: Any, field: str) -> None:
    """Too late, past, earlier than it is, or no time at all: nothing changes."""
    batch = open_batch(draft, ["a"])
    before = row(batch).complete_before
    refused(extend(draft.api, batch, text), 400, None, field)
    assert row(batch).complete_before == before


def test_malformed_requests(api: Api, draft: Draft) -> None:
    """A body that is none, or has other members, is a 400."""
    batch = open_batch(draft, ["a"])
    for body in (None, [], {}, {"completed_by": "in 2 days", "more": 1}):
        assert api.call("PUT", f"/uploads/{batch.id}", json=body).status == 400


def test_not_after_the_end_of_a_transient_record(draft: Draft) -> None:
    """The deadline stays before the moment at which the record is deleted."""
    batch = open_batch(draft, ["a"], expires_in="in 1 day")
    refused(extend(draft.api, batch), 400, "invalid_time", "expires_in")
    assert extend(draft.api, batch, "in 2 hours").status == 200


@pytest.mark.parametrize("end", ["abort", "complete", "deadline"])
def test_ended_batches(draft: Draft, end: str) -> None:
    """A batch that is over stays over; one past its deadline ends at the latest now."""
    batch = open_batch(draft, [{"key": "a", "size": 1}])
    ends: dict[str, Callable[[], Any]] = {
        "abort": batch.abort,
        "complete": lambda: (batch.send_ok("a", b"x"), batch.complete()),
        "deadline": lambda: pass_deadline(batch),
    }
    ends[end]()
    refused(extend(draft.api, batch), 409, "state_conflict", None)
    state = {"abort": "aborted", "complete": "completed", "deadline": "expired"}[end]
    assert batch.status()["state"] == state


def test_unknown_batch(api: Api) -> None:
    """There is none to put off."""
    path = "/uploads/00000000-0000-4000-8000-000000000000"
    reply = api.call("PUT", path, json={"completed_by": "in 2 days"})
    refused(reply, 404, "batch_not_found", None)


def test_file_gets_more_time(draft: Draft) -> None:
    """A single upload is put off; the reply is its status."""
    draft.begin("a.bin", PART)
    make_due(draft, utc_now() + timedelta(hours=1))
    assert about(draft.status("a.bin")["expires_at"], timedelta(hours=1))
    reply = extend_file(draft, "a.bin")
    assert reply.status == 200, reply.json
    assert about(reply.json["expires_at"], 3 * DAY)
    assert reply.json == draft.status("a.bin")
    refused(extend_file(draft, "a.bin", "in 1 day"), 400, "invalid_time", "expires_at")


def test_late_file_gets_more_time(draft: Draft) -> None:
    """What no reaper has ended yet is still there, and stays."""
    draft.begin("a.bin", PART)
    make_due(draft, utc_now() - timedelta(hours=1))
    assert extend_file(draft, "a.bin").status == 200
    from invenio_multipart.proxies import current_multipart

    with draft.api.app.app_context():
        current_multipart.reaper.reap()
    assert draft.status("a.bin")["state"] == "uploading"


def test_impossible_deadlines_of_files(app: Any, draft: Draft) -> None:
    """Beyond the site's limit, past, or no time at all."""
    draft.begin("a.bin", PART)
    for text in ("in 8 days", "2020-01-01", "soon", None, 1):
        refused(extend_file(draft, "a.bin", text), 400, None, "expires_at")
    with setting(app, MULTIPART_UPLOAD_LIFETIME=30 * 24 * 3600):
        assert extend_file(draft, "a.bin", "in 29 days").status == 200


def test_files_that_have_no_deadline(draft: Draft, other: Api) -> None:
    """Of a finished file, a batch's file, nobody's file, somebody else's."""
    draft.upload("done.bin", [b"x" * PART])
    refused(extend_file(draft, "done.bin"), 409, "state_conflict", None)
    batch = open_batch(draft, [{"key": "b", "size": 1}])
    refused(extend_file(draft, "b"), 409, "state_conflict", None)
    assert row(batch).complete_before < utc_now() + DAY
    assert extend_file(draft, "none.bin").status == 404
    assert extend_file(draft.as_(other), "b").status == 403
