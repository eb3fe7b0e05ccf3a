# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Defects of upstream's multipart transfer, each with what we do instead.

The numbers are those of our review of records-resources 10.2.4, files-rest 5.1.1
and invenio-s3 5.1.1; what is not here concerns links (R) or the deposit page.
"""

from __future__ import annotations

import io
import os
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ..backdoor import (
    bucket_size,
    file_rows,
    left_in_s3,
    s3_client,
    set_limits,
    setting,
    uploads_of,
)
from ..driver import PART, Api, Draft, content_md5, md5

TWO = {"parts": 2, "part_size": PART}
DATA = (os.urandom(PART), os.urandom(1000))
SIZE = PART + 1000
WHOLE = b"".join(DATA)


def begin_two(draft: Draft, key: str = "a.bin", **entry: Any) -> list[dict[str, Any]]:
    """Begin an upload of two parts; its links."""
    return list(draft.begin(key, SIZE, transfer=TWO, **entry)["links"]["parts"])


def send_two(draft: Draft, key: str = "a.bin", **entry: Any) -> None:
    """Begin an upload and send both parts."""
    for link, data in zip(begin_two(draft, key, **entry), DATA, strict=True):
        draft.send_ok(link, data)


def test_defect_01_commit_without_parts(draft: Draft) -> None:
    """A commit without any part is refused and names all parts."""
    begin_two(draft)
    reply = draft.commit("a.bin")
    assert (reply.status, reply.json["code"]) == (400, "missing_parts")
    assert reply.json["missing_parts"] == [1, 2]
    assert draft.content("a.bin") is None


def test_defect_02_more_bytes_than_declared(s3_draft: Draft) -> None:
    """Parts larger than planned are refused at the commit, and can be sent again."""
    links = begin_two(s3_draft)
    s3_draft.send_ok(links[0], DATA[0] * 2)
    s3_draft.send_ok(links[1], DATA[1])
    reply = s3_draft.commit("a.bin")
    assert (reply.status, reply.json["code"]) == (400, "parts_mismatch")
    assert f"Part 1 has {2 * PART} bytes, not {PART}." in reply.json["message"]
    s3_draft.send_ok(links[0], DATA[0])
    assert s3_draft.commit("a.bin").status == 200
    assert s3_draft.content("a.bin") == WHOLE


@pytest.mark.parametrize("size", [500, 1500])
def test_defect_02_last_part_of_another_size(local_draft: Draft, size: int) -> None:
    """A short or long last part is refused when it comes, not padded or cut."""
    link = begin_two(local_draft)[1]
    reply = local_draft.send(link, b"x" * size)
    assert (reply.status, reply.json["code"]) == (400, "invalid_part")


def test_defect_03_client_checksum_is_proved(draft: Draft) -> None:
    """A declared checksum that is not the file's fails the upload."""
    send_two(draft, checksum="md5:" + "0" * 32)
    reply = draft.commit("a.bin")
    assert (reply.status, reply.json["code"]) == (400, "checksum_mismatch")
    assert reply.json["computed"] == md5(WHOLE)
    entry = draft.api.get(draft.file("a.bin")).json
    assert entry["status"] == "failed"
    assert draft.content("a.bin") is None


@pytest.mark.parametrize(
    "checksum", ["nonsense", "md5:", "md5:xyz", "sha1:" + "0" * 40, "a:b:c", ""]
)
def test_defect_04_bad_checksum_text(draft: Draft, checksum: str) -> None:
    """A digest that is no digest is a 400 at initiation."""
    reply = draft.init("a.bin", SIZE, transfer=TWO, checksum=checksum)
    assert (reply.status, reply.json["code"]) == (400, "invalid_digest")
    assert reply.json["errors"][0]["field"] == "checksum"


