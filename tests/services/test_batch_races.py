# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Many requests about one batch at once: one outcome, and nothing is left over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from invenio_db import db
from invenio_files_rest.models import Bucket, FileInstance, ObjectVersion

from invenio_multipart.records.models import Batch, Upload

from ..backdoor import bucket_size, set_limits, uploads_of
from ..batching import (
    Open,
    announce,
    brought,
    entries,
    job_ids,
    objects,
    open_batch,
    open_with,
    pass_deadline,
    row,
    run_jobs,
)
from ..driver import Api, Draft
from .test_races import at_once, statuses

CONTENTS = {f"{n}.txt": b"content %d" % n for n in range(6)}
SIZE = sum(map(len, CONTENTS.values()))
SEEDS = pytest.mark.parametrize("seed", range(3))


def settle(batch: Open) -> None:
    """Let everything happen that is still to come, however late."""
    run_jobs(batch, "complete_batch")
    pass_deadline(batch)
    run_jobs(batch, "purge_batch", "sweep_batch")
    pass_deadline(batch)
    run_jobs(batch, "purge_batch", "sweep_batch")


def consistent(batch: Open) -> str:
    """Hold everything there is of a batch against everything else; its state.

    Bucket, reservations, uploads, file entries, instances and objects agree.
    """
    kept = row(batch)
    with batch.app.app_context():
        uploads = Upload.query.filter_by(batch_id=batch.id).all()
        bucket = db.session.get(Bucket, kept.bucket_id)
        files = {u.key: u for u in uploads if u.state == "completed"}
        instances = {u.key for u in uploads if FileInstance.get(u.file_id)}
        # A batch that is over has no upload on its way.
        assert [u.key for u in uploads if u.is_open] == []
        assert [u.key for u in uploads if u.reserved] == []
        assert batch.id not in {b.id for b in Batch.query.filter_by(state="uploading")}
        if kept.state == "completed":
            assert instances == set(files)
        else:
            assert (instances, files) == (set(), {})
        if bucket is not None and not bucket.deleted:
            held = ObjectVersion.query.filter_by(bucket_id=bucket.id, is_head=True)
            size = sum(v.file.size for v in held if v.file_id)
            begun = Upload.query.filter_by(bucket_id=bucket.id, reserved=True)
            assert bucket.size == size + sum(u.size for u in begun)
            keys = {v.key for v in held if v.file_id}
            assert keys >= set(files) or kept.state == "completed"
    if kept.prefix.startswith("s3://"):
        assert len(objects(batch)) == len(instances)
    return str(kept.state)


def expire(batch: Open) -> None:
    """What the job of the deadline does, at the deadline."""
    pass_deadline(batch)
    run_jobs(batch, "purge_batch")


def test_twenty_announcements(draft: Draft) -> None:
    """Of twenty announcements at once one opens; nineteen hear who has the lock."""
    path = f"{draft.path}/uploads"
    files = [{"key": "a", "size": 5}]
    replies = at_once([lambda: announce(draft.api, path, files)] * 20)
    assert statuses(replies) == {201: 1, 423: 19}
    (won,) = [reply for reply in replies if reply.status == 201]
    for reply in replies:
        if reply.status == 423:
            lock = reply.json["lock"]
            assert set(lock) == {"stage", "batch", "since", "until"}
            assert lock["batch"] == won.json["id"]
    assert bucket_size(draft) == 5
    assert len(uploads_of(draft)) == 1


def test_twenty_new_versions(api: Api, draft: Draft) -> None:
    """Of twenty announcements for a record at once one makes its next version."""
    brought(draft, {"a": b"x"}, publish=True)
    path = f"/records/{draft.id}/uploads"
    replies = at_once([lambda: announce(api, path, ["b"])] * 20)
    assert statuses(replies)[201] == 1, statuses(replies)
    assert set(statuses(replies)) <= {201, 409, 423}, statuses(replies)
    (won,) = [reply for reply in replies if reply.status == 201]
    batch = Open(api, won.json)
    batch.send_ok("b", b"y")
    assert batch.complete()["status"] == "SUCCESS"


def test_dead_lock_is_taken_over_once(draft: Draft) -> None:
    """Of many who find a dead batch one gets its draft, and quota is exact."""
    dead = open_with(draft, CONTENTS)
    pass_deadline(dead)
    path = f"{draft.path}/uploads"
    files = [{"key": "0.txt", "size": 5}]
    replies = at_once([lambda: announce(draft.api, path, files)] * 10)
    assert statuses(replies) == {201: 1, 423: 9}
    assert bucket_size(draft) == 5
    assert dead.status()["state"] == "expired"


