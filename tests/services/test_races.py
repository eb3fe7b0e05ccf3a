# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Many requests at once, on real row locks."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from invenio_db import db
from invenio_files_rest.models import ObjectVersion

from invenio_multipart.proxies import current_multipart
from invenio_multipart.records.models import Part, Upload

from ..backdoor import bucket_of, bucket_size, set_limits, uploads_of
from ..driver import PART, Draft, Reply, md5

KEY = "a.bin"
DATA = os.urandom(PART)
ONE_PART = [{"part": 1, "size": PART, "checksum": md5(DATA)}]


def at_once(actions: Sequence[Callable[[], Any]]) -> list[Any]:
    """Results of all actions, begun at the same moment."""
    barrier = Barrier(len(actions))

    def run(action: Callable[[], Any]) -> Any:
        barrier.wait(30)
        return action()

    with ThreadPoolExecutor(len(actions)) as pool:
        return list(pool.map(run, actions))


def statuses(replies: Sequence[Reply]) -> Counter[int]:
    """How many replies had each status."""
    return Counter(reply.status for reply in replies)


def send(draft: Draft, key: str = KEY) -> None:
    """Begin an upload and send its only part."""
    link = draft.begin(key, PART)["links"]["parts"][0]
    draft.send_ok(link, DATA)


def open_uploads(draft: Draft) -> list[Any]:
    """Uploads of the draft that hold something."""
    return [upload for upload in uploads_of(draft) if upload.is_open]


def test_twenty_commits(app: Any, draft: Draft) -> None:
    """Of twenty commits at once each succeeds, and one file comes of them."""
    send(draft)
    replies = at_once([lambda: draft.commit(KEY)] * 20)
    assert statuses(replies) == {200: 20}
    assert {reply.json["status"] for reply in replies} == {"completed"}
    with app.app_context():
        bucket = bucket_of(draft)
        versions = ObjectVersion.query.filter_by(bucket_id=bucket.id).all()
        assert [version.file.size for version in versions] == [PART]
        assert bucket.size == PART
    assert draft.content(KEY) == DATA


def test_twenty_inits_in_a_quota_of_ten(draft: Draft) -> None:
    """Exactly as many uploads begin as the quota has room for."""
    set_limits(draft, quota_size=10 * PART, max_file_size=None)
    replies = at_once([lambda n=n: draft.init(f"{n}", PART) for n in range(20)])
    assert statuses(replies) == {201: 10, 400: 10}
    refused = [reply for reply in replies if reply.status == 400]
    assert {reply.json["code"] for reply in refused} == {"quota_exceeded"}
    assert bucket_size(draft) == 10 * PART
    assert len(open_uploads(draft)) == 10


def test_inits_of_one_key(draft: Draft) -> None:
    """Of inits of one key at once one counts in the end; others hear it clearly."""
    for _ in range(3):
        replies = at_once([lambda: draft.init(KEY, PART)] * 8)
        assert statuses(replies)[201] >= 1
        assert set(statuses(replies)) <= {201, 400, 409}, statuses(replies)
        assert bucket_size(draft) == PART
        assert len(open_uploads(draft)) == 1
    link = draft.api.get(draft.file(KEY)).json["links"]["parts"][0]
    draft.send_ok(link, DATA)
    assert draft.commit(KEY).status == 200
    assert draft.content(KEY) == DATA


def test_registrations(app: Any, draft: Draft) -> None:
    """Twenty registrations at once, of the same and of other parts, all count."""
    draft.begin(KEY, 40 * PART, transfer={"parts": 40, "part_size": PART})

    def announced(n: int) -> list[dict[str, Any]]:
        numbers = range(n, n + 21)
        return [{"part": p, "size": PART, "checksum": md5(b"%d" % p)} for p in numbers]

    replies = at_once(
        [lambda n=n: draft.register(KEY, announced(n)) for n in range(1, 21)]
    )
    assert statuses(replies) == {200: 20}
    upload_id = open_uploads(draft)[0].id
    with app.app_context():
        parts = Part.query.filter_by(upload_id=upload_id).all()
        found = {part.number: f"md5:{part.md5}" for part in parts}
    assert found == {p: md5(b"%d" % p) for p in range(1, 41)}


@pytest.mark.parametrize("seed", range(3))
def test_commit_against_delete(draft: Draft, seed: int) -> None:
    """Either the file is there or it is gone, whoever was first."""
    send(draft)
    deleted, *commits = at_once(
        [lambda: draft.delete(KEY), *[lambda: draft.commit(KEY)] * 3]
    )
    assert deleted.status in (204, 409)
    assert set(statuses(commits)) <= {200, 404, 409}
    if deleted.status == 204:
        assert draft.api.get(draft.file(KEY)).status == 404
        assert bucket_size(draft) == 0
    else:
        assert draft.commit(KEY).status == 200
        assert draft.content(KEY) == DATA
    assert open_uploads(draft) == []