@pytest.mark.parametrize(
    ("number", "size"), [(3, 1000), (1, 10), (10_001, 10)], ids=str
)
def test_defect_05_failed_part_is_no_success(
    local_draft: Draft, number: int, size: int
) -> None:
    """A part that is refused answers 400 with the code, never 200."""
    begin_two(local_draft)
    link = {"url": local_draft.file("a.bin", f"/content/{number}")}
    reply = local_draft.api.call("PUT", link["url"], data=b"x" * size)
    assert (reply.status, reply.json["code"]) == (400, "invalid_part")


def test_defect_06_part_zero(local_draft: Draft) -> None:
    """Part 0 is a 400."""
    begin_two(local_draft)
    reply = local_draft.api.call(
        "PUT", local_draft.file("a.bin", "/content/0"), data=b"x"
    )
    assert (reply.status, reply.json["code"]) == (400, "invalid_part")


@pytest.mark.parametrize(
    ("size", "transfer", "field"),
    [
        (SIZE, {"parts": 0}, "transfer.parts"),
        (SIZE, {"parts": -1}, "transfer.parts"),
        (SIZE, {"parts": 10_001}, "transfer.parts"),
        (SIZE, {"parts": 300_000, "part_size": PART}, "transfer.parts"),
        (SIZE, {"parts": 2, "part_size": -5}, "transfer.part_size"),
        (SIZE, {"parts": 2, "part_size": 0}, "transfer.part_size"),
        (SIZE, {"parts": 3, "part_size": PART}, "transfer.parts"),
        (SIZE, {"parts": 1, "part_size": PART}, "transfer.parts"),
        (-1, TWO, "size"),
        (2**63, {}, "size"),
        (10**13, {"parts": 1}, "transfer.parts"),
        (None, TWO, "size"),
    ],
    ids=str,
)
def test_defect_06_impossible_plans(
    draft: Draft, size: int | None, transfer: dict[str, int], field: str
) -> None:
    """Plans that do not add up are a 400 that names the field; nothing is left."""
    reply = draft.init("a.bin", size, transfer=transfer)
    assert (reply.status, reply.json["code"]) == (400, "invalid_plan")
    assert reply.json["errors"][0]["field"] == field
    assert draft.api.get(draft.file("a.bin")).status == 404
    assert uploads_of(draft) == []


@pytest.mark.parametrize(
    "transfer",
    [{"parts": "two"}, {"part_size": 1.5}, {"parts": None}, {"x": 1}],
    ids=str,
)
def test_defect_06_values_of_other_types(draft: Draft, transfer: Any) -> None:
    """Values of other types are a 400 as well."""
    assert draft.init("a.bin", SIZE, transfer=transfer).status == 400


def test_defect_06_parts_below_the_minimum(s3_draft: Draft) -> None:
    """Parts S3 would refuse at the end are refused at the beginning."""
    reply = s3_draft.init("a.bin", 2000, transfer={"parts": 2, "part_size": 1000})
    assert (reply.status, reply.json["code"]) == (400, "invalid_plan")
    reply = s3_draft.init("a.bin", 2000, transfer={"parts": 2})
    assert (reply.status, reply.json["code"]) == (400, "invalid_plan")


def test_defect_07_content_md5_is_honoured(draft: Draft) -> None:
    """A part that is not what its Content-MD5 says is refused."""
    link = begin_two(draft)[0]
    damaged = b"y" + DATA[0][1:]
    header = {"Content-MD5": content_md5(DATA[0])}
    reply = draft.send(link, damaged, **header)
    assert getattr(reply, "status", None) or reply.status_code == 400
    assert draft.parts("a.bin").json["uploaded"] == 0
    draft.send_ok(link, DATA[0])
    assert draft.parts("a.bin").json["uploaded"] == 1


def test_defect_07_a_wrong_part_leaves_the_good_one(local_draft: Draft) -> None:
    """A wrong part sent again leaves the earlier, good part in place."""
    send_two(local_draft)
    link = {"url": local_draft.file("a.bin", "/content/1")}
    headers = {"Content-MD5": content_md5(DATA[0])}
    reply = local_draft.api.call("PUT", link["url"], data=b"z" * PART, headers=headers)
    assert (reply.status, reply.json["code"]) == (400, "part_refused")
    assert local_draft.commit("a.bin", md5(WHOLE)).status == 200
    assert local_draft.content("a.bin") == WHOLE