def test_twenty_completions(draft: Draft) -> None:
    """Twenty completions at once are one job, which all of them are told."""
    batch = open_with(draft, CONTENTS)
    replies = at_once([batch.try_complete] * 20)
    assert set(statuses(replies)) <= {202, 403}, statuses(replies)
    assert statuses(replies)[202] >= 1
    assert len({reply.json["job_id"] for reply in replies}) == 1
    with batch.app.app_context():
        assert len(job_ids(batch, ["complete_batch"])) == 1
    settle(batch)
    assert consistent(batch) == "completed"
    assert bucket_size(draft) == SIZE
    for key, data in CONTENTS.items():
        assert draft.content(key) == data


@SEEDS
def test_complete_against_abort(draft: Draft, seed: int) -> None:
    """Either all files are there or none is, whoever was first."""
    batch = open_with(draft, CONTENTS)
    calls: list[Callable[[], Any]] = [batch.try_complete, batch.abort]
    replies = at_once((calls if seed % 2 else calls[::-1]) * 3)
    assert set(statuses(replies)) <= {200, 202, 403, 409}, statuses(replies)
    settle(batch)
    state = consistent(batch)
    assert state in ("completed", "aborted")
    assert set(entries(draft)) == (set(CONTENTS) if state == "completed" else set())
    assert bucket_size(draft) == (SIZE if state == "completed" else 0)


@SEEDS
def test_complete_against_deadline(draft: Draft, seed: int) -> None:
    """A completion at the deadline either makes it or finds an expired batch."""
    batch = open_with(draft, CONTENTS)
    replies = at_once([batch.try_complete, lambda: expire(batch), batch.try_complete])
    for reply in (replies[0], replies[2]):
        assert reply.status in (202, 401, 403, 409), reply.json
    settle(batch)
    state = consistent(batch)
    assert state in ("completed", "expired")
    assert bucket_size(draft) == (SIZE if state == "completed" else 0)


@SEEDS
def test_abort_against_deadline(draft: Draft, seed: int) -> None:
    """An abort at the deadline gives quota back once."""
    assert draft.upload("mine", [b"12345"]).status == 200
    batch = open_with(draft, CONTENTS)
    at_once([batch.abort, lambda: expire(batch), batch.abort])
    settle(batch)
    assert consistent(batch) in ("aborted", "expired")
    assert bucket_size(draft) == 5


@SEEDS
def test_complete_against_draft_delete(draft: Draft, seed: int) -> None:
    """A draft that is deleted takes its batch along, or is told to wait."""
    batch = open_with(draft, CONTENTS)
    deleted, *_ = at_once(
        [
            lambda: draft.api.call("DELETE", draft.path),
            batch.try_complete,
            batch.try_complete,
        ]
    )
    assert deleted.status in (204, 409), deleted.json
    settle(batch)
    there = draft.api.get(draft.path).status == 200
    assert there is (deleted.status != 204)
    if there:
        assert consistent(batch) == "completed"
        assert draft.content("0.txt") == b"content 0"
    else:
        with batch.app.app_context():
            uploads = Upload.query.filter_by(batch_id=batch.id).all()
            assert not any(upload.is_open for upload in uploads)


@SEEDS
def test_announce_against_draft_delete(draft: Draft, seed: int) -> None:
    """No batch is ever open in a draft that is gone."""
    path = f"{draft.path}/uploads"
    deleted, *replies = at_once(
        [
            lambda: draft.api.call("DELETE", draft.path),
            *[lambda: announce(draft.api, path, ["a"])] * 4,
        ]
    )
    assert deleted.status in (204, 409), deleted.json
    assert set(statuses(replies)) <= {201, 403, 404, 409, 410, 423}, statuses(replies)
    if deleted.status == 204:
        for reply in replies:
            if reply.status == 201:
                batch = Open(draft.api, reply.json)
                assert row(batch).state == "aborted"
                settle(batch)
                assert consistent(batch) == "aborted"


@SEEDS
def test_announce_against_publish(draft: Draft, seed: int) -> None:
    """A draft is published or gets a batch, never both."""
    assert draft.upload("mine", [b"12345"]).status == 200
    path = f"{draft.path}/uploads"
    published, *replies = at_once(
        [draft.publish, *[lambda: announce(draft.api, path, ["a"])] * 3]
    )
    assert published.status in (202, 400, 409), published.json
    assert set(statuses(replies)) <= {201, 400, 403, 404, 409, 423}, statuses(replies)
    opened = statuses(replies)[201]
    assert opened == (0 if published.status == 202 else 1)


