# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The wire contract of one file: initiation, parts, status, commit, abort."""

from __future__ import annotations

import hashlib
import os
from typing import Any
from urllib.parse import quote

import pytest
import requests

from ..backdoor import bucket_size, held_tasks, left_in_s3, setting, uploads_of
from ..driver import PART, Api, Draft, content_md5, md5

MIB = 2**20


@pytest.mark.parametrize(
    "key",
    [
        "../up.txt",
        "a/../b",
        "/absolute",
        "a//b",
        "a/",
        "tab\there",
        "nul\x00",
        "",
        ".",
        "x" * 1025,
        "..\\up.txt",
    ],
    ids=repr,
)
def test_unsafe_keys(draft: Draft, key: str) -> None:
    """Keys that climb, hide or break are refused before anything is made."""
    reply = draft.init(key, 10)
    assert (reply.status, reply.json["code"]) == (400, "invalid_key")
    assert uploads_of(draft) == []


@pytest.mark.parametrize(
    "key",
    [
        "a/b/c.nc",
        "Prüfung äöü.txt",
        "日本語/データ.bin",
        "a b+c%41&d=e#f?g.txt",
        "'\"<>;,.txt",
    ],
)
def test_keys_are_kept_end_to_end(draft: Draft, key: str) -> None:
    """Directories and odd characters survive initiation, parts, commit, download."""
    content = os.urandom(100)
    reply = draft.upload(key, [content])
    assert (reply.status, reply.json["key"]) == (200, key)
    assert draft.content(key) == content
    assert draft.status(key)["state"] == "completed"


def test_initiation_reply(draft: Draft) -> None:
    """A new entry has its plan and all its links, and no content link."""
    entry = draft.begin("a.bin", 40 * MIB, metadata={"description": "x"})
    base = f"http://localhost/api{draft.file('a.bin')}"
    links = entry["links"]
    assert entry["status"] == "pending"
    assert entry["size"] == 40 * MIB
    assert entry["metadata"] == {"description": "x"}
    assert entry["transfer"] == {"type": "M", "parts": 3, "part_size": 16 * MIB}
    assert links["self"] == base
    assert links["commit"] == f"{base}/commit"
    assert links["uploaded_parts"] == f"{base}/parts"
    assert links["upload"] == f"{base}/upload"
    assert "content" not in links
    assert [link["part"] for link in links["parts"]] == [1, 2, 3]
    assert all(link["expiration"].endswith("Z") for link in links["parts"])


def test_several_files_in_one_call(draft: Draft) -> None:
    """M and L files may be begun together; one that is wrong stops them all."""
    good = {"key": "m.bin", "size": 10, "transfer": {"type": "M"}}
    plain = {"key": "l.bin"}
    wrong = {"key": "w.bin", "size": -1, "transfer": {"type": "M"}}
    path = f"{draft.path}/files"
    assert draft.api.call("POST", path, json=[good, plain, wrong]).status == 400
    assert draft.api.get(path).json["entries"] == []
    assert bucket_size(draft) == 0
    assert draft.api.call("POST", path, json=[good, plain]).status == 201
    assert bucket_size(draft) == 10


def test_empty_file(draft: Draft) -> None:
    """A file of no bytes completes as one empty object, without any part."""
    entry = draft.begin("empty", 0, checksum=md5(b""))
    assert entry["transfer"]["parts"] == 1
    reply = draft.commit("empty")
    assert (reply.status, reply.json["size"]) == (200, 0)
    assert reply.json["checksum"] == md5(b"")
    assert draft.content("empty") == b""
    assert draft.publish().status == 202


def test_empty_file_with_its_empty_part(draft: Draft) -> None:
    """A client that sends the empty part is served as well."""
    link = draft.begin("empty", 0)["links"]["parts"][0]
    draft.send_ok(link, b"")
    assert draft.commit("empty").status == 200
    assert draft.content("empty") == b""


