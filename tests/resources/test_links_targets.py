# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Which files may be linked, and that a refusal tells nothing about the others."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

from ..backdoor import bucket_of, setting, uploads_of
from ..driver import Api, Draft, Reply, md5
from ..services.test_races import at_once, statuses
from .test_links import DATA, link_entry, publish, put_file, read

KEY = "data/a.txt"
FUTURE = {"active": True, "until": "2099-01-01", "reason": None}


def with_file(api: Api, **changes: Any) -> Draft:
    """A draft with one file."""
    draft = api.new_draft(**changes)
    put_file(draft, KEY)
    return draft


def link(draft: Draft, key: str, record: str, target: str = KEY) -> Reply:
    """Link one file by the route of files."""
    entry = link_entry(key, record, target)
    return draft.api.call("POST", f"{draft.path}/files", json=[entry])


def link_many(draft: Draft, key: str, record: str, target: str = KEY) -> Reply:
    """The same by the route of links."""
    body = {"files": [{"key": key, "record": {"id": record, "key": target}}]}
    return draft.api.call("POST", f"{draft.path}/links", json=body)


def as_system(app: Any, call: Callable[[Any, Any], Any]) -> Any:
    """Something only the system does, by the record service."""
    from invenio_access.permissions import system_identity
    from invenio_rdm_records.proxies import current_rdm_records_service as service

    with app.app_context():
        return call(service, system_identity)


def delete_record(app: Any, record: str) -> None:
    """Leave a tombstone in the record's place."""
    as_system(app, lambda service, system: service.delete_record(system, record, {}))


def missing_record(api: Api, other: Api) -> tuple[str, str]:
    """An id nobody has."""
    return "zzzzz-zzz99", KEY


def missing_key(api: Api, other: Api) -> tuple[str, str]:
    """A record without such a file."""
    return publish(with_file(api)), "data/b.txt"


def foreign_draft(api: Api, other: Api) -> tuple[str, str]:
    """A draft of somebody else."""
    return with_file(other).id, KEY


def restricted_record(api: Api, other: Api) -> tuple[str, str]:
    """A restricted record of somebody else."""
    access = {"record": "restricted", "files": "restricted"}
    return publish(with_file(other, access=access)), KEY


def restricted_files(api: Api, other: Api) -> tuple[str, str]:
    """A public record of somebody else with restricted files."""
    access = {"record": "public", "files": "restricted"}
    return publish(with_file(other, access=access)), KEY


def embargoed(api: Api, other: Api) -> tuple[str, str]:
    """Files of somebody else under embargo."""
    access = {"record": "public", "files": "restricted", "embargo": FUTURE}
    return publish(with_file(other, access=access)), KEY


def deleted(api: Api, other: Api) -> tuple[str, str]:
    """A record that was deleted."""
    record = publish(with_file(api))
    delete_record(api.app, record)
    return record, KEY


def pending(api: Api, other: Api) -> tuple[str, str]:
    """An upload of one's own that is not finished."""
    draft = api.new_draft()
    draft.begin(KEY, 1000)
    return draft.id, KEY


def failed(api: Api, other: Api) -> tuple[str, str]:
    """An upload of one's own whose digest was found to be wrong."""
    draft, data = api.new_draft(), os.urandom(100)
    begun = draft.begin(KEY, len(data), checksum=md5(b"other"))
    draft.send_ok(begun["links"]["parts"][0], data)
    assert draft.commit(KEY).status == 400
    return draft.id, KEY


def withdrawn(api: Api, other: Api) -> tuple[str, str]:
    """A file of one's own that may not be read any more."""
    from invenio_db import db

    draft = with_file(api)
    with api.app.app_context():
        bucket_of(draft).objects[0].file.readable = False
        db.session.commit()
    return draft.id, KEY


def remote(api: Api, other: Api) -> tuple[str, str]:
    """A file that is elsewhere."""
    draft = api.new_draft()
    url = f"https://8.8.8.8/{os.urandom(8).hex()}"
    entry = {"key": KEY, "transfer": {"type": "R", "url": url}}
    hosts = ["8.8.8.8"]
    with setting(api.app, RECORDS_RESOURCES_FILES_ALLOWED_REMOTE_DOMAINS=hosts):
        as_system(
            api.app,
            lambda s, system: s.draft_files.init_files(system, draft.id, [entry]),
        )
    return publish(draft), KEY


def without_files(api: Api, other: Api) -> tuple[str, str]:
    """A record that has metadata only."""
    return publish(api.new_draft(files={"enabled": False})), KEY


def odd_names(api: Api, other: Api) -> tuple[str, str]:
    """Names that are none."""
    return "../x", "a\u2028\U0001f40d" * 50


