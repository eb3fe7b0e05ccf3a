# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Links to bytes by what they are: found, refused, and never an oracle."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest
from invenio_access.permissions import system_identity
from invenio_db import db
from invenio_files_rest.models import FileInstance, ObjectVersion
from invenio_rdm_records.proxies import current_rdm_records_service as records

from invenio_multipart.records.models import Link

from ..backdoor import counted_queries
from ..driver import Api, Draft, Reply, md5
from .test_links import publish, put_file, read

RESTRICTED = {"record": "public", "files": "restricted"}


def fresh() -> bytes:
    """Bytes that no other file of the site has."""
    return os.urandom(2000)


def published(api: Api, data: bytes, key: str = "a.txt", **changes: Any) -> str:
    """A published record with these bytes; its id."""
    draft = api.new_draft(**changes)
    put_file(draft, key, data)
    return publish(draft)


def wanted(data: bytes, key: str = "mine.txt", **entry: Any) -> dict[str, Any]:
    """A link by digest, as one of many."""
    return {"key": key, "checksum": md5(data), "size": len(data), **entry}


def link(draft: Draft, *files: dict[str, Any]) -> Reply:
    """Link many at once."""
    return draft.api.call("POST", f"{draft.path}/links", json={"files": list(files)})


def known(draft: Draft, *files: dict[str, Any]) -> Reply:
    """Ask which could be linked."""
    body = {"files": list(files)}
    return draft.api.call("POST", f"{draft.path}/links/known", json=body)


def refused(draft: Draft, data: bytes) -> bytes:
    """The body of a refusal, byte for byte; asking beforehand finds nothing."""
    asked = known(draft, wanted(data))
    assert (asked.status, asked.json) == (200, {"files": [], "total": 0})
    client = draft.api.app.test_client()
    headers = {"Authorization": f"Bearer {draft.api._token}"}
    with client.post(
        f"{draft.path}/links", json={"files": [wanted(data)]}, headers=headers
    ) as reply:
        assert reply.status_code == 400
        assert reply.get_json()["code"] == "link_target_unavailable"
        return bytes(reply.data)


def instance_of(data: bytes) -> FileInstance:
    """The one file instance with these bytes; inside an app context."""
    return FileInstance.query.filter_by(checksum=md5(data)).one()


@pytest.fixture(autouse=True)
def _local(local: str) -> None:
    """All of it is the database's work: the cheaper storage will do."""


def test_a_file_of_the_public(api: Api, other: Api) -> None:
    """Whoever names digest and size gets a file that is open, without sending it."""
    data = fresh()
    source = published(api, data)
    draft = other.new_draft()
    entry = wanted(data)
    entry["transfer"] = {"type": "R", "checksum": entry.pop("checksum").upper()}
    reply = other.call("POST", f"{draft.path}/files", json=[entry])
    assert reply.status == 201, reply.json
    (made,) = reply.json["entries"]
    assert (made["status"], made["size"]) == ("completed", len(data))
    assert made["checksum"] == md5(data)
    record = publish(draft)
    assert read(other, f"/records/{record}/files/mine.txt/content") == (200, data)
    with api.app.app_context():
        version = ObjectVersion.query.filter_by(file_id=instance_of(data).id).all()
        assert len(version) == 2
        found = records.read(system_identity, record)._record.files["mine.txt"]
        assert found.transfer["origin"]["record"] == source
        assert db.session.get(Link, found.object_version_id).size == len(data)


def test_a_link_leads_to_the_ancestor(api: Api, other: Api) -> None:
    """What is found is itself a link: the origin is where the bytes were first."""
    data = fresh()
    source = published(api, data)
    second = other.new_draft()
    assert link(second, wanted(data)).status == 201
    publish(second)
    reply = link(other.new_draft(), wanted(data), wanted(data, "twice.txt"))
    assert reply.status == 201
    origins = [file["origin"]["record"] for file in reply.json["files"]]
    assert origins == [source, source]


@pytest.mark.parametrize("where", ["draft", "restricted"])
def test_a_file_of_ones_own(api: Api, other: Api, where: str) -> None:
    """The caller's own drafts and restricted records are looked at; others' are not."""
    data = fresh()
    if where == "draft":
        put_file(api.new_draft(), "a.txt", data)
    else:
        published(api, data, access=RESTRICTED)
    assert link(api.new_draft(), wanted(data)).status == 201
    assert link(other.new_draft(), wanted(data)).status == 400