def test_resume_with_nothing_but_the_draft(draft: Draft) -> None:
    """Another machine sees what is there and gets links for what is missing."""
    data = [os.urandom(PART) for _ in range(4)]
    links = draft.begin("a", 4 * PART, transfer={"parts": 4, "part_size": PART})
    for number in (1, 3):
        draft.send_ok(links["links"]["parts"][number - 1], data[number - 1])
    page = draft.parts("a").json
    assert (page["total"], page["uploaded"], page["missing"]) == (4, 2, 2)
    there = {part["part"]: part for part in page["parts"]}
    assert [part["status"] for part in page["parts"]] == [
        "uploaded",
        "missing",
        "uploaded",
        "missing",
    ]
    assert there[1]["checksum"] == md5(data[0])
    assert "url" not in there[1]
    missing = draft.parts("a", "?status=missing").json["parts"]
    assert [part["part"] for part in missing] == [2, 4]
    for part in missing:
        draft.send_ok(part, data[part["part"] - 1])
    assert draft.parts("a").json["missing"] == 0
    assert draft.commit("a", md5(b"".join(data))).status == 200


def test_pages_of_parts(draft: Draft) -> None:
    """Pages go on by links.next until all parts were shown once."""
    draft.begin("a", 25 * PART, transfer={"part_size": PART})
    seen: list[int] = []
    url = draft.file("a", "/parts") + "?size=10"
    while url:
        page = draft.api.get(url).json
        seen += [part["part"] for part in page["parts"]]
        assert len(page["parts"]) <= 10
        assert page["total"] == 25
        url = page["links"].get("next")
    assert seen == list(range(1, 26))


@pytest.mark.parametrize(
    "query",
    ["?status=x", "?from=0", "?from=x", "?size=0", "?size=1001", "?from=10001"],
)
def test_wrong_queries(draft: Draft, query: str) -> None:
    """A page that cannot be is a 400."""
    draft.begin("a", 10)
    assert draft.parts("a", query).status == 400


def test_registered_links_are_bound(s3_draft: Draft) -> None:
    """The store itself refuses other bytes or another length than registered."""
    data = os.urandom(1000)
    s3_draft.begin("a", 1000)
    reply = s3_draft.register("a", [{"part": 1, "size": 1000, "checksum": md5(data)}])
    (link,) = reply.json["parts"]
    assert link["headers"] == {
        "Content-Length": "1000",
        "Content-MD5": content_md5(data),
    }
    other = os.urandom(1000)
    url, headers = link["url"], link["headers"]
    assert requests.put(url, data=other, headers=headers, timeout=30).status_code == 400
    shorter = {"Content-MD5": content_md5(data[:10])}
    assert (
        requests.put(url, data=data[:10], headers=shorter, timeout=30).status_code
        == 403
    )
    assert s3_draft.parts("a").json["uploaded"] == 0
    s3_draft.send_ok(link, data)
    assert s3_draft.commit("a").json["checksum"] == md5(data)


def test_registering_again_replaces(draft: Draft) -> None:
    """The last registration of a part is what the commit checks."""
    old, new = os.urandom(1000), os.urandom(1000)
    draft.begin("a", 1000)
    draft.register("a", [{"part": 1, "size": 1000, "checksum": md5(old)}])
    reply = draft.register("a", [{"part": 1, "size": 1000, "checksum": md5(new)}])
    draft.send_ok(reply.json["parts"][0], new)
    assert draft.commit("a").json["checksum"] == md5(new)


def test_registered_part_is_checked_at_the_commit(s3_draft: Draft) -> None:
    """Bytes sent by an earlier, unbound link do not pass as registered ones."""
    announced, sent = os.urandom(1000), os.urandom(1000)
    unbound = s3_draft.begin("a", 1000)["links"]["parts"][0]
    s3_draft.register("a", [{"part": 1, "size": 1000, "checksum": md5(announced)}])
    s3_draft.send_ok(unbound, sent)
    reply = s3_draft.commit("a")
    assert (reply.status, reply.json["code"]) == (400, "parts_mismatch")
    assert md5(sent).removeprefix("md5:") in reply.json["message"]


