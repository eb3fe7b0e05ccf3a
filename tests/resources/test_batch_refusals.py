# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What is refused of batches, and how: a status, a code, and the field at fault."""

from __future__ import annotations

from typing import Any

import pytest

from ..backdoor import bucket_size, set_limits, setting
from ..batching import (
    Open,
    announce,
    entries,
    nothing_left,
    refused,
)
from ..driver import Api, Draft

TIB = 2**40


@pytest.mark.parametrize(
    ("body", "field"),
    [
        pytest.param([], None, id="a list"),
        pytest.param("x", None, id="a text"),
        pytest.param(None, None, id="null"),
        pytest.param({}, "files", id="empty"),
        pytest.param({"files": {}}, "files", id="an object of files"),
        pytest.param({"files": "a"}, "files", id="a text of files"),
        pytest.param({"files": None}, "files", id="null files"),
        pytest.param({"files": []}, "files", id="no files"),
        pytest.param({"files": [1]}, "files.0", id="a number as file"),
        pytest.param({"files": [None]}, "files.0", id="null as file"),
        pytest.param({"files": ["a", ["b"]]}, "files.1", id="a list as file"),
        pytest.param({"files": [{}]}, "files.0.key", id="no key"),
        pytest.param({"files": [{"key": None}]}, "files.0.key", id="null key"),
        pytest.param({"files": [{"key": 1}]}, "files.0.key", id="key of a number"),
        pytest.param({"files": ["a"], "x": 1}, "x", id="unknown member"),
        pytest.param(
            {"files": [{"key": "a", "x": 1}]}, "files.0.x", id="unknown member of file"
        ),
        pytest.param(
            {"files": [{"key": "a", "size": "1"}]}, "files.0.size", id="size of a text"
        ),
        pytest.param(
            {"files": [{"key": "a", "size": -1}]}, "files.0.size", id="negative size"
        ),
        pytest.param(
            {"files": [{"key": "a", "size": 1.5}]}, "files.0.size", id="half a byte"
        ),
        pytest.param(
            {"files": [{"key": "a", "size": True}]},
            "files.0.size",
            id="size of a truth",
        ),
        pytest.param(
            {"files": [{"key": "a", "size": 2**63}]}, "files.0.size", id="size of 2^63"
        ),
        pytest.param(
            {"files": [{"key": "a", "checksum": 1}]},
            "files.0.checksum",
            id="checksum of a number",
        ),
        pytest.param(
            {"files": [{"key": "a", "metadata": []}]},
            "files.0.metadata",
            id="metadata of a list",
        ),
        pytest.param({"files": ["a"], "mode": "ftp"}, "mode", id="unknown mode"),
        pytest.param({"files": ["a"], "mode": None}, "mode", id="null mode"),
        pytest.param({"files": ["a"], "record": {}}, "record", id="record of a draft"),
    ],
)
def test_malformed_announcement(
    api: Api, local_draft: Draft, body: Any, field: str | None
) -> None:
    """An announcement that is none is refused with the field at fault."""
    reply = api.call("POST", f"{local_draft.path}/uploads", json=body)
    refused(reply, 400, None, field)
    nothing_left(local_draft)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="cut off"),
        pytest.param(b"\xff\xfe", id="no UTF-8"),
        pytest.param(
            b'{"files": ["a"], "mode": ' + b"9" * 5000 + b"}", id="long number"
        ),
        pytest.param(b"[" * 100_000, id="deep"),
        pytest.param(
            b'{"files":' + b"[" * 50_000 + b"]" * 50_000 + b"}", id="deep files"
        ),
        pytest.param(b'{"files": [{"key": "a", "size": NaN}]}', id="not a number"),
        pytest.param(
            b'{"files": [{"key": "a", "metadata": {"x": NaN}}]}', id="NaN in metadata"
        ),
        pytest.param(
            b'{"files": [{"key": "a", "metadata": {"x": Infinity}}]}', id="infinity"
        ),
        pytest.param(
            b'{"files": [{"key": "a", "metadata": {"x": "\\u0000"}}]}', id="NUL"
        ),
        pytest.param(
            b'{"files": [{"key": "a", "metadata": {"\\u0000": 1}}]}', id="NUL in name"
        ),
        pytest.param(
            b'{"files": [{"key": "a", "metadata": {"x": "\\ud800"}}]}',
            id="half a character",
        ),
        pytest.param(b'{"files": ["a\\ud800"]}', id="half a character in a key"),
    ],
)
@pytest.mark.parametrize("path", ["draft", "new"])
def test_no_json_of_ours(api: Api, local_draft: Draft, data: bytes, path: str) -> None:
    """What cannot be stored as JSON is refused, not a server error."""
    url = f"{local_draft.path}/uploads" if path == "draft" else "/uploads"
    headers = {"Content-Type": "application/json"}
    reply = api.call("POST", url, data=data, headers=headers)
    assert reply.status == 400, (reply.status, reply.json)
    assert reply.json["message"]


