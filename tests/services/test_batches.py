# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Batches of files, from the announcement to files of a published record."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from ..backdoor import bucket_size, set_limits, uploads_of
from ..batching import (
    Open,
    announce,
    brought,
    entries,
    objects,
    open_batch,
    open_with,
    put,
)
from ..driver import RECORD, Api, Draft, md5

MIB = 2**20
LARGE = bytes(range(256)) * (4096 * 40)
"""40 MiB: more than one part where the server plans."""


def test_small_files_go_by_one_put_each(api: Api, draft: Draft) -> None:
    """Files of a batch are sent by their URLs alone and completed by one call."""
    contents = {
        "a.txt": b"alpha",
        "dir/b.bin": b"b" * 1000,
        "empty": b"",
        "plain": b"x",
        "nothing": b"",
    }
    files: list[Any] = [
        {"key": "a.txt", "size": 5, "checksum": md5(b"alpha"), "metadata": {"n": 1}},
        {"key": "dir/b.bin", "size": 1000},
        {"key": "empty", "size": 0},
        "plain",
        "nothing",
    ]
    batch = open_batch(draft, files)
    assert bucket_size(draft) == 1005
    for key, data in contents.items():
        batch.send_ok(key, data)
    job = batch.complete()
    assert job["status"] == "SUCCESS", job
    assert job["result"] == {
        "record_id": draft.id,
        "files": 5,
        "size": 1006,
        "published": False,
    }
    for key, data in contents.items():
        assert draft.content(key) == data
    found = entries(draft)
    assert found["a.txt"]["metadata"] == {"n": 1}
    for key, data in contents.items():
        assert found[key]["checksum"] == md5(data)
        assert found[key]["size"] == len(data)
        assert found[key]["status"] == "completed"
        assert found[key]["transfer"]["type"] == "L"
    assert bucket_size(draft) == 1006
    assert draft.publish().status == 202


