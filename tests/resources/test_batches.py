# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The wire contract of batches: what replies hold."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from ..backdoor import bucket_size, setting, uploads_of
from ..batching import (
    Open,
    announce,
    entries,
    nothing_left,
    open_batch,
    put,
    refused,
)
from ..driver import RECORD, Api, Draft, md5

TIB = 2**40

STATUS = {
    *("id", "record_id", "mode", "state", "created", "complete_before"),
    *("completed_on", "purged_on", "expires_in", "error_on", "error_code"),
    *("error_message", "files", "size", "states", "lock", "job_id", "job_url"),
    *("purge_job_id", "expires_job_id"),
}


def test_announcement(api: Api, draft: Draft) -> None:
    """An announcement answers with everything a script needs, in UTC."""
    before = datetime.now(timezone.utc).replace(microsecond=0)
    reply = announce(
        api,
        f"{draft.path}/uploads",
        ["a.txt", {"key": "d/b.h5", "size": 1, "checksum": md5(b"b"), "metadata": {}}],
        expires_in="in 2 days",
    )
    assert reply.status == 201, reply.json
    assert reply.headers["Cache-Control"] == "no-store"
    batch = reply.json
    assert set(batch) == {
        *("id", "record_id", "version", "revision_id", "mode", "state"),
        *("presigned_urls", "headers", "sts", "links", "complete_before", "self"),
        *("completion_url", "abort_url", "files_url", "links_url", "script_url"),
        *("purge_job_id", "expires_in", "expires_job_id"),
    }
    assert batch["record_id"] == draft.id
    assert batch["version"] == "1"
    assert batch["revision_id"] == api.get(draft.path).json["revision_id"]
    assert (batch["mode"], batch["state"]) == ("s3-presigned-url", "uploading")
    assert (batch["sts"], batch["links"]) == (None, {})
    assert set(batch["presigned_urls"]) == {"a.txt", "d/b.h5"}
    due = datetime.fromisoformat(batch["complete_before"])
    assert timedelta(minutes=9, seconds=59) <= due - before <= timedelta(minutes=11)
    assert due.utcoffset() == timedelta(0)
    ends = datetime.fromisoformat(batch["expires_in"])
    assert timedelta(days=1, hours=23) < ends - before <= timedelta(days=2, minutes=1)
    for name in ("self", "completion_url", "abort_url", "files_url"):
        assert batch[name].startswith(f"http://localhost/api/uploads/{batch['id']}")
        assert "X-Upload-Credential=" in batch[name]
    for name in ("purge_job_id", "expires_job_id"):
        job = api.get(f"/uploads/jobs/{batch[name]}")
        assert (job.status, job.json["status"]) == (200, "PENDING")


def test_no_account_is_needed(anonymous: Api, draft: Draft) -> None:
    """Every URL of the reply works for who has nothing else."""
    batch = open_batch(draft, [{"key": "a", "size": 1}])
    assert anonymous.get(batch.json["self"]).status == 200
    assert anonymous.get(batch.json["files_url"]).status == 200
    batch.send_ok("a", b"x")
    done = anonymous.call("PUT", batch.json["completion_url"])
    assert done.status == 202
    assert set(done.json) == {"status", "job_url", "job_id"}
    assert done.json["status"] == "accepted"
    assert batch.job(done)["status"] == "SUCCESS"


def test_status(api: Api, draft: Draft) -> None:
    """A batch tells its state, what it holds, its times, its lock and its jobs."""
    batch = open_batch(draft, [{"key": "a", "size": 3}, {"key": "b", "size": 4}])
    status = batch.status()
    assert set(status) == STATUS
    assert (status["files"], status["size"]) == (2, 7)
    assert status["state"] == "uploading"
    assert status["lock"] == {"stage": "uploading", "batch": str(batch.id)}
    assert status["purged_on"] is status["completed_on"] is status["job_id"] is None
    assert batch.abort().json["state"] == "aborted"
    status = batch.status()
    assert (status["state"], status["lock"]) == ("aborted", None)
    assert status["purged_on"] is not None
    assert status["states"] == {"aborted": 2}


def test_mine(app: Any, api: Api, other: Api, draft: Draft) -> None:
    """Batches of mine come in pages, the newest first, by state; others' do not."""
    ids = []
    for _ in range(3):
        batch = open_batch(draft, ["x"])
        ids.insert(0, str(batch.id))
        assert batch.abort().status == 200
    alive = open_batch(draft, ["x"])
    ids.insert(0, str(alive.id))
    page = api.get("/uploads?size=2").json
    assert [hit["id"] for hit in page["hits"]["hits"]] == ids[:2]
    assert set(page["hits"]["hits"][0]) == STATUS
    second = api.get("/uploads?size=2&page=2").json
    assert [hit["id"] for hit in second["hits"]["hits"]] == ids[2:]
    assert page["hits"]["total"] >= 4
    found = api.get("/uploads?state=uploading&size=100").json["hits"]["hits"]
    assert ids[0] in {hit["id"] for hit in found}
    assert {hit["state"] for hit in found} == {"uploading"}
    theirs = other.get("/uploads?size=100").json["hits"]["hits"]
    assert not {hit["id"] for hit in theirs} & set(ids)


