# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What a completion says about access, and what InvenioRDM then does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import Any

import pytest
from marshmallow import ValidationError

from invenio_multipart.errors import AccessDenied

from ..backdoor import setting
from ..driver import Api, Draft

PUBLIC = {"record": "public", "files": "public"}
RESTRICTED = {"record": "restricted", "files": "restricted"}
FILES_ONLY = {"record": "public", "files": "restricted"}
EMBARGO = {"active": True, "until": "2099-01-01", "reason": "a paper"}
NO_EMBARGO = {"active": False, "until": None, "reason": None}


@pytest.fixture(scope="module")
def people(app: Any) -> dict[str, int]:
    """User ids by user name; among them accounts that nobody can use."""
    from invenio_accounts.models import User
    from invenio_accounts.proxies import current_datastore
    from invenio_db import db

    now = datetime.now(timezone.utc)
    states = {
        "colleague": {"active": True, "confirmed_at": now},
        "blocked": {"active": False, "confirmed_at": now},
        "unconfirmed": {"active": True, "confirmed_at": None},
    }
    with app.app_context():
        for name, values in states.items():
            if User.query.filter_by(_username=name).one_or_none() is None:
                current_datastore.create_user(
                    email=f"{name}@multipart.example.org",
                    username=name,
                    password="x",
                    **values,
                )
        db.session.commit()
        return {user._username: user.id for user in User.query if user._username}


def parse(app: Any, body: Any) -> Any:
    """The parsed body."""
    from invenio_multipart.services.batches.access_schema import parse_completion

    with app.app_context():
        return parse_completion(body)


def refused(app: Any, body: Any) -> dict[str, Any]:
    """Messages by field, for a body that must not do."""
    with pytest.raises(ValidationError) as error:
        parse(app, body)
    return dict(error.value.normalized_messages())


@contextmanager
def as_user(app: Any, name: str) -> Iterator[Any]:
    """The identity that requests of this user have, in an application context."""
    from invenio_access.permissions import any_user, authenticated_user
    from invenio_access.utils import get_identity
    from invenio_accounts.models import User

    with app.test_request_context():
        identity = get_identity(User.query.filter_by(_username=name).one())
        identity.provides |= {any_user, authenticated_user}
        yield identity


def resolve(draft: Draft) -> Any:
    """The draft as the record service has it; call inside an app context."""
    from invenio_rdm_records.proxies import current_rdm_records_service as service

    return service.draft_cls.pid.resolve(draft.id, registered_only=False)


def check(app: Any, draft: Draft, body: dict[str, Any], name: str = "owner") -> None:
    """Parse and check as a request does, as this user."""
    from invenio_multipart.services.batches.access import check as run

    change = parse(app, body)
    with as_user(app, name) as identity:
        run(change, identity, resolve(draft))


def complete(app: Any, draft: Draft, body: dict[str, Any], name: str = "owner") -> bool:
    """Check, keep as JSON, and apply as the job does; whether anything changed."""
    from invenio_db.uow import UnitOfWork
    from invenio_rdm_records.proxies import current_rdm_records_service as service
    from invenio_records_resources.services.uow import RecordCommitOp

    from invenio_multipart.services.batches.access import apply
    from invenio_multipart.services.batches.access_schema import AccessChange

    check(app, draft, body, name)
    kept = parse(app, body).to_json()
    with as_user(app, name) as identity, UnitOfWork() as uow:
        record = resolve(draft)
        changed = apply(AccessChange.from_json(kept), record, identity, uow)
        uow.register(RecordCommitOp(record, indexer=service.indexer))
        uow.commit()
    return changed


def parent_access(app: Any, draft: Draft) -> tuple[int, list[tuple[str, str]]]:
    """Owner, and grants as (user id, level)."""
    with app.app_context():
        access = resolve(draft).parent.access
        grants = [(grant.subject_id, grant.permission) for grant in access.grants]
        return access.owner.owner_id, sorted(grants)


def with_file(draft: Draft) -> Draft:
    """The draft, ready to be published."""
    assert draft.upload("a.bin", [b"data"]).status == 200
    return draft


def next_version(draft: Draft) -> Draft:
    """Publish the draft and open the next version."""
    assert draft.publish().status == 202
    reply = draft.api.call("POST", f"/records/{draft.id}/versions")
    assert reply.status == 201, reply.json
    return Draft(draft.api, reply.json["id"])


