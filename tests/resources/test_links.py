# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Files that share bytes with files of records: made, read, refused."""

from __future__ import annotations

from typing import Any

import pytest

from ..driver import RECORD, Api, Draft, md5

DATA = b"temperatures of a long summer"


def publish(draft: Draft) -> str:
    """Publish a draft; the id of the record."""
    reply = draft.api.call("POST", f"{draft.path}/actions/publish")
    assert reply.status == 202, reply.json
    return str(reply.json["id"])


def put_file(draft: Draft, key: str, data: bytes = DATA) -> None:
    """A small file by upstream's own three calls."""
    reply = draft.api.call("POST", f"{draft.path}/files", json=[{"key": key}])
    assert reply.status == 201, reply.json
    content = draft.file(key, "/content")
    reply = draft.api.call(
        "PUT", content, data=data, headers={"Content-Type": "application/octet-stream"}
    )
    assert reply.status == 200, reply.json
    assert draft.api.call("POST", draft.file(key, "/commit")).status == 200


def read(api: Api, path: str) -> tuple[int, bytes]:
    """Content of a file, wherever it is."""
    headers = {"Authorization": f"Bearer {api._token}"} if api._token else {}
    with api.app.test_client().get(path, headers=headers) as reply:
        return reply.status_code, reply.data


def link_entry(key: str, record: str, target: str) -> dict[str, Any]:
    """A link, as a file is begun."""
    return {
        "key": key,
        "transfer": {"type": "R", "record": {"id": record, "key": target}},
    }


@pytest.fixture
def source(api: Api, local: str) -> str:
    """Id of a published record with one file, ``data/a.txt``."""
    draft = api.new_draft()
    put_file(draft, "data/a.txt")
    return publish(draft)


def test_a_link_is_an_ordinary_file(api: Api, source: str) -> None:
    """It has the target's size, digest and bytes, and stays so when published."""
    draft = api.new_draft()
    entry = link_entry("mine.txt", source, "data/a.txt")
    reply = api.call("POST", f"{draft.path}/files", json=[entry])
    assert reply.status == 201, reply.json
    (made,) = reply.json["entries"]
    assert made["status"] == "completed"
    assert made["transfer"] == {"type": "L"}
    assert made["size"] == len(DATA)
    assert made["checksum"] == md5(DATA)
    record = publish(draft)
    status, data = read(api, f"/records/{record}/files/mine.txt/content")
    assert (status, data) == (200, DATA)


def test_many_links_in_one_call(api: Api, source: str) -> None:
    """One call for many files tells size, digest and origin of each."""
    draft = api.new_draft()
    target = {"id": source, "key": "data/a.txt"}
    files = [{"key": f"{n}.txt", "record": target} for n in range(20)]
    reply = api.call("POST", f"{draft.path}/links", json={"files": files})
    assert reply.status == 201, reply.json
    assert reply.json["total"] == 20
    origin = reply.json["files"][0]["origin"]
    assert origin["record"] == source
    assert origin["key"] == "data/a.txt"
    assert origin["version"] == 1
    listed = api.get(f"{draft.path}/files").json["entries"]
    assert {entry["status"] for entry in listed} == {"completed"}


def new_version(api: Api, record: str) -> Draft:
    """The draft of a record's next version."""
    reply = api.call("POST", f"/records/{record}/versions")
    assert reply.status == 201, reply.json
    draft = Draft(api, reply.json["id"])
    metadata = RECORD["metadata"]
    assert (
        api.call("PUT", draft.path, json=RECORD | {"metadata": metadata}).status == 200
    )
    return draft


def test_a_new_version_links_what_did_not_change(api: Api, local: str) -> None:
    """All files but the named ones, and those of the named folder, are there."""
    first = api.new_draft()
    for key in ("a.txt", "b.txt", "old/c.txt", "old/d.txt"):
        put_file(first, key, key.encode())
    draft = new_version(api, publish(first))
    body = {"previous": {"except": ["b.txt", "old/"]}}
    reply = api.call("POST", f"{draft.path}/links", json=body)
    assert reply.status == 201, reply.json
    assert [file["key"] for file in reply.json["files"]] == ["a.txt"]
    put_file(draft, "b.txt", b"changed")
    record = publish(draft)
    assert read(api, f"/records/{record}/files/a.txt/content") == (200, b"a.txt")
    assert read(api, f"/records/{record}/files/b.txt/content") == (200, b"changed")
    assert read(api, f"/records/{record}/files/old/c.txt/content")[0] == 404


@pytest.mark.parametrize("name", ["none.txt", "none/"])
def test_what_was_not_there_cannot_be_left_out(
    api: Api, source: str, name: str
) -> None:
    """A name that the previous version does not have is a mistake."""
    draft = new_version(api, source)
    body = {"previous": {"except": [name]}}
    reply = api.call("POST", f"{draft.path}/links", json=body)
    assert (reply.status, reply.json["code"]) == (400, "invalid_link")


def test_a_first_version_has_no_previous_one(api: Api, local: str) -> None:
    """A draft that is no new version gets a clear answer."""
    draft = api.new_draft()
    reply = api.call("POST", f"{draft.path}/links", json={"previous": {}})
    assert (reply.status, reply.json["code"]) == (400, "invalid_link")
