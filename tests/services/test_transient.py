# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What was announced for a limited time is gone afterwards, bytes and all."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from invenio_multipart.core.running import Postpone
from invenio_multipart.errors import StorageUnavailable
from invenio_multipart.storage import s3
from invenio_multipart.storage import s3_client as s3_client_module

from ..backdoor import bucket_size, left_in_s3, s3_client, setting, uploads_of
from ..driver import Api, Draft

DATA = b"measured" * 100


def put(draft: Draft, key: str, data: bytes) -> None:
    """Upload in the stock way, without parts."""
    reply = draft.api.call("POST", f"{draft.path}/files", json=[{"key": key}])
    assert reply.status == 201, reply.json
    headers = {"Content-Type": "application/octet-stream"}
    url = draft.file(key, "/content")
    assert draft.api.call("PUT", url, data=data, headers=headers).status == 200
    assert draft.commit(key).status == 200


def announce(draft: Draft, *keys: str, **values: Any) -> uuid.UUID:
    """A completed batch of the draft's files of these names, whose time has come."""
    from invenio_db import db
    from invenio_rdm_records.proxies import current_rdm_records_service as service

    from invenio_multipart.records.models import Batch, Upload, utc_now

    with draft.api.app.app_context():
        record = service.draft_cls.pid.resolve(draft.id, registered_only=False)
        now = utc_now()
        batch = Batch(
            id=uuid.uuid4(),
            record_id=record.id,
            pid_value=draft.id,
            service_id=service.draft_files.id,
            bucket_id=record.bucket_id,
            prefix=f"{record.files.bucket.location.uri}/batches/{uuid.uuid4()}/",
            mode="s3-presigned-url",
            state="completed",
            draft_revision=record.revision_id,
            files=len(keys),
            size=0,
            created=now,
            complete_before=now - timedelta(seconds=2),
            expires_at=now - timedelta(seconds=1),
        )
        for name, value in values.items():
            setattr(batch, name, value)
        db.session.add(batch)
        sent = Upload.query.filter(
            Upload.record_id == record.id, Upload.key.in_(keys)
        ).all()
        assert len(sent) == len(keys)
        for upload in sent:
            upload.batch_id = batch.id
        db.session.commit()
        return batch.id


def expire(app: Any, batch_id: uuid.UUID) -> dict[str, Any]:
    """Run the handler as a worker does."""
    from invenio_multipart.services.batches.transient import expire as run

    with app.app_context():
        return run(batch_id)


def places(draft: Draft) -> list[str]:
    """URIs of everything that any bucket of the draft or its record holds."""
    from invenio_files_rest.models import ObjectVersion
    from invenio_rdm_records.proxies import current_rdm_records_service as service

    found = set()
    with draft.api.app.app_context():
        for cls in (service.record_cls, service.draft_cls):
            try:
                holder = cls.pid.resolve(draft.id, registered_only=False)
            except Exception:  # noqa: BLE001, S112 - upstream has several for "none"
                continue
            versions = ObjectVersion.query.filter_by(bucket_id=holder.bucket_id)
            found |= {version.file.uri for version in versions if version.file}
    return sorted(found)


def stored(app: Any, uris: list[str]) -> list[str]:
    """Which of them the store still has."""
    client = s3_client(app)
    left = []
    for uri in uris:
        if uri.startswith("s3://"):
            bucket, _, key = uri.removeprefix("s3://").partition("/")
            if "Contents" in client.list_objects_v2(Bucket=bucket, Prefix=key):
                left.append(uri)
        elif Path(uri).exists():
            left.append(uri)
    return left


def rows_of(app: Any, uris: list[str]) -> int:
    """How many file instances name these places."""
    from invenio_files_rest.models import FileInstance

    with app.app_context():
        return int(FileInstance.query.filter(FileInstance.uri.in_(uris)).count())


