# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The digests of a file's parts, for who has downloaded it."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from ..driver import PART, Api, Draft, Reply, md5
from .test_content_links import following
from .test_links import publish, put_file
from .test_links_targets import delete_record

KEY = "run 1/raw&more.h5"
DATA = [b"a" * PART, b"b" * PART, b"the rest"]

PARTS = [
    {"part": number, "size": len(data), "checksum": md5(data)}
    for number, data in enumerate(DATA, start=1)
]


def ask(api: Api, path: str, key: str = KEY, more: str = "") -> Reply:
    """The digests of a file below a record's or draft's path."""
    return api.get(f"{path}/part-digests?key={quote(key, safe='')}{more}")


def parts_of(reply: Reply) -> Any:
    """The parts of a reply that has some, or none."""
    assert reply.status == 200, reply.json
    assert reply.json["total"] >= len(reply.json["parts"])
    return reply.json["parts"]


def test_of_a_draft(draft: Draft) -> None:
    """Sizes and MD5s in order, once the file is complete."""
    assert draft.upload(KEY, DATA).status == 200
    reply = ask(draft.api, draft.path)
    assert parts_of(reply) == PARTS
    assert (reply.json["key"], reply.json["total"]) == (KEY, 3)
    assert "next" not in reply.json["links"]


def test_of_a_record_for_everybody_who_may_read_it(
    draft: Draft, anonymous: Api, other: Api
) -> None:
    """And of its next version, which shares the file."""
    draft.upload(KEY, DATA)
    record = publish(draft)
    for reader in (draft.api, other, anonymous):
        assert parts_of(ask(reader, f"/records/{record}")) == PARTS
    version = draft.api.call("POST", f"/records/{record}/versions").json["id"]
    imported = f"/records/{version}/draft"
    assert draft.api.call("POST", f"{imported}/actions/files-import").status == 201
    assert parts_of(ask(draft.api, imported)) == PARTS


def test_page_by_page(s3_draft: Draft) -> None:
    """Each part is on one page, and the links lead from one to the next."""
    s3_draft.upload(KEY, DATA)
    found, pages = [], 0
    reply = ask(s3_draft.api, s3_draft.path, more="&size=1")
    while True:
        found += parts_of(reply)
        pages += 1
        if "next" not in reply.json["links"]:
            break
        reply = s3_draft.api.get(following(reply.json))
    assert (found, pages) == (PARTS, 3)
    assert parts_of(ask(s3_draft.api, s3_draft.path, more="&from=4")) == []


def test_a_file_that_came_another_way_has_none(draft: Draft) -> None:
    """Neither has one that is pending: what arrived of it may change."""
    put_file(draft, "whole.txt")
    draft.begin("pending.h5", 2 * PART)
    for key in ("whole.txt", "pending.h5"):
        assert parts_of(ask(draft.api, draft.path, key)) == []


def test_a_store_whose_etags_are_no_md5s(s3_draft: Draft) -> None:
    """They look like some, and would prove nothing."""
    s3_draft.upload(KEY, DATA)
    _set(s3_draft.api.app, md5_etags=False)
    assert parts_of(ask(s3_draft.api, s3_draft.path)) == []


def test_a_digest_is_not_proved_yet(s3_draft: Draft) -> None:
    """Only what the server has read itself is told."""
    s3_draft.upload(KEY, DATA)
    _set(s3_draft.api.app, state="verifying")
    assert parts_of(ask(s3_draft.api, s3_draft.path)) == []


def _set(app: Any, **values: Any) -> None:
    from invenio_db import db
    from sqlalchemy import update

    from invenio_multipart.records.models import Upload

    with app.app_context():
        db.session.execute(update(Upload).where(Upload.key == KEY).values(**values))
        db.session.commit()


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "key"),
        ("?key=", "key"),
        ("?key=%00", "key"),
        ("?key=a&from=0", "from"),
        ("?key=a&from=x", "from"),
        ("?key=a&size=0", "size"),
        ("?key=a&size=10001", "size"),
    ],
)
def test_what_cannot_be_asked(s3_draft: Draft, query: str, field: str) -> None:
    """Is refused, with the member that is wrong."""
    reply = s3_draft.api.get(f"{s3_draft.path}/part-digests{query}")
    assert (reply.status, reply.json["errors"][0]["field"]) == (400, field)


def test_what_is_not_there(s3_draft: Draft) -> None:
    """404, as for the file or the record itself."""
    assert ask(s3_draft.api, s3_draft.path).status == 404
    for path in ("/records/zzzzz-zzz99", "/records/zzzzz-zzz99/draft"):
        assert ask(s3_draft.api, path).status == 404


def test_other_methods_mean_nothing(s3_draft: Draft) -> None:
    """405, with a code."""
    reply = s3_draft.api.call("POST", f"{s3_draft.path}/part-digests?key=a", json={})
    assert (reply.status, reply.json["code"]) == (405, "not_allowed")


def test_restricted_files(api: Api, s3: str, anonymous: Api, other: Api) -> None:
    """Nobody else hears what they are made of."""
    access = {"record": "public", "files": "restricted"}
    draft = api.new_draft(access=access)
    draft.upload(KEY, DATA)
    for stranger in (other, anonymous):
        assert ask(stranger, draft.path).status == 403
    record = f"/records/{publish(draft)}"
    assert parts_of(ask(api, record)) == PARTS
    for stranger in (other, anonymous):
        assert ask(stranger, record).status == 403


def test_a_record_that_was_deleted(app: Any, s3_draft: Draft, anonymous: Api) -> None:
    """Tells nothing, and answers as its files do."""
    s3_draft.upload(KEY, DATA)
    record = publish(s3_draft)
    delete_record(app, record)
    for reader in (s3_draft.api, anonymous):
        assert ask(reader, f"/records/{record}").status == 410
