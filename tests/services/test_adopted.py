# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Objects of others behind the API: one row for each, looked at, and never deleted."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from tests.adopting import LINKERS, Shelf, give_role, link, linked, open_shelf
from tests.backdoor import bucket_of, setting
from tests.driver import PART, Api, Draft, md5
from tests.reaping import preview, reap

DATA = b"temperatures of a long summer"


@pytest.fixture(params=[False, True], ids=["plain", "versioned"])
def shelf(request: pytest.FixtureRequest, app: Any, local: str) -> Iterator[Shelf]:
    """A bucket without versions, and one with them."""
    with open_shelf(app, "default", versioned=request.param) as shelf:
        shelf.put("data/a.txt", DATA)
        yield shelf


@pytest.fixture
def plain(app: Any, local: str) -> Iterator[Shelf]:
    """A bucket without versions."""
    with open_shelf(app, "default", versioned=False) as shelf:
        yield shelf


@pytest.fixture(autouse=True)
def linker(app: Any) -> Iterator[None]:
    """The owner of new drafts may link objects."""
    give_role(app, "owner", LINKERS)
    yield
    give_role(app, "owner", LINKERS, taken=True)


@pytest.fixture
def adopted(shelf: Shelf, api: Api) -> Draft:
    """A draft whose file ``a.txt`` is the object ``data/a.txt``."""
    draft = api.new_draft()
    linked(draft, {"key": "a.txt", "url": shelf.url("data/a.txt")})
    return draft


def instance_of(draft: Draft, key: str = "a.txt") -> Any:
    """File instance and adopted row of a file; call inside an app context."""
    from invenio_files_rest.models import FileInstance

    from invenio_multipart.records.models import Adopted

    entry = draft.api.get(draft.file(key)).json
    file_id = uuid.UUID(entry["file_id"])
    return FileInstance.get(file_id), Adopted.query.filter_by(file_id=file_id).one()


def file_ids(shelf: Shelf) -> list[Any]:
    """Ids of all file instances in a bucket; call inside an app context."""
    from invenio_files_rest.models import FileInstance

    below = FileInstance.uri.startswith(shelf.url(""))
    return [file.id for file in FileInstance.query.filter(below)]


def look(shelf: Shelf) -> Any:
    """Let the reaper look at every object of the bucket now; its report."""
    from invenio_db import db

    from invenio_multipart.records.models import Adopted, utc_now

    with shelf.app.app_context():
        ours = Adopted.query.filter(Adopted.file_id.in_(file_ids(shelf)))
        ours.update({"checked_on": utc_now() - timedelta(days=2)})
        db.session.commit()
    return reap(shelf.app)


def test_rows(app: Any, shelf: Shelf, adopted: Draft) -> None:
    """The rows say what the object was, that it is not ours, and who linked it."""
    with app.app_context():
        instance, row = instance_of(adopted)
        assert (instance.storage_class, instance.writable) == ("X", False)
        assert instance.readable
        assert instance.checksum == md5(DATA)
        assert row.etag == md5(DATA).removeprefix("md5:")
        assert row.adopted_by is not None
        assert (row.version_ref is not None) is shelf.versioned
        plain = shelf.url("data/a.txt")
        pinned = f"{plain}?versionId={row.version_ref}"
        assert instance.uri == (pinned if shelf.versioned else plain)


def test_upstream_reads_it_as_well(app: Any, shelf: Shelf, adopted: Draft) -> None:
    """A site that no longer has this package reads the object by invenio-s3's class."""
    from invenio_s3.storage import S3FSFileStorage

    with app.app_context():
        instance, _ = instance_of(adopted)
        with S3FSFileStorage(instance.uri, size=len(DATA)).open() as stream:
            assert stream.read() == DATA