def test_a_file_of_an_earlier_version(api: Api, app: Any) -> None:
    """Versions of the same record are looked at by whoever may read them."""
    data = fresh()
    record = published(api, data, access=RESTRICTED)
    draft = Draft(api, api.call("POST", f"/records/{record}/versions").json["id"])
    admin = draft.as_(Api(app, app.tokens["admin"]))
    reply = known(admin, wanted(data, "b.txt"))
    assert reply.json["files"][0]["record"] == {"id": record, "key": "a.txt"}
    reply = link(admin, wanted(data, "b.txt"))
    assert reply.json["files"][0]["origin"]["version"] == 1
    # The administrator may read all of the site, but is asked about this record only.
    assert link(Api(app, app.tokens["admin"]).new_draft(), wanted(data)).status == 400


def _missing(api: Api, data: bytes) -> None:
    pass


def _restricted(api: Api, data: bytes) -> None:
    published(api, data, access=RESTRICTED)


def _closed(api: Api, data: bytes) -> None:
    published(api, data, access={"record": "restricted", "files": "restricted"})


def _embargoed(api: Api, data: bytes) -> None:
    embargo = {"active": True, "until": "2999-01-01"}
    published(api, data, access={**RESTRICTED, "embargo": embargo})


def _in_a_draft(api: Api, data: bytes) -> None:
    put_file(api.new_draft(), "a.txt", data)


def _deleted(api: Api, data: bytes) -> None:
    record = published(api, data)
    with api.app.app_context():
        records.delete_record(system_identity, record, {})


def _withdrawn(api: Api, data: bytes) -> None:
    published(api, data)
    with api.app.app_context():
        instance_of(data).readable = False
        db.session.commit()


def _damaged(api: Api, data: bytes) -> None:
    published(api, data)
    with api.app.app_context():
        instance_of(data).last_check = False
        db.session.commit()


def _of_another_size(api: Api, data: bytes) -> None:
    published(api, data)
    with api.app.app_context():
        instance_of(data).size += 1
        db.session.commit()


def _elsewhere(api: Api, data: bytes) -> None:
    """An R entry elsewhere, whose digest is only somebody's word."""
    published(api, data)
    with api.app.app_context():
        version = ObjectVersion.query.filter_by(file_id=instance_of(data).id).one()
        model = records.record_cls.files.file_cls.model_cls
        entry = model.query.filter_by(object_version_id=version.version_id).one()
        entry.json = {**entry.json, "transfer": {"type": "R", "url": "https://x.org"}}
        db.session.commit()


@pytest.mark.parametrize(
    "make",
    [
        _restricted,
        _closed,
        _embargoed,
        _in_a_draft,
        _deleted,
        _withdrawn,
        _damaged,
        _of_another_size,
        _elsewhere,
    ],
    ids=lambda make: make.__name__.strip("_"),
)
def test_no_oracle(api: Api, other: Api, make: Callable[[Api, bytes], None]) -> None:
    """What may not be read, or not be relied on, is refused as if it were not there."""
    data = fresh()
    draft = other.new_draft()
    nothing = refused(draft, data)
    make(api, data)
    assert refused(draft, data) == nothing
    assert refused(draft, fresh()) == nothing
    assert api.app.test_client().get(f"{draft.path}/files").status_code != 200
    assert draft.api.get(f"{draft.path}/files").json["entries"] == []


def test_what_was_public_is_refused_later(api: Api, other: Api) -> None:
    """The right is that of the moment; a copy of one's own is one's own."""
    data = fresh()
    record = published(api, data)
    draft = other.new_draft()
    assert link(draft, wanted(data)).status == 201
    with api.app.app_context():
        body = records.edit(system_identity, record).data
        records.update_draft(system_identity, record, {**body, "access": RESTRICTED})
        records.publish(system_identity, record)
    assert link(draft, wanted(data, "again.txt")).status == 201
    for key in ("mine.txt", "again.txt"):
        assert draft.delete(key).status == 204
    refused(draft, data)