def in_search(app: Any, pid: str) -> tuple[list[str], list[str]]:
    """Deletion status of the records, and the drafts, of this PID in the index."""
    from invenio_rdm_records.proxies import current_rdm_records_service as service
    from invenio_search.utils import build_alias_name

    found = []
    with app.app_context():
        for cls in (service.record_cls, service.draft_cls):
            index, client = build_alias_name(cls.index._name), service.indexer.client
            client.indices.refresh(index=index)
            hits = client.search(index=index, body={"query": {"term": {"id": pid}}})[
                "hits"
            ]["hits"]
            found.append(
                [hit["_source"].get("deletion_status", "draft") for hit in hits]
            )
    return found[0], found[1]


def record_bucket(app: Any, pid: str) -> tuple[int, int]:
    """Size of the published record's bucket and number of objects in it."""
    from invenio_files_rest.models import ObjectVersion
    from invenio_rdm_records.proxies import current_rdm_records_service as service

    with app.app_context():
        record = service.record_cls.pid.resolve(pid)
        objects = ObjectVersion.query.filter_by(bucket_id=record.bucket_id).count()
        return record.bucket.size, objects


def published(draft: Draft, *keys: str) -> Draft:
    """The draft with files of these names, published."""
    for key in keys or ("a.bin",):
        assert draft.upload(key, [DATA + key.encode()]).status == 200
    return draft


def publish(draft: Draft) -> None:
    """Publish what must be publishable."""
    reply = draft.publish()
    assert reply.status == 202, reply.json


def new_version(draft: Draft, *, with_files: bool) -> Draft:
    """A draft of the next version, with the files of this one or without."""
    reply = draft.api.call("POST", f"/records/{draft.id}/versions")
    assert reply.status == 201, reply.json
    following = Draft(draft.api, reply.json["id"])
    metadata = {**reply.json["metadata"], "publication_date": "2026-02-02"}
    body = {**reply.json, "metadata": metadata}
    assert draft.api.call("PUT", following.path, json=body).status == 200
    if with_files:
        imported = draft.api.call("POST", f"{following.path}/actions/files-import")
        assert imported.status == 201, imported.json
    return following


def grant_view(app: Any, draft: Draft) -> None:
    """Let somebody else see the record, whatever its access."""
    from invenio_accounts.models import User
    from invenio_db import db
    from invenio_rdm_records.proxies import current_rdm_records_service as service

    with app.app_context():
        record = service.record_cls.pid.resolve(draft.id)
        viewer = User.query.filter_by(_username="other").one()
        record.parent.access.grants.create("user", str(viewer.id), "view", None)
        record.parent.commit()
        db.session.commit()


def new_draft_of(draft: Draft) -> Draft:
    """The same published record, opened for an edit."""
    assert draft.api.call("POST", draft.path).status == 201
    return draft


def test_a_published_record_leaves_a_tombstone_only(
    app: Any, api: Api, draft: Draft
) -> None:
    """Record, content, index entry, rows, quota and bytes go; a tombstone stays."""
    published(draft, "a.bin", "b/c.bin")
    put(draft, "by-hand.txt", b"also part of the version")
    batch = announce(draft, "a.bin", "b/c.bin")
    publish(draft)
    uris = places(draft)
    assert len(uris) == len(stored(app, uris)) == 3
    assert expire(app, batch) == {
        "result": "record_deleted",
        "files": 3,
        "bytes": 2 * len(DATA) + len(b"a.bin" + b"b/c.bin") + 24,
        "shared": 0,
    }
    reply = api.get(f"/records/{draft.id}")
    assert reply.status == 410
    assert "announced as transient" in reply.json["tombstone"]["note"]
    assert reply.json["tombstone"]["is_visible"] is True
    assert reply.json["tombstone"]["citation_text"]
    assert api.get(f"/records/{draft.id}/files").status == 410
    assert api.get(f"/records/{draft.id}/files/a.bin/content").status in (404, 410)
    assert api.get(draft.path).status in (404, 410)
    assert stored(app, uris) == [] and rows_of(app, uris) == 0
    assert record_bucket(app, draft.id) == (0, 0)
    assert in_search(app, draft.id) == (["D"], [])
    hits = api.get(f"/records?q=id:{draft.id}&allversions=1").json["hits"]
    assert hits["total"] == 0