UNAVAILABLE = [
    missing_record,
    missing_key,
    foreign_draft,
    restricted_record,
    restricted_files,
    embargoed,
    deleted,
    pending,
    failed,
    withdrawn,
    remote,
    without_files,
    odd_names,
]


@pytest.mark.parametrize("linking", [link, link_many])
def test_all_refusals_are_the_same(
    api: Api, other: Api, local: str, linking: Callable[..., Reply]
) -> None:
    """Whatever is wrong with a target, status, body and headers do not tell."""
    draft, seen = api.new_draft(), {}
    for make in UNAVAILABLE:
        record, key = make(api, other)
        reply = linking(draft, "mine.txt", record, key)
        assert reply.json["targets"] == [f"{record}/{key}"], make
        text = str(reply.json).replace(repr(f"{record}/{key}")[1:-1], "…")
        kept = {k: v for k, v in reply.headers.items() if not _varies(k)}
        seen[make.__name__] = (reply.status, text, kept)
    first = seen["missing_record"]
    assert first[0] == 400
    assert "link_target_unavailable" in first[1]
    assert {name: answer for name, answer in seen.items() if answer != first} == {}
    assert api.get(f"{draft.path}/files").json["entries"] == []


def _varies(header: str) -> bool:
    # The names in it have different lengths; requests have ids, counters and times.
    return header in ("Content-Length", "Date") or header.startswith("X-")


def test_a_name_that_no_database_takes(api: Api, local: str) -> None:
    """A name with a NUL, or with half a character, is a clear 400."""
    draft = api.new_draft()
    for record, key in (("a\x00b", KEY), ("a", "b\x00"), ("\ud800", KEY)):
        for linking in (link, link_many):
            reply = linking(draft, "mine.txt", record, key)
            assert reply.status == 400, reply.json


def test_one_bad_target_and_nothing_is_linked(api: Api, other: Api, local: str) -> None:
    """Links of one request are made all or none; all bad ones are named."""
    record, foreign = publish(with_file(api)), with_file(other).id
    draft = api.new_draft()
    names = [(record, KEY), (foreign, KEY), (record, "none"), (record, KEY)]
    entries = [link_entry(f"{n}.txt", *name) for n, name in enumerate(names)]
    reply = api.call("POST", f"{draft.path}/files", json=entries)
    assert (reply.status, reply.json["code"]) == (400, "link_target_unavailable")
    assert reply.json["targets"] == [f"{foreign}/{KEY}", f"{record}/none"]
    assert api.get(f"{draft.path}/files").json["entries"] == []


@pytest.mark.parametrize(
    "access",
    [
        {"record": "restricted", "files": "restricted"},
        {"record": "public", "files": "restricted"},
        {"record": "public", "files": "restricted", "embargo": FUTURE},
    ],
    ids=["record", "files", "embargo"],
)
def test_what_one_may_read_one_may_link(
    api: Api, other: Api, anonymous: Api, local: str, access: Any
) -> None:
    """Their owner links restricted files; the new record has its own protection."""
    source = publish(with_file(api, access=access))
    draft = api.new_draft()
    assert link(draft, "mine.txt", source).status == 201
    assert link(other.new_draft(), "mine.txt", source).status == 400
    record = publish(draft)
    assert read(anonymous, f"/records/{record}/files/mine.txt/content") == (200, DATA)
    assert read(other, f"/records/{source}/files/{KEY}/content")[0] == 403


def test_the_right_is_asked_for_at_that_moment(
    api: Api, other: Api, local: str
) -> None:
    """A record that was closed meanwhile cannot be linked any more."""
    source, draft = publish(with_file(other)), api.new_draft()
    assert link(draft, "before.txt", source).status == 201
    edit = other.call("POST", f"/records/{source}/draft")
    closed = {**edit.json, "access": {"record": "public", "files": "restricted"}}
    path = f"/records/{source}/draft"
    assert other.call("PUT", path, json=closed).status == 200
    assert other.call("POST", f"{path}/actions/publish").status == 202
    assert link(draft, "after.txt", source).status == 400
    assert read(api, draft.file("before.txt", "/content")) == (200, DATA)


def test_only_who_may_write_the_draft_links(
    api: Api, other: Api, anonymous: Api, local: str
) -> None:
    """A public target is no right on somebody else's draft."""
    source, draft = publish(with_file(api)), api.new_draft()
    for stranger in (other, anonymous):
        for linking in (link, link_many):
            reply = linking(draft.as_(stranger), "mine.txt", source)
            assert reply.status in (401, 403), reply.json


