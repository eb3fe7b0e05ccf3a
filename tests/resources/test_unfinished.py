# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What somebody has begun and not finished, as one list."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from ..backdoor import counted_queries
from ..batching import open_batch, refused
from ..driver import PART, Api, Draft

MEMBERS = {
    *("kind", "id", "state", "key", "files", "size", "known_bytes", "begun_on"),
    *("deadline", "error_message", "draft", "links"),
}


@pytest.fixture
def api(newcomer: Api) -> Api:
    """Of somebody who has nothing else, so that lists are short."""
    return newcomer


def everything(api: Api, size: int = 100) -> Iterator[dict[str, Any]]:
    """All of it, page by page."""
    after = ""
    while after is not None:
        reply = api.get(f"/uploads/unfinished?size={size}&after={after}")
        assert reply.status == 200, reply.json
        assert len(reply.json["hits"]["hits"]) <= size
        yield from reply.json["hits"]["hits"]
        after = reply.json["next"]


def of(draft: Draft, size: int = 100) -> list[dict[str, Any]]:
    """Those of one draft; other tests have left others."""
    found = everything(draft.api, size)
    return [hit for hit in found if (hit["draft"] or {}).get("id") == draft.id]


def test_uploads_and_batches(api: Api, draft: Draft) -> None:
    """Both are there, with what a person wants to know, and end with their end."""
    draft.begin("data/ä 1.bin", 2 * PART)
    (upload,) = of(draft)
    assert set(upload) == MEMBERS
    assert (upload["kind"], upload["key"], upload["files"]) == (
        *("upload", "data/ä 1.bin"),
        1,
    )
    assert (upload["size"], upload["known_bytes"]) == (2 * PART, 0)
    assert upload["state"] == "uploading"
    assert upload["draft"] == {"id": draft.id, "title": "Measurements"}
    links = upload["links"]
    assert links["draft_html"].endswith(f"/uploads/{draft.id}")
    assert api.get(links["status"]).json["expires_at"] == upload["deadline"]
    assert api.call("DELETE", links["abort"]).status == 204
    assert of(draft) == []
    opened = open_batch(draft, [{"key": "a", "size": 3}, {"key": "b", "size": 4}])
    (batch,) = of(draft)
    assert set(batch) == MEMBERS
    assert (batch["kind"], batch["id"]) == ("batch", str(opened.id))
    assert (batch["key"], batch["files"], batch["size"]) == (None, 2, 7)
    assert api.get(batch["links"]["status"]).json["state"] == "uploading"
    assert api.call("PUT", batch["links"]["abort"]).status == 200
    assert of(draft) == []


def test_known_bytes(draft: Draft) -> None:
    """What was seen in the store is known; the list itself does not look."""
    parts = draft.begin("a.bin", 2 * PART, transfer={"part_size": PART})
    draft.send_ok(parts["links"]["parts"][0], b"x" * PART)
    assert of(draft)[0]["known_bytes"] == 0
    assert draft.status("a.bin")["uploaded_bytes"] == PART
    assert of(draft)[0]["known_bytes"] == PART


def test_media_files(app: Any, s3: str) -> None:
    """Media files have addresses of their own; stock sites let administrators."""
    api = Api(app, app.tokens["admin"])
    draft = api.new_draft()
    on = {"media_files": {"enabled": True}}
    body = api.get(draft.path).json | on
    assert api.call("PUT", draft.path, json=body).status == 200
    entry = {"key": "m.bin", "size": PART, "transfer": {"type": "M"}}
    reply = api.call("POST", f"{draft.path}/media-files", json=[entry])
    assert reply.status == 201, reply.json
    (upload,) = of(draft)
    assert "/draft/media-files/m.bin" in upload["links"]["status"]
    assert api.get(upload["links"]["status"]).status == 200


