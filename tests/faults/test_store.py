# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""S3 breaks: at each step of an upload, before and after it did what was asked."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

import pytest
import requests
from invenio_db import db
from invenio_files_rest.models import Bucket
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from invenio_multipart.proxies import current_multipart

from ..driver import PART, Draft, Reply, md5
from .left_behind import Store, make_old, uploads_since
from .proxy import FaultProxy, Point, answer, cut, wait

DATA = [bytes([65 + n % 7]) * PART for n in range(1)] + [b"the end"]
SIZE = sum(map(len, DATA))
KEY = "a/file.bin"

CREATE = ("POST", r"\?uploads(=|&|$)")
LIST = ("GET", "uploadId=")
COMPLETE = ("POST", "uploadId=")
HEAD = ("HEAD", ".")

DOWN = pytest.param(Point.ARRIVED, cut, id="before the store did it")
ERROR = pytest.param(Point.ARRIVED, answer(500), id="an error")
UNHEARD = pytest.param(Point.ANSWERED, cut, id="after the store did it")


@pytest.fixture
def draft(proxy: FaultProxy, s3_draft: Draft) -> Draft:
    """A draft on S3 behind the proxy."""
    return s3_draft


def begin(draft: Draft, key: str = KEY) -> list[dict[str, Any]]:
    """Begin an upload; its part links."""
    transfer = {"parts": len(DATA), "part_size": PART}
    links: list[dict[str, Any]] = draft.begin(key, SIZE, transfer=transfer)["links"][
        "parts"
    ]
    return links


def send(draft: Draft, key: str = KEY) -> None:
    """Begin an upload and send all parts."""
    for link, data in zip(begin(draft, key), DATA, strict=True):
        draft.send_ok(link, data)


def assert_unavailable(reply: Reply) -> None:
    """The client is told to come back."""
    assert (reply.status, reply.json["code"]) == (503, "storage_unavailable")
    assert int(reply.headers["Retry-After"]) > 0


def assert_whole(draft: Draft, reply: Reply, key: str = KEY) -> None:
    """The file is complete and gives back what was sent."""
    assert reply.status == 200, reply.json
    assert (reply.json["status"], reply.json["size"]) == ("completed", SIZE)
    assert reply.json["checksum"] == md5(b"".join(DATA))
    assert draft.content(key) == b"".join(DATA)


def reap(app: Any, begun: datetime) -> dict[str, int]:
    """Let some time pass, then let the reaper work."""
    with app.app_context():
        make_old(begun)
        result: dict[str, int] = current_multipart.uploads.reap()
    return result


def reserved(app: Any, begun: datetime) -> int:
    """Bytes that count in the bucket of the test's first upload."""
    with app.app_context():
        bucket = db.session.get(Bucket, uploads_since(begun)[0].bucket_id)
        return int(bucket.size)


def test_down_at_init(
    app: Any, draft: Draft, proxy: FaultProxy, begun: datetime
) -> None:
    """Nothing of an upload stays that the store could not open."""
    proxy.down()
    reply = draft.init(KEY, SIZE)
    proxy.up()
    assert_unavailable(reply)
    assert draft.api.get(draft.file(KEY)).status == 404
    assert reserved(app, begun) == 0
    assert reap(app, begun)["purging"] >= 1
    assert draft.init(KEY, SIZE).status == 201
    assert draft.delete(KEY).status == 204


@pytest.mark.parametrize(("point", "action"), [DOWN, ERROR, UNHEARD])
def test_create_fails(
    app: Any, draft: Draft, proxy: FaultProxy, begun: datetime, point: Point, action: Any
) -> None:
    """A create that never comes through leaves nothing, even where the store did it."""
    proxy.at(*CREATE, action, point, hits=None)
    assert_unavailable(draft.init(KEY, SIZE))
    assert draft.api.get(draft.file(KEY)).status == 404
    assert reserved(app, begun) == 0


@pytest.mark.parametrize(("point", "action"), [DOWN, ERROR, UNHEARD])
def test_create_fails_once(
    app: Any,
    draft: Draft,
    proxy: FaultProxy,
    store: Store,
    begun: datetime,
    point: Point,
    action: Any,
) -> None:
    """A hiccup at create is repeated, and leaves one upload in the store, not two."""
    begin(draft, "warm up")  # The store is probed at the first upload only.
    assert draft.delete("warm up").status == 204
    proxy.at(*CREATE, action, point)
    send(draft)
    with app.app_context():
        assert len(store.uploads(uploads_since(begun)[-1].uri)) == 1
    assert_whole(draft, draft.commit(KEY))


