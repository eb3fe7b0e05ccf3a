# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Jobs are run once, survive their workers, and say how they ended."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from celery import Celery
from invenio_db import db
from invenio_db.uow import UnitOfWork
from invenio_search.engine import search
from kombu.exceptions import OperationalError as BrokerError
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm.exc import StaleDataError

from invenio_multipart import tasks
from invenio_multipart.core.running import JobLost, Postpone, RunningJob, TryAgain
from invenio_multipart.errors import (
    JobNotFound,
    Locked,
    MissingParts,
    StorageUnavailable,
    UploadNotFound,
)
from invenio_multipart.proxies import current_multipart
from invenio_multipart.records import jobs
from invenio_multipart.records.models import Job, utc_now
from invenio_multipart.services.jobs import claimed
from invenio_multipart.services.jobs.kinds import KINDS, WHEN_FAILED
from invenio_multipart.services.jobs.runner import MAX_ATTEMPTS, backoff

from ..faults.live import ROOT, live_environment
from ..faults.test_broker import queue_at_nobody
from .test_races import at_once

KIND = "test"
Handler = Callable[[RunningJob], Any]


@pytest.fixture(autouse=True)
def context(app: Any) -> Iterator[None]:
    """An application context, and no job left for the tests of others."""
    with app.app_context():
        yield
        db.session.rollback()
        Job.query.filter(Job.kind == KIND).delete()
        db.session.commit()


@pytest.fixture
def handle(monkeypatch: pytest.MonkeyPatch) -> Callable[[Handler], None]:
    """Jobs of the kind "test" do this."""
    return lambda handler: monkeypatch.setitem(KINDS, KIND, handler)


def raising(error: BaseException) -> Handler:
    """A handler that fails."""

    def handler(job: RunningJob) -> None:
        raise error

    return handler


def returning(result: Any) -> Handler:
    """A handler that succeeds."""

    def handler(job: RunningJob) -> Any:
        return result

    return handler


def made(**options: Any) -> uuid.UUID:
    """A job in the table, not submitted."""
    job = jobs.create(KIND, **options)
    db.session.commit()
    return job.id


def run(job_id: uuid.UUID) -> float | None:
    """Run it as a worker would."""
    return current_multipart.jobs.run(job_id)


def status(job_id: uuid.UUID) -> dict[str, Any]:
    """What the resource shows."""
    db.session.rollback()
    return current_multipart.jobs.status(job_id)


def row(job_id: uuid.UUID) -> Job:
    """The row as it is now."""
    db.session.rollback()
    return db.session.get(Job, job_id, populate_existing=True)


def change(job_id: uuid.UUID, **values: Any) -> None:
    """Write into the row what a test needs to be there."""
    Job.query.filter(Job.id == job_id).update(values)
    db.session.commit()


def test_success(handle: Callable[[Handler], None]) -> None:
    """A job gets its arguments, and what it returns is its result."""
    seen: list[Any] = []

    def handler(job: RunningJob) -> dict[str, Any]:
        seen.append((job.id, job.kind, job.batch_id, dict(job.arguments)))
        assert status(job.id)["status"] == "STARTED"
        return {"files": 3}

    handle(handler)
    batch_id = uuid.uuid4()
    job_id = made(batch_id=batch_id, arguments={"a": [1]}, total=3)
    assert status(job_id) == {
        "task_id": str(job_id),
        "status": "PENDING",
        "result": None,
        "traceback": None,
        "children": [],
        "date_done": None,
        "progress": {"done": 0, "total": 3, "stage": None},
    }
    assert run(job_id) is None
    assert seen == [(job_id, KIND, batch_id, {"a": [1]})]
    found = status(job_id)
    assert (found["status"], found["result"]) == ("SUCCESS", {"files": 3})
    assert found["date_done"] == row(job_id).date_done.isoformat()
    assert "error" not in found
    assert run(job_id) is None
    assert len(seen) == 1