@pytest.mark.parametrize(
    ("part", "code"),
    [
        ({"part": 0, "size": 5}, None),
        ({"part": 10_001, "size": 5}, None),
        ({"part": 1, "size": -1}, None),
        ({"part": 1}, None),
        ({"part": 1, "size": 5, "checksum": 7}, None),
        ({"part": 1, "size": 5, "unknown": 1}, None),
        ({"number": 1, "size": 5, "hash": "x"}, None),
        ({"part": 1, "size": 0}, "invalid_part"),
        ({"part": 1, "size": 11}, "invalid_part"),
        ({"part": 1, "size": 5, "checksum": "md5:x"}, "invalid_digest"),
        ({"part": 1, "size": 5, "checksum": "sha256:" + "0" * 64}, "invalid_digest"),
        ("text", None),
        (None, None),
    ],
    ids=str,
)
def test_wrong_registrations(draft: Draft, part: Any, code: str | None) -> None:
    """A part that cannot be is a 400 and registers nothing."""
    draft.begin("a", 10)
    reply = draft.register("a", [part])
    assert reply.status == 400, reply.json
    if code:
        assert reply.json["code"] == code
    assert draft.parts("a").json["total"] == 1


@pytest.mark.parametrize("body", ["not json", "{}", "[]", "[[]]", "7"])
def test_registration_bodies(draft: Draft, body: str) -> None:
    """A body that is no list of parts is a 400."""
    draft.begin("a", 10)
    reply = draft.api.call(
        "POST",
        draft.file("a", "/parts"),
        data=body,
        headers={"Content-Type": "application/json"},
    )
    assert reply.status == 400, reply.json


def test_fixed_part_size_holds(draft: Draft) -> None:
    """A client that named its part size is held to it."""
    draft.begin("a", 2 * PART, transfer={"part_size": PART})
    wrong = [{"part": 1, "size": PART - 1}], [{"part": 3, "size": 5}]
    for parts in wrong:
        reply = draft.register("a", parts)
        assert (reply.status, reply.json["code"]) == (400, "invalid_part")


def test_status_of_every_kind(draft: Draft) -> None:
    """Files that came in one piece have the same status object."""
    draft.begin("m", 10)
    path = f"{draft.path}/files"
    draft.api.call("POST", path, json=[{"key": "l"}])
    multipart, pending = draft.status("m"), draft.status("l")
    assert multipart.keys() == pending.keys()
    assert (pending["state"], pending["is_consistent"]) == ("uploading", False)
    draft.api.call("PUT", draft.file("l", "/content"), data=b"12345")
    draft.api.call("POST", draft.file("l", "/commit"))
    done = draft.status("l")
    assert (done["state"], done["progress"]) == ("completed", 1.0)
    assert (done["size"], done["uploaded_bytes"]) == (5, 5)
    assert done["transfer"] == {"type": "L"}
    assert done["digests"] == {"md5": hashlib.md5(b"12345").hexdigest()}
    assert multipart["digests"] == pending["digests"] == {}
    entries = {e["key"]: e for e in draft.api.get(path).json["entries"]}
    assert entries["l"]["links"]["upload"].endswith("/files/l/upload")


def test_status_while_uploading(draft: Draft) -> None:
    """The status counts what has arrived, in parts and bytes."""
    links = draft.begin("a", 3 * PART, transfer={"part_size": PART})["links"]["parts"]
    assert draft.status("a")["progress"] == 0
    draft.send_ok(links[0], b"x" * PART)
    draft.send_ok(links[2], b"x" * PART)
    status = draft.status("a")
    assert (status["uploaded_parts"], status["uploaded_bytes"]) == (2, 2 * PART)
    assert (status["parts"], status["state"]) == (3, "uploading")
    assert status["progress"] == pytest.approx(2 / 3)
    assert status["ready_for_chunks"] is True
    assert status["expires_at"]
    assert status["completed_on"] is None


def test_delete_while_pending(app: Any, draft: Draft, storage: str) -> None:
    """Deleting a pending file frees its quota and its parts."""
    links = draft.begin("a", 2 * PART, transfer={"part_size": PART})["links"]["parts"]
    draft.send_ok(links[0], b"x" * PART)
    uploads = uploads_of(draft)
    assert draft.delete("a").status == 204
    assert bucket_size(draft) == 0
    assert draft.api.get(draft.file("a", "/upload")).status == 404
    (ended,) = uploads_of(draft)
    assert (ended.state, ended.purged_on is not None) == ("aborted", True)
    if storage == "s3":
        assert left_in_s3(app, uploads) == []