def test_commit_against_draft_delete(app: Any, draft: Draft) -> None:
    """A draft that is deleted takes its uploads along, whatever they were doing."""
    send(draft)
    upload_id = open_uploads(draft)[0].id
    deleted, *commits = at_once(
        [
            lambda: draft.api.call("DELETE", draft.path),
            *[lambda: draft.commit(KEY)] * 3,
        ]
    )
    assert deleted.status == 204
    assert set(statuses(commits)) <= {200, 403, 404, 409, 410}
    with app.app_context():
        assert not db.session.get(Upload, upload_id).is_open


@pytest.mark.parametrize("end", [Draft.commit, Draft.delete])
def test_register_against_the_end(app: Any, draft: Draft, end: Any) -> None:
    """Registrations that come too late are refused and leave no rows."""
    draft.begin(KEY, PART)
    draft.send_ok(draft.register(KEY, ONE_PART).json["parts"][0], DATA)
    register = [lambda: draft.register(KEY, ONE_PART)] * 6
    ended, *registered = at_once([lambda: end(draft, KEY), *register])
    assert ended.status in (200, 204, 409)
    assert set(statuses(registered)) <= {200, 404, 409}
    if ended.status == 409:
        assert end(draft, KEY).status in (200, 204)
    assert open_uploads(draft) == []
    ids = [upload.id for upload in uploads_of(draft)]
    with app.app_context():
        assert Part.query.filter(Part.upload_id.in_(ids)).count() == 0


def test_deletes_of_one_file(draft: Draft) -> None:
    """Of deletes at once one deletes, and the quota is given back once."""
    draft.begin("other", PART)
    draft.begin(KEY, PART)
    replies = at_once([lambda: draft.delete(KEY)] * 6)
    assert statuses(replies)[204] == 1
    assert set(statuses(replies)) <= {204, 404, 409}
    assert bucket_size(draft) == PART


def test_purges_of_one_upload(app: Any, draft: Draft) -> None:
    """Any number of purges of one upload do what one does."""
    send(draft)
    upload_id = str(open_uploads(draft)[0].id)
    assert draft.delete(KEY).status == 204
    with app.app_context():
        db.session.get(Upload, upload_id).purged_on = None
        db.session.commit()

    def purge() -> None:
        with app.app_context():
            current_multipart.uploads.purge(upload_id)

    at_once([purge] * 6)
    with app.app_context():
        assert db.session.get(Upload, upload_id).purged_on is not None


def expire(app: Any, draft: Draft) -> None:
    """Let the deadline of all uploads of the draft pass."""
    ids = [upload.id for upload in uploads_of(draft)]
    with app.app_context():
        for upload_id in ids:
            db.session.get(Upload, upload_id).expires_at -= timedelta(days=365)
        db.session.commit()


def reap(app: Any) -> None:
    """What the periodic task does."""
    with app.app_context():
        current_multipart.reaper.reap()


def test_reapers_against_commits(app: Any, draft: Draft) -> None:
    """Reapers at the moment of late commits: each file is whole or gone."""
    keys = [f"{n}.bin" for n in range(6)]
    for key in keys:
        send(draft, key)
    expire(app, draft)
    commits = [lambda key=key: draft.commit(key) for key in keys]
    *_, a, b, c, d, e, f = at_once([lambda: reap(app), lambda: reap(app), *commits])
    replies = dict(zip(keys, (a, b, c, d, e, f), strict=True))
    reap(app)
    for key, reply in replies.items():
        assert reply.status in (200, 404, 409), reply.json
        assert draft.content(key) == (DATA if reply.status == 200 else None)
    whole = sum(reply.status == 200 for reply in replies.values())
    assert bucket_size(draft) == whole * PART
    assert open_uploads(draft) == []


def test_expired_and_begun_again(app: Any, draft: Draft) -> None:
    """A key whose upload has expired can be begun again, reaped or not."""
    send(draft)
    expire(app, draft)
    send(draft)
    reap(app)
    assert draft.commit(KEY).status == 200
    other = draft.api.new_draft()
    send(other)
    expire(app, other)
    reap(app)
    assert other.api.get(other.file(KEY)).status == 404
    assert bucket_size(other) == 0
    send(other)
    assert other.commit(KEY).status == 200
    assert other.content(KEY) == DATA