def test_second_of_two_creates_fails(
    app: Any, draft: Draft, proxy: FaultProxy, begun: datetime
) -> None:
    """Files announced together begin together or not at all."""
    begin(draft, "warm up")
    assert draft.delete("warm up").status == 204
    proxy.at(*CREATE, answer(503), hits=set(range(2, 20)))
    entries = [{"key": k, "size": SIZE, "transfer": {"type": "M"}} for k in "ab"]
    reply = draft.api.call("POST", f"{draft.path}/files", json=entries)
    assert_unavailable(reply)
    assert draft.api.get(f"{draft.path}/files").json["entries"] == []
    assert reserved(app, begun) == 0


def test_slow_create(draft: Draft, proxy: FaultProxy) -> None:
    """A slow store makes a slow reply, nothing worse."""
    proxy.at(*CREATE, wait(1.5))
    send(draft)
    assert_whole(draft, draft.commit(KEY))


@pytest.mark.parametrize("action", [cut, answer(500), answer(503)])
def test_commit_cannot_list(draft: Draft, proxy: FaultProxy, action: Any) -> None:
    """A commit that cannot see the parts changes nothing; a later one succeeds."""
    send(draft)
    proxy.at(*LIST, action, hits=None)
    assert_unavailable(draft.commit(KEY))
    assert draft.status(KEY)["state"] == "uploading"
    proxy.calm()
    assert_whole(draft, draft.commit(KEY))


def test_status_while_down(draft: Draft, proxy: FaultProxy) -> None:
    """The status is answered from what is known, and says so of no error."""
    send(draft)
    assert draft.status(KEY)["uploaded_parts"] == 2
    proxy.down()
    status = draft.status(KEY)
    assert (status["state"], status["uploaded_parts"]) == ("uploading", 2)
    assert_unavailable(draft.parts(KEY))
    proxy.up()
    assert_whole(draft, draft.commit(KEY))


def test_part_is_reset(draft: Draft, proxy: FaultProxy) -> None:
    """Half of an announced part is no part; sent again it is one."""
    begin(draft)
    announced = [
        {"part": number, "size": len(data), "checksum": md5(data)}
        for number, data in enumerate(DATA, start=1)
    ]
    first, second = draft.register(KEY, announced).json["parts"]
    proxy.at("PUT", "partNumber=1", cut, Point.MID_BODY)
    with pytest.raises(requests.ConnectionError):
        draft.send(first, DATA[0])
    assert draft.status(KEY)["uploaded_parts"] == 0
    reply = draft.commit(KEY)
    assert (reply.status, reply.json["missing_parts"]) == (400, [1, 2])
    draft.send_ok(second, DATA[1])
    draft.send_ok(first, DATA[0])
    assert_whole(draft, draft.commit(KEY))


def test_silent_part_is_reset(draft: Draft, proxy: FaultProxy) -> None:
    """Half of a part that nobody announced never ends in a false digest.

    versitygw 1.8.0 stores the half as a whole part, filled up with zeros, under the
    MD5 of the half. No store should; so the digest is that of what can be read.
    """
    link = draft.begin(KEY, PART)["links"]["parts"][0]
    proxy.at("PUT", "partNumber=1", cut, Point.MID_BODY)
    with pytest.raises(requests.ConnectionError):
        draft.send(link, DATA[0])
    if draft.status(KEY)["uploaded_parts"] == 0:
        draft.send_ok(link, DATA[0])
    reply = draft.commit(KEY, md5(DATA[0]))
    content = draft.content(KEY)
    if reply.status == 200:
        assert content == DATA[0]
    else:
        assert (reply.status, reply.json["code"]) == (400, "checksum_mismatch")
        assert content is None
        assert draft.delete(KEY).status == 204


@pytest.mark.parametrize(("point", "action"), [DOWN, ERROR, UNHEARD])
@pytest.mark.parametrize("request_", [COMPLETE, HEAD], ids=["complete", "head"])
@pytest.mark.parametrize("hits", [{1}, None], ids=["once", "always"])
def test_completion_fails(
    draft: Draft,
    proxy: FaultProxy,
    point: Point,
    action: Any,
    request_: tuple[str, str],
    hits: set[int] | None,
) -> None:
    """Whatever was heard of the completion, a repeated commit ends it right."""
    send(draft)
    proxy.at(*request_, action, point, hits=hits)
    if hits is None:
        assert_unavailable(draft.commit(KEY))
        assert draft.status(KEY)["state"] == "committing"
    proxy.calm()
    assert_whole(draft, draft.commit(KEY))
    assert_whole(draft, draft.commit(KEY))


