# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""A new version is offered what the one before it has."""

from __future__ import annotations

from typing import Any

from ..batching import refused
from ..driver import PART, Api, Draft, md5

NOTHING = {"record": None, "files": [], "total": 0}


def previous(draft: Draft) -> Any:
    """What is offered."""
    reply = draft.api.get(f"{draft.path}/links/previous")
    assert reply.status == 200, reply.json
    return reply.json


def next_version(draft: Draft) -> Draft:
    """The draft of the next version."""
    reply = draft.api.call("POST", f"/records/{draft.id}/versions")
    assert reply.status == 201, reply.json
    return Draft(draft.api, reply.json["id"])


def test_files_of_the_previous_version(draft: Draft, other: Api) -> None:
    """Names, sizes, digests and metadata; linking takes them over."""
    data = b"x" * PART
    draft.upload("a/1.bin", [data], metadata={"title": "One"})
    draft.upload("b.bin", [data])
    assert previous(draft) == NOTHING
    assert draft.publish().status == 202
    new = next_version(draft)
    offered = previous(new)
    assert offered["record"] == {"id": draft.id, "version": 1}
    assert offered["files"] == [
        {
            "key": "a/1.bin",
            "size": PART,
            "checksum": md5(data),
            "metadata": {"title": "One"},
        },
        {"key": "b.bin", "size": PART, "checksum": md5(data), "metadata": {}},
    ]
    assert offered["total"] == 2
    chosen = [
        {"key": file["key"], "record": {"id": draft.id, "key": file["key"]}}
        for file in offered["files"][:1]
    ]
    reply = new.api.call("POST", f"{new.path}/links", json={"files": chosen})
    assert reply.status == 201, reply.json
    assert previous(new) == offered
    refused(other.get(f"{new.path}/links/previous"), 403, "access_denied", None)


def test_stock_import_afterwards(draft: Draft) -> None:
    """InvenioRDM's own import takes over all of them, with their metadata."""
    draft.upload("a.bin", [b"x" * PART], metadata={"title": "One"})
    assert draft.publish().status == 202
    new = next_version(draft)
    reply = new.api.call("POST", f"{new.path}/actions/files-import")
    assert reply.status == 201, reply.json
    assert [entry["key"] for entry in reply.json["entries"]] == ["a.bin"]
    assert reply.json["entries"][0]["metadata"] == {"title": "One"}
    assert new.content("a.bin") == b"x" * PART


def test_published_record_that_is_edited(draft: Draft) -> None:
    """The draft of an edit is no new version."""
    draft.upload("a.bin", [b"x" * PART])
    assert draft.publish().status == 202
    assert draft.api.call("POST", f"/records/{draft.id}/draft").status == 201
    assert previous(draft) == NOTHING
