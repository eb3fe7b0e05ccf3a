# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""S3 or the database break around the completion, before and after it was done."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from invenio_multipart.proxies import current_multipart

from ..driver import Draft
from .left_behind import Store, uploads_since
from .proxy import FaultProxy, Point, cut
from .steps import (
    COMPLETE,
    DATA,
    DOWN,
    ERROR,
    HEAD,
    KEY,
    UNHEARD,
    assert_unavailable,
    assert_whole,
    reap,
    reserved,
    send,
)


@pytest.fixture
def draft(proxy: FaultProxy, s3_draft: Draft) -> Draft:
    """A draft on S3 behind the proxy."""
    return s3_draft


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
        rows = current_multipart.overview.list(None, 10_000)
        assert str(upload.id) in {str(row["id"]) for row in rows}
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