@SEEDS
def test_complete_against_publish(draft: Draft, seed: int) -> None:
    """A publication beside a completion has all files of the batch, or is refused."""
    batch = open_with(draft, CONTENTS)
    replies = at_once([draft.publish, batch.try_complete, draft.publish])
    settle(batch)
    assert batch.status()["state"] == "completed"
    published = [r for r in (replies[0], replies[2]) if r.status == 202]
    assert {r.status for r in (replies[0], replies[2])} <= {202, 400, 403, 404, 409}
    assert len(published) <= 1
    if published:
        found = draft.api.get(f"/records/{draft.id}/files").json["entries"]
        assert {entry["key"] for entry in found} == set(CONTENTS)
    else:
        assert draft.publish().status == 202


@SEEDS
@pytest.mark.parametrize("how", ["complete", "abort", "expire"])
def test_end_against_file_delete(draft: Draft, how: str, seed: int) -> None:
    """A file that is deleted at the very end gives its quota back once."""
    assert draft.upload("mine", [b"12345"]).status == 200
    batch = open_with(draft, CONTENTS)
    ends: dict[str, Callable[[], Any]] = {
        "complete": batch.try_complete,
        "abort": batch.abort,
        "expire": lambda: expire(batch),
    }
    _, first, second = at_once(
        [
            ends[how],
            lambda: draft.delete("1.txt"),
            lambda: draft.delete("3.txt"),
        ]
    )
    # 400 is upstream's word for a draft that another has saved just now: it takes the
    # failed flush for a vocabulary term that does not exist.
    deleted = {first.status, second.status}
    assert deleted <= {204, 400, 404, 409}, (first.json, second.json)
    settle(batch)
    if batch.status()["state"] == "uploading":
        # The completion found a file gone in its last moment, and can be repeated.
        assert draft.api.call("PUT", f"/uploads/{batch.id}/complete").status == 202
        settle(batch)
    state = consistent(batch)
    found = set(entries(draft)) - {"mine"}
    if state == "completed":
        assert found >= set(CONTENTS) - {"1.txt", "3.txt"}
        if first.status == 204:
            assert "1.txt" not in found
    else:
        assert found == set()
    assert bucket_size(draft) == 5 + sum(len(CONTENTS[key]) for key in found)


@SEEDS
def test_announce_against_single_uploads(draft: Draft, seed: int) -> None:
    """One key is begun by a batch or alone, and quota is exact."""
    path = f"{draft.path}/uploads"
    files = [{"key": "a", "size": 5}, {"key": "b", "size": 3}]
    announced, *begun = at_once(
        [
            lambda: announce(draft.api, path, files),
            *[lambda: draft.init("a", 7)] * 3,
        ]
    )
    assert announced.status in (201, 400, 409), announced.json
    assert set(statuses(begun)) <= {201, 400, 409}, [r.json for r in begun]
    alive = [upload for upload in uploads_of(draft) if upload.is_open]
    assert bucket_size(draft) == sum(upload.size for upload in alive)
    assert sorted(entries(draft)) == sorted(upload.key for upload in alive)


@SEEDS
def test_announce_against_commit(draft: Draft, seed: int) -> None:
    """A file that is just being committed is a file, or makes way for the batch."""
    draft.send_ok(draft.begin("a", 4)["links"]["parts"][0], b"data")
    path = f"{draft.path}/uploads"
    committed, announced = at_once(
        [lambda: draft.commit("a"), lambda: announce(draft.api, path, ["a", "b"])]
    )
    assert announced.status in (201, 400, 409), announced.json
    assert committed.status in (200, 404, 409), committed.json
    if announced.status == 201:
        assert entries(draft)["a"]["status"] == "pending"
        assert bucket_size(draft) == 0
    else:
        assert draft.content("a") == b"data"
        assert bucket_size(draft) == 4


def test_quota_for_ten_of_twenty(api: Api, s3: str) -> None:
    """Unknown sizes count when they are known: no quota is ever exceeded."""
    draft = api.new_draft()
    set_limits(draft, quota_size=10, max_file_size=None)
    batch = open_batch(draft, ["a"])
    batch.send_ok("a", b"123456")
    replies = at_once([batch.try_complete, *[lambda: draft.init("b", 5)] * 3])
    settle(batch)
    taken = [reply for reply in replies[1:] if reply.status == 201]
    assert bucket_size(draft) <= 10
    state = row(batch).state
    assert (state == "completed") is (not taken)


@SEEDS
def test_purges_and_sweeps(draft: Draft, seed: int) -> None:
    """Any number of workers that purge one batch do what one does."""
    batch = open_with(draft, CONTENTS)
    pass_deadline(batch)
    at_once([lambda: run_jobs(batch, "purge_batch", "sweep_batch")] * 5)
    settle(batch)
    assert consistent(batch) == "expired"
    assert bucket_size(draft) == 0
