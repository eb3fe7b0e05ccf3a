# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Link entries of batches: announced, made, completed, given up."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from ..backdoor import bucket_size, counted_queries
from ..batching import (
    Open,
    announce,
    brought,
    entries,
    nothing_left,
    open_batch,
    pass_deadline,
    refused,
    run_jobs,
)
from ..driver import RECORD, Api, Draft, md5

DATA = b"temperatures of a long summer"
OTHER = b"rain of a short one"


def published(api: Api, contents: Mapping[str, bytes], **changes: Any) -> str:
    """A published record of these files; its id."""
    draft = api.new_draft(**changes)
    brought(draft, contents, publish=True)
    return draft.id


def link(key: str, record: str, target: str, **more: Any) -> dict[str, Any]:
    """An entry that is a link to a file of a record."""
    return {"key": key, "check": "link", "value": {"id": record, "key": target}, **more}


def by_md5(
    key: str, data: bytes, field: str = "checksum", **more: Any
) -> dict[str, Any]:
    """An entry that is a link to a file with this MD5."""
    value = {"field": field, "md5sum": md5(data).removeprefix("md5:")}
    return {"key": key, "check": "md5", "value": value, **more}


def make(batch: Open, key: str) -> Any:
    """PUT a link's URL."""
    return batch.anonymous.call("PUT", batch.json["links"][key])


def new_version(api: Api, record: str) -> Draft:
    """A draft of the next version, without files."""
    reply = api.call("POST", f"/records/{record}/versions")
    assert reply.status == 201, reply.json
    body = {**reply.json, "metadata": RECORD["metadata"]}
    draft = Draft(api, reply.json["id"])
    assert api.call("PUT", draft.path, json=body).status == 200
    return draft


def content(api: Api, record: str, key: str) -> bytes:
    """A published file's content."""
    client = api.app.test_client()
    with client.get(f"/records/{record}/files/{key}/content") as reply:
        assert reply.status_code == 200
        return bytes(reply.data)


def left(batch: Open) -> list[tuple[str, bool]]:
    """State of each link row, and whether it holds an object version."""
    from invenio_multipart.records.models import BatchLink

    with batch.app.app_context():
        rows = BatchLink.query.filter_by(batch_id=batch.id).order_by(BatchLink.key)
        return [(row.state, row.version_id is not None) for row in rows]


def files_of(batch: Open, data: bytes) -> int:
    """How many file instances have these bytes."""
    from invenio_files_rest.models import FileInstance

    with batch.app.app_context():
        return FileInstance.query.filter_by(checksum=md5(data)).count()


@pytest.fixture
def source(api: Api, local: str) -> str:
    """Id of a published record with one file, ``data/a.txt``."""
    return published(api, {"data/a.txt": DATA})


def test_links_only(api: Api, local_draft: Draft, source: str) -> None:
    """A batch of links is made by its URLs alone, completed and published."""
    files = [link("a", source, "data/a.txt", metadata={"x": 1})]
    batch = open_batch(local_draft, [*files, link("b/c", source, "data/a.txt")])
    assert set(batch.json["links"]) == {"a", "b/c"}
    assert batch.json["presigned_urls"] == {}
    assert entries(local_draft)["a"]["status"] == "pending"
    assert bucket_size(local_draft) == 0
    made = make(batch, "a")
    assert made.status == 200, made.json
    assert made.json["key"] == "a"
    assert made.json["size"] == len(DATA)
    assert made.json["checksum"] == md5(DATA)
    assert made.json["origin"]["record"] == source
    assert make(batch, "a").json == made.json
    assert bucket_size(local_draft) == len(DATA)
    rest = batch.anonymous.call("PUT", batch.json["links_url"])
    assert (rest.status, rest.json["total"]) == (200, 2)
    assert rest.json["files"][0] == made.json
    assert batch.status()["states"] == {"committing": 2}
    job = batch.complete(publish=True)
    assert job["status"] == "SUCCESS", job
    assert job["result"]["files"] == 2
    assert content(api, local_draft.id, "a") == DATA
    reply = api.get(f"/records/{local_draft.id}/files/a")
    assert reply.json["metadata"] == {"x": 1}
    assert batch.status()["states"] == {"completed": 2}
    assert left(batch) == [("completed", True)] * 2


