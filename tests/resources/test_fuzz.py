# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Whatever a client sends, the answer is its own fault, never the server's."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ..driver import Api, Draft

NUMBERS = st.one_of(
    st.integers(-5, 12_000),
    st.sampled_from([2**31, 2**63 - 1, 2**63, 2**64, -(2**63) - 1, 10**30]),
    st.floats(allow_nan=False, allow_infinity=False),
)
TEXTS = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        ["md5:" + "0" * 32, "md5:", "sha256:x", "a/b", "../x", "\x00", "L"]
    ),
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.text(max_size=8), inner, max_size=3),
    ),
    max_leaves=6,
)


def loosely(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Objects with these fields, some missing and some of another type."""
    return st.fixed_dictionaries(
        {}, optional={name: st.one_of(good, VALUES) for name, good in fields.items()}
    )


TRANSFER = loosely(
    type=st.sampled_from(["M", "L", "R", "F", "X"]), parts=NUMBERS, part_size=NUMBERS
)
ENTRY = loosely(
    key=TEXTS,
    size=NUMBERS,
    checksum=TEXTS,
    storage_class=TEXTS,
    metadata=st.just({}),
    transfer=TRANSFER,
)
URLS = st.one_of(
    TEXTS,
    st.text(max_size=20).map(lambda text: f"https://{text}"),
    st.text(max_size=20).map(lambda text: f"https://8.8.8.8/{text}"),
    st.sampled_from(
        [
            "https://8.8.8.8/a",
            "https://8.8.8.8:99999/a",
            "https://[::1",
            "https://" + "a" * 5000,
            "HTTP://8.8.8.8/a",
            "file:///etc/passwd",
            "s3://",
            "s3://none/a",
            "//",
        ]
    ),
)
REMOTE = loosely(
    type=st.just("R"),
    url=URLS,
    version_id=TEXTS,
    checksum=TEXTS,
    record=loosely(id=TEXTS, key=TEXTS),
)
LINK_ENTRY = loosely(
    key=TEXTS,
    size=NUMBERS,
    checksum=TEXTS,
    storage_class=TEXTS,
    metadata=st.one_of(st.just({}), VALUES),
    transfer=REMOTE,
).map(lambda entry: {"key": "a", "transfer": {"type": "R"}, **entry})
MULTIPART_ENTRY = ENTRY.map(
    lambda entry: {**entry, "transfer": {"type": "M", "parts": 2}}
)
PART = loosely(
    part=NUMBERS,
    number=NUMBERS,
    size=NUMBERS,
    checksum=TEXTS,
    hash=loosely(value=TEXTS, algorithm=st.just("md5")),
)
KEY_CHARACTERS = st.characters(codec="utf-8", exclude_characters="\n")
"""No route takes a line feed; another package's page for 404 then has its say."""

QUICKLY = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def expect_no_server_error(api: Api, method: str, path: str, body: Any) -> None:
    """Send it; the answer is below 500 and its errors have the usual shape."""
    reply = api.call(
        method,
        path,
        data=json.dumps(body),
        headers={"Content-Type": "application/json"},
    )
    assert reply.status < 500, (body, reply.json)
    if reply.status == 400 and reply.json.get("code"):
        assert reply.json["message"]


@QUICKLY
@given(body=st.one_of(VALUES, st.lists(st.one_of(ENTRY, MULTIPART_ENTRY), max_size=3)))
def test_initiation(draft: Draft, body: Any) -> None:
    """No body of an initiation breaks the server."""
    expect_no_server_error(draft.api, "POST", f"{draft.path}/files", body)


@settings(QUICKLY, max_examples=60)
@given(entries=st.lists(LINK_ENTRY, min_size=1, max_size=2))
def test_links_by_initiation(draft: Draft, open_site: None, entries: Any) -> None:
    """No link breaks the server, not even on a site that lets everybody link."""
    expect_no_server_error(draft.api, "POST", f"{draft.path}/files", entries)
    draft.api.call("DELETE", f"{draft.path}/files")


@QUICKLY
@given(files=st.one_of(VALUES, st.lists(st.one_of(LINK_ENTRY, REMOTE), max_size=2)))
def test_links_in_bulk(draft: Draft, files: Any) -> None:
    """No body of the links route breaks the server."""
    entries = [
        {"key": "a", **entry.pop("transfer", {}), **entry}
        if isinstance(entry, dict) and isinstance(entry.get("transfer"), dict)
        else entry
        for entry in (files if isinstance(files, list) else [files])
    ]
    for entry in entries:
        if isinstance(entry, dict):
            entry.pop("type", None)
    path = f"{draft.path}/links"
    expect_no_server_error(draft.api, "POST", path, {"files": entries})
    expect_no_server_error(draft.api, "POST", path, files)


@QUICKLY
@given(body=st.one_of(VALUES, st.lists(PART, max_size=4)))
def test_registration(draft: Draft, body: Any) -> None:
    """No body of a registration breaks the server."""
    if draft.api.get(draft.file("a")).status == 404:
        draft.begin("a", 1000)
    expect_no_server_error(draft.api, "POST", draft.file("a", "/parts"), body)
    number = body if isinstance(body, int) and 0 <= body < 10**6 else 1
    expect_no_server_error(draft.api, "PUT", draft.file("a", f"/parts/{number}"), body)


@QUICKLY
@given(body=st.one_of(VALUES, loosely(checksum=TEXTS)))
def test_commit(draft: Draft, body: Any) -> None:
    """No body of a commit breaks the server, and none completes what is not there."""
    if draft.api.get(draft.file("a")).status == 404:
        draft.begin("a", 1000)
    expect_no_server_error(draft.api, "POST", draft.file("a", "/commit"), body)
    assert draft.status("a")["state"] == "uploading"


@QUICKLY
@given(status=TEXTS, start=st.one_of(NUMBERS, TEXTS), size=st.one_of(NUMBERS, TEXTS))
def test_queries(draft: Draft, status: str, start: Any, size: Any) -> None:
    """No query of the parts resource breaks the server."""
    if draft.api.get(draft.file("a")).status == 404:
        draft.begin("a", 1000)
    query = {"status": status, "from": start, "size": size}
    reply = draft.api.call("GET", draft.file("a", "/parts"), query_string=query)
    assert reply.status in (200, 400), reply.json


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
@QUICKLY
@given(key=st.text(KEY_CHARACTERS, min_size=1, max_size=40))
def test_keys_in_paths(draft: Draft, method: str, key: str) -> None:
    """No key in a path breaks the server."""
    for rest in ("/parts", "/upload", "/parts/1"):
        reply = draft.api.call(method, draft.file(key, rest), json=[])
        assert reply.status < 500, (method, key, reply.json)
