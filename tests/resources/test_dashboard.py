# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The pages of unfinished uploads, as the real application of pages makes them."""

from __future__ import annotations

import re
import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest

from invenio_multipart.records.models import utc_now

from ..backdoor import bucket_size, uploads_of
from ..batching import open_batch, pass_deadline, row
from ..driver import PART, Api, Draft
from .pages import Reader
from .test_deadlines import make_due

PAGE, ADMIN = "/me/unfinished-uploads", "/administration/unfinished-uploads"


def ahead(**span: int) -> datetime:
    """A moment so far ahead."""
    return utc_now() + timedelta(**span)


@pytest.fixture(autouse=True)
def _others_last(app: Any) -> None:
    """What other tests have left comes after what is begun now."""
    from invenio_db import db

    from invenio_multipart.records.models import Batch, Upload

    with app.app_context():
        for row, end in ((Upload, "expires_at"), (Batch, "complete_before")):
            timed = row.query.filter(getattr(row, end).isnot(None))
            timed.update({end: ahead(days=60)}, synchronize_session=False)
        db.session.commit()


@pytest.fixture
def owner(pages: Any) -> Reader:
    """The owner of the drafts."""
    return Reader(pages, "owner")


@pytest.fixture
def admin(pages: Any) -> Reader:
    """An administrator."""
    return Reader(pages, "admin")


def around(text: str, key: str, tag: str = "item") -> str:
    """The part of the page that is about one upload."""
    pieces = re.split(rf'<div class="{tag}"|<tr>', text)
    (found,) = [piece for piece in pieces if key in piece]
    return found


def fresh_key() -> str:
    """A key that no other test has in the list."""
    return f"data/{uuid.uuid4().hex[:12]}.bin"


def test_page_tells_what_is_unfinished(owner: Reader, draft: Draft) -> None:
    """Name, sizes, state, time and the way to the draft; and it is in the menu."""
    key = fresh_key()
    entry = draft.begin(key, 2 * PART, transfer={"part_size": PART})
    draft.send_ok(entry["links"]["parts"][0], b"x" * PART)
    draft.status(key)
    make_due(draft, ahead(hours=2))
    status, text = owner.get(f"{PAGE}?size=100")
    assert status == 200
    item = around(text, key)
    assert f"/uploads/{draft.id}" in item
    for word in (
        "Measurements",
        "Uploading",
        "5.2 MB of 10.5 MB",
        "50 %",
        "in 2 hours",
    ):
        assert word in item, (word, item)
    assert re.search(rf'<a\s+class="item active[^"]*"\s+href="{PAGE}"', text), text


def test_more_time(owner: Reader, draft: Draft) -> None:
    """A button puts the deadline off, of a file and of a batch."""
    key = fresh_key()
    draft.begin(key, PART)
    make_due(draft, ahead(hours=1))
    (upload,) = uploads_of(draft)
    _, text = owner.get(f"{PAGE}?size=100")
    text = owner.press(text, f"{PAGE}/upload/{upload.id}/more-time")
    assert "The upload has more time." in text
    (upload,) = uploads_of(draft)
    assert upload.expires_at > ahead(days=6)
    batch = open_batch(draft, ["x"])
    _, text = owner.get(f"{PAGE}?size=100")
    owner.press(text, f"{PAGE}/batch/{batch.id}/more-time")
    assert row(batch).complete_before > ahead(hours=23)


def test_discard(owner: Reader, draft: Draft) -> None:
    """A button ends a file's upload, and a batch; what was reserved is free again."""
    key = fresh_key()
    draft.begin(key, PART)
    (upload,) = uploads_of(draft)
    _, text = owner.get(f"{PAGE}?size=100")
    text = owner.press(text, f"{PAGE}/upload/{upload.id}/discard")
    assert "The upload was discarded." in text
    assert key not in text
    assert bucket_size(draft) == 0
    batch = open_batch(draft, ["x"])
    _, text = owner.get(f"{PAGE}?size=100")
    owner.press(text, f"{PAGE}/batch/{batch.id}/discard")
    assert batch.status()["state"] == "aborted"


def test_forms_of_other_sites(owner: Reader, draft: Draft) -> None:
    """Without the token of the page nothing happens."""
    draft.begin(fresh_key(), PART)
    (upload,) = uploads_of(draft)
    for data in ({}, {"csrf_token": "x"}):
        reply = owner.client.post(f"{PAGE}/upload/{upload.id}/discard", data=data)
        assert reply.status_code == 302
        assert "too old" in owner.get(PAGE)[1]
    (upload,) = uploads_of(draft)
    assert upload.is_open
    assert owner.client.get(f"{PAGE}/upload/{upload.id}/discard").status_code == 405


