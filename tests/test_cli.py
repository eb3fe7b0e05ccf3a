# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The operators' commands."""

from __future__ import annotations

from typing import Any

import pytest

from .backdoor import s3_client, setting, uploads_of
from .driver import Draft


def run(app: Any, *arguments: str) -> tuple[int, str]:
    """Run ``invenio multipart ...``; exit code and output."""
    from invenio_multipart.cli import multipart

    done = app.test_cli_runner().invoke(multipart, list(arguments))
    return done.exit_code, done.output


def test_list_and_abort(app: Any, draft: Draft) -> None:
    """An open upload is listed, can be ended, and is gone from list and draft."""
    draft.begin("instrument/run 1.raw", 1000)
    (upload,) = uploads_of(draft)
    code, output = run(app, "list")
    assert code == 0
    (line,) = [row for row in output.splitlines() if str(upload.id) in row]
    assert "uploading" in line
    assert "instrument/run 1.raw" in line
    assert run(app, "abort", str(upload.id))[0] == 0
    assert str(upload.id) not in run(app, "list", "--json")[1]
    assert draft.api.get(draft.file("instrument/run 1.raw")).status == 404


def test_doctor_finds_a_sound_site(app: Any) -> None:
    """On a site with CORS rules nothing is bad."""
    bucket = "doctor-bucket"
    client = s3_client(app)
    with location(app, client, bucket):
        rules = {"CORSRules": app.config["S3_BUCKET_CORS_RULES"]}
        client.put_bucket_cors(Bucket=bucket, CORSConfiguration=rules)
        output = run(app, "doctor")[1]
    mine = [row for row in output.splitlines() if bucket in row]
    assert [row.split()[0] for row in mine] == ["ok"]
    assert "ok   M uploads are verified." in output


def test_doctor_finds_faults(app: Any) -> None:
    """Missing CORS rules, an unreachable bucket, and no reaper are named."""
    client = s3_client(app)
    schedule = {
        name: entry
        for name, entry in app.config["CELERY_BEAT_SCHEDULE"].items()
        if name != "multipart-reaper"
    }
    with (
        location(app, client, "doctor-no-cors"),
        setting(app, CELERY_BEAT_SCHEDULE=schedule),
    ):
        cors = [
            {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"], "AllowedHeaders": []}
        ]
        client.put_bucket_cors(
            Bucket="doctor-no-cors", CORSConfiguration={"CORSRules": cors}
        )
        code, output = run(app, "doctor")
    assert code == 1
    assert "refuse PUT from browsers" in output
    assert "Nobody cleans up" in output


@pytest.fixture(autouse=True)
def _context(app: Any) -> Any:
    """Commands find the application they are about."""
    with app.app_context():
        yield


class location:  # noqa: N801 - reads as a phrase in a with statement
    """A bucket and a location on it, for a while."""

    def __init__(self, app: Any, client: Any, bucket: str) -> None:
        self._app, self._client, self._bucket = app, client, bucket

    def __enter__(self) -> None:
        from invenio_db import db
        from invenio_files_rest.models import Location

        self._client.create_bucket(Bucket=self._bucket)
        with self._app.app_context():
            db.session.add(Location(name=self._bucket, uri=f"s3://{self._bucket}"))
            db.session.commit()

    def __exit__(self, *_: object) -> None:
        from invenio_db import db
        from invenio_files_rest.models import Location

        with self._app.app_context():
            Location.query.filter_by(name=self._bucket).delete()
            db.session.commit()
        self._client.delete_bucket(Bucket=self._bucket)