def test_key_begun_again(app: Any, draft: Draft, storage: str) -> None:
    """A key that is begun again ends the first upload and is a new one."""
    draft.begin("a", 2 * PART)
    (first,) = uploads_of(draft)
    draft.begin("a", 1000)
    assert bucket_size(draft) == 1000
    states = {upload.id: upload.state for upload in uploads_of(draft)}
    assert states.pop(first.id) == "aborted"
    assert list(states.values()) == ["uploading"]
    assert draft.upload("a", [b"z" * 7]).status == 200
    assert draft.init("a", 5).status == 400
    if storage == "s3":
        assert left_in_s3(app, [first]) == []


def test_files_switched_off(app: Any, draft: Draft, storage: str) -> None:
    """A draft that becomes metadata-only frees its uploads."""
    draft.begin("a", 1000)
    uploads = uploads_of(draft)
    body = draft.api.get(draft.path).json
    body["files"] = {"enabled": False}
    assert draft.api.call("PUT", draft.path, json=body).status == 200
    assert [upload.state for upload in uploads_of(draft)] == ["aborted"]
    if storage == "s3":
        assert left_in_s3(app, uploads) == []


def test_publish_waits_for_uploads(draft: Draft) -> None:
    """A draft with an unfinished upload is not published, and says which it is."""
    draft.upload("done", [b"x"])
    draft.begin("pending", 1000)
    reply = draft.publish()
    assert (reply.status, reply.json["code"]) == (400, "uploads_unfinished")
    assert reply.json["uploads"] == [{"key": "pending", "state": "uploading"}]
    draft.delete("pending")
    assert draft.publish().status == 202


def test_publish_waits_for_a_declared_digest(app: Any, draft: Draft) -> None:
    """By default a declared digest must be proved before publishing."""
    data = os.urandom(1000)
    with setting(app, MULTIPART_VERIFY_INLINE_MAX=0), held_tasks(app) as tasks:
        draft.begin("a", 2000, checksum="sha256:" + sha256(data + data))
        link = draft.parts("a").json["parts"][0]
        draft.send_ok(link, data + data)
        reply = draft.commit("a")
        assert (reply.status, reply.json["status"]) == (200, "pending")
        assert draft.status("a")["state"] == "verifying"
        assert draft.publish().json["uploads"] == [{"key": "a", "state": "verifying"}]
        tasks.run()
    assert draft.status("a")["state"] == "completed"
    assert draft.publish().status == 202


def test_publish_need_not_wait(app: Any, draft: Draft) -> None:
    """With "committed" a site publishes at once and withdraws a file that fails."""
    data = os.urandom(1000)
    early = setting(
        app, MULTIPART_VERIFY_INLINE_MAX=0, MULTIPART_PUBLISH_REQUIRES="committed"
    )
    with early, held_tasks(app) as tasks:
        draft.begin("a", 1000, checksum="sha256:" + "0" * 64)
        draft.send_ok(draft.parts("a").json["parts"][0], data)
        assert draft.commit("a").json["status"] == "completed"
        assert draft.publish().status == 202
        tasks.run()
    published = f"/records/{draft.id}/files/a/content"
    client = app.test_client()
    with client.get(published) as reply:
        assert reply.status_code >= 400


def test_other_accounts(draft: Draft, other: Api, anonymous: Api) -> None:
    """Nobody else sees, feeds, commits or ends an upload."""
    draft.begin("a", 1000)
    for stranger in (other, anonymous):
        theirs = draft.as_(stranger)
        assert theirs.parts("a").status == 403
        assert stranger.get(draft.file("a", "/upload")).status == 403
        assert theirs.register("a", [{"part": 1, "size": 10}]).status == 403
        assert theirs.commit("a").status == 403
        assert theirs.delete("a").status == 403
    assert draft.status("a")["state"] == "uploading"


def test_unknown_files_and_drafts(draft: Draft) -> None:
    """What is not there is a 404, with and without a draft."""
    for rest in ("/parts", "/upload"):
        assert draft.api.get(draft.file("none", rest)).status == 404
        assert draft.api.get(f"/records/xxxxx-xxxxx/draft/files/a{rest}").status == 404
    assert draft.commit("none").status == 404


def test_parts_of_other_files(draft: Draft) -> None:
    """A file that came in one piece has no parts."""
    draft.api.call("POST", f"{draft.path}/files", json=[{"key": "l"}])
    reply = draft.parts("l")
    assert (reply.status, reply.json["code"]) == (404, "upload_not_found")