def test_defect_07_malformed_content_md5(local_draft: Draft) -> None:
    """A Content-MD5 that is none is a 400."""
    begin_two(local_draft)
    url = local_draft.file("a.bin", "/content/1")
    reply = local_draft.api.call(
        "PUT", url, data=DATA[0], headers={"Content-MD5": "no base64!"}
    )
    assert (reply.status, reply.json["code"]) == (400, "invalid_digest")


def test_defect_08_a_part_cannot_fill_the_disk(local_draft: Draft) -> None:
    """No part may be larger than planned, in whichever place it is."""
    links = begin_two(local_draft)
    for link in links:
        reply = local_draft.send(link, b"x" * (PART + 1))
        assert (reply.status, reply.json["code"]) == (400, "invalid_part")


def test_defect_09_part_metadata_is_kept(draft: Draft) -> None:
    """After each part its size and MD5 are known, to anybody who resumes."""
    send_two(draft)
    parts = draft.parts("a.bin", "?status=uploaded").json["parts"]
    assert [(part["size"], part["checksum"]) for part in parts] == [
        (len(data), md5(data)) for data in DATA
    ]
    assert all(part["uploaded_at"] for part in parts)


def test_defect_10_commit_after_the_store_did_it(s3_draft: Draft) -> None:
    """A commit whose object the store has made already completes."""
    send_two(s3_draft)
    (upload,) = uploads_of(s3_draft)
    client = s3_client(s3_draft.api.app)
    bucket, _, key = upload.uri.removeprefix("s3://").partition("/")
    from invenio_multipart.services.uploads import commit as commit_module

    # The process dies right after the store has answered: the checkpoint is
    # written, the file is not.
    app = s3_draft.api.app
    real = commit_module._difference
    commit_module._difference = lambda *_: (_ for _ in ()).throw(SystemExit())
    try:
        with pytest.raises(SystemExit):
            s3_draft.commit("a.bin")
    finally:
        commit_module._difference = real
    assert client.head_object(Bucket=bucket, Key=key)["ContentLength"] == SIZE
    assert s3_draft.status("a.bin")["state"] == "committing"
    assert s3_draft.commit("a.bin").status == 200
    assert s3_draft.content("a.bin") == WHOLE
    assert len(left_in_s3(app, [upload])) == 1


def test_defect_10_commit_repeated(draft: Draft) -> None:
    """A commit may be repeated; a wrong digest then is refused and changes nothing."""
    send_two(draft)
    first = draft.commit("a.bin")
    again = draft.commit("a.bin", md5(WHOLE))
    assert (first.status, again.status) == (200, 200)
    assert again.json["status"] == "completed"
    assert again.json["checksum"] == md5(WHOLE)
    wrong = draft.commit("a.bin", "md5:" + "1" * 32)
    assert (wrong.status, wrong.json["code"]) == (400, "checksum_mismatch")
    assert draft.content("a.bin") == WHOLE
    assert draft.status("a.bin")["state"] == "completed"


def test_defect_11_commit_too_early(draft: Draft) -> None:
    """A commit with a part missing is a 400, and the upload goes on."""
    links = begin_two(draft)
    draft.send_ok(links[0], DATA[0])
    reply = draft.commit("a.bin")
    assert (reply.status, reply.json["missing_parts"]) == (400, [2])
    draft.send_ok(links[1], DATA[1])
    assert draft.commit("a.bin").status == 200


def test_defect_12_content_of_a_multipart_file(draft: Draft) -> None:
    """PUT of the whole content is refused and leaves the upload alone."""
    send_two(draft)
    reply = draft.api.call("PUT", draft.file("a.bin", "/content"), data=b"x")
    assert (reply.status, reply.json["code"]) == (400, "not_allowed_here")
    assert draft.commit("a.bin").status == 200