def test_missing_result(handle: Callable[[Handler], None]) -> None:
    """A handler that returns nothing has succeeded with nothing."""
    handle(returning(None))
    job_id = made()
    run(job_id)
    assert (status(job_id)["status"], status(job_id)["result"]) == ("SUCCESS", None)


@pytest.mark.parametrize(
    ("error", "code", "message", "result"),
    [
        pytest.param(
            UploadNotFound("This file has no upload."),
            "upload_not_found",
            "This file has no upload.",
            None,
            id="plain",
        ),
        pytest.param(
            MissingParts([2], 10, 5),
            "missing_parts",
            "Parts are missing: 2. 5 of 10 bytes have been uploaded.",
            {"errors": {"missing_parts": [2], "size": 10, "uploaded_bytes": 5}},
            id="with numbers",
        ),
        pytest.param(
            RuntimeError("secret of the site"),
            "internal_error",
            "An internal error; the site's log has it under this job's id.",
            None,
            id="internal",
        ),
    ],
)
def test_failure(
    handle: Callable[[Handler], None],
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    code: str,
    message: str,
    result: Any,
) -> None:
    """Errors of ours are told; others are logged, and told without their insides."""
    handle(raising(error))
    job_id = made()
    assert run(job_id) is None
    found = status(job_id)
    assert (found["status"], found["result"]) == ("FAILURE", result)
    assert found["error"] == {"code": code, "message": message}
    assert found["traceback"] is None
    assert found["date_done"] is not None
    assert ("secret of the site" in caplog.text) == (code == "internal_error")
    assert "secret" not in str(found)


@pytest.mark.parametrize(
    "answer", [{"when": object()}, {"set": {1}}, "text"], ids=["object", "set", "text"]
)
def test_result_that_is_no_json(handle: Callable[[Handler], None], answer: Any) -> None:
    """A handler with a result that cannot be kept fails its job, and no worker."""
    handle(returning(answer))
    job_id = made()
    assert run(job_id) is None
    assert status(job_id)["error"]["code"] == "internal_error"


def test_unknown_kind() -> None:
    """A job of a kind that this version does not know fails."""
    job_id = made()
    assert run(job_id) is None
    assert status(job_id)["error"]["code"] == "internal_error"


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(StorageUnavailable("down"), id="store"),
        pytest.param(OperationalError("SELECT", {}, Exception("gone")), id="database"),
        pytest.param(BrokerError("gone"), id="broker"),
        pytest.param(StaleDataError("changed"), id="changed by others"),
        pytest.param(TryAgain("not now"), id="asked for"),
        pytest.param(
            search.exceptions.ConnectionError("N/A", "no", Exception()), id="search"
        ),
        pytest.param(search.exceptions.TransportError(503, "no", {}), id="busy"),
    ],
)
def test_what_passes_is_tried_again(
    handle: Callable[[Handler], None], error: Exception
) -> None:
    """An outage puts the job back, to run a little later and then succeed."""
    handle(raising(error))
    job_id = made()
    begun = utc_now()
    assert run(job_id) == 5
    job = row(job_id)
    assert (job.status, job.attempts, job.runner) == ("PENDING", 1, None)
    assert begun <= job.due_at - timedelta(seconds=5) <= utc_now()
    handle(returning({"ok": True}))
    # Not before its time.
    assert 0 < (run(job_id) or 0) <= 5
    assert status(job_id)["status"] == "PENDING"
    change(job_id, due_at=utc_now())
    assert run(job_id) is None
    assert status(job_id)["result"] == {"ok": True}


def test_search_that_refuses_is_no_outage(handle: Callable[[Handler], None]) -> None:
    """What the search engine will refuse for ever is not tried for an hour."""
    handle(raising(search.exceptions.RequestError(400, "bad query", {})))
    job_id = made()
    assert run(job_id) is None
    assert status(job_id)["error"]["code"] == "internal_error"