@pytest.mark.parametrize(
    ("method", "rest"),
    [
        ("DELETE", "/parts"),
        ("PUT", "/parts"),
        ("DELETE", "/parts/1"),
        ("GET", "/parts/1"),
        ("POST", "/upload"),
        ("DELETE", "/upload"),
    ],
)
def test_other_methods_do_not_fall_through(
    draft: Draft, method: str, rest: str
) -> None:
    """A method that a route lacks is a 405, not an action on a file "a/parts"."""
    draft.begin("a", 1000)
    draft.begin("a/parts", 1000)
    assert draft.api.call(method, draft.file("a", rest)).status == 405
    assert draft.status("a/parts")["state"] == "uploading"


@pytest.mark.parametrize("body", ["nonsense", "[]", '"x"', '{"checksum": 5}', "{}", ""])
def test_commit_bodies(draft: Draft, body: str) -> None:
    """Whatever comes as a commit's body, the answer is no server error."""
    draft.begin("a", 4)
    draft.send_ok(draft.parts("a").json["parts"][0], b"1234")
    reply = draft.api.call(
        "POST",
        draft.file("a", "/commit"),
        data=body,
        headers={"Content-Type": "application/json"},
    )
    assert reply.status in (200, 400), reply.json


def test_sha256_declared_at_the_commit(draft: Draft) -> None:
    """A digest of another algorithm is proved, and MD5 is still what is shown."""
    data = os.urandom(1000)
    draft.begin("a", 1000)
    draft.send_ok(draft.parts("a").json["parts"][0], data)
    wrong = draft.commit("a", "sha256:" + "0" * 64)
    assert wrong.json["computed"] == "sha256:" + sha256(data)
    reply = draft.commit("a", "sha256:" + sha256(data))
    assert (reply.status, reply.json["checksum"]) == (200, md5(data))


def test_declared_crc_is_proved_without_a_read(app: Any, s3_draft: Draft) -> None:
    """Where the store keeps full-object CRCs, a declared one is proved at once."""
    from invenio_multipart.core.crc import combine

    data = b"123456789"
    known = "ae8b14860a799888"
    whole = combine([(known, 9)])
    with setting(app, MULTIPART_VERIFY_INLINE_MAX=0):
        s3_draft.begin("a", 9, checksum=f"crc64nvme:{whole}")
        s3_draft.send_ok(s3_draft.parts("a").json["parts"][0], data)
        reply = s3_draft.commit("a")
        assert (reply.status, reply.json["status"]) == (200, "completed")
        s3_draft.begin("b", 9, checksum="crc64nvme:" + "0" * 16)
        s3_draft.send_ok(s3_draft.parts("b").json["parts"][0], data)
        reply = s3_draft.commit("b")
    assert (reply.status, reply.json["code"]) == (400, "checksum_mismatch")


def test_crc_where_the_store_has_none(local_draft: Draft) -> None:
    """A CRC that nobody could prove is refused at the beginning."""
    reply = local_draft.init("a", 9, checksum="crc64nvme:" + "0" * 16)
    assert (reply.status, reply.json["code"]) == (400, "invalid_digest")


def test_a_site_can_leave(app: Any, draft: Draft, storage: str) -> None:
    """Upstream's own storage classes read and check a complete file."""
    data = [os.urandom(PART), os.urandom(10)]
    draft.upload("a", data)
    (upload,) = uploads_of(draft)
    from invenio_files_rest.models import FileInstance
    from invenio_files_rest.storage import pyfs_storage_factory
    from invenio_s3 import s3fs_storage_factory

    stock = s3fs_storage_factory if storage == "s3" else pyfs_storage_factory
    with app.app_context():
        instance = FileInstance.get(upload.file_id)
        file = stock(fileinstance=instance)
        assert file.checksum() == instance.checksum == md5(b"".join(data))
        with file.open("rb") as stream:
            assert stream.read() == b"".join(data)


def test_link_is_percent_encoded(local_draft: Draft) -> None:
    """Links below a key with odd characters are proper URLs."""
    entry = local_draft.begin("a b/ü#?.bin", 10)
    assert entry["links"]["parts"][0]["url"].endswith(
        f"/files/{quote('a b/ü#?.bin')}/content/1"
    )


def sha256(data: bytes) -> str:
    """SHA-256 in hex digits."""
    return hashlib.sha256(data).hexdigest()
