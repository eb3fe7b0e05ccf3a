# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Bytes live until their last user is gone, and go when it goes."""

from __future__ import annotations

import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from kombu.exceptions import OperationalError

from ..backdoor import bucket_of, bucket_size, setting
from ..driver import PART, Api, Draft
from ..lives import (
    begin,
    bytes_of,
    content,
    delete_record,
    import_files,
    is_there,
    link,
    linked,
    new_version,
    noted,
    publish,
    put,
    settle,
    sizes,
)
from ..reaping import preview, reap

GONE = (False, False)
THERE = (True, True)


def data() -> bytes:
    """Bytes that no other file has."""
    return f"measured {uuid.uuid4()}".encode()


def test_a_deleted_file_leaves_nothing(app: Any, draft: Draft) -> None:
    """Its row, its bytes and its old object versions go; the quota is given back."""
    from invenio_files_rest.models import ObjectVersion

    file = put(draft, "a.txt", data())
    assert is_there(app, file) == THERE
    assert draft.delete("a.txt").status == 204
    assert is_there(app, file) == GONE
    assert bucket_size(draft) == 0 and noted(app) == 0
    with app.app_context():
        bucket = bucket_of(draft)
        assert ObjectVersion.query.filter_by(bucket_id=bucket.id).count() == 0


def test_an_upload_in_parts_likewise(app: Any, draft: Draft) -> None:
    """What came by our own upload goes as well."""
    assert draft.upload("a.bin", [b"a" * PART, b"b"]).status == 200
    file = bytes_of(draft, "a.bin")
    assert is_there(app, file) == THERE
    assert draft.delete("a.bin").status == 204
    assert is_there(app, file) == GONE
    assert bucket_size(draft) == 0


def test_content_that_was_never_committed(app: Any, local_draft: Draft) -> None:
    """It has an object without a file entry; that goes with the file, too."""
    begin(local_draft, "a.txt", data())
    file = bytes_of(local_draft, "a.txt")
    assert local_draft.delete("a.txt").status == 204
    assert is_there(app, file) == GONE
    assert bucket_size(local_draft) == 0
    put(local_draft, "a.txt", b"again")
    assert bucket_size(local_draft) == len(b"again")


@pytest.mark.parametrize("again", ["upload", "link", "links"])
def test_content_that_comes_after_its_file_is_deleted(
    app: Any, local_draft: Draft, again: str
) -> None:
    """What a slow request leaves behind goes when its key is begun again."""
    from invenio_db import db
    from invenio_rdm_records.records.models import RDMFileDraftMetadata

    begin(local_draft, "a.txt", data())
    file = bytes_of(local_draft, "a.txt")
    with app.app_context():
        # As if the delete had not seen the object.
        RDMFileDraftMetadata.query.filter_by(key="a.txt").filter(
            RDMFileDraftMetadata.object_version_id.is_(None)
        ).delete()
        db.session.commit()
    source = local_draft.api.new_draft()
    put(source, "b.txt", b"again")
    if again == "upload":
        put(local_draft, "a.txt", b"again")
    elif again == "link":
        linked(local_draft, "a.txt", source.id, "b.txt")
    else:
        target = {"id": source.id, "key": "b.txt"}
        body = {"files": [{"key": "a.txt", "record": target}]}
        reply = local_draft.api.call("POST", f"{local_draft.path}/links", json=body)
        assert reply.status == 201, reply.json
    assert is_there(app, file) == GONE
    assert bucket_size(local_draft) == len(b"again")


@pytest.mark.parametrize("how", ["delete_all", "delete_draft"])
def test_whatever_ends_a_draft_ends_its_files(app: Any, draft: Draft, how: str) -> None:
    """All files, also those that were deleted before, are gone."""
    files = [put(draft, f"{n}.txt", data()) for n in range(3)]
    assert draft.delete("0.txt").status == 204
    path = f"{draft.path}/files" if how == "delete_all" else draft.path
    assert draft.api.call("DELETE", path).status == 204
    assert [is_there(app, file) for file in files] == [GONE] * 3


