# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Batches and the lives of their drafts: ends, dead locks, versions."""

from __future__ import annotations

from typing import Any

import pytest

from ..backdoor import bucket_size, uploads_of
from ..batching import (
    Open,
    announce,
    brought,
    entries,
    objects,
    open_batch,
    open_with,
    pass_deadline,
    row,
    run_jobs,
)
from ..driver import RECORD, Api, Draft


def ended(batch: Open, draft: Draft, state: str) -> None:
    """The batch ended so, and holds nothing anywhere."""
    status = batch.status()
    assert (status["state"], status["lock"]) == (state, None)
    assert status["purged_on"] is not None
    assert {u.state for u in uploads_of(draft) if u.batch_id == batch.id} == {state}
    assert bucket_size(draft) == 0
    assert entries(draft) == {}


def provisioned(api: Api, key: str = "a") -> tuple[Draft, Open]:
    """A batch whose draft was made for it."""
    record = {"metadata": RECORD["metadata"]}
    reply = announce(api, "/uploads", [{"key": key, "size": 1}], record=record)
    assert reply.status == 201, reply.json
    return Draft(api, reply.json["record_id"]), Open(api, reply.json)


def end(batch: Open, how: str) -> None:
    """Abort it, or let it expire."""
    if how == "abort":
        assert batch.abort().status == 200
    else:
        pass_deadline(batch)
        (job,) = run_jobs(batch, "purge_batch")
        assert job["status"] == "SUCCESS", job


@pytest.mark.parametrize("how", ["abort", "expire"])
def test_end_without_files(draft: Draft, how: str, storage: str) -> None:
    """An aborted or expired batch leaves no rows, no quota and no objects."""
    files = [{"key": "large", "size": 40 * 2**20}, {"key": "a", "size": 3}, "b"]
    batch = open_batch(draft, files)
    batch.send_ok("a", b"abc")
    end(batch, how)
    ended(batch, draft, "aborted" if how == "abort" else "expired")
    if storage == "s3":
        assert objects(batch) == []
    assert announce(draft.api, f"{draft.path}/uploads", ["a"]).status == 201


def test_abort_twice(api: Api, local_draft: Draft) -> None:
    """An abort may be repeated by who has the right."""
    batch = open_batch(local_draft, ["a"])
    for _ in range(2):
        reply = api.call("PUT", f"/uploads/{batch.id}/abort")
        assert (reply.status, reply.json["state"]) == (200, "aborted")


def test_too_early(local_draft: Draft) -> None:
    """The job of the deadline waits for it."""
    batch = open_batch(local_draft, ["a"])
    (job,) = run_jobs(batch, "purge_batch")
    assert job["status"] == "PENDING"
    assert batch.status()["state"] == "uploading"


@pytest.mark.parametrize("how", ["abort", "expire"])
def test_provisioned_draft_goes(api: Api, storage: str, how: str) -> None:
    """A draft that was made for a batch goes with it."""
    draft, batch = provisioned(api)
    end(batch, how)
    assert api.get(draft.path).status in (404, 410)
    assert batch.status()["state"] in ("aborted", "expired")


def test_provisioned_draft_that_is_in_no_index_goes(api: Api, local: str) -> None:
    """So does one whose maker was cut off before it came into the index."""
    from invenio_rdm_records.proxies import current_rdm_records_service as service

    draft, batch = provisioned(api)
    with api.app.app_context():
        service.draft_indexer.delete_by_id(row(batch).record_id)
    end(batch, "expire")
    assert api.get(draft.path).status in (404, 410)


@pytest.mark.parametrize("how", ["abort", "expire"])
@pytest.mark.parametrize("use", ["edit", "file", "media", "review"])
def test_provisioned_draft_in_use_stays(
    api: Api, local: str, how: str, use: str
) -> None:
    """A draft that somebody has used outlives the batch it was made for."""
    draft, batch = provisioned(api)
    if use == "edit":
        assert api.call("PUT", draft.path, json=RECORD).status == 200
    elif use == "file":
        assert draft.upload("mine", [b"x"]).status == 200
    elif use == "media":
        body = {**RECORD, "media_files": {"enabled": True}}
        assert api.call("PUT", draft.path, json=body).status == 200
    else:
        community = a_community(api)
        receiver = {
            "receiver": {"community": community},
            "type": "community-submission",
        }
        reply = api.call("PUT", f"{draft.path}/review", json=receiver)
        assert reply.status == 200, reply.json
    end(batch, how)
    assert api.get(draft.path).status == 200