@pytest.mark.parametrize("body", [None, {}, {"access": None, "read_access": None}])
def test_nothing_is_asked_for(app: Any, s3_draft: Draft, body: Any) -> None:
    """Without a body, or with an empty one, nothing changes."""
    from invenio_multipart.services.batches.access_schema import AccessChange

    assert parse(app, body) == AccessChange() == AccessChange.from_json(None)
    before = parent_access(app, s3_draft)
    assert complete(app, s3_draft, body or {}) is False
    assert parent_access(app, s3_draft) == before


def test_the_seeds_example(app: Any, people: dict[str, int]) -> None:
    """A bare name, a reading and a writing access and a scope, as the seed has them."""
    body = {
        "owners": "Colleague",
        "write_access": "owners",
        "read_access": "public",
        "scope": "project",
    }
    change = parse(app, body)
    assert change.owners == (people["colleague"],)
    assert change.access == PUBLIC | {"embargo": NO_EMBARGO}
    assert change.whole_record and change.by_readers and not change.publish


@pytest.mark.parametrize(
    "name",
    ["other", "OTHER", " other ", "other@multipart.example.org", "id", "number"],
)
def test_names_of_people(app: Any, people: dict[str, int], name: str) -> None:
    """User name, e-mail address and id name the same account, once."""
    other = people["other"]
    named: Any = {"id": str(other), "number": other}.get(name, name)
    for body in (named, [named], [named, "other"]):
        assert parse(app, {"owners": body}).owners == (other,)
        assert parse(app, {"viewers": body}).viewers == (other,)


def test_unusable_accounts_look_alike(app: Any, people: dict[str, int]) -> None:
    """Unknown, blocked and unconfirmed people get one message, with the field."""
    names = ["nobody", "blocked", "unconfirmed", "nobody@example.org", "999999999999"]
    messages = {
        refused(app, {field: ["owner", name]})[field][0].replace(name, "X")
        for name in names
        for field in ("owners", "viewers")
    }
    assert messages == {"No account can be used for 'X'."}


def test_a_site_without_confirmation(app: Any, people: dict[str, int]) -> None:
    """Where nobody has to confirm an address, an account without that is usable."""
    with setting(app, SECURITY_CONFIRMABLE=False):
        wanted = (people["unconfirmed"],)
        assert parse(app, {"owners": "unconfirmed"}).owners == wanted


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ([], "_schema"),
        ("public", "_schema"),
        ({"acess": PUBLIC}, "acess"),
        ({"access": "public"}, "access"),
        ({"access": {"record": "public"}}, "access"),
        ({"access": {"record": "secret", "files": "public"}}, "access"),
        ({"access": PUBLIC | {"grants": []}}, "access"),
        ({"access": FILES_ONLY | {"embargo": {"active": True}}}, "access"),
        (
            {"access": FILES_ONLY | {"embargo": EMBARGO | {"until": "2001-01-01"}}},
            "access",
        ),
        ({"owners": []}, "owners"),
        ({"owners": ""}, "owners"),
        ({"owners": None}, "owners"),
        ({"owners": {"id": 1}}, "owners"),
        ({"owners": [True]}, "owners"),
        ({"owners": ["a\0b"]}, "owners"),
        ({"owners": ["x" * 256]}, "owners"),
        ({"owners": [["owner"]]}, "owners"),
        ({"owners": ["owner"] * 101}, "owners"),
        ({"owners": "²"}, "owners"),
        ({"owners": -1}, "owners"),
        ({"viewers": 2**63}, "viewers"),
        ({"read_access": "everybody"}, "read_access"),
        ({"write_access": "public"}, "write_access"),
        ({"write_access": "viewers"}, "write_access"),
        ({"scope": "file"}, "scope"),
        ({"publish": "yes"}, "publish"),
        ({"publish": None}, "publish"),
        ({"read_access": "owners", "viewers": "other"}, "viewers"),
        ({"read_access": "public", "access": RESTRICTED}, "read_access"),
        ({"read_access": "public", "access": FILES_ONLY}, "read_access"),
        ({"read_access": "owners", "access": PUBLIC}, "read_access"),
        ({"read_access": "viewers", "access": FILES_ONLY}, "read_access"),
        (
            {"read_access": "public", "access": PUBLIC | {"embargo": EMBARGO}},
            "read_access",
        ),
    ],
    ids=str,
)
def test_what_cannot_be_right(
    app: Any, people: dict[str, int], body: Any, field: str
) -> None:
    """Unknown members, values and contradictions name the field at fault."""
    assert field in refused(app, body)