def test_odd_but_safe_keys(anonymous: Api, draft: Draft) -> None:
    """Keys may hold directories, blanks and any script, up to 255 characters."""
    keys = [
        *(
            "a/b/c.nc",
            "a b+c%20&?#=.txt",
            "ümlaut/日本/🙂",
            "k" * 255,
            "x;y='\"<>",
            "~",
        ),
        *("content/1/a", "files", "..a", "a..", ".hidden/.b", "c:\\d", "a%2Fb", "{}"),
    ]
    batch = open_batch(draft, keys)
    for number, key in enumerate(keys):
        batch.send_ok(key, b"%d" % number)
    assert batch.complete()["status"] == "SUCCESS"
    assert set(entries(draft)) == set(keys)
    for number, key in enumerate(keys):
        assert draft.content(key) == b"%d" % number, key


def test_key_of_a_pending_upload(api: Api, draft: Draft) -> None:
    """An upload that was begun alone makes way, and its quota is given back."""
    draft.begin("a", 100)
    draft.begin("kept", 7)
    batch = open_batch(draft, [{"key": "a", "size": 3}])
    assert bucket_size(draft) == 10
    begun = [u for u in uploads_of(draft) if u.is_open]
    assert {(u.key, u.batch_id is None) for u in begun} == {
        ("a", False),
        ("kept", True),
    }
    batch.send_ok("a", b"abc")
    assert batch.complete()["status"] == "SUCCESS"
    assert draft.content("a") == b"abc"
    assert bucket_size(draft) == 10


def test_key_of_a_deleted_file(api: Api, draft: Draft) -> None:
    """A key is free again after its file was deleted, alone or with all others."""
    for delete_all in (False, True):
        assert draft.upload("a", [b"first"]).status == 200
        path = f"{draft.path}/files" + ("" if delete_all else "/a")
        assert api.call("DELETE", path).status == 204
        batch = open_batch(draft, [{"key": "a", "size": 6}])
        batch.send_ok("a", b"second")
        assert batch.complete()["status"] == "SUCCESS"
        assert draft.content("a") == b"second"
        assert draft.delete("a").status == 204
    assert bucket_size(draft) == 0


def test_forms_of_times(api: Api, local_draft: Draft) -> None:
    """Relative times, dates, and times with and without a zone are understood."""
    now = datetime.now(timezone.utc)
    noon = (now + timedelta(days=2)).replace(hour=12, minute=0, second=0, microsecond=0)
    forms = {
        f"{noon:%Y-%m-%dT%H:%M:%S}": noon,
        f"{noon:%Y-%m-%dT%H:%M:%SZ}": noon,
        f"{noon:%Y-%m-%dT%H:%M}+02:00": noon - timedelta(hours=2),
        f"{noon:%Y-%m-%d}": noon + timedelta(hours=12),
    }
    for text, moment in forms.items():
        path = f"{local_draft.path}/uploads"
        reply = announce(api, path, ["a"], completed_by=text)
        assert reply.status == 201, reply.json
        assert datetime.fromisoformat(reply.json["complete_before"]) == moment
        assert Open(api, reply.json).abort().status == 200
    reply = api.call("POST", f"{local_draft.path}/uploads", json={"files": ["a"]})
    default = datetime.fromisoformat(reply.json["complete_before"]) - now
    assert timedelta(hours=23) < default < timedelta(hours=25)
    assert reply.json["expires_in"] is reply.json["expires_job_id"] is None


@pytest.mark.parametrize("path", ["draft", "new"])
def test_no_credentials_on_this_site(api: Api, draft: Draft, path: str) -> None:
    """Without STS that mode is refused, and nothing is left behind."""
    before = count_drafts(api)
    url = f"{draft.path}/uploads" if path == "draft" else "/uploads"
    reply = announce(api, url, ["a"], mode="sts-credentials")
    refused(reply, 400, "sts_unavailable", None)
    assert count_drafts(api) == before
    nothing_left(draft)


def count_drafts(api: Api) -> int:
    """How many drafts the database has, deleted ones too."""
    from invenio_rdm_records.proxies import current_rdm_records_service as service

    with api.app.app_context():
        return int(service.draft_cls.model_cls.query.count())