def test_a_linked_file_outlives_the_first(app: Any, draft: Draft) -> None:
    """The bytes stay for the link, and go with it; the first file was in a draft."""
    first, second = draft, draft.api.new_draft()
    file = put(first, "a.txt", data())
    linked(second, "b.txt", first.id, "a.txt")
    assert first.delete("a.txt").status == 204
    assert is_there(app, file) == THERE
    assert second.content("b.txt") == (file.data or second.content("b.txt"))
    assert second.api.call("DELETE", second.path).status == 204
    assert is_there(app, file) == GONE


def test_a_published_file_is_kept(app: Any, local_draft: Draft) -> None:
    """An edit that is discarded or published, and a withdrawal, take no bytes away."""
    api = local_draft.api
    file = put(local_draft, "a.txt", data())
    record = publish(local_draft)
    for end in (
        f"DELETE {local_draft.path}",
        f"POST {local_draft.path}/actions/publish",
    ):
        assert api.call("POST", local_draft.path).status == 201
        assert api.call(*end.split()).status in (202, 204)
        assert is_there(app, file) == THERE
    delete_record(app, record)
    assert is_there(app, file) == THERE and noted(app) == 0


def test_what_an_edit_added_goes_with_it(app: Any, local_draft: Draft) -> None:
    """A file that was added to an edit, and one that was deleted from it before."""
    kept = put(local_draft, "a.txt", data())
    publish(local_draft)
    with setting(app, RDM_LOCK_EDIT_PUBLISHED_FILES=lambda *_, **__: False):
        assert local_draft.api.call("POST", local_draft.path).status == 201
        added = [put(local_draft, f"{n}.txt", data()) for n in range(2)]
        assert local_draft.delete("0.txt").status == 204
    assert is_there(app, added[0]) == GONE
    assert local_draft.api.call("DELETE", local_draft.path).status == 204
    assert is_there(app, added[1]) == GONE and is_there(app, kept) == THERE


def test_a_file_that_was_deleted_is_not_published(app: Any, local_draft: Draft) -> None:
    """The record's bucket has what was published, and nothing from before."""
    from invenio_files_rest.models import ObjectVersion

    gone = put(local_draft, "a.txt", data())
    assert local_draft.delete("a.txt").status == 204
    put(local_draft, "a.txt", data())
    with app.app_context():
        bucket_id = bucket_of(local_draft).id
    publish(local_draft)
    with app.app_context():
        assert ObjectVersion.query.filter_by(bucket_id=bucket_id).count() == 1
    assert is_there(app, gone) == GONE


def test_imported_files_count_and_can_be_deleted(app: Any, local_draft: Draft) -> None:
    """A version that takes over its files has their size, and gives it back."""
    first = put(local_draft, "a.txt", data())
    second = put(local_draft, "b.txt", data())
    record = publish(local_draft)
    version = new_version(local_draft.api, record)
    import_files(version)
    assert bucket_size(version) == len(first.data) + len(second.data)
    assert version.delete("a.txt").status == 204
    assert bucket_size(version) == len(second.data)
    assert version.delete("b.txt").status == 204
    assert bucket_size(version) == 0
    import_files(version)
    assert bucket_size(version) == len(first.data) + len(second.data)
    assert is_there(app, first) == is_there(app, second) == THERE


def test_imported_files_are_links_in_the_quota(app: Any, local_draft: Draft) -> None:
    """Where links are free, so is what a version takes over."""
    put(local_draft, "a.txt", b"x" * 100)
    version = new_version(local_draft.api, publish(local_draft))
    with app.app_context():
        from invenio_db import db

        bucket_of(version).quota_size = 150
        db.session.commit()
    import_files(version)
    with setting(app, MULTIPART_LINK_QUOTA="none"):
        put(version, "b.txt", b"y" * 100)
    assert bucket_size(version) == 200