def test_repeated(app: Any, draft: Draft) -> None:
    """To do it again changes nothing and says so."""
    published(draft)
    batch = announce(draft, "a.bin")
    publish(draft)
    expire(app, batch)
    assert expire(app, batch) == {
        "result": "nothing_left",
        "files": 0,
        "bytes": 0,
        "shared": 0,
    }
    assert expire(app, uuid.uuid4())["result"] == "nothing_left"


def test_a_file_of_another_version_stays(app: Any, api: Api, draft: Draft) -> None:
    """What the next version has taken over keeps its bytes and can be read."""
    published(draft, "kept.bin", "gone.bin")
    batch = announce(draft, "kept.bin", "gone.bin")
    publish(draft)
    uris = places(draft)
    following = new_version(draft, with_files=True)
    assert following.delete("gone.bin").status == 204
    publish(following)
    before = record_bucket(app, following.id)
    done = expire(app, batch)
    assert done["result"] == "record_deleted"
    assert (done["files"], done["shared"]) == (1, 1)
    assert api.get(f"/records/{draft.id}").status == 410
    assert api.get(f"/records/{following.id}").json["versions"]["is_latest"] is True
    assert len(stored(app, uris)) == 1
    assert new_draft_of(following).content("kept.bin") == DATA + b"kept.bin"
    assert record_bucket(app, following.id) == before


def test_earlier_versions_and_access_stay(app: Any, api: Api, draft: Draft) -> None:
    """The version before is the latest again; grants of the record are kept."""
    published(draft)
    publish(draft)
    grant_view(app, draft)
    following = published(new_version(draft, with_files=False), "new.bin")
    batch = announce(following, "new.bin")
    publish(following)
    uris = places(following)
    assert expire(app, batch)["files"] == 1
    assert stored(app, uris) == []
    before = api.get(f"/records/{draft.id}")
    assert before.status == 200 and before.json["versions"]["is_latest"] is True
    assert len(before.json["parent"]["access"]["grants"]) == 1
    assert len(stored(app, places(draft))) == 1


def test_an_edit_does_not_hold_it_up(app: Any, api: Api, draft: Draft) -> None:
    """A draft that somebody has opened meanwhile goes too, with what was added."""
    published(draft)
    batch = announce(draft, "a.bin")
    publish(draft)
    with setting(app, RDM_LOCK_EDIT_PUBLISHED_FILES=lambda *_, **__: False):
        assert api.call("POST", draft.path).status == 201
        put(draft, "added.txt", b"added by an edit")
        assert draft.upload("late.bin", [DATA]).status == 200
        draft.begin("unfinished.bin", 2 * 5 * 2**20)
    uris, uploads = places(draft), uploads_of(draft)
    assert len(uris) == 3
    assert expire(app, batch)["files"] == 3
    if uploads[0].uri.startswith("s3://"):
        assert left_in_s3(app, uploads) == []
    assert api.get(f"/records/{draft.id}").status == 410
    assert api.get(draft.path).status in (404, 410)
    assert api.call("POST", draft.path).status in (403, 404, 410)
    assert stored(app, uris) == [] and rows_of(app, uris) == 0
    assert in_search(app, draft.id) == (["D"], [])


def test_a_later_batch_ends_with_it(app: Any, api: Api, draft: Draft) -> None:
    """What is being sent into an edit of the record is given up."""
    from invenio_db import db

    from invenio_multipart.records.models import Batch

    published(draft)
    batch = announce(draft, "a.bin")
    publish(draft)
    assert api.call("POST", draft.path).status == 201
    later = announce(draft, state="uploading")
    assert expire(app, batch)["result"] == "record_deleted"
    with app.app_context():
        assert db.session.get(Batch, later).state == "aborted"


def test_a_draft_made_for_it_goes(app: Any, api: Api, draft: Draft) -> None:
    """An unpublished draft that the batch made is deleted, with its bytes."""
    published(draft, "a.bin", "b.bin")
    batch = announce(draft, "a.bin", "b.bin", provisioned=True)
    uris = places(draft)
    assert expire(app, batch)["result"] == "draft_deleted"
    assert api.get(draft.path).status == 404
    assert len(uris) == 2
    assert stored(app, uris) == [] and rows_of(app, uris) == 0


