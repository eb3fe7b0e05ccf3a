# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Batches of files, from the announcement to files of a published record."""

from __future__ import annotations

import hashlib
from typing import Any

import requests

from tests.driver import Api, Draft, content_md5, md5


def put(app_api: Api, url: str, data: bytes, headers: dict[str, str] | None = None):
    """Send a whole file to a URL of the reply, without any account."""
    if url.startswith("http://localhost"):
        return app_api.call(
            "PUT",
            url,
            data=data,
            headers={"Content-Type": "application/octet-stream", **(headers or {})},
        ).status
    return requests.put(url, data=data, headers=headers or {}, timeout=30).status_code


def test_small_files_go_by_one_put_each(api: Api, anonymous: Api, draft: Draft) -> None:
    """Files of a batch are sent by their URLs alone and completed by one call."""
    contents = {
        "a.txt": b"alpha",
        "dir/b.bin": b"b" * 1000,
        "empty": b"",
        "plain": b"x",
    }
    files: list[Any] = [
        {"key": "a.txt", "size": 5, "checksum": md5(b"alpha"), "metadata": {"n": 1}},
        {"key": "dir/b.bin", "size": 1000},
        {"key": "empty", "size": 0},
        "plain",
    ]
    reply = api.call(
        "POST",
        f"{draft.path}/uploads",
        json={"files": files, "completed_by": "in 10 minutes"},
    )
    assert reply.status == 201, reply.json
    batch = reply.json
    for key, url in batch["presigned_urls"].items():
        assert put(anonymous, url, contents[key], batch["headers"].get(key)) == 200
    done = anonymous.call("PUT", batch["completion_url"])
    assert done.status == 202, done.json
    job = anonymous.get(done.json["job_url"]).json
    assert job["status"] == "SUCCESS", job
    for key, data in contents.items():
        assert draft.content(key) == data
    entries = {e["key"]: e for e in api.get(f"{draft.path}/files").json["entries"]}
    print(entries)
    assert entries["a.txt"]["checksum"] == md5(b"alpha")
    assert entries["a.txt"]["metadata"] == {"n": 1}
    assert entries["plain"]["checksum"] == md5(b"x")
    print(api.get("/uploads/" + batch["id"]).json)
    assert draft.publish().status == 202