def test_known(api: Api, other: Api) -> None:
    """The question makes nothing, answers in order, and leaves out what must be sent."""
    here, missing, hidden = fresh(), fresh(), fresh()
    source = published(api, here, "data/x.nc")
    published(api, hidden, access=RESTRICTED)
    draft = other.new_draft()
    plain = {"checksum": md5(here), "size": len(here)}
    reply = known(draft, wanted(missing, "1"), wanted(here, "2"), wanted(hidden), plain)
    assert reply.status == 200, reply.json
    record = {"id": source, "key": "data/x.nc"}
    assert reply.json == {
        "files": [{**wanted(here, "2"), "record": record}, {**plain, "record": record}],
        "total": 2,
    }
    assert draft.api.get(f"{draft.path}/files").json["entries"] == []


def test_only_writers_may_ask(api: Api, other: Api, anonymous: Api) -> None:
    """Who may not write the draft is told nothing, whatever he asks about."""
    data = fresh()
    published(api, data)
    draft = api.new_draft()
    assert known(draft.as_(other), wanted(data)).status == 403
    assert known(draft.as_(anonymous), wanted(data)).status in (401, 403)
    assert link(draft.as_(other), wanted(data)).status == 403


@pytest.mark.parametrize(
    ("checksum", "says"),
    [
        ("sha256:" + "0" * 64, "found by their md5"),
        ("crc64nvme:" + "0" * 16, "found by their md5"),
        ("md5:123", "32 hexadecimal digits"),
        ("nothing", "algorithm:hex"),
    ],
)
def test_digests_that_find_nothing(api: Api, checksum: str, says: str) -> None:
    """A digest that files are not found by is refused, naming its place."""
    draft = api.new_draft()
    good = wanted(b"x", "good")
    bad = {"key": "bad", "checksum": checksum, "size": 1}
    for reply in (known(draft, good, bad), link(draft, good, bad)):
        assert reply.status == 400
        assert reply.json["code"] == "invalid_digest"
        assert says in reply.json["message"]
        assert reply.json["errors"][0]["field"] == "files.1.checksum"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"files": []},
        {"files": [{"checksum": md5(b"")}]},
        {"files": [{"checksum": md5(b""), "size": -1}]},
        {"files": [{"checksum": 5, "size": 1}]},
        {"files": [{"checksum": md5(b""), "size": 2**70}]},
        {"files": [{"checksum": md5(b""), "size": 1, "more": 1}]},
        {"files": [{"checksum": md5(b""), "size": 1}] * 10_001},
    ],
    ids=["none", "empty", "unsized", "negative", "number", "huge", "unknown", "many"],
)
def test_malformed_questions(api: Api, body: Any) -> None:
    """Whatever is wrong with a question is a 400."""
    draft = api.new_draft()
    reply = api.call("POST", f"{draft.path}/links/known", json=body)
    assert reply.status == 400, reply.json


def test_link_without_a_size(api: Api) -> None:
    """A digest alone is not enough, in either call."""
    draft = api.new_draft()
    entry = {"key": "a", "checksum": md5(b"x")}
    assert link(draft, entry).status == 400
    body = [{"key": "a", "transfer": {"type": "R", "checksum": md5(b"x")}}]
    assert api.call("POST", f"{draft.path}/files", json=body).status == 400


def test_thousands_cost_a_few_statements(api: Api, other: Api) -> None:
    """The number of statements does not grow with the number of digests asked about."""
    data = [os.urandom(50) for _ in range(5)]
    source = api.new_draft()
    for n, one in enumerate(data):
        put_file(source, f"{n}.bin", one)
    publish(source)
    draft = other.new_draft()

    def count(files: list[dict[str, Any]]) -> tuple[int, int]:
        with counted_queries(api.app) as seen:
            reply = known(draft, *files)
        assert reply.status == 200
        return reply.json["total"], len(seen)

    few = count([wanted(one) for one in data[:2]])
    unknown = [wanted(os.urandom(50)) for _ in range(3000)]
    many = count([*unknown, *(wanted(one) for one in data)])
    assert (few[0], many[0]) == (2, 5)
    assert many[1] <= few[1] + 2