def test_outage_that_does_not_pass(handle: Callable[[Handler], None]) -> None:
    """After ten attempts, with longer and longer pauses, a job is given up."""
    handle(raising(StorageUnavailable("down")))
    job_id = made()
    waits = []
    for _ in range(MAX_ATTEMPTS):
        change(job_id, due_at=utc_now())
        waits.append(run(job_id))
    assert waits == [5, 10, 20, 40, 80, 160, 320, 600, 600, None]
    assert status(job_id)["error"]["code"] == "gave_up"
    assert backoff(1000).total_seconds() == 600


def test_progress_makes_attempts_count_anew(handle: Callable[[Handler], None]) -> None:
    """A job that gets on between its outages is not given up."""

    def handler(job: RunningJob) -> dict[str, Any]:
        n = job.arguments.get("n", 0) + 1
        job.remember(n=n)
        if n < 3 * MAX_ATTEMPTS:
            raise StorageUnavailable("down")
        return {"n": n}

    handle(handler)
    job_id = made()
    for _ in range(3 * MAX_ATTEMPTS):
        change(job_id, due_at=utc_now())
        run(job_id)
    assert status(job_id)["result"] == {"n": 3 * MAX_ATTEMPTS}


def test_postponed(handle: Callable[[Handler], None]) -> None:
    """A job that has to wait for something waits as often as it must."""
    handle(raising(Postpone(30)))
    job_id = made()
    for _ in range(2 * MAX_ATTEMPTS):
        change(job_id, due_at=utc_now())
        assert run(job_id) == 30
    job = row(job_id)
    assert (job.status, job.attempts) == ("PENDING", 0)
    # Hours later is not worth a message that waits.
    handle(raising(Postpone(7200)))
    change(job_id, due_at=utc_now())
    assert run(job_id) is None
    assert row(job_id).due_at > utc_now() + timedelta(seconds=7000)


def test_transaction_of_a_failed_handler(handle: Callable[[Handler], None]) -> None:
    """What a handler has not committed when it fails is not committed with its end."""

    def handler(job: RunningJob) -> None:
        jobs.create(KIND, parent_id=job.id)
        raise UploadNotFound("No.")

    handle(handler)
    job_id = made()
    run(job_id)
    found = status(job_id)
    assert (found["status"], found["children"]) == ("FAILURE", [])


