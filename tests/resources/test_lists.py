# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What replies about many files cost, and how to be told of few."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from invenio_multipart.records.contained import load_at_once

from ..backdoor import counted_queries
from ..driver import RECORD, Api, Draft, Reply
from .test_links import publish, put_file

LITTLE = {"Prefer": "return=minimal"}


def cost(api: Api, request: Callable[[], Reply]) -> int:
    """How many statements the database got."""
    with counted_queries(api.app) as seen:
        reply = request()
    assert reply.status in (200, 201), reply.json
    assert "big.bin" in str(reply.json)
    return len(seen)


def filled(api: Api, count: int) -> Draft:
    """A draft with so many finished files and one that is pending."""
    draft = api.new_draft()
    for number in range(count):
        put_file(draft, f"{number}.txt", b"something")
    draft.begin("big.bin", 10)
    return draft


def listed(draft: Draft) -> Reply:
    """All files."""
    return draft.api.get(f"{draft.path}/files")


def read(draft: Draft) -> Reply:
    """The draft."""
    return draft.api.get(draft.path)


def saved(draft: Draft) -> Reply:
    """The draft, written again as it is."""
    return draft.api.call("PUT", draft.path, json=RECORD)


def begun_anew(draft: Draft) -> Reply:
    """One file, begun again; the reply lists all."""
    return draft.init("big.bin", 10)


@pytest.mark.parametrize("ask", [listed, read, saved, begun_anew])
def test_a_reply_about_all_files_asks_once(
    api: Api, s3: str, ask: Callable[[Draft], Reply]
) -> None:
    """Not once more, or twice, for each of them."""
    few, many = filled(api, 1), filled(api, 6)
    # What is asked once in a process is asked here.
    ask(few)
    assert cost(api, lambda: ask(few)) == cost(api, lambda: ask(many))


def test_a_published_record(api: Api, s3: str) -> None:
    """The same of a record."""
    found = []
    for count in (1, 6):
        draft = filled(api, count)
        draft.delete("big.bin")
        put_file(draft, "big.bin", b"small")
        record = publish(draft)
        api.get(f"/records/{record}")
        found.append(cost(api, lambda: api.get(f"/records/{record}")))  # noqa: B023
    assert found[0] == found[1]


def one_file(draft: Draft) -> None:
    """All that is done to a file by its key."""
    body = [{"key": "new", "size": 9, "transfer": {"type": "M"}}]
    reply = draft.api.call("POST", f"{draft.path}/files", json=body, headers=LITTLE)
    assert reply.status == 201, reply.json
    draft.send_ok(reply.json["entries"][0]["links"]["parts"][0], b"something")
    assert draft.parts("new").status == 200
    assert draft.commit("new").status == 200
    for rest in ("", "/upload", "/content"):
        assert draft.api.get(draft.file("new", rest)).status in (200, 302)
    assert draft.delete("new").status == 204


def test_a_call_about_one_file_reads_no_others(api: Api, s3: str) -> None:
    """Among ten files it costs what it does among two."""
    from invenio_rdm_records.records.api import RDMFileDraft
    from sqlalchemy import event

    few, many = filled(api, 1), filled(api, 9)
    read: list[str] = []

    def note(row: Any, context: Any) -> None:
        read.append(row.key)

    found = []
    for draft in (few, many):
        one_file(draft)
        read.clear()
        event.listen(RDMFileDraft.model_cls, "load", note)
        try:
            one_file(draft)
        finally:
            event.remove(RDMFileDraft.model_cls, "load", note)
        found.append(sorted(read))
    assert found[0] == found[1]
    assert set(found[1]) <= {"new"}


def test_a_draft_without_its_files(api: Api, s3: str) -> None:
    """Who prefers little of a draft gets all of it but the list."""
    draft = filled(api, 2)
    for method, body in (("GET", None), ("PUT", RECORD)):
        full = api.call(method, draft.path, json=body).json
        little = api.call(method, draft.path, json=body, headers=LITTLE).json
        assert full["files"].pop("count") == 3
        assert sorted(full["files"].pop("entries")) == ["0.txt", "1.txt", "big.bin"]
        assert full["files"].pop("total_bytes") == 18
        for reply in (full, little):
            reply.pop("revision_id")
            reply.pop("updated")
        assert little == full
    # Nothing was forgotten of it.
    assert len(listed(draft).json["entries"]) == 3


def test_told_of_new_files_only(api: Api, s3: str) -> None:
    """Who prefers little hears of nothing else."""
    draft = filled(api, 2)
    body = [{"key": key, "size": 10, "transfer": {"type": "M"}} for key in ("b", "a")]
    reply = api.call("POST", f"{draft.path}/files", json=body, headers=LITTLE)
    assert reply.status == 201, reply.json
    entries = {entry["key"]: entry for entry in reply.json["entries"]}
    assert sorted(entries) == ["a", "b"]
    assert entries["a"]["links"]["parts"]
    # They are in the draft with the others.
    keys = {entry["key"] for entry in listed(draft).json["entries"]}
    assert keys == {"0.txt", "1.txt", "big.bin", "a", "b"}


@pytest.mark.parametrize(
    ("prefer", "is_little"),
    [
        ("return=minimal", True),
        ("wait=10, Return=Minimal", True),
        ("return=representation", False),
        ("return=minimal-or-so", False),
        ("", False),
    ],
)
def test_preferences(api: Api, s3: str, prefer: str, is_little: bool) -> None:
    """Only the one that is meant counts, however it is spelt."""
    draft = filled(api, 1)
    body = [{"key": "new", "size": 10, "transfer": {"type": "M"}}]
    headers = {"Prefer": prefer}
    reply = api.call("POST", f"{draft.path}/files", json=body, headers=headers)
    keys = [entry["key"] for entry in reply.json["entries"]]
    assert sorted(keys) == (["new"] if is_little else ["0.txt", "big.bin", "new"])


def test_entries_without_rows(app: Any) -> None:
    """Those of a search hit have none, and those of a file that has just gone."""
    from invenio_db import db
    from invenio_rdm_records.records.api import RDMDraft, RDMFileDraft

    with app.app_context():
        draft = RDMDraft.create({})
        kept = RDMFileDraft.create({}, key="kept", record_id=draft.id)
        gone = RDMFileDraft.create({}, key="gone", record_id=draft.id)
        db.session.flush()
        db.session.expire(gone.model)
        table = type(gone.model).__table__
        db.session.execute(table.delete().where(table.c.key == "gone"))
        new = RDMFileDraft({}, model=type(kept.model)(key="new"))
        load_at_once([RDMFileDraft({}), new, gone, kept])
        assert kept.object_version is None
        db.session.rollback()