def test_chains_lead_to_the_ancestor(app: Any, api: Api, local: str) -> None:
    """A link to a link is one to the ancestor, and outlives what is between."""
    source, middle, last = publish(with_file(api)), api.new_draft(), api.new_draft()
    assert link_many(middle, "b.txt", source).status == 201
    between = publish(middle)
    reply = link_many(last, "c.txt", between, "b.txt")
    assert reply.status == 201, reply.json
    (made,) = reply.json["files"]
    assert made["origin"]["record"] == source
    assert made["origin"]["key"] == KEY
    delete_record(app, between)
    assert read(api, last.file("c.txt", "/content")) == (200, DATA)
    assert link(last, "d.txt", between, "b.txt").status == 400
    record = publish(last)
    delete_record(app, source)
    assert read(api, f"/records/{record}/files/c.txt/content") == (200, DATA)


def test_metadata_does_not_come_along(api: Api, local: str) -> None:
    """A linked file has the metadata its own record gives it, or none."""
    source = with_file(api)
    told = {"metadata": {"description": "of the source"}}
    assert api.call("PUT", source.file(KEY), json=told).status == 200
    record, draft = publish(source), api.new_draft()
    own = {**link_entry("own.txt", record, KEY), "metadata": {"description": "mine"}}
    plain = link_entry("plain.txt", record, KEY)
    assert api.call("POST", f"{draft.path}/files", json=[own, plain]).status == 201
    assert api.get(draft.file("own.txt")).json["metadata"] == own["metadata"]
    assert not api.get(draft.file("plain.txt")).json["metadata"]
    changed = api.call("PUT", draft.file("plain.txt"), json=told)
    assert changed.json["metadata"] == told["metadata"]
    assert changed.json["transfer"] == {"type": "L"}
    status = draft.status("plain.txt")
    assert status["origin"]["record"] == record, "an update of metadata keeps it"


def test_within_a_draft(api: Api, draft: Draft) -> None:
    """A file of one's own draft is linked into the same draft, and into another."""
    put_file(draft, KEY)
    assert link(draft, "again.txt", draft.id).status == 201
    elsewhere = api.new_draft()
    assert link(elsewhere, "far.txt", draft.id, "again.txt").status == 201
    assert draft.delete(KEY).status == 204
    assert draft.content("again.txt") == elsewhere.content("far.txt") == DATA


def test_drafts_that_take_no_files(api: Api, local: str) -> None:
    """Files of a published record cannot change; files may be switched off."""
    source = publish(with_file(api))
    assert api.call("POST", f"/records/{source}/draft").status == 201
    for draft in (Draft(api, source), api.new_draft(files={"enabled": False})):
        for linking in (link, link_many):
            reply = linking(draft, "mine.txt", source)
            answer = (reply.status, reply.json.get("code"))
            assert answer == (400, "not_allowed_here"), reply.json


def test_while_a_batch_is_open(api: Api, local: str) -> None:
    """A link leaves the files of a batch alone; one of their keys is taken."""
    source, draft = publish(with_file(api)), api.new_draft()
    files = {"files": [{"key": "batch.txt", "size": 3}]}
    batch = api.call("POST", f"{draft.path}/uploads", json=files)
    assert batch.status == 201, batch.json
    reply = link(draft, "batch.txt", source)
    assert 400 <= reply.status < 500, reply.json
    assert reply.json["code"] in ("keys_taken", "locked")
    reply = link(draft, "beside.txt", source)
    assert reply.status in (201, 423), reply.json
    assert api.get(f"/uploads/{batch.json['id']}").json["state"] == "uploading"


def test_a_key_that_is_there(api: Api, local: str) -> None:
    """A finished file is not replaced; an upload that was only begun makes way."""
    source, draft = publish(with_file(api)), api.new_draft()
    put_file(draft, "mine.txt")
    reply = link(draft, "mine.txt", source)
    assert (reply.status, reply.json["code"]) == (400, "keys_taken")
    draft.begin("begun.bin", 1000)
    assert link(draft, "begun.bin", source).status == 201
    assert not [upload for upload in uploads_of(draft) if upload.is_open]


@pytest.mark.parametrize("linking", [link, link_many])
def test_twenty_links_of_one_key(
    api: Api, local: str, linking: Callable[..., Reply]
) -> None:
    """Of twenty clients that link the same key one succeeds, the others hear why."""
    source, draft = publish(with_file(api)), api.new_draft()
    replies = at_once([lambda: linking(draft, "mine.txt", source)] * 20)
    counted = statuses(replies)
    assert counted[201] == 1, counted
    assert all(400 <= status < 500 for status in counted if status != 201), counted
    refused = [reply.json for reply in replies if reply.status != 201]
    assert {reply["code"] for reply in refused} <= {"keys_taken", "changed", "gone"}
    assert len(api.get(f"{draft.path}/files").json["entries"]) == 1
