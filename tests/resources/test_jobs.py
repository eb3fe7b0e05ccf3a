# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The resources of jobs and of the index."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from invenio_accounts.proxies import current_datastore
from invenio_db import db

from invenio_multipart import tasks
from invenio_multipart.records import jobs
from invenio_multipart.records.models import Job, utc_now

from ..backdoor import setting
from ..driver import Api
from ..services.test_races import at_once, statuses

KIND = "test-resources"
BUILD, STATUS = "/multipart/index/build", "/multipart/index/status"


@pytest.fixture
def admin(app: Any) -> Api:
    """REST as an administrator."""
    return Api(app, app.tokens["admin"])


@pytest.fixture
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody takes what is queued."""
    monkeypatch.setattr(tasks.run_job, "apply_async", lambda **_: None)


@pytest.fixture(autouse=True)
def tidy(app: Any) -> Iterator[None]:
    """No job is left."""
    yield
    with app.app_context():
        Job.query.filter(Job.kind.in_([KIND, "reindex"])).delete()
        db.session.commit()


def made(app: Any, **values: Any) -> str:
    """A job with these columns."""
    with app.app_context():
        job = jobs.create(KIND)
        for name, value in values.items():
            setattr(job, name, value)
        db.session.commit()
        return str(job.id)


def test_status(app: Any, anonymous: Api) -> None:
    """Whoever knows a job's id sees how it goes, without an account."""
    job_id = made(app, done=2, total=5, stage="saving")
    reply = anonymous.get(f"/uploads/jobs/{job_id}")
    assert reply.status == 200
    assert reply.json == {
        "task_id": job_id,
        "status": "PENDING",
        "result": None,
        "traceback": None,
        "children": [],
        "date_done": None,
        "progress": {"done": 2, "total": 5, "stage": "saving"},
    }
    assert reply.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in reply.headers


def test_failure(app: Any, anonymous: Api) -> None:
    """A job that failed says why, and nothing of what it was given."""
    job_id = made(
        app,
        status="FAILURE",
        error_code="missing_parts",
        error_message="Parts are missing.",
        arguments={"token": "secret"},
        batch_id=uuid.uuid4(),
        runner=uuid.uuid4(),
        date_done=utc_now(),
    )
    body = anonymous.get(f"/uploads/jobs/{job_id}").json
    assert body["status"] == "FAILURE"
    assert body["error"] == {
        "code": "missing_parts",
        "message": "Parts are missing.",
    }
    assert set(body) == {
        *("task_id", "status", "result", "traceback", "children"),
        *("date_done", "progress", "error"),
    }


@pytest.mark.parametrize(
    "job_id",
    [
        pytest.param(str(uuid.uuid4()), id="unknown"),
        pytest.param("x", id="malformed"),
        pytest.param("1" * 5000, id="long"),
        pytest.param("%00", id="control character"),
        pytest.param("{00000000-0000-0000-0000-000000000000}", id="other form"),
        pytest.param("٠" * 8 + "-0000-0000-0000-000000000000", id="other digits"),
    ],
)
def test_no_such_job(anonymous: Api, job_id: str) -> None:
    """What is no id of a job is answered as an id that nobody has."""
    reply = anonymous.get(f"/uploads/jobs/{job_id}")
    assert reply.status == 404
    assert reply.json == {
        "status": 404,
        "code": "job_not_found",
        "message": "No job has this id.",
        "errors": [],
    }


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", ["/uploads/jobs/x", STATUS, BUILD])
def test_other_methods(admin: Api, method: str, path: str) -> None:
    """Other methods are refused in the shape of all errors."""
    if (method, path) == ("POST", BUILD):
        method = "GET"
    reply = admin.call(method, path)
    assert (reply.status, reply.json["code"]) == (405, "not_allowed")
    assert reply.json["errors"] == []


@pytest.mark.parametrize("who", ["owner", "anonymous"])
@pytest.mark.parametrize(("method", "path"), [("POST", BUILD), ("GET", STATUS)])
def test_index_is_for_administrators(
    app: Any, who: str, method: str, path: str
) -> None:
    """Others may neither rebuild the index nor see how that goes."""
    reply = Api(app, app.tokens.get(who)).call(method, path)
    assert reply.status == 403
    with app.app_context():
        assert jobs.latest("reindex") is None