def test_pages(api: Api, draft: Draft) -> None:
    """Pages follow each other by deadline: nothing twice, nothing missing."""
    for number in range(5):
        draft.begin(f"{number}.bin", PART)
    second = api.new_draft()
    open_batch(second, ["x"])
    whole = list(everything(api))
    moments = [datetime.fromisoformat(hit["deadline"][:19]) for hit in whole]
    assert moments == sorted(moments)
    by_two = list(everything(api, size=2))
    assert [hit["id"] for hit in by_two] == [hit["id"] for hit in whole]
    assert len({hit["id"] for hit in whole}) == len(whole)
    total = api.get("/uploads/unfinished?size=1").json["hits"]["total"]
    assert total == len(whole) >= 6


def test_finished_ones_are_not_there(draft: Draft) -> None:
    """A finished file and a failed one: only what can go on is in the list."""
    draft.upload("done.bin", [b"x" * PART])
    assert of(draft) == []
    draft.upload("bad.bin", [b"x" * PART], checksum=f"md5:{'0' * 32}")
    (upload,) = of(draft)
    assert upload["state"] == "failed"
    assert "differs" in upload["error_message"] or upload["error_message"]


def test_others_see_their_own(other: Api, draft: Draft) -> None:
    """Nobody sees what somebody else has begun."""
    draft.begin("a.bin", PART)
    assert draft.id not in str(list(everything(other)))


def test_whoever_lost_the_draft(app: Any, api: Api, draft: Draft) -> None:
    """Who may not read the draft any more learns nothing new about it."""
    from invenio_db import db

    from invenio_multipart.records.models import Upload

    key = f"{uuid.uuid4().hex}.bin"
    draft.begin(key, PART)
    stranger = Api(app, app.tokens["other"])
    with app.app_context():
        from invenio_accounts.models import User

        other_id = User.query.filter_by(email="other@multipart.example.org").one().id
        Upload.query.filter_by(key=key).update({"created_by": str(other_id)})
        db.session.commit()
    (found,) = [hit for hit in everything(stranger) if hit["key"] == key]
    assert (found["draft"], found["links"]) == (None, {})
    with app.app_context():
        Upload.query.filter_by(key=key).update({"created_by": None})
        db.session.commit()


@pytest.mark.parametrize(
    "query",
    ["size=0", "size=101", "size=x", "after=x", "after=%00", "after=AAAA", "more=1"],
)
def test_impossible_pages(api: Api, query: str) -> None:
    """A page that cannot be is a 400."""
    assert api.get(f"/uploads/unfinished?{query}").status == 400


def test_who_may_ask(anonymous: Api) -> None:
    """Whoever is logged in."""
    refused(anonymous.get("/uploads/unfinished"), 403, "access_denied", None)


def test_queries_do_not_grow(app: Any, api: Api, s3: str) -> None:
    """Ten drafts take as many statements as one, and no look into the store."""

    def statements(size: int) -> list[str]:
        with counted_queries(app) as seen:
            assert api.get(f"/uploads/unfinished?size={size}").status == 200
        return seen

    for _ in range(10):
        api.new_draft().begin("a.bin", PART)
    statements(1)
    few, many = statements(1), statements(10)
    assert len(many) <= len(few) + 1, "\n\n".join(many)


def test_index_is_used(app: Any, api: Api) -> None:
    """The database finds both by the indexes of what is unfinished."""
    from invenio_db import db
    from sqlalchemy import text
    from sqlalchemy.dialects import postgresql

    from invenio_multipart.records import unfinished

    with app.app_context():
        db.session.execute(text("SET LOCAL enable_seqscan = off"))
        db.session.execute(text("SET LOCAL enable_sort = off"))
        plans = []
        for query, moment, id_ in unfinished._both("1", ""):
            compiled = (
                query.order_by(moment, id_)
                .limit(5)
                .compile(
                    dialect=postgresql.dialect(),
                    compile_kwargs={"literal_binds": True},
                )
            )
            rows = db.session.execute(text(f"EXPLAIN {compiled}"))
            plans.append("\n".join(row[0] for row in rows))
        db.session.rollback()
    assert "ix_multipart_upload_unfinished" in plans[0], plans[0]
    assert "ix_multipart_batch_unfinished" in plans[1], plans[1]
