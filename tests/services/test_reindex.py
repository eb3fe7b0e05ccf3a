# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Rebuilding the search index from the database, with the real search engine."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from invenio_db import db
from invenio_rdm_records.proxies import current_rdm_records_service as records
from invenio_search.engine import search
from sqlalchemy import select, update

from invenio_multipart import tasks
from invenio_multipart.errors import Locked
from invenio_multipart.proxies import current_multipart
from invenio_multipart.records import jobs
from invenio_multipart.records.models import Job, utc_now
from invenio_multipart.services.jobs import reindex as module
from invenio_multipart.services.jobs.index import KIND, LOCK, STAGE

from ..driver import RECORD, Api, Draft


@pytest.fixture(autouse=True)
def context(app: Any) -> Iterator[None]:
    """An application context, and no job left."""
    with app.app_context():
        yield
        db.session.rollback()
        Job.query.filter(Job.kind == KIND).delete()
        db.session.commit()


@pytest.fixture
def admin(app: Any) -> Api:
    """REST as an administrator."""
    return Api(app, app.tokens["admin"])


@pytest.fixture
def two(api: Api, local: str) -> list[Draft]:
    """Two drafts."""
    return [api.new_draft(files={"enabled": False}) for _ in range(2)]


def build() -> dict[str, Any]:
    """Rebuild everything here and now; the job's status."""
    current_multipart.index.rebuild()
    job = jobs.latest(KIND)
    assert job is not None
    return current_multipart.jobs.status(job.id)


def run(job_id: uuid.UUID) -> dict[str, Any]:
    """Run a job that a test has prepared; its status."""
    Job.query.filter(Job.id == job_id).update({"due_at": utc_now()})
    db.session.commit()
    current_multipart.jobs.run(job_id)
    return current_multipart.jobs.status(job_id)


def prepared() -> uuid.UUID:
    """A job that is not queued."""
    job = jobs.create(KIND, lock=LOCK, stage=STAGE)
    db.session.commit()
    return job.id


def row_of(draft: Draft, kind: str = "draft") -> Any:
    """The record as the database has it."""
    record_cls = records.draft_cls if kind == "draft" else records.record_cls
    return record_cls.pid.resolve(draft.id, registered_only=kind == "record")


def indexed(draft: Draft, kind: str = "draft") -> Any:
    """The document in the index, None where there is none."""
    indexer = records.draft_indexer if kind == "draft" else records.indexer
    record = row_of(draft, kind)
    index = indexer._prepare_index(indexer.record_to_index(record))
    try:
        return indexer.client.get(index=index, id=str(record.id))
    except search.exceptions.NotFoundError:
        return None


def forget(draft: Draft, kind: str = "draft") -> None:
    """Take the document out of the index, which keeps its version for a while."""
    indexer = records.draft_indexer if kind == "draft" else records.indexer
    indexer.delete(row_of(draft, kind), refresh=True)


def rewrite(record_id: uuid.UUID, changes: dict[str, Any]) -> dict[str, Any]:
    """Change a draft's document past all checks; what it was before."""
    model = records.draft_cls.model_cls
    table = model.__table__
    query = select(table.c.json).where(table.c.id == record_id)
    before = db.session.execute(query).scalar_one()
    change = update(table).where(table.c.id == record_id)
    db.session.execute(change.values(json=before | changes))
    db.session.commit()
    return dict(before)


