# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""S3 breaks while an upload is begun, sent and listed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
import requests

from ..driver import PART, Draft, md5
from .left_behind import Store, uploads_since
from .proxy import FaultProxy, Point, answer, cut, wait
from .steps import (
    CREATE,
    DATA,
    DOWN,
    ERROR,
    KEY,
    LIST,
    SIZE,
    UNHEARD,
    assert_unavailable,
    assert_whole,
    begin,
    reap,
    reserved,
    send,
)


@pytest.fixture
def draft(proxy: FaultProxy, s3_draft: Draft) -> Draft:
    """A draft on S3 behind the proxy."""
    return s3_draft


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
    app: Any,
    draft: Draft,
    proxy: FaultProxy,
    begun: datetime,
    point: Point,
    action: Any,
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