def test_index_never_built(admin: Api) -> None:
    """An index that nobody rebuilt is in order."""
    reply = admin.get(STATUS)
    assert reply.status == 200
    assert reply.json["state"] == "ok"
    others = {name: value for name, value in reply.json.items() if name != "state"}
    assert set(others.values()) == {None}


def test_index_under_way(admin: Api, anonymous: Api, no_worker: None) -> None:
    """While the index is rebuilt a second run is refused, and told of the first."""
    first = admin.call("POST", BUILD)
    assert first.status == 202
    job_id = first.json["job_id"]
    assert first.json == {
        "status": "accepted",
        "job_id": job_id,
        "job_url": f"http://localhost/api/uploads/jobs/{job_id}",
    }
    assert anonymous.get(first.json["job_url"]).json["status"] == "PENDING"
    status = admin.get(STATUS).json
    lock = {
        "name": "__all_projects__",
        "stage": "index_all",
        "since": status["since"],
        "job_id": job_id,
    }
    assert status == {
        "state": "re-indexing",
        "lock": lock,
        "job_id": job_id,
        "job_url": first.json["job_url"],
        "since": status["since"],
        "finished_on": None,
        "progress": {"done": 0, "total": None},
        "result": None,
        "error": None,
    }
    second = admin.call("POST", BUILD)
    assert (second.status, second.json["code"]) == (423, "locked")
    assert second.json["lock"] == lock


def test_index_for_twenty(admin: Api, no_worker: None) -> None:
    """Of twenty who begin to rebuild the index at once exactly one succeeds."""
    replies = at_once([lambda: admin.call("POST", BUILD)] * 20)
    assert statuses(replies) == {202: 1, 423: 19}


def test_index_built(admin: Api) -> None:
    """When the index is rebuilt its lock is free, and the status says how it went."""
    for _ in range(2):
        assert admin.call("POST", BUILD).status == 202
        status = admin.get(STATUS).json
        assert (status["state"], status["lock"]) == ("ok", None)
        assert status["error"] is None
        assert status["finished_on"] >= status["since"]
        assert status["result"]["failed"] == 0
        indexed = status["result"]["indexed"]
        assert status["progress"]["total"] == indexed > 0


def test_index_failed(app: Any, admin: Api, no_worker: None) -> None:
    """An index whose rebuilding failed says so, until the next one succeeds."""
    job_id = admin.call("POST", BUILD).json["job_id"]
    with app.app_context():
        me = uuid.uuid4()
        from datetime import timedelta

        jobs.claim(uuid.UUID(job_id), me, utc_now(), timedelta(seconds=9))
        jobs.fail(uuid.UUID(job_id), me, "index_incomplete", "3 of 5.")
        db.session.commit()
    status = admin.get(STATUS).json
    assert (status["state"], status["lock"]) == ("failed", None)
    assert status["error"] == {"code": "index_incomplete", "message": "3 of 5."}
    assert admin.call("POST", BUILD).status == 202
    assert admin.get(STATUS).json["state"] == "re-indexing"


def test_index_of_a_dead_worker(app: Any, admin: Api, no_worker: None) -> None:
    """A run whose worker has died does not stand in the way of the next one."""
    first = admin.call("POST", BUILD).json["job_id"]
    with app.app_context():
        job = db.session.get(Job, uuid.UUID(first))
        job.status, job.runner, job.due_at = "STARTED", uuid.uuid4(), utc_now()
        db.session.commit()
    second = admin.call("POST", BUILD)
    assert second.status == 202
    assert admin.get(STATUS).json["job_id"] == second.json["job_id"]
    assert admin.get(f"/uploads/jobs/{first}").json["error"]["code"] == "worker_lost"


def test_role_by_configuration(app: Any, other: Api, no_worker: None) -> None:
    """Who has a role that the setting names is an administrator here."""
    with app.app_context():
        role = current_datastore.create_role(id="curators", name="curators")
        user = current_datastore.get_user_by_email("other@multipart.example.org")
        current_datastore.add_role_to_user(user, role)
        db.session.commit()
    try:
        assert other.get(STATUS).status == 403
        with setting(app, MULTIPART_ADMIN_ROLES=["curators"]):
            assert other.get(STATUS).status == 200
            assert other.call("POST", BUILD).status == 202
        assert other.get(STATUS).status == 403
    finally:
        with app.app_context():
            user = current_datastore.get_user_by_email("other@multipart.example.org")
            role = current_datastore.find_role("curators")
            current_datastore.remove_role_from_user(user, role)
            db.session.commit()