@pytest.mark.parametrize("access", [RESTRICTED, RESTRICTED | {"files": "public"}])
def test_what_agrees(app: Any, access: dict[str, str]) -> None:
    """Saying the same twice is no contradiction; a closed record has closed files."""
    change = parse(app, {"read_access": "owners", "access": access})
    assert change.access == RESTRICTED


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ({"read_access": "public"}, PUBLIC | {"status": "open"}),
        ({"read_access": "owners"}, RESTRICTED | {"status": "restricted"}),
        ({"read_access": "viewers"}, RESTRICTED | {"status": "restricted"}),
        ({"access": FILES_ONLY}, FILES_ONLY | {"status": "restricted"}),
        (
            {"access": FILES_ONLY | {"embargo": EMBARGO}},
            FILES_ONLY | {"embargo": EMBARGO, "status": "embargoed"},
        ),
        ({"access": PUBLIC | {"status": "restricted"}}, PUBLIC | {"status": "open"}),
    ],
    ids=str,
)
def test_access_of_the_version(
    app: Any, api: Api, s3: str, body: dict[str, Any], wanted: dict[str, Any]
) -> None:
    """Draft and published record have the access that was asked for."""
    draft = with_file(api.new_draft(access=FILES_ONLY | {"embargo": EMBARGO}))
    complete(app, draft, body)
    assert complete(app, draft, body) is False, "the second time changes nothing"
    assert wanted.items() <= api.get(draft.path).json["access"].items()
    assert draft.publish().status == 202
    assert wanted.items() <= api.get(f"/records/{draft.id}").json["access"].items()


def test_readers(app: Any, api: Api, other: Api, anonymous: Api, s3: str) -> None:
    """Who is named may read what others may not, and not change it."""
    draft = with_file(api.new_draft())
    complete(app, draft, {"read_access": "viewers", "viewers": "other"})
    assert draft.publish().status == 202
    url = f"/records/{draft.id}"
    assert anonymous.get(url).status == 403
    assert other.get(url).status == other.get(f"{url}/files").status == 200
    assert other.call("POST", draft.path).status == 403


def test_writers(app: Any, api: Api, other: Api, s3: str) -> None:
    """Viewers who may write open a draft, and do not manage access."""
    draft = with_file(api.new_draft())
    complete(app, draft, {"viewers": "other", "write_access": "viewers"})
    assert draft.publish().status == 202
    assert other.call("POST", draft.path).status == 201
    assert other.get(f"/records/{draft.id}/access/grants").status == 403


def test_owners(app: Any, s3_draft: Draft, people: dict[str, int]) -> None:
    """The first becomes the owner, the others may manage; twice is as once."""
    body = {"owners": ["colleague", "owner", "other"], "viewers": ["other", "admin"]}
    assert complete(app, s3_draft, body) is True
    wanted = sorted(
        [
            (str(people["owner"]), "manage"),
            (str(people["other"]), "manage"),
            (str(people["admin"]), "view"),
        ]
    )
    assert parent_access(app, s3_draft) == (people["colleague"], wanted)
    # They may now all say the same, and nothing happens.
    for name in ("owner", "other", "colleague"):
        assert complete(app, s3_draft, body, name) is False
    assert parent_access(app, s3_draft) == (people["colleague"], wanted)


def test_a_grant_is_raised_never_lowered(
    app: Any, s3_draft: Draft, people: dict[str, int]
) -> None:
    """A person has one grant, the highest that was ever given."""
    levels = []
    for body in (
        {"viewers": "other"},
        {"viewers": "other", "write_access": "viewers"},
        {"owners": ["owner", "other"]},
        {"viewers": "other"},
    ):
        complete(app, s3_draft, body)
        levels += parent_access(app, s3_draft)[1]
    other = str(people["other"])
    wanted = ["view", "edit", "manage", "manage"]
    assert levels == [(other, level) for level in wanted]


def test_the_owner_needs_no_grant(
    app: Any, s3_draft: Draft, people: dict[str, int]
) -> None:
    """Naming the owner among the viewers gives no second right."""
    assert complete(app, s3_draft, {"viewers": ["owner"]}) is False
    assert parent_access(app, s3_draft) == (people["owner"], [])


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"owners": "other"}, "owners"),
        ({"owners": ["owner", "other"]}, "owners"),
        ({"viewers": "colleague"}, "viewers"),
        ({"read_access": "owners"}, "read_access"),
        ({"access": RESTRICTED}, "access"),
        ({"access": FILES_ONLY}, "access"),
        ({"publish": True}, "publish"),
    ],
    ids=str,
)
@pytest.mark.parametrize("name", ["other", "stranger"])
def test_who_may_not(
    app: Any,
    s3_draft: Draft,
    people: dict[str, int],
    body: dict[str, Any],
    field: str,
    name: str,
) -> None:
    """Somebody without rights on the draft is told so before anything is queued."""
    who = "colleague" if name == "stranger" else name
    with pytest.raises(AccessDenied) as error:
        check(app, s3_draft, body, who)
    assert error.value.field == field