def test_mixed_with_uploads(draft: Draft, api: Api) -> None:
    """One batch brings files that are sent and files that are linked."""
    source = published(api, {"a.txt": DATA})
    files = ["sent", link("linked", source, "a.txt"), {"key": "more", "size": 3}]
    batch = open_batch(draft, files)
    assert set(batch.json["presigned_urls"]) == {"sent", "more"}
    assert set(batch.json["links"]) == {"linked"}
    batch.send_ok("sent", OTHER)
    batch.send_ok("more", b"abc")
    assert make(batch, "linked").status == 200
    job = batch.complete()
    assert job["status"] == "SUCCESS", job
    assert job["result"]["size"] == len(OTHER) + 3 + len(DATA)
    assert bucket_size(draft) == len(OTHER) + 3 + len(DATA)
    assert draft.content("linked") == DATA
    assert draft.content("sent") == OTHER


def test_link_of_a_link(api: Api, local_draft: Draft, source: str) -> None:
    """A link to a linked file tells of the file that had the bytes first."""
    first = open_batch(local_draft, [link("b", source, "data/a.txt")])
    assert make(first, "b").status == 200
    assert first.complete(publish=True)["status"] == "SUCCESS"
    second = open_batch(api.new_draft(), [link("c", local_draft.id, "b")])
    origin = make(second, "c").json["origin"]
    assert (origin["record"], origin["key"]) == (source, "data/a.txt")
    assert second.complete()["status"] == "SUCCESS"


@pytest.mark.parametrize("where", ["checksum", "hashes.md5", "hashes.prefixed"])
def test_by_md5(api: Api, local: str, where: str) -> None:
    """A file of an earlier version is found by its digest, or one in its metadata."""
    digest = md5(DATA)
    hashes = {"md5": digest.removeprefix("md5:").upper(), "prefixed": digest}
    draft = api.new_draft()
    entry = {"key": "data/old", "size": len(DATA), "metadata": {"hashes": hashes}}
    first = open_batch(draft, [entry])
    first.send_ok("data/old", DATA)
    assert first.complete(publish=True)["status"] == "SUCCESS"
    version = new_version(api, draft.id)
    batch = open_batch(version, [by_md5("new", DATA, where)])
    made = make(batch, "new")
    assert made.json["origin"]["record"] == draft.id
    assert made.json["origin"]["key"] == "data/old"
    assert batch.complete(publish=True)["status"] == "SUCCESS"
    assert content(api, version.id, "new") == DATA


def test_by_md5_in_the_draft(local_draft: Draft) -> None:
    """A finished file of the draft itself is found, too."""
    brought(local_draft, {"old": DATA})
    batch = open_batch(local_draft, [by_md5("new", DATA)])
    assert make(batch, "new").status == 200
    assert batch.complete()["status"] == "SUCCESS"
    assert local_draft.content("new") == DATA
    assert bucket_size(local_draft) == 2 * len(DATA)


def test_by_md5_of_this_record_only(local_draft: Draft, source: str) -> None:
    """The same bytes in another record, even the caller's own, are never told of."""
    path = f"{local_draft.path}/uploads"
    reply = announce(local_draft.api, path, ["a", by_md5("b", DATA)])
    refused(reply, 400, "link_target_unavailable", "files.1.value")
    nothing_left(local_draft)