def test_defect_13_part_through_the_server_on_s3(s3_draft: Draft) -> None:
    """A part sent to the server instead of the store is a 400."""
    begin_two(s3_draft)
    url = s3_draft.file("a.bin", "/content/1")
    reply = s3_draft.api.call("PUT", url, data=DATA[0])
    assert (reply.status, reply.json["code"]) == (400, "not_allowed_here")


def test_defect_14_locations_side_by_side(app: Any, draft: Draft, storage: str) -> None:
    """With one factory, drafts on S3 and on local files both work."""
    send_two(draft)
    assert draft.commit("a.bin").status == 200
    (upload,) = uploads_of(draft)
    assert upload.uri.startswith("s3://") == (storage == "s3")
    assert draft.content("a.bin") == WHOLE


@pytest.mark.parametrize("transfer", [{}, {"parts": 2}, {"part_size": PART}], ids=str)
def test_defect_15_the_server_plans(draft: Draft, transfer: dict[str, int]) -> None:
    """What a client leaves open the server plans, and says so."""
    data = os.urandom(2 * PART)
    entry = draft.begin("a.bin", len(data), transfer=transfer)
    plan = entry["transfer"]
    assert len(entry["links"]["parts"]) == plan["parts"]
    pieces = [
        data[start : start + plan["part_size"]]
        for start in range(0, len(data), plan["part_size"])
    ]
    for link, piece in zip(entry["links"]["parts"], pieces, strict=True):
        draft.send_ok(link, piece)
    reply = draft.commit("a.bin")
    assert (reply.status, reply.json["checksum"]) == (200, md5(data))


def test_defect_16_worker_fills_in_the_digest(app: Any, draft: Draft) -> None:
    """A large file without a declared digest is complete at once, and gets its own."""
    with setting(app, MULTIPART_VERIFY_INLINE_MAX=0):
        send_two(draft)
        assert draft.commit("a.bin").json["status"] == "completed"
    entry = draft.api.get(draft.file("a.bin")).json
    assert (entry["status"], entry["checksum"]) == ("completed", md5(WHOLE))
    assert draft.publish().status == 202


def test_defect_16_worker_finds_a_mismatch(app: Any, draft: Draft) -> None:
    """A wrong digest found by a worker fails the file: no download, no publish."""
    with setting(app, MULTIPART_VERIFY_INLINE_MAX=0):
        send_two(draft, checksum="md5:" + "2" * 32)
        draft.commit("a.bin")
    status = draft.status("a.bin")
    assert (status["state"], status["is_consistent"]) == ("failed", False)
    assert md5(WHOLE) in status["error_message"]
    assert draft.content("a.bin") is None
    reply = draft.publish()
    assert (reply.status, reply.json["code"]) == (400, "uploads_unfinished")
    assert draft.commit("a.bin", md5(WHOLE)).status == 200
    assert draft.content("a.bin") == WHOLE


@pytest.mark.parametrize("storage_class", ["ZZZZ", "", "Q"])
def test_defect_17_unknown_storage_class(draft: Draft, storage_class: str) -> None:
    """A storage class the site does not have is a 400."""
    reply = draft.init("a.bin", SIZE, transfer=TWO, storage_class=storage_class)
    assert reply.status == 400
    assert reply.json["errors"][0]["field"] == "storage_class"


def test_defect_18_links_only_where_they_are_used(draft: Draft) -> None:
    """Part links come with the initiation and the single file, nowhere else."""
    first = draft.begin("a.bin", SIZE, transfer=TWO)
    reply = draft.init("b.bin", SIZE, transfer=TWO)
    earlier = next(e for e in reply.json["entries"] if e["key"] == "a.bin")
    assert len(first["links"]["parts"]) == 2
    assert "parts" not in earlier["links"]
    listed = draft.api.get(f"{draft.path}/files").json["entries"]
    assert all("parts" not in entry["links"] for entry in listed)
    assert all(entry["links"]["uploaded_parts"] for entry in listed)
    single = draft.api.get(draft.file("a.bin")).json
    assert [link["part"] for link in single["links"]["parts"]] == [1, 2]
    assert "content" not in single["links"]