@pytest.mark.parametrize(
    ("key", "code"),
    [
        pytest.param("", "invalid_key", id="empty"),
        pytest.param("/a", "invalid_key", id="absolute"),
        pytest.param("a/../b", "invalid_key", id="climbing"),
        pytest.param("..", "invalid_key", id="parent"),
        pytest.param(".", "invalid_key", id="itself"),
        pytest.param("a//b", "invalid_key", id="empty folder"),
        pytest.param("a/", "invalid_key", id="folder"),
        pytest.param("a\\..\\b", "invalid_key", id="climbing backwards"),
        pytest.param("a\nb", "invalid_key", id="line feed"),
        pytest.param("a\x7f", "invalid_key", id="delete"),
        pytest.param("k" * 256, "invalid_key", id="256 characters"),
        pytest.param("ü" * 255 + "x", "invalid_key", id="256 other characters"),
    ],
)
def test_unsafe_keys(api: Api, local_draft: Draft, key: str, code: str) -> None:
    """A key that could not be stored safely is refused, and named by its place."""
    for entry in (key, {"key": key, "size": 1}):
        reply = announce(api, f"{local_draft.path}/uploads", ["good", entry])
        refused(reply, 400, code, "files.1.key")
    nothing_left(local_draft)


def test_keys_announced_twice(api: Api, local_draft: Draft) -> None:
    """A key that is announced twice is refused by name."""
    files = ["a", {"key": "b"}, {"key": "a", "size": 1}, "b"]
    reply = announce(api, f"{local_draft.path}/uploads", files)
    refused(reply, 400, "keys_taken", "files")
    assert reply.json["keys"] == ["a", "b"]
    nothing_left(local_draft)


def test_key_of_a_finished_file(api: Api, local_draft: Draft) -> None:
    """A file that the draft has already is refused by name and left as it is."""
    assert local_draft.upload("there", [b"first"]).status == 200
    reply = announce(api, f"{local_draft.path}/uploads", ["new", "there"])
    refused(reply, 400, "keys_taken", "files")
    assert reply.json["keys"] == ["there"]
    assert local_draft.content("there") == b"first"
    assert set(entries(local_draft)) == {"there"}
    assert bucket_size(local_draft) == 5


@pytest.mark.parametrize(
    ("checksum", "problem"),
    [
        ("md5:", "digits"),
        ("md5", "form"),
        ("sha1:" + "0" * 40, "not one of"),
        ("sha256:" + "g" * 64, "digits"),
        ("", "form"),
        ("md5:" + "0" * 33, "digits"),
    ],
)
def test_malformed_digest(
    api: Api, local_draft: Draft, checksum: str, problem: str
) -> None:
    """A digest that is none is refused, and the file is named by its place."""
    files = ["a", "b", {"key": "c", "checksum": checksum}]
    reply = announce(api, f"{local_draft.path}/uploads", files)
    refused(reply, 400, "invalid_digest", "files.2.checksum")
    assert problem in reply.json["message"]
    nothing_left(local_draft)


def test_too_many_files_for_a_batch(api: Api, local_draft: Draft) -> None:
    """10,001 files are refused, and the reply names the limit."""
    files = [f"{n}" for n in range(10_001)]
    reply = announce(api, f"{local_draft.path}/uploads", files)
    refused(reply, 400, "too_many_files", "files")
    assert (reply.json["limit"], reply.json["files"]) == (10_000, 10_001)
    assert "10000" in reply.json["message"].replace(",", "")
    nothing_left(local_draft)


def test_too_many_files_for_the_record(app: Any, api: Api, local_draft: Draft) -> None:
    """What would make the record too large is refused, and the reply names the limit."""
    local_draft.begin("one", 1)
    with setting(app, RDM_RECORDS_MAX_FILES_COUNT=3):
        reply = announce(api, f"{local_draft.path}/uploads", ["a", "b", "c"])
        refused(reply, 400, "too_many_files", "files")
        assert (reply.json["limit"], reply.json["files"]) == (3, 4)
        # One that makes way for itself is no file more.
        reply = announce(api, f"{local_draft.path}/uploads", ["a", "b", "one"])
        assert reply.status == 201, reply.json


def test_quota(api: Api, local_draft: Draft) -> None:
    """The sum of a batch has to fit into the quota, which is named when it does not."""
    set_limits(local_draft, quota_size=100, max_file_size=None)
    files = [{"key": f"{n}", "size": 26} for n in range(4)]
    reply = announce(api, f"{local_draft.path}/uploads", files)
    refused(reply, 400, "quota_exceeded", None)
    assert "104" in reply.json["message"]
    assert entries(local_draft) == {}
    assert bucket_size(local_draft) == 0
    assert announce(api, f"{local_draft.path}/uploads", files[:3]).status == 201
    assert bucket_size(local_draft) == 78