def test_by_md5_for_a_new_record(api: Api, source: str) -> None:
    """A record that is made just now has no versions in which to find something."""
    record = {"metadata": RECORD["metadata"]}
    reply = announce(api, "/uploads", [by_md5("b", DATA)], record=record)
    refused(reply, 400, "link_target_unavailable", "files.0.value")
    files = [link("a", source, "data/a.txt"), by_md5("b", DATA, otherwise="upload")]
    reply = announce(api, "/uploads", files, record=record)
    assert reply.status == 201, reply.json
    assert set(reply.json["links"]) == {"a"}
    assert set(reply.json["presigned_urls"]) == {"b"}


@pytest.mark.parametrize("said", ["nothing", "size", "checksum"])
def test_otherwise(local_draft: Draft, source: str, said: str) -> None:
    """What is not there as it was said to be becomes a file to send."""
    more: dict[str, Any] = {"otherwise": "upload"}
    entry = link("a", source, "data/none", **more)
    if said == "size":
        entry = link("a", source, "data/a.txt", size=len(OTHER), **more)
    elif said == "checksum":
        entry = link("a", source, "data/a.txt", checksum=md5(OTHER), **more)
    batch = open_batch(local_draft, [entry])
    assert (set(batch.json["presigned_urls"]), batch.json["links"]) == ({"a"}, {})
    assert batch.json["links_url"] is None
    batch.send_ok("a", OTHER)
    assert batch.complete()["status"] == "SUCCESS"
    assert local_draft.content("a") == OTHER


def test_only_what_is_new(api: Api, local: str) -> None:
    """A new version sends what has changed, by one announcement of everything."""
    record = published(api, {"same": DATA, "changed": b"before"})
    version = new_version(api, record)
    contents = {"same": DATA, "changed": OTHER}
    files = [
        by_md5(key, data, size=len(data), checksum=md5(data), otherwise="upload")
        for key, data in contents.items()
    ]
    batch = open_batch(version, files)
    assert set(batch.json["presigned_urls"]) == {"changed"}
    batch.send_ok("changed", OTHER)
    assert batch.anonymous.call("PUT", batch.json["links_url"]).status == 200
    assert batch.complete(publish=True)["status"] == "SUCCESS"
    assert {key: content(api, version.id, key) for key in contents} == contents


def test_no_oracle(api: Api, other: Api, local: str) -> None:
    """A file that is not for the caller is answered for as one that does not exist."""
    access = {"record": "public", "files": "restricted"}
    hidden = published(api, {"a": DATA}, access=access)
    draft = other.new_draft()
    answers = []
    for name in [(hidden, "a"), (hidden, "b"), ("nosuch-record", "a")]:
        reply = announce(other, f"{draft.path}/uploads", [link("x", *name)])
        refused(reply, 400, "link_target_unavailable", "files.0.value")
        text = str(reply.json).replace("/".join(name), "TARGET")
        answers.append(text)
    assert len(set(answers)) == 1
    assert "TARGET" in answers[0]
    nothing_left(draft)


def test_rights_when_made(api: Api, other: Api, local: str) -> None:
    """The right to read counts when the link is made: of whoever announced it."""
    record = published(api, {"a": DATA})
    draft = other.new_draft()
    batch = open_batch(draft, [link("x", record, "a")])
    assert api.call("POST", f"/records/{record}/draft").status == 201
    body = {**RECORD, "access": {"record": "public", "files": "restricted"}}
    assert api.call("PUT", f"/records/{record}/draft", json=body).status == 200
    assert api.call("POST", f"/records/{record}/draft/actions/publish").status == 202
    refused(make(batch, "x"), 400, "link_target_unavailable", "target")
    reply = batch.anonymous.call("PUT", batch.json["links_url"])
    refused(reply, 400, "link_target_unavailable", "links")
    # Not by the rights of the one who follows the URL: he has none on the batch.
    refused(api.call("PUT", batch.json["links"]["x"]), 400, None, "target")
    assert bucket_size(draft) == 0