@pytest.mark.parametrize("touch", ["metadata", "file", "not provisioned"])
def test_a_draft_in_use_loses_its_files_only(
    app: Any, api: Api, draft: Draft, touch: str
) -> None:
    """A draft that somebody works on stays, without what the batch brought."""
    published(draft, "a.bin", "b.bin")
    batch = announce(draft, "a.bin", provisioned=touch != "not provisioned")
    if touch == "file":
        put(draft, "mine.txt", b"mine")
    body = api.get(draft.path).json
    body["files"]["default_preview"] = "a.bin"
    body["metadata"]["title"] = "Changed"
    if touch == "metadata":
        assert api.call("PUT", draft.path, json=body).status == 200
    uris = places(draft)
    assert expire(app, batch)["files"] == 1
    assert api.get(draft.path).status == 200
    assert api.get(draft.path).json["files"].get("default_preview") in (None, "")
    assert api.get(draft.file("a.bin")).status == 404
    assert draft.content("b.bin") == DATA + b"b.bin"
    assert len(stored(app, uris)) == len(uris) - 1
    left = [entry["size"] for entry in api.get(f"{draft.path}/files").json["entries"]]
    assert bucket_size(draft) == sum(left)
    publish(draft)


def test_a_file_put_in_its_place_stays(app: Any, api: Api, s3_draft: Draft) -> None:
    """What has taken the name of a transient file is not the batch's."""
    published(s3_draft)
    batch = announce(s3_draft, "a.bin")
    (uri,) = places(s3_draft)
    assert s3_draft.delete("a.bin").status == 204
    put(s3_draft, "a.bin", b"another")
    expire(app, batch)
    assert s3_draft.content("a.bin") == b"another"
    assert stored(app, [uri]) == []


@pytest.mark.filterwarnings("ignore:Object of type <ObjectVersion> not in session")
def test_a_link_of_another_name_keeps_the_bytes(app: Any, s3_draft: Draft) -> None:
    """Another entry of the draft that shares the file is not taken away."""
    from invenio_db import db
    from invenio_rdm_records.proxies import current_rdm_records_service as service

    published(s3_draft)
    batch = announce(s3_draft, "a.bin")
    with app.app_context():
        record = service.draft_cls.pid.resolve(s3_draft.id, registered_only=False)
        copy = record.files["a.bin"].object_version.copy(key="link.bin")
        record.files["link.bin"] = copy, dict(record.files["a.bin"])
        db.session.commit()
    assert expire(app, batch)["shared"] == 1
    assert s3_draft.content("a.bin") is None
    assert s3_draft.content("link.bin") == DATA + b"a.bin"


def test_a_discarded_draft_leaves_no_bytes(app: Any, api: Api, draft: Draft) -> None:
    """Files of a draft that was deleted before went with it; there is nothing left."""
    published(draft)
    batch = announce(draft, "a.bin", provisioned=True)
    uris = places(draft)
    assert api.call("DELETE", draft.path).status == 204
    assert stored(app, uris) == [] and rows_of(app, uris) == 0
    assert expire(app, batch)["files"] == 0


# Upstream's own, where an edit of a published record brings files.
@pytest.mark.filterwarnings("ignore:Object of type <ObjectVersion> not in session")
def test_a_record_that_was_there_before_stays(app: Any, api: Api, draft: Draft) -> None:
    """A batch into an edit of a published record takes back its own files only."""
    from invenio_multipart.records.models import utc_now

    published(draft, "old.bin")
    publish(draft)
    with setting(app, RDM_LOCK_EDIT_PUBLISHED_FILES=lambda *_, **__: False):
        assert api.call("POST", draft.path).status == 201
        assert draft.upload("new.bin", [DATA]).status == 200
        later = utc_now() + timedelta(hours=1)
        batch = announce(draft, "new.bin", provisioned=True, created=later)
        publish(draft)
    uris = places(draft)
    assert len(uris) == 2
    assert expire(app, batch)["result"] == "files_removed"
    reply = api.get(f"/records/{draft.id}/files")
    assert [entry["key"] for entry in reply.json["entries"]] == ["old.bin"]
    assert len(stored(app, uris)) == 1
    assert record_bucket(app, draft.id) == (len(DATA) + len("old.bin"), 1)


