# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What the doctor finds; each fault is made for real where it can be."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from sqlalchemy import text as sql

from invenio_multipart.services.doctor import examine
from invenio_multipart.services.findings import Finding
from tests.backdoor import s3_client, setting
from tests.driver import Draft
from tests.reaping import change

BUCKET = "doctor-bucket"


@pytest.fixture(autouse=True)
def _context(app: Any) -> Iterator[None]:
    """Findings are about the current application."""
    with app.app_context():
        yield


@pytest.fixture
def bucket(app: Any) -> Iterator[str]:
    """A bucket with the site's CORS rules, and a location on it."""
    from invenio_db import db
    from invenio_files_rest.models import Location

    name = f"{BUCKET}-{os.getpid()}"
    client = s3_client(app)
    client.create_bucket(Bucket=name)
    rules(app, name, app.config["S3_BUCKET_CORS_RULES"])
    db.session.add(Location(name=name, uri=f"s3://{name}"))
    db.session.commit()
    yield name
    Location.query.filter_by(name=name).delete()
    db.session.commit()
    # It leaves nothing behind: an empty bucket alone can be deleted.
    client.delete_bucket(Bucket=name)


def rules(app: Any, bucket: str, cors: Any) -> None:
    """Set CORS rules."""
    configuration = {"CORSRules": cors}
    s3_client(app).put_bucket_cors(Bucket=bucket, CORSConfiguration=configuration)


def found(word: str) -> Finding:
    """The one finding with this word in it."""
    (finding,) = [one for one in examine() if word in one.text]
    return finding


def of(bucket: str, word: str) -> Finding:
    """The one finding about a bucket with this word in it."""
    (finding,) = [one for one in about(bucket) if word in one.text]
    return finding


def about(bucket: str) -> list[Finding]:
    """Findings about a bucket."""
    return [finding for finding in examine() if bucket in finding.text]


def test_a_sound_site(app: Any, bucket: str) -> None:
    """Nothing about the bucket is bad, and what is good is said."""
    findings = about(bucket)
    assert [one.text for one in findings if one.ok is False] == []
    texts = " ".join(one.text for one in findings)
    for word in ("answers; objects are proved", "may send parts", "clock differs"):
        assert word in texts
    assert found("M uploads").ok
    assert found("migrations are applied").ok
    assert found("PostgreSQL").ok