def test_all_records(two: list[Draft], admin: Api) -> None:
    """Records, drafts and what else has an index is in it again, and found."""
    published, draft = two
    assert published.publish().status == 202
    community = admin.call(
        "POST",
        "/communities",
        json={
            "slug": f"c{uuid.uuid4().hex[:8]}",
            "metadata": {"title": "Physics"},
            "access": {"visibility": "public"},
        },
    )
    assert community.status == 201
    forget(published, "record")
    forget(draft)
    from invenio_communities.proxies import current_communities

    communities = current_communities.service
    record = communities.record_cls.pid.resolve(community.json["id"])
    communities.indexer.delete(record, refresh=True)
    status = build()
    assert status["status"] == "SUCCESS", status
    assert {"records", "records.drafts", "communities", "members"} <= set(
        status["result"]["sources"]
    )
    assert "record-media-files" not in status["result"]["sources"]
    assert indexed(published, "record")["_source"]["id"] == published.id
    assert indexed(draft)["_source"]["id"] == draft.id
    # Refreshed: found at once.
    hits = admin.get(f"/records?q=id:{published.id}").json["hits"]
    assert [hit["id"] for hit in hits["hits"]] == [published.id]
    found = admin.get(f"/communities?q=slug:{community.json['slug']}").json["hits"]
    assert found["total"] == 1
    progress = status["progress"]
    assert progress["total"] == status["result"]["indexed"]
    assert progress["stage"] == STAGE


def test_deleted_drafts_stay_away(two: list[Draft]) -> None:
    """What was deleted does not come back."""
    ghost = row_of(two[0])
    assert two[0].api.call("DELETE", two[0].path).status == 204
    assert build()["status"] == "SUCCESS"
    index = records.draft_indexer._prepare_index(
        records.draft_indexer.record_to_index(ghost)
    )
    assert not records.draft_indexer.client.exists(index=index, id=str(ghost.id))