def a_community(api: Api) -> str:
    """A new community of the caller."""
    import uuid

    slug = f"c{uuid.uuid4().hex[:10]}"
    body = {
        "access": {"visibility": "public"},
        "slug": slug,
        "metadata": {"title": slug},
    }
    reply = api.call("POST", "/communities", json=body)
    assert reply.status == 201, reply.json
    return str(reply.json["id"])


def test_draft_of_a_community(api: Api, draft: Draft) -> None:
    """A draft that is meant for a community takes batches as any other."""
    community = a_community(api)
    receiver = {"receiver": {"community": community}, "type": "community-submission"}
    assert api.call("PUT", f"{draft.path}/review", json=receiver).status == 200
    batch = open_with(draft, {"a": b"x"})
    refused = api.call(
        "POST", f"{draft.path}/actions/submit-review", json={"payload": {}}
    )
    job = batch.complete(publish=True)
    # InvenioRDM publishes it by the review only.
    assert (job["status"], job["error"]["code"]) == ("FAILURE", "not_publishable")
    assert batch.complete()["status"] == "SUCCESS"
    assert draft.content("a") == b"x"
    assert refused.status in (202, 400), refused.json


def test_dead_lock_is_taken_over(api: Api, draft: Draft) -> None:
    """A batch past its deadline does not lock, even if no reaper has come by."""
    dead = open_with(draft, {"a": b"old", "c": b"old"})
    pass_deadline(dead)
    batch = open_batch(draft, [{"key": "a", "size": 3}, {"key": "b", "size": 2}])
    assert dead.status()["state"] == "expired"
    assert bucket_size(draft) == 5
    assert set(entries(draft)) == {"a", "b"}
    batch.send_ok("a", b"new")
    batch.send_ok("b", b"nw")
    assert batch.complete()["status"] == "SUCCESS"
    assert draft.content("a") == b"new"


def test_dead_lock_of_a_provisioned_draft(api: Api, storage: str) -> None:
    """Whoever takes over a dead batch's draft keeps it."""
    draft, dead = provisioned(api)
    pass_deadline(dead)
    batch = open_batch(draft, [{"key": "a", "size": 3}])
    batch.send_ok("a", b"new")
    assert batch.complete()["status"] == "SUCCESS"
    assert draft.content("a") == b"new"


def test_dead_lock_of_a_new_version(api: Api, draft: Draft) -> None:
    """The next announcement for a record takes its draft from a dead batch."""
    brought(draft, {"a": b"x"}, publish=True)
    path = f"/records/{draft.id}/uploads"
    dead = Open(api, announce(api, path, ["b"]).json)
    assert announce(api, path, ["b"]).status == 423
    pass_deadline(dead)
    reply = announce(api, path, [{"key": "b", "size": 1}])
    assert reply.status == 201, reply.json
    assert reply.json["record_id"] == dead.json["record_id"]
    batch = Open(api, reply.json)
    batch.send_ok("b", b"y")
    assert batch.complete()["status"] == "SUCCESS"


@pytest.mark.parametrize("how", ["abort", "expire"])
def test_new_version_goes_with_its_batch(api: Api, draft: Draft, how: str) -> None:
    """A next version that was made for a batch goes with it; the record stays."""
    brought(draft, {"a": b"x"}, publish=True)
    path = f"/records/{draft.id}/uploads"
    batch = Open(api, announce(api, path, ["b"]).json)
    version = batch.json["record_id"]
    end(batch, how)
    assert api.get(f"/records/{version}/draft").status in (404, 410)
    assert api.get(f"/records/{draft.id}/files/a").status == 200
    again = announce(api, path, ["b"])
    assert again.status == 201, again.json