def test_other_bytes_of_the_name(api: Api, local_draft: Draft) -> None:
    """What was announced is linked, not what has come to have its name."""
    target = api.new_draft()
    brought(target, {"a": DATA})
    batch = open_batch(local_draft, [link("x", target.id, "a")])
    assert target.delete("a").status == 204
    brought(target, {"a": DATA[::-1]})
    refused(make(batch, "x"), 400, "link_target_unavailable", "target")


@pytest.mark.parametrize("url", ["link", "links_url"])
@pytest.mark.parametrize("how", ["none", "forged", "batch", "verb", "subject", "late"])
def test_grants(
    app: Any, anonymous: Api, local_draft: Draft, source: str, url: str, how: str
) -> None:
    """A link's grant makes this link of this batch, for its time, and nothing else."""
    files = [link("a", source, "data/a.txt"), link("b", source, "data/a.txt")]
    batch = open_batch(local_draft, files)
    whole = batch.json["links_url"] if url == "links_url" else batch.json["links"]["a"]
    address, _, good = whole.partition("?X-Upload-Credential=")
    tokens = {
        "none": None,
        "forged": good[:-1] + ("A" if good[-1] != "A" else "B"),
        "batch": batch_of_another(local_draft.api, source, url),
        "verb": batch.grant("files_url"),
        "subject": batch.json["links"]["b"].partition("=")[2],
        "late": good,
    }
    if how == "late":
        import time

        from invenio_multipart.core.grants import Verb, issue

        with app.app_context():
            from invenio_multipart.records.models import utc_now
            from invenio_multipart.services.batches.rights import secrets

            bound = address.partition("/link/")[2].replace("/to/", "/")
            tokens["late"] = issue(
                secrets()[0],
                batch.id,
                frozenset({Verb.LINK}),
                utc_now(),
                subject=bound if url == "link" else "",
            )
        time.sleep(1)
    query = {"X-Upload-Credential": tokens[how]} if tokens[how] else {}
    reply = anonymous.call("PUT", address, query_string=query)
    expected = {
        "none": (403, "access_denied"),
        "batch": (401 if url == "link" else 403, None),
        "verb": (401 if url == "link" else 403, None),
        "late": (401, "grant_expired"),
    }
    status, code = expected.get(how, (401, "grant_invalid"))
    refused(reply, status, code, None)
    assert left(batch) == [("initiated", False)] * 2
    # What is good is good for nothing else.
    for other_url in ("files_url", "completion_url", "abort_url"):
        method = "GET" if other_url == "files_url" else "PUT"
        there = batch.json[other_url].partition("?")[0]
        reply = anonymous.call(
            method, there, query_string={"X-Upload-Credential": good}
        )
        assert reply.status in (401, 403)


def batch_of_another(api: Api, source: str, url: str) -> str:
    """The credential of the same URL in another batch."""
    batch = open_batch(api.new_draft(), [link("a", source, "data/a.txt")])
    whole = batch.json["links_url"] if url == "links_url" else batch.json["links"]["a"]
    return str(whole).partition("=")[2]


def test_own_right(api: Api, other: Api, local_draft: Draft, source: str) -> None:
    """Who may write the draft needs no grant; a stranger's account is none."""
    batch = open_batch(local_draft, [link("a", source, "data/a.txt")])
    address = batch.json["links"]["a"].partition("?")[0]
    assert other.call("PUT", address).status == 403
    assert api.call("PUT", address, data=b"whatever").status == 200
    reply = api.call("PUT", f"/uploads/{batch.id}/links")
    assert (reply.status, reply.json["total"]) == (200, 1)


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("x", "y"),
        ("%00", "%00"),
        ("AA", "AA"),
        ("é", "y"),
        ("====", "y"),
        ("a" * 3000, "y"),
    ],
)
def test_hostile_addresses(
    api: Api, local_draft: Draft, source: str, target: str
) -> None:
    """An address of no link is not found, for those who may ask at all."""
    batch = open_batch(local_draft, ["a"])
    path = f"/uploads/{batch.id}/link/{source}/to/{target}"
    assert api.call("PUT", path).status in (400, 404)
    assert batch.anonymous.call("PUT", path).status in (400, 403)
    assert api.call("GET", path).status == 405


