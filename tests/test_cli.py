# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The operators' commands."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from typing import Any

import pytest

from .backdoor import held_tasks, uploads_of
from .batching import job_ids, open_batch, open_with, row
from .driver import PART, Api, Draft, md5
from .reaping import audited, change, snapshot
from .resources.test_links import DATA, publish, put_file


def run(app: Any, *arguments: str) -> tuple[int, str]:
    """Run ``invenio multipart ...``; exit code and output."""
    from invenio_multipart.cli import multipart

    done = app.test_cli_runner().invoke(multipart, list(arguments))
    return done.exit_code, done.output


@pytest.fixture(autouse=True)
def _context(app: Any) -> Any:
    """Commands find the application they are about."""
    with app.app_context():
        yield


def lines_of(output: str, subject: object) -> list[str]:
    """The line with this id and the one below it."""
    rows = output.splitlines()
    (number,) = [n for n, text in enumerate(rows) if str(subject) in text]
    return rows[number : number + 2]


def test_list_and_abort(app: Any, draft: Draft) -> None:
    """An open upload is listed, can be ended, and is gone from list and draft."""
    draft.begin("instrument/run 1.raw", 1000)
    (upload,) = uploads_of(draft)
    code, output = run(app, "list")
    assert code == 0
    first, second = lines_of(output, upload.id)
    assert "upload" in first and "uploading" in first
    assert "1,000 bytes  instrument/run 1.raw" in second
    assert run(app, "abort", str(upload.id))[0] == 0
    assert str(upload.id) not in run(app, "list", "--json")[1]
    assert draft.api.get(draft.file("instrument/run 1.raw")).status == 404
    (removal,) = audited(app, upload.id)
    assert removal.reason == "operator"
    code, output = run(app, "abort", str(upload.id))
    assert (code, output) == (1, "The upload is aborted.\n")


def test_a_batch_is_listed_shown_and_aborted(app: Any, draft: Draft) -> None:
    """With its files, its jobs, and what the store holds."""
    batch = open_with(draft, {"a.txt": b"alpha", "b/c.bin": b"c" * 1000})
    first, second = lines_of(run(app, "list", "--state", "uploading")[1], batch.id)
    assert "batch" in first
    assert "2 files, 1,005 bytes" in second
    assert str(batch.id) not in run(app, "list", "--state", "aborted")[1]
    code, output = run(app, "show", str(batch.id))
    assert code == 0
    assert "b/c.bin" in output
    shown = json.loads(run(app, "show", str(batch.id), "--json")[1])
    assert [file["key"] for file in shown["contents"]] == ["a.txt", "b/c.bin"]
    assert shown["jobs"]["purge"] == str(row(batch).purge_job_id)
    if row(batch).prefix.startswith("s3://"):
        assert shown["store"] == {"objects": 2, "object_bytes": 1005}
    # A file of a batch ends with the batch.
    upload = uploads_of(draft)[0]
    code, output = run(app, "abort", str(upload.id))
    assert code == 1
    assert str(batch.id) in output
    assert run(app, "abort", str(batch.id)) == (
        0,
        "The batch is aborted; a worker frees the store.\n",
    )
    assert row(batch).state == "aborted"
    assert [one.reason for one in audited(app, batch.id)] == ["operator"]


def test_show_lists_the_links_of_a_batch(app: Any, api: Api, local: str) -> None:
    """With where they lead, as many as asked for, made or not."""
    source = api.new_draft()
    put_file(source, "data/a.txt")
    target = {"id": publish(source), "key": "data/a.txt"}
    keys = ("one.txt", "two.txt")
    links = [{"key": key, "check": "link", "value": target} for key in keys]
    batch = open_batch(api.new_draft(), [*links, "sent.txt"])
    code, output = run(app, "show", str(batch.id))
    assert code == 0
    lines = [line.split() for line in output.splitlines()]
    to = f"{target['id']}/data/a.txt"
    assert ["one.txt", "initiated", str(len(DATA)), to] in lines
    assert batch.anonymous.call("PUT", batch.json["links_url"]).status == 200
    shown = json.loads(run(app, "show", str(batch.id), "--json", "--files", "1")[1])
    (made,) = shown["links"]
    assert (made["key"], made["state"], made["to"]) == ("one.txt", "committing", to)
    assert [file["key"] for file in shown["contents"]] == ["sent.txt"]


