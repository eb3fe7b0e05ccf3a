# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Grants promote to one thing on one batch, and roles to what the settings say."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from ..backdoor import setting
from ..batching import (
    Open,
    announce,
    brought,
    open_batch,
    open_with,
    pass_deadline,
)
from ..driver import Api, Draft

CALLS = {
    "self": ("GET", ""),
    "files_url": ("GET", "/files"),
    "completion_url": ("PUT", "/complete"),
    "abort_url": ("PUT", "/abort"),
}
"""Method and address of each URL of a reply."""

OTHERS_EMAIL = "other@multipart.example.org"


def ask(api: Api, batch: Open, name: str, token: str | None) -> Any:
    """What one of the batch's URLs answers with this credential."""
    method, rest = CALLS[name]
    query = {} if token is None else {"X-Upload-Credential": token}
    return api.call(method, f"/uploads/{batch.id}{rest}", query_string=query)


@contextmanager
def role_of_other(app: Any, name: str) -> Iterator[None]:
    """The other account has this role, made as ``invenio roles create`` makes it."""
    from invenio_accounts.cli import roles_create
    from invenio_accounts.proxies import current_datastore
    from invenio_db import db

    with app.app_context():
        if current_datastore.find_role(name) is None:
            runner = app.test_cli_runner()
            made = runner.invoke(roles_create, [name])
            assert made.exit_code == 0, made.output
            assert "created" in made.output
        user = current_datastore.get_user_by_email(OTHERS_EMAIL)
        current_datastore.add_role_to_user(user, current_datastore.find_role(name))
        db.session.commit()
    try:
        yield
    finally:
        with app.app_context():
            user = current_datastore.get_user_by_email(OTHERS_EMAIL)
            role = current_datastore.find_role(name)
            current_datastore.remove_role_from_user(user, role)
            db.session.commit()


@pytest.mark.parametrize("name", CALLS)
def test_nobody(anonymous: Api, local_draft: Draft, name: str) -> None:
    """Without account and credential nothing of a batch can be seen or done."""
    batch = open_batch(local_draft, ["a"])
    reply = ask(anonymous, batch, name, None)
    assert (reply.status, reply.json["code"]) == (403, "access_denied")
    assert set(reply.json) == {"status", "message", "code", "errors"}
    assert batch.status()["state"] == "uploading"


@pytest.mark.parametrize("name", CALLS)
def test_another_account(other: Api, local_draft: Draft, name: str) -> None:
    """Another account has no more right on a batch than nobody has."""
    batch = open_batch(local_draft, ["a"])
    assert ask(other, batch, name, None).status == 403
    path = f"/uploads/{batch.id}/credentials"
    assert other.call("POST", path).status == 403
    path = f"/uploads/{batch.id}/content/1/a"
    assert other.call("PUT", path, data=b"x").status == 403
    assert batch.status()["state"] == "uploading"


def test_another_account_announces(
    other: Api, anonymous: Api, local: str, api: Api
) -> None:
    """Nobody else announces files for a draft or a record, nor hears of its lock."""
    draft = api.new_draft()
    record = api.new_draft()
    assert record.upload("a", [b"x"]).status == 200
    assert record.publish().status == 202
    for locked in (False, True):
        for who in (other, anonymous):
            for path in (f"{draft.path}/uploads", f"/records/{record.id}/uploads"):
                reply = announce(who, path, ["b"])
                assert reply.status == 403, (path, locked, reply.json)
                assert "lock" not in reply.json
        if not locked:
            open_batch(draft, ["a"])
            path = f"/records/{record.id}/uploads"
            assert announce(api, path, ["b"]).status == 201


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize(
    "forged",
    [
        pytest.param(lambda _: "", id="empty"),
        pytest.param(lambda _: "x", id="short"),
        pytest.param(lambda t: t + "A", id="longer"),
        pytest.param(lambda t: t[:-1], id="cut off"),
        pytest.param(
            lambda t: ("B" if t[0] == "A" else "A") + t[1:], id="first letter"
        ),
        pytest.param(
            lambda t: t[:-1] + ("B" if t[-1] == "A" else "A"), id="last letter"
        ),
        pytest.param(lambda _: "A" * 80, id="zeros"),
        pytest.param(lambda t: t[:-2] + "é", id="not ASCII"),
        pytest.param(lambda t: t[:-1] + "\x00", id="NUL"),
        pytest.param(lambda t: f" {t} ", id="blanks"),
        pytest.param(lambda t: t * 1000, id="long"),
    ],
)
def test_forged(anonymous: Api, local_draft: Draft, name: str, forged: Any) -> None:
    """A credential with anything else in it is not valid."""
    batch = open_batch(local_draft, ["a"])
    reply = ask(anonymous, batch, name, forged(batch.grant(name)))
    assert (reply.status, reply.json["code"]) == (401, "grant_invalid")
    assert batch.status()["state"] == "uploading"