@pytest.mark.parametrize(
    "access",
    [
        {"record": "restricted", "files": "restricted"},
        {
            "record": "public",
            "files": "restricted",
            "embargo": {"active": True, "until": "2099-01-01", "reason": "later"},
        },
    ],
    ids=["restricted", "embargoed"],
)
def test_not_everybody_sees_every_tombstone(
    app: Any, api: Api, anonymous: Api, s3: str, access: dict[str, Any]
) -> None:
    """Who could not read the record is not told what it was."""
    draft = published(api.new_draft(access=access))
    batch = announce(draft, "a.bin")
    publish(draft)
    uris = places(draft)
    expire(app, batch)
    assert stored(app, uris) == []
    assert api.get(f"/records/{draft.id}").status == 410
    wanted = 410 if access["record"] == "public" else 403
    assert anonymous.get(f"/records/{draft.id}").status == wanted


def test_a_tombstone_of_somebody_else_stays(
    app: Any, api: Api, s3_draft: Draft
) -> None:
    """What an administrator has deleted before keeps that reason; the bytes go."""
    published(s3_draft)
    batch = announce(s3_draft, "a.bin")
    publish(s3_draft)
    uris = places(s3_draft)
    admin = Api(app, app.tokens["admin"])
    note = {"note": "by hand", "is_visible": True}
    gone = admin.call("DELETE", f"/records/{s3_draft.id}/delete", json=note)
    assert gone.status == 204, gone.json
    assert expire(app, batch)["files"] == 1
    reply = api.get(f"/records/{s3_draft.id}")
    assert reply.status == 410 and reply.json["tombstone"]["note"] == "by hand"
    assert stored(app, uris) == []


@pytest.mark.parametrize(
    "values",
    [
        {"expires_at": None},
        {"state": "uploading"},
        {"state": "completing"},
        {"expires_at": "later"},
    ],
    ids=lambda values: "-".join(map(str, [*values, *values.values()])),
)
def test_too_early(app: Any, s3_draft: Draft, values: dict[str, Any]) -> None:
    """Nothing is deleted before it is time; the job comes again."""
    from invenio_multipart.records.models import utc_now

    published(s3_draft)
    if values.get("expires_at"):
        values = {"expires_at": utc_now() + timedelta(hours=1)}
    batch = announce(s3_draft, "a.bin", **values)
    with pytest.raises(Postpone):
        expire(app, batch)
    assert s3_draft.content("a.bin") == DATA + b"a.bin"
    end(app, batch)


def end(app: Any, batch_id: uuid.UUID) -> None:
    """Let an open batch not bother others."""
    from invenio_db import db

    from invenio_multipart.records.models import Batch

    with app.app_context():
        db.session.get(Batch, batch_id).state = "aborted"
        db.session.commit()


class Killed(BaseException):
    """The worker is gone; nothing catches this."""


@contextmanager
def killed_at(monkeypatch: pytest.MonkeyPatch, where: str) -> Iterator[None]:
    """End the next run at this function: before it ("-name") or after it ("+name")."""
    from invenio_multipart.services import free
    from invenio_multipart.services.batches import transient

    module = free if hasattr(free, where[1:]) else transient
    real, calls = getattr(module, where[1:]), []

    def dying(*args: Any, **kwargs: Any) -> Any:
        calls.append(where)
        # The first file goes well, so that there is a half of something.
        if where[1:] == "_delete_bytes" and len(calls) == 1:
            return real(*args, **kwargs)
        if where[0] == "-":
            raise Killed
        real(*args, **kwargs)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(module, where[1:], dying)
        yield