@pytest.mark.parametrize(("point", "action"), [DOWN, UNHEARD])
def test_delete_after_half_a_commit(
    draft: Draft, proxy: FaultProxy, point: Point, action: Any
) -> None:
    """An upload whose completion is in doubt can be given up without a trace."""
    send(draft)
    proxy.at(*COMPLETE, action, point, hits=None)
    assert_unavailable(draft.commit(KEY))
    assert draft.delete(KEY).status == 204


def test_empty_file_unheard(draft: Draft, proxy: FaultProxy) -> None:
    """An empty file is stored by one PUT, which may go unheard like a completion."""
    draft.begin("empty", 0)
    proxy.at("PUT", ".", cut, Point.ANSWERED, hits=None)
    assert_unavailable(draft.commit("empty"))
    proxy.calm()
    reply = draft.commit("empty")
    assert (reply.status, reply.json["size"]) == (200, 0)


def test_abort_while_down(
    app: Any, draft: Draft, proxy: FaultProxy, store: Store, begun: datetime
) -> None:
    """A delete never waits for the store; the reaper frees it once it is back."""
    send(draft)
    proxy.down()
    assert draft.delete(KEY).status == 204
    assert draft.api.get(draft.file(KEY)).status == 404
    assert reserved(app, begun) == 0
    with app.app_context():
        upload = uploads_since(begun)[0]
        assert upload.purged_on is None
        assert str(upload.id) in {row["id"] for row in current_multipart.uploads.describe()}
        assert len(store.uploads(upload.uri)) == 1
    proxy.up()
    assert reap(app, begun)["purging"] >= 1


def test_store_lost_the_upload(
    app: Any, draft: Draft, store: Store, begun: datetime
) -> None:
    """Parts that the store lost are a clear failure, and the key is free again."""
    send(draft)
    with app.app_context():
        store.lose_uploads(uploads_since(begun)[0].uri)
    for _ in range(2):
        reply = draft.commit(KEY)
        assert (reply.status, reply.json["code"]) == (409, "upload_gone")
    status = draft.status(KEY)
    assert status["state"] == "failed"
    assert "lost" in status["error_message"]
    assert draft.api.get(draft.file(KEY)).json["status"] == "failed"
    send(draft)
    assert_whole(draft, draft.commit(KEY))


def test_store_lost_the_object(
    app: Any, draft: Draft, proxy: FaultProxy, store: Store, begun: datetime
) -> None:
    """An object lost between completion and retry is not taken for a file."""
    send(draft)
    proxy.at(*COMPLETE, cut, Point.ANSWERED, hits=None)
    assert_unavailable(draft.commit(KEY))
    proxy.calm()
    with app.app_context():
        store.lose_object(uploads_since(begun)[0].uri)
    reply = draft.commit(KEY)
    assert (reply.status, reply.json["code"]) == (409, "upload_gone")
    assert draft.delete(KEY).status == 204


@pytest.mark.parametrize("point", [Point.ARRIVED, Point.ANSWERED])
def test_database_gone_at_commit(
    app: Any, draft: Draft, proxy: FaultProxy, point: Point
) -> None:
    """A transaction that dies around the completion costs a retry, not the file."""
    send(draft)
    proxy.at(*COMPLETE, lambda: lose_transactions(app), point)
    with pytest.raises(OperationalError):
        draft.commit(KEY)
    assert_whole(draft, draft.commit(KEY))


def lose_transactions(app: Any) -> None:
    """End every database session that is in a transaction."""
    engine = create_engine(app.config["SQLALCHEMY_DATABASE_URI"])
    with engine.connect() as connection:
        ended = connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid() "
                "AND state = 'idle in transaction'"
            )
        ).all()
    engine.dispose()
    assert ended


@pytest.mark.parametrize("inline", [True, False], ids=["inline", "worker"])
def test_reading_is_interrupted(
    app: Any, draft: Draft, proxy: FaultProxy, monkeypatch: Any, inline: bool
) -> None:
    """A download for the digest that breaks off goes on where it was."""
    if not inline:
        monkeypatch.setitem(app.config, "MULTIPART_VERIFY_INLINE_MAX", 0)
    send(draft)
    sha256 = "sha256:" + hashlib.sha256(b"".join(DATA)).hexdigest()
    proxy.at("GET", r"/data(\?|$)", cut)
    reply = draft.commit(KEY, sha256)
    assert reply.status == 200
    assert draft.status(KEY)["state"] == "completed"
    assert_whole(draft, draft.commit(KEY, sha256))
