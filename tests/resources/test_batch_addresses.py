# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Addresses, queries and later calls of batches that are refused, and how."""

from __future__ import annotations

from typing import Any

import pytest

from ..batching import (
    announce,
    open_batch,
    refused,
)
from ..driver import Api, Draft, md5

TIB = 2**40


@pytest.mark.parametrize(
    "query",
    ["state=no", "page=0", "page=x", "size=0", "size=101", "page=99999999999", "q=1"],
)
def test_malformed_search(api: Api, query: str) -> None:
    """A query that means nothing is refused, with the parameter at fault."""
    refused(api.get(f"/uploads?{query}"), 400, None, query.partition("=")[0])


@pytest.mark.parametrize("query", ["size=0", "size=1001", "size=x", "after=%00", "p=1"])
def test_malformed_page_of_files(anonymous: Api, draft: Draft, query: str) -> None:
    """A page of files that cannot be is refused, not a server error."""
    batch = open_batch(draft, ["a"])
    reply = anonymous.get(f"{batch.json['files_url']}&{query}")
    refused(reply, 400, None, query.partition("=")[0])


@pytest.mark.parametrize("pid", ["no-such", "%00", "a%0Ab", "x" * 5000, "%ED%A0%80"])
@pytest.mark.parametrize("path", ["/records/{}/draft/uploads", "/records/{}/uploads"])
def test_no_such_record(api: Api, pid: str, path: str) -> None:
    """A record that is none is not found, whatever its name."""
    reply = announce(api, path.format(pid), ["a"])
    assert reply.status in (400, 404), (reply.status, reply.json)


@pytest.mark.parametrize("batch_id", ["x", "0" * 36, "1" * 5000])
def test_malformed_batch_id(api: Api, batch_id: str) -> None:
    """What is no id of a batch is not found."""
    for rest in ("", "/files"):
        assert api.get(f"/uploads/{batch_id}{rest}").status == 404
    for rest in ("/complete", "/abort"):
        assert api.call("PUT", f"/uploads/{batch_id}{rest}").status == 404


def test_no_such_batch(api: Api, anonymous: Api) -> None:
    """An id that no batch has is not found, by whomever."""
    path = "/uploads/00000000-0000-0000-0000-000000000000"
    for who in (api, anonymous):
        refused(who.get(path), 404, "batch_not_found", None)
        refused(who.call("PUT", f"{path}/complete"), 404, "batch_not_found", None)
        refused(who.call("POST", f"{path}/credentials"), 404, "batch_not_found", None)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_other_methods(api: Api, local_draft: Draft, method: str) -> None:
    """Methods that mean nothing are refused in the shape of all errors."""
    batch = open_batch(local_draft, ["a"])
    for rest, meant in {
        "": "GET PUT",
        "/complete": "PUT",
        "/abort": "PUT",
        "/files": "GET POST",
        "/credentials": "POST",
    }.items():
        if method not in meant.split():
            reply = api.call(method, f"/uploads/{batch.id}{rest}")
            refused(reply, 405, "not_allowed", None)
    assert batch.status()["state"] == "uploading"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"[]", None),
        (b"{", None),
        (b'"x"', None),
        (b'{"publish": "yes"}', "publish"),
        (b'{"extra": "all"}', "extra"),
        (b'{"extra": null}', "extra"),
        (b'{"extra": []}', "extra"),
        (b'{"x": 1}', "x"),
        (b'{"owners": [{}]}', "owners"),
        (b'{"owners": ["\\u0000"]}', None),
        (b'{"read_access": "all"}', "read_access"),
        (b'{"scope": 1}', "scope"),
        (b'{"access": "public"}', "access"),
        (b'{"access": {"record": 1}}', None),
        (b"[" * 100_000, None),
    ],
)
@pytest.mark.parametrize("chunked", [False, True])
def test_malformed_completion(
    anonymous: Api, local_draft: Draft, body: bytes, field: str | None, chunked: bool
) -> None:
    """A completion that is none is refused, and the batch stays open."""
    batch = open_batch(local_draft, ["a"])
    options: dict[str, Any] = {"data": body}
    if chunked:
        from io import BytesIO

        options = {
            "input_stream": BytesIO(body),
            "environ_overrides": {"wsgi.input_terminated": True},
            "headers": {"Transfer-Encoding": "chunked"},
        }
    url = batch.json["completion_url"]
    reply = anonymous.call("PUT", url, content_type="application/json", **options)
    assert reply.status == 400, (reply.status, reply.json)
    if field:
        names = [error["field"] for error in reply.json["errors"]]
        assert names[0].split(".")[0] == field, reply.json
    assert batch.status()["state"] == "uploading"


@pytest.mark.parametrize(
    ("rest", "status"),
    [
        ("content/1/b", 404),
        ("content/2/a", 400),
        ("content/0/a", 400),
        ("content/99999999999999999999/a", 400),
        ("content/1/%00", 400),
        ("content/1/a%00", 400),
        ("content/1/..", 404),
        ("content/x/a", 404),
        ("content/-1/a", 404),
    ],
)
def test_malformed_content(
    anonymous: Api, local_draft: Draft, rest: str, status: int
) -> None:
    """A part or file that the batch does not have is refused."""
    batch = open_batch(local_draft, [{"key": "a", "size": 1}])
    url = f"/uploads/{batch.id}/{rest}?X-Upload-Credential={batch.grant('files_url')}"
    reply = anonymous.call("PUT", url, data=b"x")
    assert reply.status in (status, 404), (reply.status, reply.json)


def test_local_content_is_held_to_what_was_said(local_draft: Draft) -> None:
    """Through the server, too, size and digest have to be those announced."""
    files = [{"key": "a", "size": 3}, {"key": "b", "size": 3, "checksum": md5(b"abc")}]
    batch = open_batch(local_draft, files)
    assert batch.send("a", b"abcd") == 400
    assert batch.send("b", b"abd") == 400
    assert batch.send("b", b"abc", **{"Content-MD5": "x"}) == 400
    batch.send_ok("a", b"xyz")
    batch.send_ok("b", b"abc")
    assert batch.complete()["status"] == "SUCCESS"
