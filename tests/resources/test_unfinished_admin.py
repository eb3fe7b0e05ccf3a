# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Administrators see what everybody has begun, and can end it."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from invenio_multipart.records.models import Removal

from ..backdoor import bucket_size, uploads_of
from ..batching import open_batch, refused
from ..driver import PART, Api, Draft


@pytest.fixture
def admin(app: Any) -> Api:
    """REST as an administrator."""
    return Api(app, app.tokens["admin"])


def everything(admin: Api, query: str = "") -> list[dict[str, Any]]:
    """All of it."""
    hits, after = [], ""
    while after is not None:
        reply = admin.get(f"/multipart/uploads?size=100&after={after}{query}")
        assert reply.status == 200, reply.json
        hits += reply.json["hits"]["hits"]
        after = reply.json["next"]
    return hits


def test_everybodys(admin: Api, draft: Draft, other: Api) -> None:
    """Uploads and batches of all accounts, with who has begun them."""
    draft.begin("a.bin", PART)
    theirs = other.new_draft()
    batch = open_batch(theirs, ["x"])
    found = {hit["id"]: hit for hit in everything(admin)}
    (upload,) = uploads_of(draft)
    mine, their = found[str(upload.id)], found[str(batch.id)]
    assert mine["owner"]["email"] == "owner@multipart.example.org"
    assert their["owner"]["email"] == "other@multipart.example.org"
    assert mine["draft"]["id"] == draft.id
    assert admin.get(mine["links"]["status"]).json["state"] == "uploading"


def test_of_one_state(admin: Api, draft: Draft) -> None:
    """Only those in a state; one that cannot be here is a 400."""
    draft.upload("bad.bin", [b"x" * PART], checksum=f"md5:{'0' * 32}")
    draft.begin("a.bin", PART)
    failed = everything(admin, "&state=failed")
    assert {hit["state"] for hit in failed} == {"failed"}
    assert draft.id in {(hit["draft"] or {}).get("id") for hit in failed}
    total = admin.get("/multipart/uploads?state=failed&size=1").json["hits"]["total"]
    assert total == len(failed)
    for query in ("state=completed", "state=x", "size=0", "after=x", "more=1"):
        assert admin.get(f"/multipart/uploads?{query}").status == 400


def test_abort(app: Any, admin: Api, draft: Draft, other: Api) -> None:
    """An upload and a batch are ended, and it is kept who did that."""
    draft.begin("a.bin", PART)
    (upload,) = uploads_of(draft)
    batch = open_batch(other.new_draft(), ["x"])
    for id_ in (upload.id, batch.id):
        assert admin.call("DELETE", f"/multipart/uploads/{id_}").status == 204
        again = admin.call("DELETE", f"/multipart/uploads/{id_}")
        refused(again, 409, "state_conflict", None)
        with app.app_context():
            removal = Removal.query.filter_by(subject=str(id_)).one()
            assert removal.removed_by.startswith("administrator ")
    assert bucket_size(draft) == 0
    assert draft.api.get(f"{draft.path}/files").json["entries"] == []
    assert batch.status()["state"] == "aborted"
    reply = admin.call("DELETE", f"/multipart/uploads/{uuid.uuid4()}")
    assert reply.status == 404


def test_only_administrators(api: Api, anonymous: Api, draft: Draft) -> None:
    """Others see nothing and end nothing."""
    draft.begin("a.bin", PART)
    (upload,) = uploads_of(draft)
    for who in (api, anonymous):
        assert who.get("/multipart/uploads").status == 403
        reply = who.call("DELETE", f"/multipart/uploads/{upload.id}")
        assert reply.status == 403
    assert draft.status("a.bin")["state"] == "uploading"