def test_more_verbs(anonymous: Api, local_draft: Draft) -> None:
    """Who adds verbs, or time, to a credential has none."""
    batch = open_batch(local_draft, ["a"])
    raw = urlsafe_b64decode(batch.grant("self"))
    for place, value in ((19, 0xFF), (27, 0xFF), (20, 0x01)):
        changed = bytearray(raw)
        changed[place] = value
        token = urlsafe_b64encode(bytes(changed)).decode()
        reply = ask(anonymous, batch, "abort_url", token)
        assert (reply.status, reply.json["code"]) == (401, "grant_invalid")


@pytest.mark.parametrize("name", CALLS)
def test_other_verbs(anonymous: Api, local_draft: Draft, name: str) -> None:
    """A credential does the one thing its URL is for."""
    batch = open_batch(local_draft, [{"key": "a", "size": 1}])
    for other in set(CALLS) - {name}:
        reply = ask(anonymous, batch, name, batch.grant(other))
        assert (reply.status, reply.json["code"]) == (403, "grant_refused"), other
    path = f"/uploads/{batch.id}"
    query = {"X-Upload-Credential": batch.grant(name)}
    reply = anonymous.call("POST", f"{path}/credentials", query_string=query)
    assert reply.status == 403
    if name != "files_url":
        content = f"{path}/content/1/a"
        reply = anonymous.call("PUT", content, data=b"x", query_string=query)
        assert reply.status == 403
    assert batch.status()["state"] == "uploading"


@pytest.mark.parametrize("name", CALLS)
def test_other_batches(anonymous: Api, local_draft: Draft, name: str) -> None:
    """A credential is for the one batch it was issued for."""
    batch = open_batch(local_draft, ["a"])
    second = open_batch(local_draft.api.new_draft(), ["a"])
    reply = ask(anonymous, batch, name, second.grant(name))
    assert (reply.status, reply.json["code"]) == (403, "grant_refused")


@pytest.mark.parametrize("name", CALLS)
def test_revoked_by_abort(anonymous: Api, local_draft: Draft, name: str) -> None:
    """After an abort no credential is good for anything."""
    batch = open_batch(local_draft, ["a"])
    assert batch.abort().status == 200
    reply = ask(anonymous, batch, name, batch.grant(name))
    assert (reply.status, reply.json["code"]) == (403, "grant_revoked")
    assert reply.json["state"] == "aborted"
    assert "job_id" not in reply.json


@pytest.mark.parametrize("name", CALLS)
def test_revoked_by_completion(anonymous: Api, local_draft: Draft, name: str) -> None:
    """After a completion likewise; who completes again hears which job did it."""
    batch = open_with(local_draft, {"a": b"x"})
    job = batch.complete()
    assert job["status"] == "SUCCESS"
    reply = ask(anonymous, batch, name, batch.grant(name))
    assert (reply.status, reply.json["code"]) == (403, "grant_revoked")
    assert reply.json["state"] == "completed"
    told = reply.json.get("job_id")
    assert told == (job["task_id"] if name == "completion_url" else None)


@pytest.mark.parametrize("name", CALLS)
def test_expired(anonymous: Api, local_draft: Draft, name: str) -> None:
    """After the deadline every credential has expired, reaper or not."""
    from invenio_multipart.core.grants import Verb, issue
    from invenio_multipart.records.models import utc_now
    from invenio_multipart.services.batches.rights import secrets

    batch = open_batch(local_draft, ["a"])
    with batch.app.app_context():
        past = utc_now() - timedelta(seconds=1)
        token = issue(secrets()[0], batch.id, frozenset(Verb), past)
    reply = ask(anonymous, batch, name, token)
    assert (reply.status, reply.json["code"]) == (401, "grant_expired")