def test_draft_is_deleted(api: Api, draft: Draft, storage: str) -> None:
    """A batch ends with its draft, and frees the store."""
    batch = open_with(draft, {"a": b"x"})
    assert api.call("DELETE", draft.path).status == 204
    status = batch.status()
    assert (status["state"], status["purged_on"] is None) == ("aborted", False)
    if storage == "s3":
        assert objects(batch) == []
    refused = batch.try_complete()
    assert (refused.status, refused.json["code"]) == (403, "grant_revoked")


def test_files_are_switched_off(api: Api, draft: Draft) -> None:
    """A batch ends when its draft shall have no files."""
    batch = open_with(draft, {"a": b"x"})
    body = {**RECORD, "files": {"enabled": False}}
    reply = api.call("PUT", draft.path, json=body)
    assert reply.status == 200, reply.json
    assert batch.status()["state"] == "aborted"
    assert bucket_size(draft) == 0


def test_delete_all_files(api: Api, draft: Draft) -> None:
    """Deleting all files of a draft ends its batch; other files' quota is given back."""
    assert draft.upload("mine", [b"12345"]).status == 200
    batch = open_with(draft, {"a": b"x", "b": b"yy"})
    assert bucket_size(draft) == 8
    assert api.call("DELETE", f"{draft.path}/files").status == 204
    ended(batch, draft, "aborted")


def test_publish_while_open(api: Api, draft: Draft) -> None:
    """While a batch is open its draft is not published, and the reply says why."""
    batch = open_with(draft, {"a": b"x"})
    reply = draft.publish()
    assert (reply.status, reply.json["code"]) == (400, "batch_open")
    assert reply.json["batch"] == str(batch.id)
    assert batch.complete()["status"] == "SUCCESS"
    assert draft.publish().status == 202


def test_publish_after_abort(api: Api, local_draft: Draft) -> None:
    """After an abort the draft is free."""
    assert local_draft.upload("mine", [b"1"]).status == 200
    batch = open_with(local_draft, {"a": b"x"})
    assert batch.abort().status == 200
    assert local_draft.publish().status == 202


def test_single_upload_takes_a_key(api: Api, draft: Draft) -> None:
    """A file of an open batch that is begun alone leaves the batch, quota exact."""
    batch = open_with(draft, {"a": b"x", "b": b"yy"})
    draft.begin("a", 5)
    assert bucket_size(draft) == 7
    job = batch.complete()
    assert (job["status"], job["result"]["files"]) == ("SUCCESS", 1)
    assert bucket_size(draft) == 7
    assert entries(draft)["a"]["status"] == "pending"
    assert draft.content("b") == b"yy"


def test_single_files_beside(api: Api, draft: Draft) -> None:
    """Other files may come and go one by one while a batch is open."""
    batch = open_with(draft, {"a": b"x"})
    assert draft.upload("single", [b"12"]).status == 200
    assert batch.complete()["status"] == "SUCCESS"
    assert bucket_size(draft) == 3


def test_operator(app: Any, local_draft: Draft) -> None:
    """Who runs the site can end a batch, and it stays ended."""
    from invenio_multipart.errors import StateConflict
    from invenio_multipart.proxies import current_multipart

    batch = open_with(local_draft, {"a": b"x"})
    with app.app_context():
        current_multipart.batches.close(batch.id)
    ended(batch, local_draft, "aborted")
    done = brought(local_draft, {"a": b"x"})
    with app.app_context(), pytest.raises(StateConflict):
        current_multipart.batches.close(done.id)


def test_the_system_announces(app: Any, local_draft: Draft) -> None:
    """Code of the site may announce and complete as the system."""
    from invenio_access.permissions import system_identity

    from invenio_multipart.proxies import current_multipart

    with app.app_context():
        body = {"files": [{"key": "a", "size": 1}]}
        reply = current_multipart.batches.announce_for_draft(
            system_identity, local_draft.id, body
        )
    batch = Open(local_draft.api, reply)
    batch.send_ok("a", b"x")
    job = batch.complete(publish=True)
    assert job["status"] == "SUCCESS", job