@pytest.mark.parametrize(
    "call",
    [
        lambda storage: storage.initialize(10),
        lambda storage: storage.save(None),
        lambda storage: storage.update(None),
        lambda storage: storage.copy(storage),
        lambda storage: storage.open("wb"),
        lambda storage: storage.create_upload(),
        lambda storage: storage.complete_upload("x", []),
        lambda storage: storage.delete(),
        lambda storage: storage.remove_object(),
        lambda storage: storage.abort_upload("x"),
        lambda storage: storage.find_uploads() or None,
    ],
    ids=range(11),
)
def test_nothing_writes(app: Any, shelf: Shelf, adopted: Draft, call: Any) -> None:
    """No method of its storage changes or deletes the object."""
    from invenio_multipart.errors import NotAllowedHere

    with app.app_context():
        storage = instance_of(adopted)[0].storage()
        with suppress(NotAllowedHere):
            assert call(storage) in (None, True)
        assert b"".join(storage.read_from()) == DATA
        assert b"".join(storage.read_from(5)) == DATA[5:]
        assert storage.checksum() == md5(DATA)
    listed = shelf.client.list_objects_v2(Bucket=shelf.bucket)["Contents"]
    assert [entry["Key"] for entry in listed] == ["data/a.txt"]


def test_a_copy_is_of_what_was_linked(app: Any, shelf: Shelf, adopted: Draft) -> None:
    """Moved to a location of ours, a file has the bytes it had, whatever is there now."""
    from invenio_multipart.errors import ObjectChanged
    from invenio_multipart.storage.s3 import S3Storage

    shelf.put("data/a.txt", DATA.upper())
    with app.app_context():
        storage = instance_of(adopted)[0].storage()
        target = S3Storage(shelf.url("copy"), size=len(DATA))
        if not shelf.versioned:
            with pytest.raises(ObjectChanged):
                target.copy(storage)
            return
        target.copy(storage)
        assert b"".join(target.read_from()) == DATA
        # Digests are read in this other way.
        assert b"".join(storage.read_from()) == DATA


def _delete_file(draft: Draft) -> None:
    assert draft.delete("a.txt").status == 204


def _delete_draft(draft: Draft) -> None:
    assert draft.api.call("DELETE", draft.path).status == 204


def _delete_all_files(draft: Draft) -> None:
    assert draft.api.call("DELETE", f"{draft.path}/files").status == 204


def _delete_record(draft: Draft) -> None:
    from invenio_access.permissions import system_identity
    from invenio_rdm_records.proxies import current_rdm_records_service as service

    reply = draft.publish()
    assert reply.status == 202, reply.json
    with draft.api.app.app_context():
        service.delete_record(system_identity, draft.id, {})


def _free(draft: Draft) -> None:
    """As the end of a batch or of a transient record frees its files."""
    from invenio_files_rest.models import ObjectVersion

    from invenio_multipart.services.free import free_files

    with draft.api.app.app_context():
        file_id = instance_of(draft)[0].id
        bucket_id = bucket_of(draft).id
    _delete_draft(draft)
    ours = ObjectVersion.bucket_id == bucket_id
    with draft.api.app.app_context():
        free_files([file_id], lambda ids: ours & ObjectVersion.file_id.in_(ids))


@pytest.mark.parametrize(
    "end",
    [
        _delete_file,
        _delete_draft,
        _delete_all_files,
        _delete_record,
        _free,
    ],
)
def test_the_object_stays(app: Any, shelf: Shelf, adopted: Draft, end: Any) -> None:
    """However the last file that uses it ends, the object is where it was."""
    end(adopted)
    with app.app_context():
        from invenio_multipart.proxies import current_multipart

        current_multipart.reaper.reap()
    shown = shelf.client.get_object(Bucket=shelf.bucket, Key="data/a.txt")
    assert shown["Body"].read() == DATA
    if shelf.versioned:
        found = shelf.client.list_object_versions(Bucket=shelf.bucket)
        assert len(found["Versions"]) == 1
        assert not found.get("DeleteMarkers")