def test_follow_up_of_a_failure(
    handle: Callable[[Handler], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What has to happen when a job fails is in the transaction that fails it."""
    failed = []

    def follow_up(job: Job) -> None:
        failed.append((job.id, job.error_code))
        jobs.create(KIND, parent_id=job.id)

    monkeypatch.setitem(WHEN_FAILED, KIND, follow_up)
    handle(raising(UploadNotFound("No.")))
    job_id = made()
    run(job_id)
    assert failed == [(job_id, "upload_not_found")]
    assert len(status(job_id)["children"]) == 1


def test_children(handle: Callable[[Handler], None]) -> None:
    """A job names what it began, with the status of each."""
    parent = made()
    first, second = made(parent_id=parent), made(parent_id=parent)
    handle(returning({}))
    run(first)
    assert status(parent)["children"] == [
        {"task_id": str(first), "status": "SUCCESS"},
        {"task_id": str(second), "status": "PENDING"},
    ]


def test_twenty_at_once(app: Any, handle: Callable[[Handler], None]) -> None:
    """Of twenty workers that get the same job one runs it, the others come later."""
    ran: list[uuid.UUID] = []

    def handler(job: RunningJob) -> dict[str, Any]:
        ran.append(job.id)
        time.sleep(1)
        return {}

    handle(handler)
    job_id = made()

    def work() -> float | None:
        with app.app_context():
            return current_multipart.jobs.run(job_id)

    waits = at_once([work] * 20)
    assert ran == [job_id]
    assert waits.count(None) >= 1
    assert all(wait is None or 100 < wait <= 120 for wait in waits)
    assert (row(job_id).status, row(job_id).attempts) == ("SUCCESS", 1)


def test_live_lease(handle: Callable[[Handler], None]) -> None:
    """A job that a live worker has is left alone until its lease would end."""
    handle(returning({}))
    job_id = made()
    until = utc_now() + timedelta(seconds=50)
    change(job_id, status="STARTED", runner=uuid.uuid4(), due_at=until)
    assert 45 < (run(job_id) or 0) <= 50
    assert status(job_id)["status"] == "STARTED"
    assert job_id not in jobs.due(utc_now(), 1000)


def test_dead_worker(handle: Callable[[Handler], None]) -> None:
    """A job whose worker has been silent for its lease is run by another."""
    handle(returning({"by": "second"}))
    job_id = made()
    change(job_id, status="STARTED", runner=uuid.uuid4(), attempts=1, due_at=utc_now())
    assert job_id in jobs.due(utc_now(), 1000)
    db.session.rollback()
    assert run(job_id) is None
    assert status(job_id)["result"] == {"by": "second"}
    assert row(job_id).attempts == 2


def test_job_that_kills_its_workers(handle: Callable[[Handler], None]) -> None:
    """A job at which one worker after the other dies is given up."""
    ran = []
    handle(lambda job: ran.append(job.id))
    job_id = made()
    dead = {"status": "STARTED", "runner": uuid.uuid4(), "due_at": utc_now()}
    change(job_id, attempts=MAX_ATTEMPTS, **dead)
    assert run(job_id) is None
    assert ran == []
    assert status(job_id)["error"]["code"] == "gave_up"


def test_lost_worker_cannot_write(handle: Callable[[Handler], None]) -> None:
    """A worker that was taken for dead changes nothing, however it ends."""
    ends: list[Handler] = [
        returning({"by": "first"}),
        raising(UploadNotFound("No.")),
        raising(StorageUnavailable("down")),
        raising(Postpone(5)),
    ]
    for end in ends:
        job_id = made()
        other = uuid.uuid4()

        def slow(job: RunningJob, end: Handler = end, other: uuid.UUID = other) -> Any:
            change(job.id, runner=other)
            return end(job)

        handle(slow)
        assert run(job_id) is None
        job = row(job_id)
        assert (job.status, job.runner, job.result) == ("STARTED", other, None)


def test_lost_worker_stops(handle: Callable[[Handler], None]) -> None:
    """A worker that was taken for dead is told so where it says how far it is."""
    reached = []

    def handler(job: RunningJob) -> None:
        job.advance(1, 10)
        change(job.id, runner=uuid.uuid4(), done=7)
        time.sleep(claimed.ADVANCE_SECONDS)
        with pytest.raises(JobLost):
            job.advance(2)
        assert job.lost
        with pytest.raises(JobLost):
            job.remember(a=1)
        reached.append(True)
        job.advance(3)

    handle(handler)
    job_id = made()
    assert run(job_id) is None
    assert reached == [True]
    job = row(job_id)
    assert (job.status, job.done, job.arguments) == ("STARTED", 7, {})


def test_progress(handle: Callable[[Handler], None]) -> None:
    """Progress can be seen while the job runs; it is written once a second at most."""
    seen = []

    def handler(job: RunningJob) -> dict[str, Any]:
        uncommitted = jobs.create(KIND)
        job.advance(1, 10, "listing")
        job.advance(2)
        seen.append(_elsewhere(job.id))
        time.sleep(claimed.ADVANCE_SECONDS)
        job.advance(3, stage="saving")
        seen.append(_elsewhere(job.id))
        # The transaction of the handler is its own.
        assert _elsewhere(uncommitted.id) is None
        db.session.rollback()
        return {}

    handle(handler)
    job_id = made()
    run(job_id)
    assert seen == [(1, 10, "listing"), (3, 10, "saving")]
    progress = {"done": 3, "total": 10, "stage": "saving"}
    assert status(job_id)["progress"] == progress


def _elsewhere(job_id: uuid.UUID) -> Any:
    """Progress as another connection sees it."""
    query = text("SELECT done, total, stage FROM multipart_job WHERE id = :id")
    with db.engine.connect() as connection:
        found = connection.execute(query, {"id": job_id}).one_or_none()
    return None if found is None else tuple(found)


def test_memory(handle: Callable[[Handler], None]) -> None:
    """What a worker remembered is there for the one that takes over."""

    class Killed(BaseException):
        """Nobody catches this, as nobody catches SIGKILL."""

    def handler(job: RunningJob) -> dict[str, Any]:
        if "cursor" not in job.arguments:
            job.remember(cursor=5)
            raise Killed
        return dict(job.arguments)

    handle(handler)
    job_id = made(arguments={"a": 1})
    with pytest.raises(Killed):
        run(job_id)
    assert status(job_id)["status"] == "STARTED"
    change(job_id, due_at=utc_now())
    run(job_id)
    assert status(job_id)["result"] == {"a": 1, "cursor": 5}


def test_beats(
    handle: Callable[[Handler], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a handler works its lease is prolonged, from a thread that ends with it."""
    monkeypatch.setattr(claimed, "BEAT_SECONDS", 0.05)
    before = set(threading.enumerate())

    def handler(job: RunningJob) -> dict[str, Any]:
        first = row(job.id).due_at
        for _ in range(100):
            time.sleep(0.05)
            if row(job.id).due_at > first:
                return {"prolonged": True}
        return {"prolonged": False}

    handle(handler)
    job_id = made()
    run(job_id)
    assert status(job_id)["result"] == {"prolonged": True}
    assert set(threading.enumerate()) == before


def test_beat_finds_another_runner(
    handle: Callable[[Handler], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A handler that says nothing can still see that its job is another's."""
    monkeypatch.setattr(claimed, "BEAT_SECONDS", 0.05)
    seen = []

    def handler(job: RunningJob) -> None:
        change(job.id, runner=uuid.uuid4())
        for _ in range(100):
            time.sleep(0.05)
            if job.lost:
                break
        seen.append(job.lost)

    handle(handler)
    run(made())
    assert seen == [True]


def test_beat_that_is_missed(
    handle: Callable[[Handler], None],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A database that is away for a moment does not end the beats."""
    monkeypatch.setattr(claimed, "BEAT_SECONDS", 0.05)
    real, fails = jobs.beat, [True]

    def beat(*args: Any, **values: Any) -> bool:
        if fails:
            fails.clear()
            raise OperationalError("UPDATE", {}, Exception("gone"))
        return real(*args, **values)

    monkeypatch.setattr(jobs, "beat", beat)

    def handler(job: RunningJob) -> dict[str, Any]:
        first = row(job.id).due_at
        for _ in range(100):
            time.sleep(0.05)
            if row(job.id).due_at > first:
                return {"prolonged": True}
        return {"prolonged": False}

    handle(handler)
    job_id = made()
    run(job_id)
    assert status(job_id)["result"] == {"prolonged": True}
    assert "missed a beat" in caplog.text


def test_end_that_cannot_be_written(
    handle: Callable[[Handler], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database that is away when the job ends leaves it to the next worker."""

    def gone(*args: Any, **values: Any) -> bool:
        raise OperationalError("UPDATE", {}, Exception("gone"))

    handle(returning({}))
    job_id = made()
    with monkeypatch.context() as patch:
        patch.setattr(jobs, "finish", gone)
        patch.setattr(jobs, "postpone", gone)
        assert run(job_id) == 120
    assert status(job_id)["status"] == "STARTED"
    change(job_id, due_at=utc_now())
    assert run(job_id) is None
    assert status(job_id)["status"] == "SUCCESS"


def test_revoked(handle: Callable[[Handler], None]) -> None:
    """A job that was revoked never runs; one that ran is not revoked."""
    handle(returning({}))
    job_id = made()
    service = current_multipart.jobs
    assert service.revoke(job_id)
    assert service.revoke(str(job_id))
    assert run(job_id) is None
    assert status(job_id)["status"] == "REVOKED"
    assert status(job_id)["date_done"] is not None
    done = made()
    run(done)
    assert not service.revoke(done)
    assert status(done)["status"] == "SUCCESS"
    assert not service.revoke(uuid.uuid4())


def test_unknown() -> None:
    """A job that nobody made is not run, and not found."""
    assert run(uuid.uuid4()) is None
    with pytest.raises(JobNotFound):
        current_multipart.jobs.status(uuid.uuid4())


class Sent:
    """What was given to the broker instead of a worker."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.messages: list[dict[str, Any]] = []
        monkeypatch.setattr(tasks.run_job, "apply_async", self._take)

    def _take(self, **message: Any) -> None:
        self.messages.append(message)

    @property
    def ids(self) -> list[str]:
        """Jobs that were queued."""
        return [message["args"][0] for message in self.messages]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    """No worker gets what is queued."""
    return Sent(monkeypatch)


def submitted(**options: Any) -> uuid.UUID:
    """A job as a service makes it."""
    with UnitOfWork() as uow:
        job = jobs.create(KIND, **options)
        current_multipart.jobs.submit(job, uow)
        uow.commit()
    return job.id


def test_submit_runs(handle: Callable[[Handler], None]) -> None:
    """A job that is due is queued with the commit."""
    handle(returning({"ran": True}))
    assert status(submitted())["result"] == {"ran": True}


@pytest.mark.parametrize(
    ("wait", "queued"),
    [
        pytest.param(0, True, id="now"),
        pytest.param(600, True, id="soon"),
        pytest.param(3600, False, id="later"),
    ],
)
def test_submit_in_time(sent: Sent, wait: int, queued: bool) -> None:
    """What is due soon waits in the queue, what is due later in the table."""
    job_id = submitted(due_at=utc_now() + timedelta(seconds=wait))
    assert sent.ids == [str(job_id)] * queued
    if queued:
        assert wait - 5 <= sent.messages[0]["countdown"] <= wait


def test_submit_that_is_rolled_back(sent: Sent) -> None:
    """Of a transaction that fails no job is left, in the table or in the queue."""
    uow = UnitOfWork()
    with uow:
        job = jobs.create(KIND)
        current_multipart.jobs.submit(job, uow)
        uow.rollback()
    assert sent.ids == []
    assert Job.query.filter(Job.kind == KIND).count() == 0


def test_eager_mode_keeps_the_time(handle: Callable[[Handler], None]) -> None:
    """Where tasks run at once, jobs still do not run before they are due."""
    handle(returning({}))
    job_id = submitted(due_at=utc_now() + timedelta(seconds=60))
    assert status(job_id)["status"] == "PENDING"


def test_no_broker(
    handle: Callable[[Handler], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broker that is down delays a job until the periodic task finds it."""
    handle(returning({"ran": True}))
    with monkeypatch.context() as patch:
        queue_at_nobody(patch, tasks.run_job)
        job_id = submitted()
        assert status(job_id)["status"] == "PENDING"
        assert current_multipart.jobs.run_due() == 0
    assert status(job_id)["status"] == "PENDING"
    assert current_multipart.jobs.run_due() >= 1
    assert status(job_id)["result"] == {"ran": True}


def test_run_due(sent: Sent) -> None:
    """The periodic task queues what is due and what the dead left, the oldest first."""
    now = utc_now()
    later = made(due_at=now + timedelta(hours=1))
    young = made(due_at=now - timedelta(days=1))
    dead = made()
    old = timedelta(days=2)
    change(dead, status="STARTED", runner=uuid.uuid4(), due_at=now - old)
    alive = made()
    lease = timedelta(seconds=60)
    change(alive, status="STARTED", runner=uuid.uuid4(), due_at=now + lease)
    done = made()
    change(done, status="SUCCESS", due_at=now - timedelta(days=9))
    tasks.run_due_jobs()
    ours = {str(job_id) for job_id in (later, young, dead, alive, done)}
    assert [id_ for id_ in sent.ids if id_ in ours] == [str(dead), str(young)]


def test_schedule(app: Any) -> None:
    """Celery beat looks for due jobs once a minute."""
    assert app.config["CELERY_BEAT_SCHEDULE"]["multipart-jobs"] == {
        "task": "invenio_multipart.tasks.run_due_jobs",
        "schedule": 60,
    }


def test_lock(handle: Callable[[Handler], None]) -> None:
    """While a job has a lock another with it is refused, and told whose it is."""
    first = made(lock="a", stage="working")
    with pytest.raises(Locked) as refused:
        jobs.create(KIND, lock="a")
    assert refused.value.details == {
        "lock": {
            "name": "a",
            "stage": "working",
            "since": row(first).created.isoformat(),
            "job_id": str(first),
        }
    }
    # The transaction that was refused is still good.
    made(lock="b")


@pytest.mark.parametrize("end", ["success", "failure", "internal", "revoked"])
def test_lock_ends_with_its_job(handle: Callable[[Handler], None], end: str) -> None:
    """However a job ends, its lock is free then."""
    ends: dict[str, Handler] = {
        "success": returning({}),
        "failure": raising(UploadNotFound("No.")),
        "internal": raising(RuntimeError("No.")),
    }
    first = made(lock="a")
    if end == "revoked":
        current_multipart.jobs.revoke(first)
    else:
        handle(ends[end])
        run(first)
    made(lock="a")


def test_lock_of_a_dead_worker(handle: Callable[[Handler], None]) -> None:
    """A lock whose worker has died goes to whoever asks for it next."""
    first = made(lock="a")
    runner = uuid.uuid4()
    change(first, status="STARTED", runner=runner, due_at=utc_now())
    second = made(lock="a")
    assert status(first)["error"]["code"] == "worker_lost"
    assert status(second)["status"] == "PENDING"
    # Should it not have died, it finds that out.
    assert not jobs.beat(first, runner, utc_now())
    assert not jobs.finish(first, runner, {})


def test_lock_for_twenty(app: Any) -> None:
    """Of twenty who ask for a lock at once exactly one gets it."""

    def ask() -> bool:
        with app.app_context():
            try:
                made(lock="a")
            except Locked:
                return False
            return True

    assert sum(at_once([ask] * 20)) == 1


def test_real_worker(
    app: Any,
    site_config: dict[str, Any],
    tmp_path: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A Celery worker runs a job from a real broker; when killed, another one does."""
    queue = f"jobs-{uuid.uuid4().hex}"
    broker = site_config["BROKER_URL"]
    changes = {"CELERY_BROKER_URL": broker, "BROKER_URL": broker}
    changes |= {"CELERY_TASK_ALWAYS_EAGER": False, "CELERY_TASK_DEFAULT_QUEUE": queue}
    environment = live_environment(site_config, tmp_path, **changes)
    # Celery takes these before any address it is given.
    environment |= {"CELERY_BROKER_URL": broker, "BROKER_URL": broker}
    monkeypatch.setenv("CELERY_BROKER_URL", broker)
    celery = Celery(broker=broker, set_as_current=False)

    def send(**message: Any) -> None:
        celery.send_task(tasks.run_job.name, queue=queue, **message)

    monkeypatch.setattr(tasks.run_job, "apply_async", send)
    command = [sys.executable, "-m", "celery", "-A", "tests.services.live_worker"]
    command += ["worker", "--concurrency=1", f"--queues={queue}", "--loglevel=WARNING"]
    worker = subprocess.Popen(command, env=environment, cwd=ROOT)
    try:
        plain = submitted(arguments={"answer": 42})
        fatal = submitted(arguments={"kill": True})
        soon = submitted(due_at=utc_now() + timedelta(seconds=1))
        for _ in range(1200):
            if {status(i)["status"] for i in (plain, fatal, soon)} == {"SUCCESS"}:
                break
            time.sleep(0.1)
        assert status(plain)["result"] == {"answer": 42}
        assert status(fatal)["result"] == {"kill": True, "killed": True}
        assert row(fatal).attempts == 2
        assert row(soon).started_on >= row(soon).created + timedelta(seconds=1)
    finally:
        worker.terminate()
        worker.wait(60)