def test_defect_18_part_replies_are_small(local_draft: Draft) -> None:
    """The reply to a part holds no part links."""
    link = begin_two(local_draft)[0]
    assert "parts" not in local_draft.send(link, DATA[0]).json["links"]


def test_defect_19_readers_get_no_links(draft: Draft, anonymous: Api) -> None:
    """Who may only preview a draft sees no link to write to it."""
    begin_two(draft)
    link = draft.api.call(
        "POST", f"/records/{draft.id}/access/links", json={"permission": "preview"}
    ).json
    viewer = draft.as_(anonymous)
    query = f"?token={link['token']}"
    file = anonymous.get(draft.file("a.bin") + query)
    parts = anonymous.get(draft.file("a.bin", "/parts") + query)
    status = anonymous.get(draft.file("a.bin", "/upload") + query)
    assert (file.status, parts.status, status.status) == (200, 200, 200)
    assert "parts" not in file.json["links"]
    assert all("url" not in part for part in parts.json["parts"])
    assert viewer.register("a.bin", [{"part": 1, "size": PART}]).status == 403


def test_defect_20_archive_without_pending_files(draft: Draft) -> None:
    """The archive of a draft holds complete files only."""
    draft.upload("done.bin", [b"done"])
    send_two(draft, "pending.bin")
    client = draft.api.app.test_client()
    reply = client.get(
        f"{draft.path}/files-archive",
        headers={"Authorization": f"Bearer {draft.api._token}"},
    )
    names = zipfile.ZipFile(io.BytesIO(reply.data)).namelist()
    assert (reply.status_code, names) == (200, ["done.bin"])


def test_defect_23_media_files_are_refused_at_once(draft: Draft) -> None:
    """Where the site's policy lets nobody finish an upload, none is begun."""
    draft.api.call("PUT", draft.path, json={"media_files": {"enabled": True}})
    reply = draft.api.call(
        "POST",
        f"{draft.path}/media-files",
        json=[{"key": "m.bin", "size": SIZE, "transfer": {"type": "M"}}],
    )
    assert (reply.status, reply.json["code"]) == (403, "upload_forbidden")
    assert bucket_size(draft) == 0


def test_defect_24_browsers_may_send_parts(app: Any) -> None:
    """Buckets made by invenio-s3's command allow browsers to PUT."""
    (rule,) = app.config["S3_BUCKET_CORS_RULES"]
    assert "PUT" in rule["AllowedMethods"]
    assert rule["AllowedHeaders"] == ["*"]
    assert "ETag" in rule["ExposeHeaders"]


def test_defect_25_quota_holds_from_the_start(draft: Draft) -> None:
    """A file over the quota is refused, also when pending files fill it."""
    set_limits(draft, quota_size=SIZE + 10)
    begin_two(draft, "a.bin")
    reply = draft.init("b.bin", 11)
    assert (reply.status, reply.json["code"]) == (400, "quota_exceeded")
    assert draft.init("c.bin", 10).status == 201
    draft.delete("a.bin")
    assert draft.init("b.bin", 11).status == 201


def test_defect_25_largest_file(draft: Draft) -> None:
    """A file over the largest allowed size is refused."""
    set_limits(draft, max_file_size=SIZE - 1)
    reply = draft.init("a.bin", SIZE, transfer=TWO)
    assert (reply.status, reply.json["code"]) == (400, "quota_exceeded")
    assert str(SIZE - 1) in reply.json["message"]


