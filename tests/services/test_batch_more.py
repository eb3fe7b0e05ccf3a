# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Further files for a batch that is open already."""

from __future__ import annotations

from typing import Any

import pytest

from ..backdoor import bucket_size, set_limits
from ..batching import Open, brought, open_batch, put
from ..driver import Api, Draft, Reply, md5


def more(api: Api, batch: Open, files: Any) -> Reply:
    """POST further files."""
    return api.call("POST", f"/uploads/{batch.id}/files", json={"files": files})


def send(batch: Open, reply: Reply, contents: dict[str, bytes]) -> None:
    """PUT what a reply has URLs for."""
    for key, url in reply.json["presigned_urls"].items():
        headers = reply.json["headers"].get(key, {})
        assert put(batch.anonymous, url, contents[key], headers) == 200


def announced(key: str, data: bytes) -> dict[str, Any]:
    """A file with all that is known of it."""
    return {"key": key, "size": len(data), "checksum": md5(data)}


def test_one_batch_grows_and_is_completed_once(api: Api, draft: Draft) -> None:
    """Files that were announced later are files of the batch like all others."""
    contents = {"a": b"alpha", "dir/b": b"beta", "c": b"", "d": b"delta" * 100}
    batch = open_batch(draft, [announced("a", contents["a"])])
    batch.send_ok("a", contents["a"])

    late = {key: contents[key] for key in ("dir/b", "c", "d")}
    reply = more(api, batch, [announced(*item) for item in late.items()])

    assert reply.status == 201, reply.json
    assert reply.json["files"] == 4
    assert reply.json["size"] == bucket_size(draft) == 509
    assert set(reply.json["presigned_urls"]) == set(late)
    send(batch, reply, contents)
    job = batch.complete()
    assert job["status"] == "SUCCESS", job
    assert job["result"]["files"] == 4
    for key, data in contents.items():
        assert draft.content(key) == data


def test_a_file_taken_out_may_come_again(api: Api, draft: Draft) -> None:
    """Whoever announced wrong bytes deletes the file and announces it anew."""
    batch = open_batch(draft, [announced("a", b"old"), announced("b", b"b")])
    batch.send_ok("a", b"old")
    batch.send_ok("b", b"b")
    assert more(api, batch, [announced("a", b"newer")]).json["code"] == "keys_taken"

    assert api.call("DELETE", draft.file("a")).status == 204
    reply = more(api, batch, [announced("a", b"newer")])

    assert reply.status == 201, reply.json
    (shown,) = [file for file in batch.files()["files"] if file["key"] == "a"]
    assert (shown["size"], shown["uploaded"]) == (5, False)
    send(batch, reply, {"a": b"newer"})
    job = batch.complete()
    assert job["status"] == "SUCCESS", job
    assert draft.content("a") == b"newer"
    assert draft.content("b") == b"b"
    assert bucket_size(draft) == 6


def test_links_may_come_later_and_again(api: Api, s3_draft: Draft) -> None:
    """What the record has already is linked in such a batch, too."""
    brought(s3_draft, {"first": b"bytes"})
    batch = open_batch(s3_draft, [announced("new", b"n")])
    batch.send_ok("new", b"n")
    value = {"id": s3_draft.id, "key": "first"}
    link = {"key": "again", "check": "link", "value": value}
    reply = more(api, batch, [link])
    assert set(reply.json["links"]) == {"again"}
    assert api.call("DELETE", s3_draft.file("again")).status == 204

    reply = more(api, batch, [link])

    assert reply.status == 201, reply.json
    made = batch.anonymous.call("PUT", reply.json["links"]["again"])
    assert made.status == 200, made.json
    job = batch.complete()
    assert job["status"] == "SUCCESS", job
    assert s3_draft.content("again") == b"bytes"


@pytest.mark.parametrize(
    ("files", "code"),
    [
        pytest.param([], "too_many_files", id="none"),
        pytest.param(["../x"], "invalid_key", id="unsafe"),
        pytest.param(["x", "x"], "keys_taken", id="twice"),
        pytest.param(["a"], "keys_taken", id="announced"),
        pytest.param("x", "invalid", id="no-list"),
        pytest.param([{"key": "x", "size": -1}], "invalid", id="size"),
    ],
)
def test_what_cannot_be_adds_nothing(
    api: Api, local_draft: Draft, files: Any, code: str
) -> None:
    """A bad announcement is refused as a whole."""
    batch = open_batch(local_draft, ["a"])
    reply = more(api, batch, files)
    assert reply.status == 400
    assert code in (reply.json.get("code"), "invalid")
    assert batch.status()["files"] == 1


def test_no_room_adds_nothing(api: Api, s3_draft: Draft) -> None:
    """Quota is reserved for the new files together, or for none."""
    set_limits(s3_draft, quota_size=100)
    batch = open_batch(s3_draft, [{"key": "a", "size": 60}])
    files = [{"key": "b", "size": 30}, {"key": "c", "size": 30}]
    reply = more(api, batch, files)
    assert (reply.status, reply.json["code"]) == (400, "quota_exceeded")
    assert bucket_size(s3_draft) == 60
    assert batch.status()["files"] == 1


def test_a_grant_is_not_enough(
    api: Api, other: Api, anonymous: Api, s3_draft: Draft
) -> None:
    """URLs of a batch are for what was announced; strangers have no part in it."""
    batch = open_batch(s3_draft, ["a"])
    body = {"files": ["b"]}
    assert anonymous.call("POST", batch.json["files_url"], json=body).status == 403
    assert more(other, batch, ["b"]).status == 403


def test_a_batch_that_is_over_takes_nothing(api: Api, s3_draft: Draft) -> None:
    """Neither after the completion nor after the abort."""
    batch = brought(s3_draft, {"a": b"a"})
    assert more(api, batch, ["b"]).json["code"] == "state_conflict"
    batch = open_batch(s3_draft, ["b"])
    batch.abort()
    reply = more(api, batch, ["c"])
    assert (reply.status, reply.json["code"]) == (409, "state_conflict")
