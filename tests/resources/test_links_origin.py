# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Where a linked file came from: told in its entry to those who may read it there."""

from __future__ import annotations

import os
from typing import Any

from ..backdoor import counted_queries, setting
from ..driver import PART, Api, Draft
from .test_links import DATA, link_entry, publish, put_file
from .test_links_targets import KEY, delete_record, link, with_file

RESTRICTED = {"record": "restricted", "files": "restricted"}
ABSENT = object()


def origin(api: Api, path: str) -> Any:
    """The link of a single file."""
    reply = api.get(path)
    assert reply.status == 200, reply.json
    return reply.json["links"].get("origin", ABSENT)


def origins(api: Api, path: str) -> list[Any]:
    """The links of all files of a list."""
    reply = api.get(f"{path}/files")
    assert reply.status == 200, reply.json
    entries = reply.json["entries"]
    assert entries
    return [entry["links"].get("origin", ABSENT) for entry in entries]


def address(record: str, kind: str = "") -> str:
    """Of the ancestor's entry."""
    return f"http://localhost/api/records/{record}{kind}/files/{KEY}"


def test_of_a_public_record(api: Api, other: Api, anonymous: Api, local: str) -> None:
    """Drafts and records say it, in lists and alone, in all that can be followed."""
    source, draft = publish(with_file(api)), api.new_draft()
    reply = link(draft, "mine.txt", source)
    assert reply.json["entries"][0]["links"]["origin"] == address(source)
    assert origin(api, draft.file("mine.txt")) == address(source)
    assert origins(api, draft.path) == [address(source)]
    assert anonymous.get(address(source)).status == 200
    put_file(draft, "own.txt")
    assert origin(api, draft.file("own.txt")) is ABSENT
    record = f"/records/{publish(draft)}"
    for reader in (api, other, anonymous):
        assert origin(reader, f"{record}/files/mine.txt") == address(source)
        assert sorted(map(str, origins(reader, record)))[1:] == [address(source)]


def test_of_a_restricted_record(
    api: Api, other: Api, anonymous: Api, local: str
) -> None:
    """It is told to its reader for a single file; others cannot see there is one."""
    source, draft = publish(with_file(api, access=RESTRICTED)), api.new_draft()
    assert link(draft, "mine.txt", source).status == 201
    assert origin(api, draft.file("mine.txt")) == address(source)
    record = f"/records/{publish(draft)}"
    assert origin(api, f"{record}/files/mine.txt") == address(source)
    for reader in (other, anonymous):
        assert origin(reader, f"{record}/files/mine.txt") is ABSENT
        assert source not in str(reader.get(f"{record}/files/mine.txt").json)
    for reader in (api, other, anonymous):
        assert origins(reader, record) == [ABSENT]
        assert source not in str(reader.get(f"{record}/files").json)
        assert source not in str(reader.get(record).json)


def test_of_a_record_that_is_closed_or_deleted(app: Any, api: Api, local: str) -> None:
    """What cannot be read any more is not named any more."""
    source, draft = publish(with_file(api)), api.new_draft()
    assert link(draft, "mine.txt", source).status == 201
    delete_record(app, source)
    assert origin(api, draft.file("mine.txt")) is ABSENT
    assert origins(api, draft.path) == [ABSENT]
    assert draft.status("mine.txt")["origin"] is None
    assert draft.content("mine.txt") == DATA


def test_of_ones_own_draft(api: Api, other: Api, local: str) -> None:
    """A draft's file is named by the draft's address, while it is there."""
    source, draft = with_file(api), api.new_draft()
    assert link(draft, "mine.txt", source.id).status == 201
    assert origin(api, draft.file("mine.txt")) == address(source.id, "/draft")
    assert api.get(address(source.id, "/draft")).status == 200
    record = publish(draft)
    assert origin(other, f"/records/{record}/files/mine.txt") is ABSENT
    put_file(source, "another.txt")
    assert source.delete(KEY).status == 204
    assert origin(api, f"/records/{record}/files/mine.txt") is ABSENT


def test_a_site_that_closes_public_files(app: Any, api: Api, local: str) -> None:
    """In lists, too, the site's own policy decides who may read the ancestor."""
    source, draft = publish(with_file(api)), api.new_draft()
    assert link(draft, "mine.txt", source).status == 201
    before = app.config["RDM_PERMISSION_POLICY"]

    class SitePolicy(before):
        can_read_files = ()

    with setting(app, RDM_PERMISSION_POLICY=SitePolicy):
        assert origins(api, draft.path) == [ABSENT]
    assert origins(api, draft.path) == [address(source)]


