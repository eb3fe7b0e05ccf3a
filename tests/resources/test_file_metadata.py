# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Title, description and type of files: told, changed, checked, and kept."""

from __future__ import annotations

from typing import Any

import pytest

from ..batching import announce, brought, entries, open_batch, open_with, refused
from ..driver import PART, Api, Draft, Reply
from .test_links_previous import next_version

ABOUT = {"title": "Depth", "description": "By sonar.\nIn metres.", "type": "table"}
LONG = {"title": "x" * 251}
JUNK = [{"title": 7}, LONG, {"description": []}, {"rest": "x" * 2**16}]


def say(draft: Draft, key: str, metadata: Any) -> Reply:
    """Change what is said about a file."""
    return draft.api.call("PUT", draft.file(key), json={"metadata": metadata})


def said(draft: Draft, key: str) -> Any:
    """What is said about it."""
    return entries(draft)[key].get("metadata")


def test_pending_and_finished(draft: Draft) -> None:
    """While a file is on its way and afterwards; the commit keeps what was said."""
    links = draft.begin("a.bin", PART)["links"]["parts"]
    assert say(draft, "a.bin", ABOUT).json["metadata"] == ABOUT
    draft.send_ok(links[0], b"x" * PART)
    assert draft.commit("a.bin").status == 200
    assert said(draft, "a.bin") == ABOUT
    reply = say(draft, "a.bin", {"title": "Other"})
    assert (reply.status, reply.json["status"]) == (200, "completed")
    assert said(draft, "a.bin") == {"title": "Other"}
    assert draft.content("a.bin") == b"x" * PART


def test_files_of_a_batch(draft: Draft) -> None:
    """A file that is announced with metadata, and one that is given some while it
    waits, have it once the batch is complete."""
    batch = open_batch(
        draft, [{"key": "a", "size": 1, "metadata": {"title": "A"}}, "b"]
    )
    assert say(draft, "b", ABOUT).status == 200
    assert say(draft, "a", {"title": "New"}).status == 200
    for key in "ab":
        batch.send_ok(key, b"x")
    assert batch.complete()["status"] == "SUCCESS"
    assert said(draft, "a") == {"title": "New"}
    assert said(draft, "b") == ABOUT


def test_links(api: Api, draft: Draft) -> None:
    """A linked file has words of its own, also while its link waits in a batch."""
    source = api.new_draft()
    brought(source, {"s.txt": b"source"})
    assert say(source, "s.txt", {"title": "There"}).status == 200
    body = {"files": [{"key": "l", "record": {"id": source.id, "key": "s.txt"}}]}
    assert api.call("POST", f"{draft.path}/links", json=body).status == 201
    assert not said(draft, "l")
    assert say(draft, "l", ABOUT).status == 200
    assert (said(draft, "l"), said(source, "s.txt")) == (ABOUT, {"title": "There"})
    value = {"id": source.id, "key": "s.txt"}
    batch = open_batch(draft, [{"key": "w", "check": "link", "value": value}])
    assert say(draft, "w", ABOUT).status == 200
    assert draft.api.call("PUT", batch.json["links"]["w"]).status == 200
    assert batch.complete()["status"] == "SUCCESS"
    assert said(draft, "w") == ABOUT


def test_kept_on_publishing_and_in_the_next_version(draft: Draft) -> None:
    """The record has it, and so has a version that takes its files over."""
    brought(draft, {"a": b"one"})
    assert say(draft, "a", ABOUT).status == 200
    assert draft.publish().status == 202
    (entry,) = draft.api.get(f"/records/{draft.id}/files").json["entries"]
    assert entry["metadata"] == ABOUT
    stock = next_version(draft)
    assert stock.api.call("POST", f"{stock.path}/actions/files-import").status == 201
    assert said(stock, "a") == ABOUT
    assert stock.delete("a").status == 204
    body = {"previous": {"except": []}}
    assert stock.api.call("POST", f"{stock.path}/links", json=body).status == 201
    assert said(stock, "a") == ABOUT


@pytest.mark.parametrize("metadata", JUNK)
def test_junk(draft: Draft, metadata: dict[str, Any]) -> None:
    """What pages cannot show is refused wherever it comes in, and changes nothing."""
    field = "metadata" if "rest" in metadata else f"metadata.{next(iter(metadata))}"
    refused(draft.init("new", PART, metadata=metadata), 400, "invalid_metadata", field)
    path = f"{draft.path}/uploads"
    files = ["a", {"key": "new", "size": 1, "metadata": metadata}]
    reply = announce(draft.api, path, files)
    refused(reply, 400, "invalid_metadata", f"files.1.{field}")
    batch = open_with(draft, {"b": b"x"})
    body = {"files": [{"key": "new", "metadata": metadata}]}
    reply = draft.api.call("POST", f"/uploads/{batch.id}/files", json=body)
    refused(reply, 400, "invalid_metadata", f"files.0.{field}")
    refused(say(draft, "b", metadata), 400, "invalid_metadata", field)
    body["files"][0]["record"] = {"id": draft.id, "key": "b"}
    reply = draft.api.call("POST", f"{draft.path}/links", json=body)
    refused(reply, 400, "invalid_metadata", f"files.0.{field}")
    assert set(entries(draft)) == {"b"}
    assert not said(draft, "b")


def test_bodies_that_are_none(draft: Draft) -> None:
    """No object, or what no database takes, is a 400."""
    draft.begin("a", PART)
    path = draft.file("a")
    for body in ([], [1], "x", 7, {"metadata": "x"}, {"metadata": []}, {"key": "b"}):
        assert draft.api.call("PUT", path, json=body).status in (200, 400), body
        if body:
            assert draft.api.call("PUT", path, json=body).status == 400, body
    for text in ("\x00", "\ud800"):
        assert say(draft, "a", {"title": text}).status == 400
        assert say(draft, "a", {text: 1}).status == 400
    assert not said(draft, "a")


def test_only_who_may_upload(draft: Draft, other: Api) -> None:
    """Others change nothing, of no kind of file."""
    batch = open_batch(draft, ["b"])
    draft.begin("a", PART)
    for key in "ab":
        assert say(draft.as_(other), key, ABOUT).status == 403
    assert batch.status()["state"] == "uploading"
    assert not said(draft, "a")