def lose_task(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the broker be down."""
    from invenio_multipart import tasks

    def refuse(*args: Any, **kwargs: Any) -> None:
        raise OperationalError("no broker")

    monkeypatch.setattr(tasks.free_files, "apply_async", refuse)


def age(app: Any) -> None:
    """Let everything that is noted have been so for an hour."""
    from invenio_db import db

    from invenio_multipart.records.models import EndedUse, utc_now

    with app.app_context():
        earlier = utc_now() - timedelta(hours=1)
        EndedUse.query.update({"ended_on": earlier}, synchronize_session=False)
        db.session.commit()


def test_a_lost_task(app: Any, draft: Draft, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reaper does it, but not at once; a dry run tells."""
    file = put(draft, "a.txt", data())
    with monkeypatch.context() as patch:
        lose_task(patch)
        assert draft.delete("a.txt").status == 204
    assert is_there(app, file) == THERE
    assert reap(app).done["files_freed"] == 0
    assert is_there(app, file) == THERE
    age(app)
    found = [one for one in preview(app) if one.what == "file"]
    assert [one.id for one in found] == [str(file.file_id)]
    assert is_there(app, file) == THERE
    report = reap(app)
    assert (report.done["files_freed"], report.failed) == (1, 0)
    assert is_there(app, file) == GONE and noted(app) == 0


class Killed(BaseException):
    """The worker is gone; nothing catches this."""


def test_a_worker_that_dies_before_the_bytes(
    app: Any, draft: Draft, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row is gone, so nobody can link them; the next worker deletes the bytes."""
    from invenio_multipart.services import free

    file = put(draft, "a.txt", data())

    def die(uri: str, size: int) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        lose_task(patch)
        assert draft.delete("a.txt").status == 204
        patch.setattr(free, "_delete_bytes", die)
        with pytest.raises(Killed):
            settle(app)
    assert is_there(app, file) == (False, True)
    settle(app)
    assert is_there(app, file) == GONE and noted(app) == 0


def test_bytes_that_cannot_be_deleted(
    app: Any, local_draft: Draft, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that fails stays noted and does not stop the others."""
    from invenio_multipart.services import free

    files = [put(local_draft, f"{n}.txt", data()) for n in range(3)]
    real = free._delete_bytes

    def fail(uri: str, size: int) -> None:
        if uri == files[0].uri:
            raise PermissionError(uri)
        real(uri, size)

    with monkeypatch.context() as patch:
        patch.setattr(free, "_delete_bytes", fail)
        assert local_draft.api.call("DELETE", local_draft.path).status == 204
    assert [is_there(app, file)[1] for file in files] == [True, False, False]
    assert noted(app) == 1
    settle(app)
    assert is_there(app, files[0]) == GONE and noted(app) == 0


def put_elsewhere(draft: Draft, key: str, uri: str) -> None:
    """A file of upstream's that refers to bytes which somebody else looks after."""
    from invenio_db import db
    from invenio_files_rest.models import FileInstance, ObjectVersion

    with draft.api.app.app_context():
        file = FileInstance(uri=uri, size=3, checksum="md5:0", storage_class="L")
        file.readable, file.writable = True, False
        db.session.add(file)
        version = ObjectVersion.create(bucket_of(draft), key)
        version.set_file(file)
        db.session.commit()


def test_bytes_outside_of_all_locations_are_not_ours(
    app: Any, local_draft: Draft, tmp_path: Path
) -> None:
    """They stay, and so does the row that says where they are."""
    begin(local_draft, "a.txt", data())
    theirs = tmp_path / "theirs.txt"
    theirs.write_bytes(b"abc")
    put_elsewhere(local_draft, "a.txt", str(theirs))
    file = bytes_of(local_draft, "a.txt")
    assert local_draft.delete("a.txt").status == 204
    assert is_there(app, file) == THERE and noted(app) == 0


def test_adopted_bytes_are_never_deleted(app: Any, local_draft: Draft) -> None:
    """Even inside of a location of ours; only the row goes with the last use."""
    from invenio_db import db

    from invenio_multipart.records.models import Adopted

    file = put(local_draft, "a.txt", data())
    with app.app_context():
        db.session.add(Adopted(file_id=file.file_id, etag="0"))
        db.session.commit()
    assert local_draft.delete("a.txt").status == 204
    assert is_there(app, file) == (False, True)


def test_who_else_has_a_foreign_key_uses_it_too(app: Any, local_draft: Draft) -> None:
    """A table that we know nothing of keeps a file, and does not stop the others."""
    from invenio_db import db
    from invenio_files_rest.models import MultipartObject

    kept = put(local_draft, "a.txt", data())
    gone = put(local_draft, "b.txt", data())
    other = local_draft.api.new_draft()
    with app.app_context():
        use = MultipartObject(
            upload_id=uuid.uuid4(),
            bucket_id=bucket_of(other).id,
            key="other",
            file_id=kept.file_id,
            size=1,
            chunk_size=1,
        )
        db.session.add(use)
        db.session.commit()
        use_id = use.upload_id
    assert local_draft.api.call("DELETE", local_draft.path).status == 204
    assert is_there(app, kept) == THERE and is_there(app, gone) == GONE
    with app.app_context():
        MultipartObject.query.filter_by(upload_id=use_id).delete()
        db.session.commit()


def test_what_the_reaper_looks_at_does_not_grow(app: Any, local_draft: Draft) -> None:
    """Used files are looked at once; nothing of them stays noted."""
    from invenio_db import db
    from sqlalchemy import text

    for n in range(5):
        put(local_draft, f"{n}.txt", data())
    version = new_version(local_draft.api, publish(local_draft))
    import_files(version)
    assert version.api.call("DELETE", version.path).status == 204
    assert noted(app) == 0
    with app.app_context():
        db.session.execute(text("SET LOCAL enable_seqscan = off"))
        plan = db.session.execute(
            text(
                "EXPLAIN SELECT id FROM files_files WHERE id = :id AND NOT EXISTS "
                "(SELECT * FROM files_object WHERE file_id = files_files.id)"
            ),
            {"id": uuid.uuid4()},
        )
        assert "ix_multipart_files_object_file_id" in "\n".join(plan.scalars())


def restricted(api: Api, **access: Any) -> Draft:
    """A draft of a record whose files only some may read."""
    return api.new_draft(access={"record": "public", "files": "restricted", **access})


EMBARGO = {"active": True, "until": "2099-01-01", "reason": "a paper"}


@pytest.mark.parametrize("access", [{}, {"embargo": EMBARGO}], ids=["", "embargo"])
def test_a_link_has_the_protection_of_its_own_record(
    app: Any, api: Api, other: Api, anonymous: Api, local: str, access: Any
) -> None:
    """Who may read a protected file may share it; its own record goes on hiding it."""
    hidden = restricted(api, **access)
    file = put(hidden, "a.txt", data())
    source = publish(hidden)
    mine, theirs = api.new_draft(), other.new_draft()
    linked(mine, "open.txt", source, "a.txt")
    refused = link(theirs, "open.txt", source, "a.txt")
    assert (refused.status, refused.json["code"]) == (400, "link_target_unavailable")
    shared = publish(mine)
    assert content(anonymous, f"/records/{source}/files/a.txt")[0] == 403
    there = content(anonymous, f"/records/{shared}/files/open.txt")
    assert there == (200, file.data)
    delete_record(app, source)
    assert content(anonymous, f"/records/{source}/files/a.txt")[0] in (403, 404, 410)
    assert content(anonymous, f"/records/{shared}/files/open.txt") == there


def test_a_link_in_a_protected_record_is_protected(
    api: Api, anonymous: Api, local: str
) -> None:
    """An open file that is linked into a protected record is not open there."""
    open_draft, hidden = api.new_draft(), restricted(api)
    file = put(open_draft, "a.txt", data())
    source = publish(open_draft)
    linked(hidden, "b.txt", source, "a.txt")
    target = publish(hidden)
    assert content(anonymous, f"/records/{target}/files/b.txt")[0] == 403
    assert content(anonymous, f"/records/{source}/files/a.txt") == (200, file.data)


def test_s3_from_link_to_link(app: Any, api: Api, s3: str) -> None:
    """The whole life on S3: a link of a link, a version, a transient end."""
    from .test_transient import announce, expire

    first, second, third = api.new_draft(), api.new_draft(), api.new_draft()
    file = put(first, "a.txt", data())
    linked(second, "b.txt", first.id, "a.txt")
    linked(third, "c.txt", second.id, "b.txt")
    assert first.api.call("DELETE", first.path).status == 204
    record = publish(second)
    version = new_version(api, record)
    import_files(version)
    assert version.delete("b.txt").status == 204
    assert third.delete("c.txt").status == 204
    assert is_there(app, file) == THERE
    linked(third, "d.txt", record, "b.txt")
    batch = announce(third)
    publish(third)
    assert expire(app, batch)["shared"] == 1
    assert is_there(app, file) == THERE
    assert sizes(app, record)["RDMRecord"][0] == sizes(app, record)["RDMRecord"][1]