def test_after_the_deadline(api: Api, local_draft: Draft) -> None:
    """Who has the right may not complete late either; the batch has then expired."""
    batch = open_with(local_draft, {"a": b"x"})
    pass_deadline(batch)
    reply = api.call("PUT", f"/uploads/{batch.id}/complete")
    assert (reply.status, reply.json["code"]) == (409, "state_conflict")
    assert batch.status()["state"] == "expired"


def test_older_secrets(app: Any, anonymous: Api, local_draft: Draft) -> None:
    """A site that changes its secret key keeps credentials good by naming the old."""
    batch = open_batch(local_draft, ["a"])
    old = app.secret_key
    with setting(app, SECRET_KEY="another", SECRET_KEY_FALLBACKS=None):
        assert anonymous.get(batch.json["self"]).status == 401
    with setting(app, SECRET_KEY="another", SECRET_KEY_FALLBACKS=[old]):
        assert anonymous.get(batch.json["self"]).status == 200


def test_own_right_comes_first(api: Api, local_draft: Draft) -> None:
    """Who has the right needs no credential, and a wrong one does no harm."""
    batch = open_batch(local_draft, ["a"])
    for token in (None, "x", batch.grant("abort_url")):
        assert ask(api, batch, "self", token).status == 200


@pytest.mark.parametrize("who", ["anonymous", "other"])
def test_nothing_else(app: Any, local_draft: Draft, who: str) -> None:
    """No other address of the site lets in who brings a credential."""
    caller = Api(app, app.tokens.get(who))
    api = local_draft.api
    batch = open_batch(local_draft, [{"key": "a", "size": 1}])
    draft, file = local_draft.path, f"{local_draft.path}/files/a"
    record = api.new_draft()
    assert record.upload("x", [b"x"]).status == 200
    assert record.publish().status == 202
    calls = [
        *(("GET", draft), ("PUT", draft), ("DELETE", draft)),
        ("POST", f"{draft}/actions/publish"),
        *(("GET", f"{draft}/files"), ("POST", f"{draft}/files")),
        ("DELETE", f"{draft}/files"),
        *(("GET", file), ("PUT", file), ("DELETE", file)),
        *(("PUT", f"{file}/content"), ("GET", f"{file}/content")),
        *(("POST", f"{file}/commit"), ("GET", f"{file}/parts")),
        *(("POST", f"{file}/parts"), ("PUT", f"{file}/parts/1")),
        *(("GET", f"{file}/upload"), ("PUT", f"{file}/content/1")),
        *(("POST", f"{draft}/uploads"), ("GET", f"{draft}/media-files")),
        *(("POST", f"{draft}/pids/doi"), ("GET", f"{draft}/review")),
        *(("PUT", f"{draft}/review"), ("POST", f"{draft}/actions/submit-review")),
        ("GET", f"{draft}/access/links"),
        ("POST", f"/records/{record.id}/draft"),
        ("POST", f"/records/{record.id}/versions"),
        ("POST", f"/records/{record.id}/uploads"),
        ("GET", f"/records/{record.id}/access/grants"),
        ("DELETE", f"/records/{record.id}/delete"),
        *(("GET", "/user/records"), ("GET", "/uploads"), ("POST", "/uploads")),
        *(("POST", "/records"), ("POST", "/multipart/index/build")),
        ("GET", "/multipart/index/status"),
    ]
    for method, path in calls:
        body = {"files": ["z"]} if path.endswith("uploads") else {"metadata": {}}
        body = None if method in ("GET", "DELETE") else body
        plain = caller.call(method, path, json=body)
        for name in CALLS:
            query = {"X-Upload-Credential": batch.grant(name)}
            reply = caller.call(method, path, json=body, query_string=query)
            if path == "/uploads" and who == "other":
                assert (method, reply.status) in {("GET", 400), ("POST", 201)}
                continue
            assert reply.status == plain.status, (method, path, reply.json)
            own = path in ("/user/records", "/records") and who == "other"
            assert reply.status >= 400 or own, (method, path, reply.json)
    assert batch.status()["state"] == "uploading"
    assert api.get(draft).status == 200