def test_its_storage_class_is_enough(app: Any, shelf: Shelf, adopted: Draft) -> None:
    """Even where the site has a location, and our row of it was lost, it stays."""
    from invenio_db import db
    from invenio_files_rest.models import Location

    from invenio_multipart.records.models import Adopted

    with app.app_context():
        location = Location(name=shelf.bucket, uri=f"s3://{shelf.bucket}")
        db.session.add(location)
        Adopted.query.filter_by(file_id=instance_of(adopted)[0].id).delete()
        db.session.commit()
        try:
            _delete_draft(adopted)
        finally:
            Location.query.filter_by(name=shelf.bucket).delete()
            db.session.commit()
    assert shelf.has("data/a.txt")


def test_upstream_removes_the_row_only(app: Any, shelf: Shelf) -> None:
    """Upstream's own clean-up, even when it is forced, leaves the object alone."""
    from invenio_db import db
    from invenio_files_rest.models import FileInstance
    from invenio_files_rest.tasks import clear_orphaned_files, remove_file_data

    from invenio_multipart.core.adopted import parse_address
    from invenio_multipart.records.adopted import adopt
    from invenio_multipart.storage.found import look_at

    for clean in (
        lambda file_id: remove_file_data(str(file_id), force=True),
        lambda _: clear_orphaned_files(force_delete_check=lambda _: True, limit=0),
    ):
        with app.app_context():
            found = look_at([parse_address(shelf.url("data/a.txt"))])
            (file,) = adopt(found, None).values()
            db.session.commit()
            clean(file.file_id)
        with app.app_context():
            assert FileInstance.get(file.file_id) is None
        assert shelf.has("data/a.txt")


def test_it_can_be_linked_again(app: Any, shelf: Shelf, adopted: Draft) -> None:
    """After its last use ended an object is linked like any other."""
    _free(adopted)
    draft = adopted.api.new_draft()
    linked(draft, {"key": "a.txt", "url": shelf.url("data/a.txt")})
    assert draft.content("a.txt") == DATA