def test_lists_cost_one_query(app: Any, api: Api, local: str) -> None:
    """However many files of however many records a draft links."""
    sources = [publish(with_file(api)) for _ in range(4)]
    plain, linked = api.new_draft(), api.new_draft()
    for n in range(8):
        put_file(plain, f"{n}.txt")
    entries = [link_entry(f"{n}.txt", sources[n % 4], KEY) for n in range(8)]
    assert api.call("POST", f"{linked.path}/files", json=entries).status == 201
    counts = []
    for draft in (plain, linked):
        api.get(f"{draft.path}/files")
        with counted_queries(app) as sent:
            found = origins(api, draft.path)
        counts.append(len(sent))
    assert len(set(found)) == 4
    assert counts[1] - counts[0] <= 1, sent
    record = publish(linked)
    with counted_queries(app) as sent:
        assert len(set(origins(api, f"/records/{record}"))) == 4
    assert len([text for text in sent if "pidstore_pid.pid_value, rdm" in text]) == 1


def test_status_tells_the_origin(api: Api, other: Api, local: str) -> None:
    """The status object of a link: completed, L, and where it came from."""
    source = publish(with_file(api, access=RESTRICTED))
    draft = api.new_draft()
    assert link(draft, "mine.txt", source).status == 201
    status = draft.status("mine.txt")
    assert (status["state"], status["transfer"]) == ("completed", {"type": "L"})
    assert (status["size"], status["progress"]) == (len(DATA), 1.0)
    told = status["origin"]
    assert (told["record"], told["key"], told["version"]) == (source, KEY, 1)
    assert told["linked_on"]
    begun = api.new_draft()
    begun.begin("a.bin", 10)
    assert begun.status("a.bin")["origin"] is None
    put_file(begun, "own.txt")
    assert begun.status("own.txt")["origin"] is None
    # Whoever may see the draft, but not the source, is not told of it.
    secret = api.call(
        "POST", f"/records/{draft.id}/access/links", json={"permission": "preview"}
    )
    assert secret.status == 201, secret.json
    path = f"{draft.file('mine.txt', '/upload')}?token={secret.json['token']}"
    shown = other.get(path)
    if shown.status == 200:
        assert shown.json["origin"] is None


def test_addresses_in_buckets_are_for_linkers(app: Any, api: Api, local: str) -> None:
    """Where an object lay before is shown to those who may link such objects."""
    from invenio_db import db
    from invenio_rdm_records.records.models import RDMFileDraftMetadata

    source, draft = publish(with_file(api)), api.new_draft()
    assert link(draft, "mine.txt", source).status == 201
    url = f"s3://bucket/{os.urandom(4).hex()}"
    with app.app_context():
        row = RDMFileDraftMetadata.query.filter(
            RDMFileDraftMetadata.json["transfer"]["origin"]["record"].as_string()
            == source
        ).one()
        when = row.json["transfer"]["origin"]["linked_on"]
        told = {"type": "L", "origin": {"url": url, "linked_on": when}}
        row.json = {**row.json, "transfer": told}
        db.session.commit()
    assert draft.status("mine.txt")["origin"] is None
    assert origin(api, draft.file("mine.txt")) is ABSENT
    assert origins(api, draft.path) == [ABSENT]
    with setting(app, MULTIPART_LINKER_ROLES=["somebody"]):
        assert draft.status("mine.txt")["origin"] is None


def test_the_upload_of_another_record_is_not_told(
    api: Api, other: Api, s3: str
) -> None:
    """How the bytes came into the source is the source's own affair."""
    source, data = other.new_draft(), os.urandom(PART + 10)
    assert source.upload("big.bin", [data[:PART], data[PART:]]).status == 200
    theirs, record = source.status("big.bin"), publish(source)
    draft = api.new_draft()
    assert link(draft, "big.bin", record, "big.bin").status == 201
    status = draft.status("big.bin")
    assert status["id"] is None
    assert theirs["id"] not in str(status)
    assert status["origin"]["record"] == record
    assert draft.parts("big.bin").status == 404
    part = {"part": 1, "size": 3}
    assert draft.register("big.bin", [part]).status == 404
    assert draft.commit("big.bin").status == 200
    assert Draft(api, draft.id).content("big.bin") == data