def test_large_and_small(api: Api, anonymous: Api, s3_draft: Draft) -> None:
    """A large file of a batch comes in parts, next to small ones, all by URLs."""
    files = [
        {"key": "large", "size": len(LARGE), "checksum": md5(LARGE)},
        {"key": "small", "size": 5},
    ]
    batch = open_batch(s3_draft, files)
    links = batch.json["presigned_urls"]["large"]
    size = -(-len(LARGE) // len(links))
    plan = s3_draft.api.get(s3_draft.file("large")).json["transfer"]
    assert (plan["parts"], len(links)) == (len(links), plan["parts"])
    size = plan["part_size"]
    assert set(links[0]) >= {"part", "url", "expiration"}
    for link in links:
        part = LARGE[(link["part"] - 1) * size : link["part"] * size]
        assert put(anonymous, link["url"], part, link.get("headers", {})) == 200
    batch.send_ok("small", b"small")
    job = batch.complete(publish=True)
    assert job["status"] == "SUCCESS", job
    found = api.get(f"/records/{s3_draft.id}/files/large").json
    assert found["checksum"] == md5(LARGE)
    assert objects(batch) == sorted(objects(batch), key=str)
    assert len(objects(batch)) == 2


@pytest.mark.parametrize("path", ["/parts", "/upload"])
def test_stock_resources_know_the_files(draft: Draft, path: str) -> None:
    """The parts and status resources of a batch's file tell how it is doing."""
    batch = open_batch(draft, [{"key": "a", "size": 3}, "b"])
    batch.send_ok("a", b"abc")
    found = {key: draft.api.get(draft.file(key, path)).json for key in ("a", "b")}
    if path == "/upload":
        assert (found["a"]["progress"], found["b"]["progress"]) == (1.0, 0.0)
        assert found["a"]["uploaded_bytes"] == 3
        assert found["a"]["state"] in ("uploading", "initiated")
    else:
        assert (found["a"]["uploaded"], found["a"]["missing"]) == (1, 0)
        assert (found["b"]["uploaded"], found["b"]["missing"]) == (0, 1)
    assert batch.complete()["status"] == "FAILURE"
    batch.send_ok("b", b"")
    assert batch.complete()["status"] == "SUCCESS"
    status = draft.status("a")
    assert (status["state"], status["progress"]) == ("completed", 1.0)


def test_registered_parts(anonymous: Api, s3_draft: Draft) -> None:
    """Parts of a batch's large file can be registered, and are then held to it."""
    batch = open_batch(s3_draft, [{"key": "large", "size": len(LARGE)}])
    count = len(batch.json["presigned_urls"]["large"])
    size = s3_draft.api.get(s3_draft.file("large")).json["transfer"]["part_size"]
    data = [LARGE[n * size : (n + 1) * size] for n in range(count)]
    parts = [
        {"part": n, "size": len(part), "checksum": md5(part)}
        for n, part in enumerate(data, 1)
    ]
    reply = s3_draft.register("large", parts)
    assert reply.status == 200, reply.json
    for link, part in zip(reply.json["parts"], data, strict=True):
        wrong = b"x" * len(part)
        assert put(anonymous, link["url"], wrong, link["headers"]) >= 400
        assert put(anonymous, link["url"], part, link["headers"]) == 200
    refused = s3_draft.commit("large")
    assert (refused.status, refused.json["code"]) == (409, "state_conflict")
    assert batch.complete()["status"] == "SUCCESS"
    assert s3_draft.content("large") == LARGE


def test_resume_on_another_machine(anonymous: Api, s3_draft: Draft) -> None:
    """Who has only the files URL finds out what is missing, and sends that."""
    files = [{"key": f"{n}", "size": 4} for n in range(5)]
    batch = open_batch(s3_draft, [*files, {"key": "large", "size": len(LARGE)}])
    first = batch.json["presigned_urls"]["large"][0]
    size = s3_draft.api.get(s3_draft.file("large")).json["transfer"]["part_size"]
    assert put(anonymous, first["url"], LARGE[:size], {}) == 200
    batch.send_ok("1", b"data")
    after, urls, arrived = "", {}, {}
    while after is not None:
        page = batch.files(f"&size=2&after={after}")
        urls |= page["presigned_urls"]
        arrived |= {e["key"]: e["uploaded_bytes"] for e in page["files"]}
        after = page["next"]
    assert arrived == {"0": 0, "1": 4, "2": 0, "3": 0, "4": 0, "large": size}
    assert set(urls) == {"0", "2", "3", "4", "large"}
    for key in set(urls) - {"large"}:
        assert put(anonymous, urls[key], b"data", {}) == 200
    for link in urls["large"]:
        n = link["part"]
        part = LARGE[(n - 1) * size : n * size]
        assert put(anonymous, link["url"], part, {}) == 200
    assert batch.complete()["status"] == "SUCCESS"
    assert s3_draft.content("large") == LARGE


@pytest.mark.parametrize("algorithm", ["md5", "sha256", "sha512"])
def test_digests(draft: Draft, algorithm: str) -> None:
    """Declared digests are proved before anything becomes a file."""
    good = {f"{n}": b"content %d" % n for n in range(3)}
    files = [
        {
            "key": key,
            "size": len(data),
            "checksum": f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}",
        }
        for key, data in good.items()
    ]
    batch = open_batch(draft, files)
    for key, data in good.items():
        batch.send_ok(key, data)
    job = batch.complete()
    assert job["status"] == "SUCCESS", job
    for key, data in good.items():
        assert draft.content(key) == data
        assert entries(draft)[key]["checksum"] == md5(data)


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
@pytest.mark.parametrize("sized", [True, False], ids=["sized", "unsized"])
def test_wrong_digests(draft: Draft, storage: str, algorithm: str, sized: bool) -> None:
    """Wrong bytes are named file by file; right ones can follow, of any size."""
    right = b"the right content"
    wrong = b"the wrong content" if sized or storage == "local" else b"wrong"
    checksum = f"{algorithm}:{hashlib.new(algorithm, right).hexdigest()}"
    entry = {"checksum": checksum, **({"size": len(right)} if sized else {})}
    files = [{"key": key, **entry} for key in ("a", "b", "c")]
    batch = open_batch(draft, [*files, {"key": "d", "size": 1}])
    for key in ("a", "b"):
        batch.send_ok(key, wrong)
    batch.send_ok("c", right)
    batch.send_ok("d", b"x")
    job = batch.complete()
    assert (job["status"], job["error"]["code"]) == ("FAILURE", "files_differ")
    named = job["result"]["errors"]["wrong"]
    assert [found["key"] for found in named] == ["a", "b"]
    assert hashlib.new(algorithm, wrong).hexdigest() in named[0]["problem"]
    assert {e["status"] for e in entries(draft).values()} <= {"pending", "failed"}
    status = batch.status()
    assert (status["state"], status["error_code"]) == ("uploading", "files_differ")
    if storage == "s3":
        for key in ("a", "b"):
            batch.send_ok(key, right)
        # Whoever sends one again means the new one.
        batch.send_ok("d", b"y")
        job = batch.complete()
        assert job["status"] == "SUCCESS", job
        assert draft.content("a") == draft.content("c") == right
        assert draft.content("d") == b"y"
        assert bucket_size(draft) == 3 * len(right) + 1
    else:
        assert batch.abort().status == 200
        assert bucket_size(draft) == 0