def test_too_late(owner: Reader, draft: Draft) -> None:
    """What has ended meanwhile is said, and nothing else happens."""
    batch = open_batch(draft, ["x"])
    _, text = owner.get(f"{PAGE}?size=100")
    pass_deadline(batch)
    text = owner.press(text, f"{PAGE}/batch/{batch.id}/more-time")
    assert "The batch is expired." in text
    key = fresh_key()
    draft.begin(key, PART)
    (upload,) = [u for u in uploads_of(draft) if u.key == key]
    _, text = owner.get(f"{PAGE}?size=100")
    assert draft.delete(key).status == 204
    text = owner.press(text, f"{PAGE}/upload/{upload.id}/discard")
    assert "The upload is aborted." in text


def test_only_ones_own(pages: Any, owner: Reader, draft: Draft) -> None:
    """Somebody else sees nothing of it, and ends nothing with a token of his own."""
    key = fresh_key()
    draft.begin(key, PART)
    (upload,) = uploads_of(draft)
    other = Reader(pages, "other")
    api = Api(draft.api.app, draft.api.app.tokens["other"])
    theirs = api.new_draft()
    theirs.begin(fresh_key(), PART)
    (their,) = uploads_of(theirs)
    status, text = other.get(f"{PAGE}?size=100")
    assert status == 200 and key not in text
    form = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', text)
    assert form is not None and str(their.id) in text
    for act in ("discard", "more-time"):
        path = f"{PAGE}/upload/{upload.id}/{act}"
        reply = other.client.post(path, data={"csrf_token": form[1]})
        assert reply.status_code == 302
        assert "You may not" in other.get(PAGE)[1]
    (upload,) = uploads_of(draft)
    assert upload.is_open


def test_pages_of_the_page(owner: Reader, draft: Draft) -> None:
    """A long list goes on at the next page; a page that cannot be is not found."""
    for _ in range(3):
        draft.begin(fresh_key(), PART)
    _, text = owner.get(f"{PAGE}?size=2")
    following = re.search(rf'href="({PAGE}\?after=[^"]+)"', text)
    assert following is not None
    assert owner.get(following[1])[0] == 200
    for query in ("after=x", "size=0", "more=1"):
        assert owner.get(f"{PAGE}?{query}")[0] == 404


def test_strangers_log_in_first(pages: Any) -> None:
    """Who is not logged in is sent to do so."""
    reply = pages.test_client().get(PAGE)
    assert reply.status_code == 302
    assert "/login" in reply.headers["Location"]


def test_odd_names_are_only_text(owner: Reader, draft: Draft) -> None:
    """A key that looks like HTML is shown, not obeyed."""
    draft.begin("<b>&\"'.bin", PART)
    reply = owner.client.get(f"{PAGE}?size=100")
    assert "<b>&\"'" not in reply.get_data(as_text=True)
    assert "&lt;b&gt;&amp;" in reply.get_data(as_text=True)


def test_administration(admin: Reader, owner: Reader, draft: Draft) -> None:
    """Administrators have all of it in their panel, by states, and can end it."""
    key = fresh_key()
    draft.begin(key, PART)
    (upload,) = uploads_of(draft)
    status, text = admin.get(f"{ADMIN}?size=100")
    assert status == 200
    line = around(text, key, "tr")
    assert "owner@multipart.example.org" in line and draft.id in line
    assert key not in admin.get(f"{ADMIN}?state=failed&size=100")[1]
    assert admin.get(f"{ADMIN}?state=nonsense")[0] == 404
    text = admin.press(text, ADMIN, id=str(upload.id))
    assert "The upload was aborted." in text
    assert bucket_size(draft) == 0
    assert owner.get(ADMIN)[0] == 403
    assert owner.client.post(ADMIN).status_code == 403


def test_administration_too_late(admin: Reader, draft: Draft) -> None:
    """What is over, and what never was, is said."""
    draft.begin(fresh_key(), PART)
    (upload,) = uploads_of(draft)
    _, text = admin.get(f"{ADMIN}?size=100")
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', text)
    assert token is not None
    assert draft.delete(upload.key).status == 204
    for id_, said in ((str(upload.id), "is aborted"), ("x", "No upload")):
        data = {"csrf_token": token[1], "id": id_}
        assert admin.client.post(ADMIN, data=data).status_code == 302
        assert said in admin.get(ADMIN)[1]
    assert admin.client.post(ADMIN, data={"id": "x"}).status_code == 302
    assert "too old" in admin.get(ADMIN)[1]