def test_credentials_that_the_store_does_not_give(
    app: Any, api: Api, s3_draft: Draft
) -> None:
    """When STS cannot be reached the batch is taken back, and the draft is free."""
    with setting(app, MULTIPART_STS_ENDPOINT_URL="http://127.0.0.1:9"):
        reply = announce(api, f"{s3_draft.path}/uploads", ["a"], mode="sts-credentials")
    assert reply.status == 503, reply.json
    nothing_left(s3_draft)


def test_locked(api: Api, local_draft: Draft) -> None:
    """A second announcement is told who has the lock, since when and until when."""
    batch = open_batch(local_draft, ["a"])
    reply = announce(api, f"{local_draft.path}/uploads", ["b"])
    refused(reply, 423, "locked", None)
    assert reply.json["lock"] == {
        "stage": "uploading",
        "batch": str(batch.id),
        "since": batch.status()["created"],
        "until": batch.json["complete_before"],
    }


def test_new_record(api: Api, storage: str) -> None:
    """A draft is made of the given metadata, and the batch is for it."""
    reply = announce(api, "/uploads", ["a"], record={"metadata": RECORD["metadata"]})
    assert reply.status == 201, reply.json
    assert reply.json["errors"] == []
    draft = Draft(api, reply.json["record_id"])
    found = api.get(draft.path).json
    assert found["metadata"]["title"] == "Measurements"
    assert found["revision_id"] == reply.json["revision_id"]
    batch = Open(api, reply.json)
    batch.send_ok("a", b"content")
    assert batch.complete(publish=True)["result"]["published"] is True
    assert api.get(f"/records/{draft.id}").json["files"]["count"] == 1


def test_new_version(api: Api, draft: Draft) -> None:
    """A batch for a record is for the draft of its next version."""
    assert draft.upload("a", [b"first"]).status == 200
    assert draft.publish().status == 202
    reply = announce(api, f"/records/{draft.id}/uploads", ["b"])
    assert reply.status == 201, reply.json
    assert reply.json["version"] == "2"
    assert reply.json["record_id"] != draft.id
    again = announce(api, f"/records/{draft.id}/uploads", ["c"])
    refused(again, 423, "locked", None)
    assert Open(api, reply.json).abort().status == 200


def test_content_is_for_local_storage(anonymous: Api, s3_draft: Draft) -> None:
    """On S3 no bytes go through the server."""
    batch = open_batch(s3_draft, ["a"])
    url = f"/uploads/{batch.id}/content/1/a?X-Upload-Credential="
    reply = anonymous.call("PUT", url + batch.grant("files_url"), data=b"x")
    refused(reply, 400, "not_allowed_here", None)


def test_page_of_files(draft: Draft) -> None:
    """Files come in pages by key, with URLs for those that are missing only."""
    files = [{"key": f"{n:02}", "size": 1} for n in range(7)]
    batch = open_batch(draft, files)
    for key in ("01", "03"):
        batch.send_ok(key, b"x")
    first = batch.files("&size=4")
    assert set(first) == {"files", "presigned_urls", "headers", "links", "next"}
    assert [entry["key"] for entry in first["files"]] == ["00", "01", "02", "03"]
    assert set(first["files"][0]) == {
        *("key", "size", "checksum", "state", "uploaded", "uploaded_bytes"),
        "error_message",
    }
    assert [entry["uploaded"] for entry in first["files"]] == [False, True, False, True]
    assert set(first["presigned_urls"]) == {"00", "02"}
    assert first["next"] == "03"
    rest = batch.files("&size=4&after=03")
    assert [entry["key"] for entry in rest["files"]] == ["04", "05", "06"]
    assert rest["next"] is None
    everything = {**first, "presigned_urls": {}}
    for page in (first, rest):
        everything["presigned_urls"] |= page["presigned_urls"]
    for key, url in everything["presigned_urls"].items():
        headers = {**first["headers"], **rest["headers"]}.get(key, {})
        assert put(batch.anonymous, url, b"y", headers) == 200
    assert batch.complete()["status"] == "SUCCESS"


def test_reply_is_json(api: Api, draft: Draft) -> None:
    """A reply is read by any JSON parser, whatever is in the keys."""
    client = api.app.test_client()
    raw = client.post(
        f"{draft.path}/uploads",
        json={"files": ['"\\</script>', "\u2028"]},
        headers={"Authorization": f"Bearer {api._token}"},
    )
    assert raw.status_code == 201
    assert raw.mimetype == "application/json"
    assert set(json.loads(raw.data)["presigned_urls"]) == {'"\\</script>', "\u2028"}