def test_wrong_md5_of_a_staged_file(s3_draft: Draft) -> None:
    """A file whose link is bound to its MD5 takes no other bytes at all."""
    files = [{"key": "a", "size": 3, "checksum": md5(b"abc")}]
    batch = open_batch(s3_draft, files)
    assert batch.send("a", b"abd") >= 400
    assert batch.send("a", b"abcd") >= 400
    assert objects(batch) == []
    job = batch.complete()
    assert job["result"]["errors"]["missing"] == ["a"]
    batch.send_ok("a", b"abc")
    assert batch.complete()["status"] == "SUCCESS"


@pytest.mark.parametrize(
    "digests", [None, "x", [], {"sha256": "0" * 63}, {"sha256": 1}, {"md5": "0" * 32}]
)
def test_digests_that_cannot_be(s3_draft: Draft, digests: Any) -> None:
    """Are refused, with the place."""
    entry = {"key": "a", "size": 3, "checksum": md5(b"abc"), "digests": digests}
    reply = announce(s3_draft.api, f"{s3_draft.path}/uploads", [entry])
    assert reply.status == 400
    assert reply.json["errors"][0]["field"].startswith("files.0.digests")


def test_digests_that_contradict_each_other(s3_draft: Draft) -> None:
    """The store holds to the one, and the completion to the other."""
    sha256 = hashlib.sha256(b"xyz").hexdigest()
    entry = {"key": "a", "size": 3, "checksum": md5(b"abc"), "metadata": {}}
    batch = open_batch(s3_draft, [{**entry, "digests": {"sha256": sha256.upper()}}])
    assert batch.send("a", b"abc") >= 400
    batch.send_ok("a", b"xyz")
    job = batch.complete()
    assert [found["key"] for found in job["result"]["errors"]["wrong"]] == ["a"]


def test_later_links_are_bound_by_md5(s3_draft: Draft) -> None:
    """Nobody keeps the SHA-256; also of files that are added."""
    batch = open_batch(s3_draft, [{"key": "z", "size": 1}])
    sha256 = hashlib.sha256(b"abc").hexdigest()
    entry = {"key": "a", "size": 3, "checksum": md5(b"abc")}
    entry["digests"] = {"sha256": sha256}
    path = f"/uploads/{batch.id}/files"
    added = s3_draft.api.call("POST", path, json={"files": [entry]}).json
    assert "x-amz-checksum-sha256" in added["headers"]["a"]
    page = s3_draft.api.get(path).json
    headers = page["headers"]["a"]
    assert "Content-MD5" in headers
    assert put(s3_draft.api, page["presigned_urls"]["a"], b"abc", headers) == 200


def test_crc_of_the_store(api: Api, s3_draft: Draft) -> None:
    """A CRC is taken where the store proves it, and refused elsewhere, with words."""
    files = [{"key": "a", "size": 3, "checksum": "crc64nvme:" + "0" * 16}]
    reply = announce(api, f"{s3_draft.path}/uploads", files)
    if reply.status == 400:
        assert reply.json["code"] == "invalid_digest"
        assert reply.json["errors"][0]["field"] == "files.0.checksum"
        return
    batch = Open(api, reply.json)
    batch.send_ok("a", b"abc")
    job = batch.complete()
    assert (job["status"], job["error"]["code"]) == ("FAILURE", "files_differ")
    assert [found["key"] for found in job["result"]["errors"]["wrong"]] == ["a"]


def test_wrong_sizes(s3_draft: Draft) -> None:
    """A link is bound to the announced length."""
    batch = open_batch(s3_draft, [{"key": "a", "size": 3}])
    assert batch.send("a", b"ab") >= 400
    assert batch.send("a", b"abcd") >= 400
    batch.send_ok("a", b"abc")
    assert batch.complete()["status"] == "SUCCESS"