def test_show_tells_what_the_store_holds(app: Any, draft: Draft) -> None:
    """Parts that have arrived are counted, and the state is the row's."""
    begun = draft.begin("a.bin", 2 * PART, transfer={"parts": 2})
    draft.send_ok(begun["links"]["parts"][0], b"a" * PART)
    (upload,) = uploads_of(draft)
    shown = json.loads(run(app, "show", str(upload.id), "--json")[1])
    assert shown["state"] == "uploading"
    assert shown["store"]["parts"] == 1
    assert shown["store"]["part_bytes"] == PART
    assert shown["store"]["object_bytes"] is None


def test_verify(app: Any, s3_draft: Draft) -> None:
    """The digest of a file that waits for a worker is found here and now."""
    data = [b"a" * PART, b"b" * 10]
    app.config["MULTIPART_VERIFY_INLINE_MAX"], before = (
        0,
        app.config["MULTIPART_VERIFY_INLINE_MAX"],
    )
    try:
        with held_tasks(app):
            s3_draft.upload("a.bin", data)
    finally:
        app.config["MULTIPART_VERIFY_INLINE_MAX"] = before
    (upload,) = uploads_of(s3_draft)
    code, output = run(app, "verify", str(upload.id))
    assert code == 0
    assert md5(b"".join(data)) in output.splitlines()
    code, output = run(app, "verify", str(upload.id))
    assert code == 1
    assert output.count("\n") == 1
    assert "md5 is proved" in output


def test_jobs(app: Any, s3_draft: Draft) -> None:
    """Open jobs are listed, those that failed say why, and one can be shown."""
    batch = open_with(s3_draft, {"a.txt": b"alpha"})
    (job_id,) = job_ids(batch, ["purge_batch"])
    (line, *_) = lines_of(run(app, "jobs")[1], job_id)
    assert "purge_batch" in line and "PENDING" in line
    change(app, "Job", job_id, status="FAILURE", error_message="The store is down.")
    assert str(job_id) not in run(app, "jobs")[1]
    _, error = lines_of(run(app, "jobs", "--status", "FAILURE")[1], job_id)
    assert "The store is down." in error
    code, output = run(app, "show", str(job_id))
    assert code == 0
    assert "purge_batch" in output
    assert str(batch.id) in output


def test_reap_dry_and_wet(app: Any, s3_draft: Draft) -> None:
    """The dry run names what the other one then does, and changes nothing."""
    s3_draft.begin("a/very/long/" + "name" * 20, 1000)
    (upload,) = uploads_of(s3_draft)
    change(app, "Upload", upload.id, expires_at=timedelta(seconds=-1))
    before = snapshot(app)
    code, output = run(app, "reap", "--dry-run")
    assert code == 0
    assert snapshot(app) == before
    first, second = lines_of(output, upload.id)
    assert first == f"expire upload {upload.id}: deadline"
    assert "1,000 bytes" in second
    assert "nothing was changed" in output
    rows = run(app, "reap", "--dry-run", "--json")[1].splitlines()
    assert str(upload.id) in {json.loads(text)["id"] for text in rows}
    code, output = run(app, "reap")
    assert code == 0
    (line,) = [text for text in output.splitlines() if text.startswith("expired")]
    assert line.split() == ["expired", "1"]
    (removal,) = audited(app, upload.id)
    assert removal.removed_by.startswith("invenio multipart reap@")


@pytest.mark.parametrize("command", ["show", "abort", "verify", "restore"])
def test_unknown_ids(app: Any, command: str) -> None:
    """One clear line, and exit code 1."""
    unknown = str(uuid.uuid4())
    code, output = run(app, command, unknown)
    assert code == 1
    assert output.count("\n") == 1
    assert unknown in output


def test_nothing_is_wider_than_a_screen(app: Any, s3_draft: Draft) -> None:
    """Lists and the doctor's words fit into 80 columns, addresses apart."""
    s3_draft.begin("deep/" * 20 + "name.bin", 10**11, transfer={"parts": 9999})
    open_with(s3_draft.api.new_draft(), {"a.txt": b"alpha"})
    for arguments in (["list"], ["jobs"], ["reap"], ["doctor"], ["--help"]):
        for text in run(app, *arguments)[1].splitlines():
            assert len(text) < 80 or "://" in text or "/tmp" in text, text  # noqa: S108
