# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What becomes of a draft's files when it is published, however many they are."""

from __future__ import annotations

from typing import Any

import pytest
from invenio_db import db
from invenio_rdm_records.proxies import current_rdm_records_service as records
from sqlalchemy_continuum import version_class

from invenio_multipart.transfers import components

from ..backdoor import counted_queries
from ..driver import RECORD, Api, Draft, md5
from ..resources.test_links import DATA, publish, put_file, read

OWN = ("id", "record_id", "object_version_id", "created", "updated", "version_id")
"""Columns that differ from record to record, or count writes."""

HISTORY = ("transaction_id", "operation_type")
"""Of the history: upstream changes each new row at once, and calls it a change."""


def with_files(api: Api, source: str | None = None, count: int = 3) -> Draft:
    """A draft with an uploaded file, links and metadata of files."""
    draft = api.new_draft()
    put_file(draft, "a/sent.txt")
    target = {"id": source or draft.id, "key": "a/sent.txt"}
    links = [
        {"key": f"{n:03}.txt", "record": target, "metadata": {"n": n}}
        for n in range(count)
    ]
    path = f"{draft.path}/links"
    assert api.call("POST", path, json={"files": links}).status == 201
    shown = {"enabled": True, "default_preview": "001.txt"}
    body = RECORD | {"files": shown}
    assert api.call("PUT", draft.path, json=body).status == 200
    return draft


def written(app: Any, record: str) -> dict[str, Any]:
    """What is in the tables of a published record's files, and in its history."""
    with app.app_context():
        found = records.record_cls.pid.resolve(record)
        model = found.files.file_cls.model_cls
        tables = {}
        for name, cls in (("rows", model), ("history", version_class(model))):
            query = db.select(cls.__table__).where(cls.record_id == found.id)
            rows = db.session.execute(query).mappings().all()
            tables[name] = sorted(
                (
                    {k: v for k, v in row.items() if k not in (*OWN, *HISTORY)}
                    for row in rows
                ),
                key=lambda row: str(row["key"]),
            )
        transactions = {
            row.transaction_id
            for row in db.session.query(version_class(model)).filter_by(
                record_id=found.id
            )
        }
        bucket = found.files.bucket
        return {
            **tables,
            "transactions": len(transactions),
            "bucket": (bucket.size, bucket.locked, len(bucket.objects)),
            "files": dict(found["files"]),
        }


def _nothing(draft_files: Any, record_files: Any) -> None:
    """Leave it to upstream."""


def same_origin(rows: Any, record: str) -> Any:
    """Without what names the record itself, and when."""
    for row in rows:
        origin = (row["json"].get("transfer") or {}).get("origin") or {}
        origin.pop("linked_on", None)
        assert origin.pop("record", record) == record
        row["json"].get("transfer", {}).pop("upload_id", None)
    return rows


def test_as_upstream_writes_it(
    app: Any, api: Api, storage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Entries, history, bucket and the record are those that upstream makes."""
    found = []
    for ours in (True, False):
        if not ours:
            monkeypatch.setattr(components, "move_at_once", _nothing)
        draft = with_files(api)
        record = publish(draft)
        state = written(app, record)
        for name in ("rows", "history"):
            state[name] = same_origin(state[name], record)
        found.append(state)
    ours, upstream = found
    assert [row["key"] for row in ours["rows"]] == [
        *("000.txt", "001.txt", "002.txt"),
        "a/sent.txt",
    ]
    assert ours == upstream


def test_the_record_as_it_is_read(api: Api, anonymous: Api, local: str) -> None:
    """The reply to the publication and the record afterwards tell of all files."""
    draft = with_files(api)
    reply = api.call("POST", f"{draft.path}/actions/publish")
    assert reply.status == 202, reply.json
    keys = {"000.txt", "001.txt", "002.txt", "a/sent.txt"}
    for shown in (reply.json, anonymous.get(f"/records/{draft.id}").json):
        assert shown["files"]["default_preview"] == "001.txt"
        assert shown["files"]["total_bytes"] == 4 * len(DATA)
        assert set(shown["files"]["entries"]) == keys
        assert shown["files"]["entries"]["000.txt"]["checksum"] == md5(DATA)
    listed = anonymous.get(f"/records/{draft.id}/files").json["entries"]
    assert {entry["key"] for entry in listed} == keys
    for key in keys:
        path = f"/records/{draft.id}/files/{key}/content"
        assert read(anonymous, path) == (200, DATA)


def test_edited_and_published_again(app: Any, api: Api, local: str) -> None:
    """An edit finds the files, and its publication keeps them."""
    record = publish(with_files(api))
    before = written(app, record)["rows"]
    assert api.call("POST", f"/records/{record}/draft").status == 201
    edit = Draft(api, record)
    body = RECORD | {"files": {"enabled": True, "default_preview": "000.txt"}}
    assert api.call("PUT", edit.path, json=body).status == 200
    publish(edit)
    after = written(app, record)
    assert after["rows"] == before
    assert after["files"]["default_preview"] == "000.txt"


def test_inserts_do_not_grow(app: Any, api: Api, local: str) -> None:
    """Forty files are written by as many statements as four."""
    source = publish(with_files(api, count=3))
    counts = []
    for count in (3, 39):
        draft = with_files(api, source, count)
        with counted_queries(app) as seen:
            publish(draft)
        writes = ("INSERT", "UPDATE", "SAVEPOINT")
        counts.append(sum(text.split()[0] in writes for text in seen))
    assert counts[1] <= counts[0] + 3, counts