def test_browsers_that_may_not_put(app: Any, bucket: str) -> None:
    """A real preflight is refused where the rules allow reading only."""
    read = {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"], "AllowedHeaders": ["*"]}
    rules(app, bucket, [read])
    assert of(bucket, "refuse PUT").ok is False


def test_browsers_of_other_origins(app: Any, bucket: str) -> None:
    """Rules for somebody else's pages are none for this site's."""
    (rule,) = app.config["S3_BUCKET_CORS_RULES"]
    rules(app, bucket, [{**rule, "AllowedOrigins": ["https://other.example.org"]}])
    assert of(bucket, "refuse PUT from http://localhost").ok is False


class Forgetful(BaseHTTPRequestHandler):
    """A gateway before the store that answers pages, and does not expose ETag.

    versitygw exposes it whatever the rules say.
    """

    def do_PUT(self) -> None:
        """Take it."""
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.do_OPTIONS()

    def do_OPTIONS(self) -> None:
        """All is allowed."""
        self.send_response(200)
        for name, value in {
            "Access-Control-Allow-Origin": "*",
            "Access-Control-Allow-Methods": "GET, PUT",
            "Access-Control-Allow-Headers": "content-md5",
            "Access-Control-Expose-Headers": "x-etag, date",
            "Content-Length": "0",
        }.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_etags_that_pages_cannot_read(app: Any, bucket: str) -> None:
    """A part may be sent, and the page cannot finish the upload."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Forgetful) as gateway:
        threading.Thread(target=gateway.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{gateway.server_port}"
        with setting(app, MULTIPART_S3_PUBLIC_ENDPOINT_URL=url):
            finding = of(bucket, "do not expose ETag")
        gateway.shutdown()
    assert finding.ok is False


def test_a_bucket_that_is_not_there(app: Any) -> None:
    """A location without its bucket is one bad finding."""
    from invenio_db import db
    from invenio_files_rest.models import Location

    db.session.add(Location(name="gone", uri="s3://no-such-bucket-here"))
    db.session.commit()
    try:
        findings = about("no-such-bucket-here")
    finally:
        Location.query.filter_by(name="gone").delete()
        db.session.commit()
    assert False in [one.ok for one in findings]


def test_a_clock_that_is_wrong(
    app: Any, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than half a minute is bad."""
    from invenio_multipart.services import doctor_location

    monkeypatch.setattr(doctor_location, "_MAX_SKEW_SECONDS", -1)
    finding = of(bucket, "clock")
    assert finding.ok is False
    assert "synchronise" in finding.text


def test_missing_migrations(app: Any) -> None:
    """A table or column that is not there is named, with what to run."""
    from invenio_db import db

    rename = "ALTER TABLE multipart_audit RENAME COLUMN {} TO {}"
    db.session.execute(sql(rename.format("reason", "reason_")))
    db.session.commit()
    try:
        finding = found("Migrations are missing")
    finally:
        db.session.execute(sql(rename.format("reason_", "reason")))
        db.session.commit()
    assert finding.ok is False
    assert "multipart_audit.reason" in finding.text
    assert "invenio alembic upgrade" in finding.text


def test_a_revision_that_is_not_applied(app: Any) -> None:
    """The database is stamped with an older revision of ours."""
    from invenio_db import db

    (head,) = [
        one.revision
        for one in app.extensions["invenio-db"].alembic.heads()
        if "invenio_multipart" in str(one.path)
    ]
    stamp = sql(
        "UPDATE alembic_version SET version_num = :new WHERE version_num = :old"
    )
    older = "c4e8f2a91b57"
    db.session.execute(stamp, {"old": head, "new": older})
    db.session.commit()
    try:
        finding = found("invenio alembic upgrade")
    finally:
        db.session.execute(stamp, {"old": older, "new": head})
        db.session.commit()
    assert finding.ok is False
    assert head in finding.text


def test_a_broker_that_is_away(app: Any) -> None:
    """Nothing is queued, and no worker is asked for."""
    from celery import current_app as celery

    before = celery.conf.broker_write_url
    celery.conf.broker_write_url = "redis://127.0.0.1:1/0"
    try:
        finding = found("message broker")
    finally:
        celery.conf.broker_write_url = before
    assert finding.ok is False
    assert found("message broker").ok is True


def test_no_worker(app: Any) -> None:
    """A broker without workers takes everything and does nothing."""
    assert found("No Celery worker answers").ok is False


def test_the_reaper_and_its_signs_of_life(app: Any) -> None:
    """Never run, run by hand, run by a worker, and not for too long."""
    from invenio_db import db

    from invenio_multipart.proxies import current_multipart
    from invenio_multipart.records.models import Bookmark, utc_now
    from invenio_multipart.tasks import reap_uploads

    Bookmark.query.delete()
    db.session.commit()
    current_multipart.reaper.reap("invenio multipart reap")
    assert found("has never run").ok is False
    reap_uploads.delay()
    assert found("The reaper ran").ok is True
    Bookmark.query.update({"updated": utc_now() - timedelta(hours=2)})
    db.session.commit()
    late = found("has last run")
    assert late.ok is False
    assert "beat" in late.text
    reap_uploads.delay()


def test_no_schedule(app: Any) -> None:
    """Beat has nothing to do for us."""
    schedule = {
        name: entry
        for name, entry in app.config["CELERY_BEAT_SCHEDULE"].items()
        if name != "multipart-reaper"
    }
    with setting(app, CELERY_BEAT_SCHEDULE=schedule):
        assert found("Nobody cleans up").ok is False


def test_jobs_that_are_late(app: Any, s3_draft: Draft) -> None:
    """A job nobody has run for ten minutes says that workers are missing."""
    from tests.batching import job_ids, open_with, row

    batch = open_with(s3_draft, {"a": b"a"})
    (job_id,) = job_ids(batch, ["purge_batch"])
    change(app, "Job", job_id, due_at=timedelta(minutes=-11))
    try:
        assert found("ten minutes late").ok is False
    finally:
        change(app, "Job", job_id, status="REVOKED")
    assert row(batch).state == "uploading"


GOOD = {
    "default-src": ["'self'"],
    "connect-src": ["'self'", os.environ.get("S3_ENDPOINT_URL", "")],
    "script-src": ["'self'", "blob:", "'wasm-unsafe-eval'"],
}


@pytest.mark.parametrize(
    ("change_", "word"),
    [
        ({}, None),
        ({"connect-src": ["'self'"]}, "connect-src"),
        ({"connect-src": "'self' *"}, None),
        ({"script-src": ["'self'", "blob:"]}, "'wasm-unsafe-eval'"),
        ({"script-src": ["'self'", "'wasm-unsafe-eval'"]}, "blob:"),
        ({"worker-src": ["blob:"], "script-src": ["'unsafe-eval'"]}, None),
        ({"worker-src": ["'self'"]}, "worker-src"),
    ],
    ids=["good", "connect", "anywhere", "wasm", "blob", "worker", "bad-worker"],
)
def test_content_security_policy(
    app: Any, change_: dict[str, Any], word: str | None
) -> None:
    """What the deposit page needs is looked for, with the fallbacks of browsers."""
    headers = {"content_security_policy": {**GOOD, **change_}}
    with setting(
        app,
        APP_RDM_DEPOSIT_NG_FILES_UI_ENABLED=True,
        APP_DEFAULT_SECURE_HEADERS=headers,
    ):
        findings = [one for one in examine() if "security" in one.text]
    if word is None:
        assert [one.ok for one in findings] == [True]
    else:
        assert [one.ok for one in findings] == [False]
        assert word in findings[0].text


def test_sts_is_looked_at(app: Any) -> None:
    """What doctor_sts finds is among the findings; here that it is not set up."""
    word = "MULTIPART_STS_ENDPOINT_URL"
    # One for each location in S3, of which other tests may have added some.
    assert {one.ok for one in examine() if word in one.text} == {None}