def test_editors_do_not_manage(app: Any, s3_draft: Draft) -> None:
    """Who may edit sets what InvenioRDM lets editors set, and adds nobody."""
    complete(app, s3_draft, {"viewers": "other", "write_access": "viewers"})
    check(app, s3_draft, {"read_access": "owners", "publish": True}, "other")
    with pytest.raises(AccessDenied):
        check(app, s3_draft, {"viewers": "colleague"}, "other")


def test_nobody_puts_the_owner_out(app: Any, s3_draft: Draft) -> None:
    """Only the owner and administrators give a record away; managers add people."""
    complete(app, s3_draft, {"owners": ["owner", "other"]})
    with pytest.raises(AccessDenied) as error:
        check(app, s3_draft, {"owners": ["other", "owner"]}, "other")
    assert error.value.field == "owners"
    check(app, s3_draft, {"owners": ["owner", "colleague"]}, "other")
    check(app, s3_draft, {"owners": ["other", "owner"]}, "admin")


@pytest.mark.parametrize("body", [{"read_access": "owners"}, {"access": RESTRICTED}])
def test_sites_without_restricted_records(
    app: Any, s3_draft: Draft, body: dict[str, Any]
) -> None:
    """RDM_ALLOW_RESTRICTED_RECORDS holds here, too; files may be closed as ever."""
    with setting(app, RDM_ALLOW_RESTRICTED_RECORDS=False):
        with pytest.raises(AccessDenied):
            check(app, s3_draft, body)
        check(app, s3_draft, {"access": FILES_ONLY})
        check(app, s3_draft, {"read_access": "public"})


@pytest.mark.parametrize("people_body", [{"owners": "colleague"}, {"viewers": "other"}])
def test_one_version_opens_no_other(
    app: Any, api: Api, s3: str, people: dict[str, int], people_body: dict[str, Any]
) -> None:
    """Grants reach all versions, so a record with several wants to hear "record"."""
    first = with_file(api.new_draft(access=RESTRICTED))
    second = next_version(first)
    with pytest.raises(ValidationError) as error:
        check(app, second, people_body)
    assert "scope" in error.value.normalized_messages()
    check(app, second, {**people_body, "scope": "record"})
    # Who has the right already is given nothing.
    check(app, second, {"owners": "owner"})


def test_an_edit_is_the_same_version(app: Any, api: Api, s3: str) -> None:
    """A draft of the only published version has no others to open."""
    draft = with_file(api.new_draft())
    assert draft.publish().status == 202
    assert api.call("POST", draft.path).status == 201
    check(app, draft, {"viewers": "other"})


def test_reading_for_the_whole_record(app: Any, api: Api, s3: str) -> None:
    """Versions that differ are neither opened nor closed in passing."""
    first = with_file(api.new_draft(access=RESTRICTED))
    second = next_version(first)
    with pytest.raises(ValidationError) as error:
        check(app, second, {"read_access": "public", "scope": "project"})
    assert "Version 1" in str(error.value)
    check(app, second, {"read_access": "owners", "scope": "project"})
    check(app, second, {"read_access": "public", "scope": "version"})
    body = {"access": PUBLIC, "viewers": "other", "scope": "record"}
    assert complete(app, second, body) is True
    assert api.get(f"/records/{first.id}").json["access"]["record"] == "restricted"
    assert api.get(second.path).json["access"]["record"] == "public"


def test_the_search_index_hears_of_it(app: Any, api: Api, other: Api, s3: str) -> None:
    """A viewer finds the record among the records, once it is published."""
    from invenio_rdm_records.proxies import current_rdm_records_service as service

    draft = with_file(api.new_draft())
    complete(app, draft, {"read_access": "viewers", "viewers": "other"})
    assert draft.publish().status == 202
    with app.app_context():
        service.indexer.refresh()
    hits = other.get(f"/records?q=id:{draft.id}").json["hits"]
    assert hits["total"] == 1


def test_the_audit_log_hears_of_it(app: Any, s3_draft: Draft) -> None:
    """New grants are logged as InvenioRDM logs its own."""
    from invenio_audit_logs.records.models import AuditLog

    with setting(app, AUDIT_LOGS_ENABLED=True):
        assert complete(app, s3_draft, {"viewers": "other"}) is True
    with app.app_context():
        parent = resolve(s3_draft).parent.pid.pid_value
        logs = AuditLog.query.filter_by(action="draft.grant_update").all()
        assert parent in {log.json["resource"]["id"] for log in logs}