def test_many_link_the_same_at_once(app: Any, shelf: Shelf, api: Api) -> None:
    """Ten callers in any order make one file instance for each object."""
    for number in range(20):
        shelf.put(f"data/{number}", f"{number}".encode())
    names = ["data/a.txt", *(f"data/{number}" for number in range(20))]
    drafts = [api.new_draft() for _ in range(10)]
    statuses: list[int] = []
    begin = threading.Barrier(len(drafts))

    def run(place: int, draft: Draft) -> None:
        order = names if place % 2 else names[::-1]
        files = [{"key": name, "url": shelf.url(name)} for name in order]
        begin.wait()
        statuses.append(link(draft, *files).status)

    threads = [
        threading.Thread(target=run, args=(place, draft))
        for place, draft in enumerate(drafts)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [201] * len(drafts)
    with app.app_context():
        assert len(file_ids(shelf)) == len(names)


def test_linked_while_its_last_use_ends(app: Any, shelf: Shelf, api: Api) -> None:
    """Whoever links an object while its row is deleted has a file that can be read."""
    for _ in range(10):
        old, new = api.new_draft(), api.new_draft()
        file = {"key": "a.txt", "url": shelf.url("data/a.txt")}
        linked(old, file)
        replies: list[int] = []
        threads = [
            threading.Thread(target=_free, args=(old,)),
            threading.Thread(target=lambda: replies.append(link(new, file).status)),  # noqa: B023
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert replies == [201]
        assert new.content("a.txt") == DATA
        _free(new)


def test_a_look_is_due_once(app: Any, shelf: Shelf, adopted: Draft) -> None:
    """An object is looked at when its time has come, and again when it comes again."""
    look(shelf)
    with setting(app, MULTIPART_LINK_CHECK_SECONDS=12 * 3600):
        assert reap(app).done["objects_checked"] == 0
        assert [found for found in preview(app) if found.what == "objects"] == []
        _age(app, adopted, timedelta(hours=13))
        before = _checked_on(app, adopted)
        (found,) = [found for found in preview(app) if found.what == "objects"]
        assert found.size == len(DATA)
        assert _checked_on(app, adopted) == before
        assert reap(app).done["objects_checked"] == 1
        assert _checked_on(app, adopted) > before
    with setting(app, MULTIPART_LINK_CHECK_SECONDS=0):
        _age(app, adopted, timedelta(days=90))
        assert reap(app).done["objects_checked"] == 0


def _age(app: Any, draft: Draft, by: timedelta) -> None:
    from invenio_db import db

    with app.app_context():
        _, row = instance_of(draft)
        row.checked_on -= by
        db.session.commit()


def _checked_on(app: Any, draft: Draft) -> Any:
    with app.app_context():
        return instance_of(draft)[1].checked_on


def test_many_looks(app: Any, plain: Shelf, api: Api, monkeypatch: Any) -> None:
    """A run looks at all that is due, page by page, and says what has changed."""
    from invenio_multipart.services.reaper import of_adopted

    monkeypatch.setattr(of_adopted, "_AT_ONCE", 7)
    for number in range(30):
        plain.put(f"data/{number:02}", b"x")
    draft = api.new_draft()
    linked(draft, {"key": "", "url": plain.url("data/")})
    plain.put("data/13", b"changed")
    plain.delete("data/21")
    assert look(plain).done["objects_checked"] == 30
    consistent = {
        f"{number:02}": draft.status(f"{number:02}")["is_consistent"]
        for number in range(30)
    }
    changed = {key for key, value in consistent.items() if not value}
    assert changed == {"13", "21"}


def test_a_store_that_is_down_is_no_change(
    app: Any, shelf: Shelf, adopted: Draft
) -> None:
    """While the store cannot be reached nothing is withdrawn."""
    with setting(app, S3_ENDPOINT_URL="http://127.0.0.1:9"):
        vars(app.extensions["invenio-s3"]).pop("init_s3fs_info", None)
        look(shelf)
    vars(app.extensions["invenio-s3"]).pop("init_s3fs_info", None)
    assert adopted.status("a.txt")["is_consistent"] is True
    assert adopted.content("a.txt") == DATA


def test_upstream_does_not_read_it(app: Any, shelf: Shelf, adopted: Draft) -> None:
    """InvenioRDM's fixity checks pass by objects of others, and read our files."""
    from invenio_files_rest.models import FileInstance
    from invenio_files_rest.utils import obj_or_import_string

    schedule = app.config["CELERY_BEAT_SCHEDULE"]["file-checks"]
    with app.app_context():
        query = obj_or_import_string(schedule["kwargs"]["files_query"])()
        found = {file.id for file in query}
        assert instance_of(adopted)[0].id not in found
        stock = {f.id for f in FileInstance.query if f.storage_class != "X"}
        assert found == stock


def test_the_digest_job_finds_a_change(app: Any, plain: Shelf, api: Api) -> None:
    """What changes before its digest was found has none, and is withdrawn."""
    from invenio_multipart.records.models import Job
    from invenio_multipart.tasks import run_job

    plain.put_in_parts("data/large", [b"a" * PART, b"b"])
    draft, real = api.new_draft(), run_job.apply_async
    run_job.apply_async = lambda *_, **__: None
    try:
        linked(draft, {"key": "a.txt", "url": plain.url("data/large")})
    finally:
        run_job.apply_async = real
    plain.put_in_parts("data/large", [b"c" * PART, b"d"])
    with app.app_context():
        from invenio_multipart.proxies import current_multipart

        job = Job.query.filter_by(kind="digest_adopted", status="PENDING").one()
        current_multipart.jobs.run(job.id)
        status = current_multipart.jobs.status(job.id)
        assert status["status"] == "SUCCESS"
        assert status["result"] == {"looked_at": 1, "read": 0, "changed": 1}
        instance, row = instance_of(draft)
        assert instance.checksum is None
        assert not instance.readable
        assert "ETag" in row.problem