@pytest.mark.parametrize(
    "where",
    [
        "+_take_down",
        "-_free",
        "-_delete_bytes",
        "+_delete_bytes",
        "-free_noted",
        "+_free_bytes",
        "+_free",
        "+_settle",
        "+_forget_draft",
        "+commit",
    ],
)
@pytest.mark.parametrize("edited", [False, True], ids=["", "edited"])
def test_a_worker_may_die_anywhere(
    app: Any,
    api: Api,
    s3_draft: Draft,
    monkeypatch: pytest.MonkeyPatch,
    where: str,
    edited: bool,
) -> None:
    """Who takes over goes on, and in the end nothing is left."""
    from invenio_db.uow import UnitOfWork

    published(s3_draft, "a.bin", "b.bin")
    batch = announce(s3_draft, "a.bin", "b.bin")
    publish(s3_draft)
    if edited:
        with setting(app, RDM_LOCK_EDIT_PUBLISHED_FILES=lambda *_, **__: False):
            assert api.call("POST", s3_draft.path).status == 201
            assert s3_draft.upload("late.bin", [DATA]).status == 200
    uris = places(s3_draft)
    if where == "+commit":
        # The database has it; the search index has not heard of it.
        with monkeypatch.context() as patch:
            patch.setattr(UnitOfWork, "commit", _commit_and_die)
            with pytest.raises(Killed):
                expire(app, batch)
    else:
        with killed_at(monkeypatch, where), pytest.raises(Killed):
            expire(app, batch)
    expire(app, batch)
    assert api.get(f"/records/{s3_draft.id}").status == 410
    assert stored(app, uris) == [] and rows_of(app, uris) == 0
    assert record_bucket(app, s3_draft.id) == (0, 0)
    assert in_search(app, s3_draft.id) == (["D"], [])
    assert expire(app, batch)["result"] == "nothing_left"


def _commit_and_die(uow: Any) -> None:
    uow.session.commit()
    raise Killed


def test_a_store_that_is_down(
    app: Any, s3_draft: Draft, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is left to delete stays noted until the store has deleted it."""
    published(s3_draft)
    batch = announce(s3_draft, "a.bin")
    publish(s3_draft)
    uris = places(s3_draft)
    with monkeypatch.context() as patch:
        patch.setattr(s3, "connection", lambda: _connection(app, "http://127.0.0.1:9"))
        with pytest.raises(StorageUnavailable):
            expire(app, batch)
    assert rows_of(app, uris) == 0 and stored(app, uris) == uris
    assert expire(app, batch)["files"] == 1
    assert stored(app, uris) == []


def _connection(app: Any, endpoint: str) -> Any:
    info = dict(app.extensions["invenio-s3"].init_s3fs_info)
    info["client_kwargs"] = {**info["client_kwargs"], "endpoint_url": endpoint}
    return s3_client_module._connect(info, None)


def test_two_workers_at_once(app: Any, api: Api, s3_draft: Draft) -> None:
    """Both end well, and each file is deleted once."""
    keys = [f"{number}.bin" for number in range(4)]
    published(s3_draft, *keys)
    batch = announce(s3_draft, *keys)
    publish(s3_draft)
    uris = places(s3_draft)
    results: list[Any] = []

    def work() -> None:
        try:
            results.append(expire(app, batch))
        except Exception as error:  # noqa: BLE001 - the test shows what it was
            results.append(error)

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert all(isinstance(result, dict) for result in results), results
    assert sum(result["files"] for result in results) == 4
    assert api.get(f"/records/{s3_draft.id}").status == 410
    assert stored(app, uris) == [] and rows_of(app, uris) == 0


def test_the_reason_is_the_sites(app: Any, api: Api, s3_draft: Draft) -> None:
    """A removal reason that the site's vocabulary has is shown on the tombstone."""
    from invenio_access.permissions import system_identity
    from invenio_db import db
    from invenio_vocabularies.proxies import current_service as vocabularies
    from invenio_vocabularies.records.models import VocabularyType

    with app.app_context():
        if db.session.get(VocabularyType, "removalreasons") is None:
            vocabularies.create_type(system_identity, "removalreasons", "rem")
            term = {"id": "transient", "type": "removalreasons"}
            term["title"] = {"en": "Announced for a limited time"}
            vocabularies.create(system_identity, term)
            db.session.commit()
    published(s3_draft)
    batch = announce(s3_draft, "a.bin")
    publish(s3_draft)
    expire(app, batch)
    shown = api.get(f"/records/{s3_draft.id}").json["tombstone"]["removal_reason"]
    assert shown["id"] == "transient"