def test_small_steps(two: list[Draft], monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps of any size reach every record exactly once."""
    monkeypatch.setattr(module, "CHUNK", 1)
    seen: list[Any] = []
    real = module._index

    def index(source: module.Source, ids: Any) -> int:
        assert len(ids) == 1
        seen.append((source.name, ids[0]))
        return real(source, ids)

    monkeypatch.setattr(module, "_index", index)
    for draft in two:
        forget(draft)
    ids = {("records.drafts", row_of(draft).id) for draft in two}
    result = build()["result"]
    assert all(indexed(draft) for draft in two)
    assert len(seen) == len(set(seen)) == result["indexed"]
    assert ids <= set(seen)


class Killed(BaseException):
    """Nobody catches this, as nobody catches SIGKILL."""


def test_killed_worker(two: list[Draft], monkeypatch: pytest.MonkeyPatch) -> None:
    """Another worker goes on where the one that died was; the lock holds meanwhile."""
    monkeypatch.setattr(module, "CHUNK", 1)
    seen: list[Any] = []
    real = module._index

    def index(source: module.Source, ids: Any) -> int:
        if len(seen) == stop:
            raise Killed
        # A record and the draft that edits it have one id.
        seen.append((source.name, ids[0]))
        return real(source, ids)

    monkeypatch.setattr(module, "_index", index)
    for draft in two:
        forget(draft)
    job_id, stop = prepared(), 2
    with pytest.raises(Killed):
        run(job_id)
    with pytest.raises(Locked):
        current_multipart.index.build(_system())
    db.session.rollback()
    stop = -1
    status = run(job_id)
    assert status["status"] == "SUCCESS"
    assert len(seen) == len(set(seen)) == status["result"]["indexed"]
    assert all(indexed(draft) for draft in two)
    build()


def _system() -> Any:
    from invenio_access.permissions import system_identity

    return system_identity


def test_uploads_go_on(
    app: Any, two: list[Draft], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is uploaded and changed meanwhile is in the index as it was left."""
    changed, real = two[0], module._actions
    changed_id = row_of(changed).id
    forget(changed)
    body = RECORD | {"files": {"enabled": True}}

    def actions(*args: Any) -> Iterator[dict[str, Any]]:
        source = args[0]
        made = list(real(*args))
        mine = any(action["_id"] == str(changed_id) for action in made)
        if source.name == "records.drafts" and mine:
            # The documents are made, and not sent yet.
            metadata = RECORD["metadata"] | {"title": "Changed meanwhile"}
            json = body | {"metadata": metadata}
            assert changed.api.call("PUT", changed.path, json=json).status == 200
            assert changed.upload("a.bin", [os.urandom(1000)]).status == 200
        yield from made

    monkeypatch.setattr(module, "_actions", actions)
    assert build()["status"] == "SUCCESS"
    document = indexed(changed)
    assert document["_source"]["metadata"]["title"] == "Changed meanwhile"
    assert document["_version"] == row_of(changed).revision_id
    assert changed.publish().status == 202


def test_broken_record(
    two: list[Draft],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A record that the index does not take is named in the log; others are indexed."""
    broken, good = two
    forget(good)
    record_id = row_of(broken).id
    before = rewrite(record_id, {"metadata": {"title": {"not": "a title"}}})
    try:
        status = build()
        assert status["status"] == "FAILURE"
        assert status["error"]["code"] == "index_incomplete"
        assert status["error"]["message"].startswith("1 of ")
        assert status["result"]["errors"]["failed"] == 1
        assert str(record_id) in caplog.text
        assert indexed(good)
        assert current_multipart.index.status(_system())["state"] == "failed"
    finally:
        rewrite(record_id, before)
    assert build()["status"] == "SUCCESS"
    assert current_multipart.index.status(_system())["state"] == "ok"


def test_record_that_cannot_be_made(
    two: list[Draft],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A record of which no document can be made is named in the log."""
    broken, good = two
    forget(good)
    record_id = row_of(broken).id
    before = rewrite(record_id, {"files": "none", "media_files": 5})
    try:
        status = build()
        assert status["error"]["code"] == "index_incomplete"
        assert f"Cannot index records.drafts {record_id}" in caplog.text
        assert indexed(good)
    finally:
        rewrite(record_id, before)


def test_search_engine_is_away(
    two: list[Draft], monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the search engine cannot be reached the job waits, and has its lock."""
    forget(two[0])
    job_id = prepared()

    def away(*args: Any, **options: Any) -> Any:
        raise search.exceptions.ConnectionError("N/A", "refused", Exception())

    with monkeypatch.context() as patch:
        patch.setattr(search.helpers, "streaming_bulk", away)
        assert run(job_id)["status"] == "PENDING"
    with pytest.raises(Locked):
        current_multipart.index.build(_system())
    db.session.rollback()
    assert run(job_id)["status"] == "SUCCESS"
    assert indexed(two[0])


def test_task(monkeypatch: pytest.MonkeyPatch) -> None:
    """The administration panel's job begins a run, and leaves one under way alone."""
    monkeypatch.setattr(tasks.run_job, "apply_async", lambda **_: None)
    tasks.rebuild_index()
    first = jobs.latest(KIND)
    assert first is not None
    assert (first.lock, first.stage, first.status) == (LOCK, STAGE, "PENDING")
    tasks.rebuild_index()
    assert jobs.latest(KIND) is first


def test_registered_with_invenio_jobs() -> None:
    """The administration panel of InvenioRDM offers our periodic tasks as jobs."""
    from invenio_jobs.proxies import current_jobs

    registered = current_jobs.registry.get_all()
    ours = {
        "multipart_reap_uploads": tasks.reap_uploads,
        "multipart_run_due_jobs": tasks.run_due_jobs,
        "multipart_rebuild_index": tasks.rebuild_index,
    }
    assert {name: registered[name].task for name in ours} == ours
    for name in ours:
        assert registered[name].title and registered[name].description
        assert registered[name]._build_task_arguments(_FreshJob()) == {}


def test_without_invenio_jobs() -> None:
    """Only the entry point asks for what needs invenio-jobs, which is optional."""
    code = (
        "import sys; import invenio_multipart.ext, invenio_multipart.views; "
        "import invenio_multipart.tasks, invenio_multipart.cli; "
        "assert 'invenio_multipart.jobs' not in sys.modules"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True)


class _FreshJob:
    """A job of the panel that never ran."""

    last_runs: dict[str, Any] = {}