def test_unknown_size_beyond_quota(s3_draft: Draft) -> None:
    """A file that turns out too large for the quota fails the completion, exactly."""
    set_limits(s3_draft, quota_size=10, max_file_size=None)
    batch = open_batch(s3_draft, ["a", {"key": "b", "size": 4}])
    batch.send_ok("a", b"1234567")
    batch.send_ok("b", b"1234")
    job = batch.complete()
    assert (job["status"], job["error"]["code"]) == ("FAILURE", "quota_exceeded")
    assert bucket_size(s3_draft) == 4
    batch.send_ok("a", b"123456")
    assert batch.complete()["status"] == "SUCCESS"
    assert bucket_size(s3_draft) == 10


def test_pending_upload_makes_way(s3_draft: Draft) -> None:
    """What was begun alone is gone from the store when a batch takes its key."""
    s3_draft.begin("a", 100)
    old = uploads_of(s3_draft)[0]
    batch = open_with(s3_draft, {"a": b"new"})
    ended = {u.id: u for u in uploads_of(s3_draft)}[old.id]
    assert (ended.state, ended.purged_on is None) == ("aborted", False)
    assert batch.complete()["status"] == "SUCCESS"
    assert s3_draft.content("a") == b"new"


def test_several_batches(draft: Draft) -> None:
    """A draft takes one batch after the other, beside single files."""
    assert draft.upload("single", [b"single"]).status == 200
    for n in range(3):
        brought(draft, {f"{n}": b"%d" % n})
    assert set(entries(draft)) == {"single", "0", "1", "2"}
    assert bucket_size(draft) == 9
    assert draft.publish().status == 202


def test_restricted_record(anonymous: Api, api: Api, storage: str) -> None:
    """A batch brings files into a restricted record, which stay restricted."""
    access = {"record": "restricted", "files": "restricted"}
    draft = api.new_draft(access=access)
    batch = brought(draft, {"a": b"secret"})
    assert draft.publish().status == 202
    assert anonymous.get(f"/records/{draft.id}/files/a/content").status == 403
    assert api.get(f"/records/{draft.id}/files/a").json["size"] == 6
    assert batch.status()["state"] == "completed"


def test_new_version_with_imported_files(api: Api, draft: Draft) -> None:
    """A next version may hold files of the last one and those of a batch."""
    brought(draft, {"old": b"old content"}, publish=True)
    reply = announce(api, f"/records/{draft.id}/uploads", [{"key": "new", "size": 3}])
    assert reply.status == 201, reply.json
    batch = Open(api, reply.json)
    following = Draft(api, reply.json["record_id"])
    path = f"{following.path}/actions/files-import"
    imported = api.call("POST", path)
    # Upstream imports into a draft that has no files at all.
    assert imported.status in (201, 400), imported.json
    batch.send_ok("new", b"new")
    assert batch.complete()["status"] == "SUCCESS"
    assert following.content("new") == b"new"
    if imported.status == 201:
        assert following.content("old") == b"old content"
    found = api.get(following.path).json
    metadata = {**found["metadata"], "publication_date": "2026-02-02"}
    saved = api.call("PUT", following.path, json={**RECORD, "metadata": metadata})
    assert saved.status == 200, saved.json
    assert following.publish().status == 202
    assert api.get(f"/records/{draft.id}/files/old").status == 200


def test_import_then_batch(api: Api, draft: Draft) -> None:
    """Files that were imported first stay, and their keys are taken."""
    brought(draft, {"old": b"old content"}, publish=True)
    made = api.call("POST", f"/records/{draft.id}/versions")
    following = Draft(api, made.json["id"])
    assert api.call("POST", f"{following.path}/actions/files-import").status == 201
    imported = bucket_size(following)
    reply = announce(api, f"/records/{draft.id}/uploads", ["old"])
    assert (reply.status, reply.json["code"]) == (400, "keys_taken")
    reply = announce(api, f"/records/{draft.id}/uploads", [{"key": "new", "size": 3}])
    batch = Open(api, reply.json)
    batch.send_ok("new", b"new")
    assert batch.complete()["status"] == "SUCCESS"
    assert following.content("old") == b"old content"
    assert set(entries(following)) == {"old", "new"}
    assert bucket_size(following) == imported + 3