def test_maximum_file_size(api: Api, local_draft: Draft) -> None:
    """A file that is too large for the site is refused, with its place and the limit."""
    set_limits(local_draft, quota_size=None, max_file_size=100)
    files = [{"key": "a", "size": 100}, {"key": "b", "size": 101}]
    reply = announce(api, f"{local_draft.path}/uploads", files)
    refused(reply, 400, "quota_exceeded", "files.1.size")
    assert "100" in reply.json["message"]
    assert announce(api, f"{local_draft.path}/uploads", files[:1]).status == 201


def test_sizes_beyond_what_stores_take(api: Api, draft: Draft) -> None:
    """A file larger than any multipart upload is refused, with its place."""
    for size in (50_000 * 2**30 + 1, 2**63 - 1):
        files = ["a", {"key": "b", "size": size}]
        reply = announce(api, f"{draft.path}/uploads", files)
        assert reply.status == 400
        assert reply.json["errors"][0]["field"] == "files.1.size", reply.json
    nothing_left(draft)


@pytest.mark.parametrize(
    ("times", "field"),
    [
        ({"completed_by": "in 0 minutes"}, "completed_by"),
        ({"completed_by": "tomorrow"}, "completed_by"),
        ({"completed_by": 600}, "completed_by"),
        ({"completed_by": True}, "completed_by"),
        ({"completed_by": []}, "completed_by"),
        ({"completed_by": ""}, "completed_by"),
        ({"completed_by": "2020-01-01"}, "completed_by"),
        ({"completed_by": "2026-02-31"}, "completed_by"),
        ({"completed_by": "in 31 days"}, "completed_by"),
        ({"completed_by": "in 999999999999 weeks"}, "completed_by"),
        ({"expires_in": "in 10 minutes"}, "expires_in"),
        ({"expires_in": "in 9 minutes"}, "expires_in"),
        ({"expires_in": "2020-01-01T00:00:00Z"}, "expires_in"),
        ({"expires_in": "never"}, "expires_in"),
        ({"expires_in": {}}, "expires_in"),
        ({"expires_in": "in 8 days"}, "expires_in"),
    ],
)
def test_times_that_cannot_be(
    app: Any, api: Api, local_draft: Draft, times: dict[str, Any], field: str
) -> None:
    """Past, unordered, too late or meaningless times are refused by field."""
    week = 7 * 24 * 3600
    with setting(app, MULTIPART_BATCH_MAX_TRANSIENT_SECONDS=week):
        reply = announce(api, f"{local_draft.path}/uploads", ["a"], **times)
    refused(reply, 400, "invalid_time", field)
    nothing_left(local_draft)


@pytest.mark.parametrize(
    ("check", "value"),
    [
        ("link", {"id": "x", "key": "c"}),
        ("md5", {"field": "checksum", "md5sum": "0" * 32}),
        ("md5", {"field": "a.b", "md5sum": "0" * 32}),
    ],
)
def test_link_to_nothing(
    api: Api, local_draft: Draft, check: str, value: dict[str, str]
) -> None:
    """Link entries without a target are refused by place."""
    link = {"key": "c", "check": check, "value": value}
    reply = announce(api, f"{local_draft.path}/uploads", ["a", link])
    refused(reply, 400, "link_target_unavailable", "files.1.value")
    nothing_left(local_draft)


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"metadata": {}},
        {"metadata": {"title": 5}},
        {"metadata": "x"},
        {"metadata": []},
        {"access": "x"},
        {"access": {"record": "x", "files": 1}},
        {"files": {"enabled": False}},
        {"files": "no"},
        {"pids": {"doi": 1}},
        {"pids": []},
        {"parent": {"id": "x"}},
        {"custom_fields": []},
        {"custom_fields": {"x": 1}},
        {"id": "x"},
        {"media_files": 1},
        {"x": {"y": []}},
    ],
)
def test_odd_records(api: Api, local: str, record: dict[str, Any]) -> None:
    """Faulty metadata does not keep files from coming, or is refused; no more."""
    reply = announce(api, "/uploads", ["a"], record=record)
    assert reply.status in (201, 400), (reply.status, reply.json)
    if reply.status == 201:
        assert isinstance(reply.json["errors"], list)
        assert Open(api, reply.json).abort().status == 200


def test_published_record(api: Api, local_draft: Draft) -> None:
    """Files of a published record cannot change; the reply says what to do."""
    assert local_draft.upload("a", [b"first"]).status == 200
    assert local_draft.publish().status == 202
    gone = announce(api, f"{local_draft.path}/uploads", ["b"])
    assert gone.status == 404, gone.json
    assert api.call("POST", local_draft.path).status == 201
    reply = announce(api, f"{local_draft.path}/uploads", ["b"])
    refused(reply, 400, "not_allowed_here", "files")
    assert "new version" in reply.json["message"]


def test_files_switched_off(api: Api, local: str) -> None:
    """A draft without files takes none, and says so."""
    draft = api.new_draft(files={"enabled": False})
    reply = announce(api, f"{draft.path}/uploads", ["a"])
    refused(reply, 400, "not_allowed_here", "files")