def test_files_of_the_batch(local_draft: Draft, source: str) -> None:
    """Pages hold files and links in one order, with URLs for links not made."""
    files: list[Any] = [
        link(f"{n}.l", source, "data/a.txt") for n in range(0, 6, 2)
    ] + [{"key": f"{n}.u", "size": 3} for n in range(1, 6, 2)]
    batch = open_batch(local_draft, files)
    assert make(batch, "2.l").status == 200
    first = batch.files("&size=4")
    second = batch.files(f"&size=4&after={first['next']}")
    seen = [file["key"] for page in (first, second) for file in page["files"]]
    assert seen == ["0.l", "1.u", "2.l", "3.u", "4.l", "5.u"]
    assert second["next"] is None
    assert set(first["links"]) == {"0.l"}
    shown = first["files"][2]
    assert (shown["uploaded"], shown["state"]) == (True, "committing")
    assert shown["link"] == {"id": source, "key": "data/a.txt"}
    again = batch.anonymous.call("PUT", second["links"]["4.l"])
    assert again.status == 200, again.json
    assert again.json["key"] == "4.l"


def test_missing_and_withdrawn(app: Any, local_draft: Draft, source: str) -> None:
    """Links not made are missing, withdrawn ones wrong; afterwards it completes."""
    from invenio_db import db
    from invenio_files_rest.models import ObjectVersion

    from invenio_multipart.records.models import BatchLink

    batch = open_batch(local_draft, [link(key, source, "data/a.txt") for key in "ab"])
    assert make(batch, "a").status == 200

    def readable(value: bool) -> None:
        with app.app_context():
            made = BatchLink.query.filter_by(batch_id=batch.id, key="a").one()
            file = ObjectVersion.query.filter_by(version_id=made.version_id).one().file
            file.readable = value
            db.session.commit()

    readable(False)
    job = batch.complete()
    assert job["error"]["code"] == "files_differ", job
    errors = job["result"]["errors"]
    assert errors["missing"] == ["b"]
    assert [wrong["key"] for wrong in errors["wrong"]] == ["a"]
    assert batch.status()["state"] == "uploading"
    readable(True)
    assert batch.anonymous.call("PUT", batch.json["links_url"]).status == 200
    assert batch.complete()["status"] == "SUCCESS"


@pytest.mark.parametrize("how", ["abort", "expire", "files", "draft", "disable"])
def test_end_frees(api: Api, local_draft: Draft, how: str) -> None:
    """However a batch ends, its links hold nothing: neither quota nor bytes."""
    data = uuid.uuid4().bytes
    target = api.new_draft()
    brought(target, {"a": data})
    batch = open_batch(local_draft, [link(k, target.id, "a") for k in ("x", "y")])
    assert make(batch, "x").status == 200
    # From now on the link alone keeps the bytes alive.
    assert api.call("DELETE", target.path).status == 204
    assert files_of(batch, data) == 1
    if how == "abort":
        assert batch.abort().status == 200
    elif how == "expire":
        pass_deadline(batch)
        run_jobs(batch, "purge_batch")
    elif how == "files":
        assert api.call("DELETE", f"{local_draft.path}/files").status == 204
    elif how == "draft":
        assert api.call("DELETE", local_draft.path).status == 204
    else:
        body = {**RECORD, "files": {"enabled": False}}
        assert api.call("PUT", local_draft.path, json=body).status == 200
    ended = "expired" if how == "expire" else "aborted"
    assert left(batch) == [(ended, False)] * 2
    assert files_of(batch, data) == 0
    if how in ("abort", "expire"):
        nothing_left(local_draft)


