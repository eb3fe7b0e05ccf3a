# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What others do while the store is at work: exactly then, not by chance."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from invenio_db import db

from invenio_multipart.proxies import current_multipart

from ..driver import PART, Draft, Reply, md5
from .left_behind import Store, uploads_since
from .proxy import FaultProxy, Point

KEY = "a.bin"
DATA = os.urandom(PART)
PARTS = [{"part": 1, "size": PART, "checksum": md5(DATA)}]
CREATE = ("POST", r"\?uploads(=|&|$)")
COMPLETE = ("POST", "uploadId=")

Action = Callable[[Draft], Reply]


@pytest.fixture
def draft(proxy: FaultProxy, s3_draft: Draft) -> Draft:
    """A draft on S3 behind the proxy; the store has been probed."""
    warm_up = s3_draft.api.new_draft()
    warm_up.begin("probe", 1)
    assert warm_up.delete("probe").status == 204
    return s3_draft


class Meanwhile:
    """An action that begins while the store has a request in its hands.

    It gets a second; one that waits for a lock is left to wait in its thread.
    """

    def __init__(self, action: Callable[[], Any]) -> None:
        self._action = action
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._result: Any = None

    def __call__(self) -> None:
        """Begin; for the proxy."""
        self._thread.start()
        self._thread.join(1)

    def _run(self) -> None:
        try:
            self._result = self._action()
        except Exception as error:
            self._result = error
            raise

    def result(self) -> Any:
        """What came of it."""
        self._thread.join(60)
        assert not self._thread.is_alive(), "It still waits."
        return self._result


def send(draft: Draft) -> None:
    """Begin an upload and send its part."""
    draft.begin(KEY, PART)
    link = draft.register(KEY, PARTS).json["parts"][0]
    draft.send_ok(link, DATA)


ACTIONS: dict[str, tuple[Action, set[int]]] = {
    "commit": (lambda draft: draft.commit(KEY), {200}),
    "delete": (lambda draft: draft.delete(KEY), {409}),
    "delete all": (
        lambda draft: draft.api.call("DELETE", f"{draft.path}/files"),
        {409},
    ),
    "register": (lambda draft: draft.register(KEY, PARTS), {409}),
    "read": (lambda draft: draft.api.get(draft.file(KEY)), {200}),
    "status": (lambda draft: draft.api.get(draft.file(KEY, "/upload")), {200}),
    "parts": (lambda draft: draft.parts(KEY), {200}),
    "begin again": (lambda draft: draft.init(KEY, PART), {400, 409}),
    "metadata": (
        lambda draft: draft.api.call(
            "PUT", draft.file(KEY), json={"metadata": {"width": 1}}
        ),
        {200},
    ),
}


@pytest.mark.parametrize("name", ACTIONS)
def test_during_a_completion(draft: Draft, proxy: FaultProxy, name: str) -> None:
    """Nothing that happens during a completion breaks it, or breaks by it."""
    action, statuses = ACTIONS[name]
    send(draft)
    meanwhile = Meanwhile(lambda: action(draft))
    proxy.at(*COMPLETE, meanwhile, Point.ANSWERED)
    reply = draft.commit(KEY)
    assert reply.status == 200, reply.json
    assert meanwhile.result().status in statuses, meanwhile.result()
    assert draft.commit(KEY).status == 200
    assert draft.content(KEY) == DATA


def test_draft_deleted_during_a_completion(draft: Draft, proxy: FaultProxy) -> None:
    """A draft deleted meanwhile takes the file with it; nobody hears of a crash."""
    send(draft)
    meanwhile = Meanwhile(lambda: draft.api.call("DELETE", draft.path))
    proxy.at(*COMPLETE, meanwhile, Point.ANSWERED)
    # The delete waits for the commit, but may overtake the reply that describes it.
    assert draft.commit(KEY).status in (200, 409)
    assert meanwhile.result().status == 204
    assert draft.api.get(draft.path).status in (404, 410)


def test_published_during_a_completion(draft: Draft, proxy: FaultProxy) -> None:
    """Publishing waits for a commit under way, and publishes what came of it."""
    send(draft)
    meanwhile = Meanwhile(draft.publish)
    proxy.at(*COMPLETE, meanwhile, Point.ANSWERED)
    assert draft.commit(KEY).status == 200
    # It saw the draft before or after: a clear answer either way.
    assert meanwhile.result().status in (202, 400)
    if meanwhile.result().status == 400:
        assert draft.publish().status == 202
    files = draft.api.get(f"/records/{draft.id}/files").json["entries"]
    assert [(e["key"], e["status"]) for e in files] == [(KEY, "completed")]


def test_deadline_during_a_completion(
    app: Any, draft: Draft, proxy: FaultProxy, begun: datetime
) -> None:
    """The reaper never takes an upload from under a commit."""
    send(draft)
    with app.app_context():
        for upload in uploads_since(begun):
            upload.expires_at -= timedelta(days=365)
        db.session.commit()

    def reap() -> dict[str, int]:
        with app.app_context():
            result: dict[str, int] = current_multipart.reaper.reap().done
            return result

    meanwhile = Meanwhile(reap)
    proxy.at(*COMPLETE, meanwhile, Point.ANSWERED)
    assert draft.commit(KEY).status == 200
    assert meanwhile.result()["expired"] == 0
    assert draft.content(KEY) == DATA


@pytest.mark.parametrize("point", [Point.ARRIVED, Point.ANSWERED])
def test_read_during_a_create(
    app: Any,
    draft: Draft,
    proxy: FaultProxy,
    store: Store,
    begun: datetime,
    point: Point,
) -> None:
    """Who reads a file that is being begun does not begin it a second time."""
    meanwhile = Meanwhile(lambda: draft.api.get(draft.file(KEY)))
    proxy.at(*CREATE, meanwhile, point)
    assert draft.init(KEY, PART).status == 201
    assert meanwhile.result().status == 200
    with app.app_context():
        assert len(store.uploads(uploads_since(begun)[-1].uri)) == 1
    assert meanwhile.result().json["links"]["parts"]
    draft.send_ok(meanwhile.result().json["links"]["parts"][0], DATA)
    assert draft.commit(KEY).status == 200


@pytest.mark.parametrize("point", [Point.ARRIVED, Point.ANSWERED])
def test_draft_deleted_during_a_create(
    draft: Draft, proxy: FaultProxy, point: Point
) -> None:
    """A draft deleted while the store opens the upload leaves none open."""
    meanwhile = Meanwhile(lambda: draft.api.call("DELETE", draft.path))
    proxy.at(*CREATE, meanwhile, point)
    assert draft.init(KEY, PART).status in (201, 404, 409)
    assert meanwhile.result().status == 204


def test_delete_during_a_create(draft: Draft, proxy: FaultProxy) -> None:
    """A file that is just being begun is busy; the delete is refused, not lost."""
    meanwhile = Meanwhile(lambda: draft.delete(KEY))
    proxy.at(*CREATE, meanwhile, Point.ANSWERED)
    assert draft.init(KEY, PART).status == 201
    reply = meanwhile.result()
    assert (reply.status, reply.json["code"]) == (409, "state_conflict")
    assert draft.delete(KEY).status == 204