def test_holder_acts_for_who_announced(app: Any, api: Api, local: str) -> None:
    """A credential's holder can ask for no more than who announced the batch may."""
    draft = api.new_draft()
    with role_of_other(app, "uploader"):
        other = Api(app, app.tokens["other"])
        reply = announce(other, f"{draft.path}/uploads", [{"key": "a", "size": 1}])
        assert reply.status == 201, reply.json
        batch = Open(api, reply.json)
        batch.send_ok("a", b"x")
        for body in ({"publish": True}, {"owners": ["other"], "scope": "record"}):
            refused = batch.try_complete(**body)
            assert (refused.status, refused.json["code"]) == (403, "access_denied")
        assert batch.complete()["status"] == "SUCCESS"
    assert draft.content("a") == b"x"


def test_uploader(app: Any, api: Api, other: Api, local: str) -> None:
    """An uploader fills any draft by batches, and gets no other right by that."""
    draft = api.new_draft()
    record = api.new_draft()
    assert record.upload("x", [b"x"]).status == 200
    assert record.publish().status == 202
    assert announce(other, f"{draft.path}/uploads", ["a"]).status == 403
    with role_of_other(app, "uploader"):
        reply = announce(other, f"{draft.path}/uploads", ["a"])
        assert reply.status == 201, reply.json
        batch = Open(api, reply.json)
        assert other.get(f"/uploads/{batch.id}").status == 200
        assert other.get(draft.path).status == 403
        assert other.get(f"{draft.path}/files").status == 403
        assert other.call("DELETE", draft.path).status == 403
        assert other.call("POST", f"{draft.path}/actions/publish").status == 403
        assert announce(other, f"/records/{record.id}/uploads", ["a"]).status == 403
        assert other.call("PUT", f"/uploads/{batch.id}/abort").status == 200
        with setting(app, MULTIPART_UPLOADER_ROLES=[]):
            assert announce(other, f"{draft.path}/uploads", ["a"]).status == 403
        with setting(app, MULTIPART_UPLOADER_ROLES=["somebody-else"]):
            assert announce(other, f"{draft.path}/uploads", ["a"]).status == 403
    assert announce(other, f"{draft.path}/uploads", ["a"]).status == 403


def test_creator(app: Any, other: Api, anonymous: Api, local: str) -> None:
    """New records are made by whom the setting says, all accounts by default."""
    assert announce(anonymous, "/uploads", ["a"]).status == 403
    assert announce(other, "/uploads", ["a"]).status == 201
    with setting(app, MULTIPART_CREATOR_ROLES=["creator"]):
        reply = announce(other, "/uploads", ["a"])
        assert (reply.status, reply.json["code"]) == (403, "access_denied")
        with role_of_other(app, "creator"):
            assert announce(other, "/uploads", ["a"]).status == 201
        assert announce(other, "/uploads", ["a"]).status == 403
    with setting(app, MULTIPART_CREATOR_ROLES=[]):
        assert announce(other, "/uploads", ["a"]).status == 403


def test_administrators(app: Any, other: Api, local_draft: Draft) -> None:
    """Administrators of the site, and who has the role for it, see every batch."""
    batch = open_batch(local_draft, ["a"])
    admin = Api(app, app.tokens["admin"])
    assert ask(admin, batch, "self", None).status == 200
    with role_of_other(app, "multipart-admin"):
        assert ask(other, batch, "self", None).status == 200
        assert ask(other, batch, "abort_url", None).status == 200
    assert ask(other, batch, "self", None).status == 403


def test_whom_the_record_was_shared_with(api: Api, other: Api, local: str) -> None:
    """Who may edit a record may do all with its batches; who may view it, nothing."""
    record = api.new_draft()
    brought(record, {"x": b"x"}, publish=True)
    for level, status in (("owners", 403), ("viewers", 200)):
        reply = announce(api, f"/records/{record.id}/uploads", [f"for {level}"])
        batch = Open(api, reply.json)
        batch.send_ok(f"for {level}", b"x")
        shared = {"viewers": ["other"], "write_access": level, "scope": "record"}
        assert batch.complete(**shared)["status"] == "SUCCESS"
        open_ = Open(api, announce(api, f"/records/{record.id}/uploads", ["z"]).json)
        for name in ("self", "files_url", "abort_url"):
            assert ask(other, open_, name, None).status == status, (level, name)
        if status == 403:
            assert open_.abort().status == 200