@pytest.mark.parametrize("made", [False, True], ids=["waiting", "made"])
def test_taken_out(local_draft: Draft, source: str, made: bool) -> None:
    """A link that is deleted from the draft is no part of the batch any more."""
    files = [link(key, source, "data/a.txt") for key in "ab"]
    batch = open_batch(local_draft, files)
    if made:
        assert make(batch, "a").status == 200
    assert local_draft.delete("a").status == 204
    assert bucket_size(local_draft) == 0
    refused(make(batch, "a"), 404, "upload_not_found", None)
    assert "a" not in batch.files()["links"]
    assert make(batch, "b").status == 200
    job = batch.complete()
    assert (job["status"], job["result"]["files"]) == ("SUCCESS", 1)
    assert set(entries(local_draft)) == {"b"}
    assert bucket_size(local_draft) == len(DATA)


def test_pending_entry_is_no_file(local_draft: Draft, source: str) -> None:
    """Nothing can be read of it, sent to it, or committed alone."""
    batch = open_batch(local_draft, [link("a", source, "data/a.txt")])
    assert make(batch, "a").status == 200
    api, path = local_draft.api, local_draft.file("a")
    assert entries(local_draft)["a"]["transfer"] == {"type": "R"}
    headers = {"Content-Type": "application/octet-stream"}
    replies = [
        api.get(f"{path}/content"),
        api.call("PUT", f"{path}/content", data=b"x", headers=headers),
        api.call("POST", f"{path}/commit"),
    ]
    assert all(400 <= reply.status < 500 for reply in replies)
    refused(local_draft.publish(), 400, "batch_open", None)
    assert batch.complete()["status"] == "SUCCESS"


@pytest.mark.parametrize("counted", ["full", "none"])
def test_quota(app: Any, local_draft: Draft, source: str, counted: str) -> None:
    """Links take the quota when they are made, unless the site lets them be free."""
    from ..backdoor import set_limits, setting

    set_limits(local_draft, quota_size=len(DATA) + 1)
    batch = open_batch(local_draft, [link(key, source, "data/a.txt") for key in "ab"])
    with setting(app, MULTIPART_LINK_QUOTA=counted):
        assert make(batch, "a").status == 200
        second = make(batch, "b")
    if counted == "full":
        refused(second, 400, "quota_exceeded", None)
        assert bucket_size(local_draft) == len(DATA)
    else:
        assert second.status == 200
        assert bucket_size(local_draft) == 2 * len(DATA)
    assert batch.abort().status == 200
    assert bucket_size(local_draft) == 0


def test_reaper_finds_nothing(app: Any, local_draft: Draft, source: str) -> None:
    """Quota with a made link in an open batch is what the reaper counts."""
    from ..reaping import preview

    batch = open_batch(local_draft, [link("a", source, "data/a.txt"), "b"])
    assert make(batch, "a").status == 200
    wrong = [found for found in preview(app) if found.what == "bucket"]
    with app.app_context():
        from ..batching import row

        assert str(row(batch).bucket_id) not in {found.id for found in wrong}


def test_keys_and_counts(app: Any, local_draft: Draft, source: str) -> None:
    """Files and links count, and clash, together."""
    from ..backdoor import setting

    path, api = f"{local_draft.path}/uploads", local_draft.api
    twice = ["a", link("a", source, "data/a.txt")]
    refused(announce(api, path, twice), 400, "keys_taken", "files")
    three = ["a", "b", link("c", source, "data/a.txt")]
    with setting(app, MULTIPART_BATCH_MAX_FILES=2):
        refused(announce(api, path, three), 400, "too_many_files", "files")
    unsafe = link("../c", source, "data/a.txt")
    refused(announce(api, path, ["a", unsafe]), 400, "invalid_key", "files.1.key")
    brought(local_draft, {"c": DATA})
    refused(announce(api, path, three), 400, "keys_taken", "files")
    bad = ["x", {"key": "y", "checksum": "md5:no"}]
    clash = announce(api, path, [link("w", source, "data/a.txt"), *bad])
    refused(clash, 400, "invalid_digest", "files.2.checksum")