def test_defect_26_bucket_size_is_right(draft: Draft) -> None:
    """The bucket counts a file once: pending, complete, and not when it is gone."""
    send_two(draft)
    assert bucket_size(draft) == SIZE
    draft.commit("a.bin")
    assert bucket_size(draft) == SIZE
    draft.delete("a.bin")
    assert bucket_size(draft) == 0


def test_defect_27_delete_all(app: Any, draft: Draft, storage: str) -> None:
    """Deleting all files frees everything, and their keys can be used again."""
    send_two(draft, "a.bin")
    draft.upload("b.bin", [b"done"])
    pending = [upload for upload in uploads_of(draft) if upload.key == "a.bin"]
    assert draft.api.call("DELETE", f"{draft.path}/files").status == 204
    assert bucket_size(draft) == 0
    expect_freed(app, storage, pending)
    for key in ("a.bin", "b.bin"):
        assert draft.init(key, 10).status == 201


def test_defect_28_draft_delete(app: Any, draft: Draft, storage: str) -> None:
    """Deleting a draft frees its uploads."""
    send_two(draft)
    uploads = uploads_of(draft)
    assert draft.api.call("DELETE", draft.path).status == 204
    expect_freed(app, storage, uploads)
    with app.app_context():
        assert file_rows(uploads) == [None]


def test_defect_29_the_reaper_purges(app: Any, draft: Draft, storage: str) -> None:
    """An upload nobody finishes is purged at its deadline; the draft is usable."""
    send_two(draft)
    from invenio_db import db

    from invenio_multipart.proxies import current_multipart
    from invenio_multipart.records.models import Upload, utc_now

    uploads = uploads_of(draft)
    with app.app_context():
        row = db.session.get(Upload, uploads[0].id)
        row.expires_at = utc_now() - timedelta(seconds=1)
        db.session.commit()
        assert current_multipart.reaper.reap().done["expired"] >= 1
    expect_freed(app, storage, uploads)
    assert draft.api.get(draft.file("a.bin")).status == 404
    assert bucket_size(draft) == 0
    assert uploads_of(draft)[0].state == "expired"
    assert draft.init("a.bin", 10).status == 201


def test_defect_30_pending_files_are_no_fixity_noise(app: Any, draft: Draft) -> None:
    """A pending upload has no file instance that a fixity check could report."""
    send_two(draft)
    with app.app_context():
        assert file_rows(uploads_of(draft)) == [None]
    draft.commit("a.bin")
    with app.app_context():
        (instance,) = file_rows(uploads_of(draft))
        assert instance.verify_checksum() is True


def test_defect_31_no_connection_while_a_part_streams(
    app: Any, local_draft: Draft
) -> None:
    """While a client sends a part, no database connection is held."""
    from invenio_db import db

    begin_two(local_draft)
    held = []

    class Slow(io.BytesIO):
        def readinto(self, buffer: Any) -> int:
            with app.app_context():
                held.append(db.engine.pool.checkedout())
            return super().readinto(buffer)

    with app.app_context():
        before = db.engine.pool.checkedout()
    reply = local_draft.api.call(
        "PUT",
        local_draft.file("a.bin", "/content/1"),
        input_stream=Slow(DATA[0]),
        headers={"Content-Length": str(PART)},
    )
    assert reply.status == 200, reply.json
    assert len(held) > 1
    assert set(held) == {before}


def test_defect_32_nothing_of_ours_stays_in_the_file(app: Any, draft: Draft) -> None:
    """A complete file is a plain L file without a trace of the upload."""
    send_two(draft)
    draft.commit("a.bin")
    from invenio_rdm_records.proxies import current_rdm_records_service as service

    with app.app_context():
        record = service.draft_cls.pid.resolve(draft.id, registered_only=False)
        assert dict(record.files["a.bin"].transfer) == {"type": "L"}


def expect_freed(app: Any, storage: str, uploads: list[Any]) -> None:
    """Nothing is left in the store of these uploads."""
    if storage == "s3":
        assert left_in_s3(app, uploads) == []
    else:
        assert not [u for u in uploads if Path(u.uri).parent.exists()]