def in_parallel(calls: list[Any]) -> list[Any]:
    """The answers of calls that are made at once."""
    answers: list[Any] = [None] * len(calls)
    gate = threading.Barrier(len(calls))

    def run(place: int) -> None:
        gate.wait()
        answers[place] = calls[place]()

    threads = [threading.Thread(target=run, args=(n,)) for n in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_twenty_at_once(local_draft: Draft, source: str) -> None:
    """Twenty clients that make one link make one, and hear the same."""
    batch = open_batch(local_draft, [link("a", source, "data/a.txt")])
    answers = in_parallel([lambda: make(batch, "a")] * 20)
    assert {reply.status for reply in answers} == {200}
    assert len({str(reply.json) for reply in answers}) == 1
    assert bucket_size(local_draft) == len(DATA)


@pytest.mark.parametrize("seed", range(3))
def test_make_and_abort(local_draft: Draft, source: str, seed: int) -> None:
    """A link that is made while the batch is aborted holds nothing afterwards."""
    files = [link(str(n), source, "data/a.txt") for n in range(6)]
    batch = open_batch(local_draft, files)
    calls = [lambda n=n: make(batch, str(n)) for n in range(6)]
    calls.insert(seed * 2, batch.abort)
    answers = in_parallel(calls)
    assert answers[seed * 2].status == 200
    assert {reply.status for reply in answers} <= {200, 403, 409}
    assert left(batch) == [("aborted", False)] * 6
    nothing_left(local_draft)


@pytest.mark.parametrize("seed", range(3))
def test_make_and_delete_the_target(api: Api, local_draft: Draft, seed: int) -> None:
    """Of a link and the deletion of its target, one is first; bytes are never lost."""
    data = uuid.uuid4().bytes
    target = api.new_draft()
    brought(target, {"a": data})
    batch = open_batch(local_draft, [link(str(n), target.id, "a") for n in range(4)])
    calls = [lambda n=n: make(batch, str(n)) for n in range(4)]
    calls.insert(seed, lambda: target.delete("a"))
    answers = in_parallel(calls)
    assert answers.pop(seed).status == 204
    made = [n for n, reply in enumerate(answers) if reply.status == 200]
    for reply in answers:
        if reply.status != 200:
            refused(reply, 400, "link_target_unavailable", "target")
    for n in set(range(4)) - set(made):
        assert local_draft.delete(str(n)).status == 204
    if made:
        assert batch.complete()["status"] == "SUCCESS"
        assert local_draft.content(str(made[0])) == data
    else:
        assert batch.abort().status == 200
    assert files_of(batch, data) == (1 if made else 0)
    assert bucket_size(local_draft) == len(made) * len(data)


@pytest.mark.parametrize(
    "entry",
    [
        {"check": "link"},
        {"check": "md5"},
        {"check": "sha1", "value": {}},
        {"check": ["link"], "value": {}},
        {"check": "link", "value": []},
        {"check": "link", "value": "x"},
        {"check": "link", "value": {"id": 1, "key": "x"}},
        {"check": "link", "value": {"id": "x" * 300, "key": "x"}},
        {"check": "link", "value": {"id": "", "key": "x"}},
        {"check": "link", "value": {"id": "x", "key": "x", "more": 1}},
        {"check": "md5", "value": {"md5sum": "x"}},
        {"check": "md5", "value": {"md5sum": "0" * 32, "field": "a..b"}},
        {"check": "md5", "value": {"md5sum": "0" * 32, "field": '"a'}},
        {"check": "md5", "value": {"md5sum": "0" * 32, "field": "a{b,c}"}},
        {"check": "md5", "value": {"md5sum": "0" * 32, "field": ""}},
        {"check": "md5", "value": {"md5sum": "0" * 32, "field": 5}},
        {"value": {"id": "x", "key": "x"}},
        {"otherwise": "upload"},
        {"check": "link", "value": {"id": "x", "key": "y"}, "otherwise": "no"},
        {"check": "link", "value": {"id": "x", "key": "y"}, "otherwise": "upload"},
        {"check": "md5", "value": {"md5sum": "0" * 32, "field": "null.x"}},
        {"check": "md5", "value": {"md5sum": "0" * 32, "field": "a.0.b"}},
    ],
)
def test_hostile_entries(local_draft: Draft, entry: dict[str, Any]) -> None:
    """No entry breaks the server, and what means nothing names its place."""
    path = f"{local_draft.path}/uploads"
    reply = announce(local_draft.api, path, [{"key": "a", **entry}])
    assert reply.status in (201, 400), reply.json
    if reply.status == 400:
        assert reply.json["errors"][0]["field"].startswith("files.0")


def test_too_many_fields(local_draft: Draft) -> None:
    """Each field is a query, so there is a limit to them."""
    files = [by_md5(str(n), DATA, f"f{n}", otherwise="upload") for n in range(11)]
    path = f"{local_draft.path}/uploads"
    refused(announce(local_draft.api, path, files), 400, None, "files")


def test_statements_do_not_grow(app: Any, api: Api, local: str) -> None:
    """Sixty links take as many statements as ten, in each step."""
    record = published(api, {f"{n:03}": DATA for n in range(60)})
    counts = []
    for many in (10, 60):
        draft = api.new_draft()
        files = [link(f"{n}", record, f"{n:03}") for n in range(many)]
        with counted_queries(app) as seen:
            batch = open_batch(draft, files)
            announced = len(seen)
            assert batch.anonymous.call("PUT", batch.json["links_url"]).status == 200
            counts.append((announced, len(seen) - announced))
    assert counts[1][0] <= counts[0][0] + 5, counts
    assert counts[1][1] <= counts[0][1] + 5, counts


def let_expire(batch: Open) -> dict[str, Any]:
    """Let the time of what the batch has brought be over; how its job ends."""
    from invenio_db import db

    from invenio_multipart.records.models import Batch, Job, utc_now

    pass_deadline(batch)
    with batch.app.app_context():
        past = utc_now() - timedelta(minutes=1)
        Batch.query.filter_by(id=batch.id).update({"expires_at": past})
        Job.query.filter_by(batch_id=batch.id, kind="expire_batch").update(
            {"due_at": past}
        )
        db.session.commit()
    (job,) = run_jobs(batch, "expire_batch")
    return job


@pytest.mark.parametrize("what", ["record", "draft", "files"])
def test_for_a_limited_time(api: Api, local_draft: Draft, what: str) -> None:
    """Links go when their time is over, and with them bytes that nobody else uses."""
    data = uuid.uuid4().bytes
    target = api.new_draft()
    brought(target, {"a": data})
    path, body = f"{local_draft.path}/uploads", {}
    if what == "draft":
        path, body = "/uploads", {"record": {"metadata": RECORD["metadata"]}}
    elif what == "files":
        brought(local_draft, {"mine": DATA})
    reply = announce(
        api, path, [link("b", target.id, "a")], expires_in="in 2 days", **body
    )
    assert reply.status == 201, reply.json
    batch, draft = Open(api, reply.json), Draft(api, reply.json["record_id"])
    assert make(batch, "b").status == 200
    assert batch.complete(publish=what == "record")["status"] == "SUCCESS"
    assert api.call("DELETE", target.path).status == 204
    assert files_of(batch, data) == 1
    job = let_expire(batch)
    assert job["status"] == "SUCCESS", job
    assert (
        job["result"]["result"]
        == {
            "record": "record_deleted",
            "draft": "draft_deleted",
            "files": "files_removed",
        }[what]
    )
    assert files_of(batch, data) == 0
    if what == "files":
        assert set(entries(draft)) == {"mine"}
        assert bucket_size(draft) == len(DATA)
    else:
        gone = api.get(f"/records/{draft.id}" if what == "record" else draft.path)
        assert gone.status in (404, 410)
