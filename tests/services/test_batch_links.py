# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What presigned links of a batch can do, and what they cannot, at any time."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from typing import Any

import pytest

from ..batching import (
    Open,
    announce,
    brought,
    objects,
    open_batch,
    open_with,
    pass_deadline,
    put,
    run_jobs,
)
from ..driver import Api, Draft, content_md5, md5

OLD, NEW = b"what was completed", b"WHAT CAME TOO LATE"


@pytest.mark.parametrize("declared", ["", "md5", "sha256"])
def test_link_after_completion(anonymous: Api, s3_draft: Draft, declared: str) -> None:
    """A link that is still good cannot change a completed file, nor leave anything."""
    entry: dict[str, Any] = {"key": "a", "size": len(OLD)}
    if declared:
        entry["checksum"] = md5(OLD)
    if declared == "sha256":
        entry["digests"] = {"sha256": hashlib.sha256(OLD).hexdigest()}
    batch = open_batch(s3_draft, [entry])
    batch.send_ok("a", OLD)
    assert batch.complete()["status"] == "SUCCESS"
    before = objects(batch)
    url, headers = (
        batch.json["presigned_urls"]["a"],
        batch.json["headers"].get("a", {}),
    )
    late = put(anonymous, url, NEW, headers)
    assert (late >= 400) is bool(declared)
    if declared:
        sha256 = b64encode(hashlib.sha256(NEW).digest()).decode()
        others = {"md5": content_md5(NEW), "sha256": sha256}
        name = {"md5": "Content-MD5", "sha256": "x-amz-checksum-sha256"}[declared]
        assert name in headers
        wrong = {**headers, name: others[declared]}
        assert put(anonymous, url, NEW, wrong) >= 400
        # The same bytes again change nothing.
        assert put(anonymous, url, OLD, headers) == 200
    assert s3_draft.content("a") == OLD
    pass_deadline(batch)
    assert {job["status"] for job in run_jobs(batch, "sweep_batch")} == {"SUCCESS"}
    assert objects(batch) == before
    assert s3_draft.content("a") == OLD
    assert s3_draft.publish().status == 202


def test_link_after_abort(s3_draft: Draft) -> None:
    """What a link leaves after an abort is swept away after the deadline."""
    batch = open_with(s3_draft, {"a": OLD, "b": OLD})
    assert batch.abort().status == 200
    assert objects(batch) == []
    batch.send_ok("b", OLD)
    assert len(objects(batch)) == 1
    (sweep,) = run_jobs(batch, "sweep_batch")
    assert sweep["status"] == "PENDING"
    assert len(objects(batch)) == 1
    pass_deadline(batch)
    (sweep,) = run_jobs(batch, "sweep_batch")
    assert (sweep["status"], sweep["result"]) == ("SUCCESS", {"removed": 1})
    assert objects(batch) == []


def test_link_after_the_deadline(s3_draft: Draft) -> None:
    """What was on its way when the deadline passed is swept away too."""
    batch = open_with(s3_draft, {"a": OLD})
    pass_deadline(batch)
    (purge,) = run_jobs(batch, "purge_batch")
    assert purge["status"] == "SUCCESS"
    assert objects(batch) == []
    batch.send_ok("a", OLD)
    pass_deadline(batch)
    (sweep,) = run_jobs(batch, "sweep_batch")
    assert (sweep["status"], sweep["result"]) == ("SUCCESS", {"removed": 1})
    assert objects(batch) == []


def test_part_links_after_abort(anonymous: Api, s3_draft: Draft) -> None:
    """Parts of a large file are refused once its batch was aborted."""
    size = 40 * 2**20
    batch = open_batch(s3_draft, [{"key": "large", "size": size}])
    link = batch.json["presigned_urls"]["large"][0]
    part = bytes(s3_draft.api.get(s3_draft.file("large")).json["transfer"]["part_size"])
    assert put(anonymous, link["url"], part, {}) == 200
    assert len(objects(batch)) == 1
    assert batch.abort().status == 200
    assert objects(batch) == []
    assert put(anonymous, link["url"], part, {}) >= 400
    assert objects(batch) == []


def test_links_end_with_the_batch(api: Api, s3_draft: Draft) -> None:
    """No link lives longer than its batch, whichever resource gave it."""
    batch = open_batch(s3_draft, ["a", {"key": "large", "size": 40 * 2**20}])
    urls = [batch.json["presigned_urls"]["a"]]
    urls += [link["url"] for link in batch.json["presigned_urls"]["large"]]
    for key in ("a", "large"):
        links = api.get(s3_draft.file(key)).json["links"]["parts"]
        links += s3_draft.parts(key).json["parts"]
        urls += [link["url"] for link in links]
    for url in urls:
        seconds = int(url.partition("X-Amz-Expires=")[2].partition("&")[0])
        assert 0 < seconds <= 600


def test_other_files_of_the_batch(anonymous: Api, s3_draft: Draft) -> None:
    """A link writes its own object: another's place is not reached with it."""
    batch = open_batch(s3_draft, ["a", "b"])
    url_a, url_b = (batch.json["presigned_urls"][key] for key in "ab")
    path_b = url_b.partition("?")[0]
    assert put(anonymous, f"{path_b}?{url_a.partition('?')[2]}", b"x", {}) >= 400
    assert objects(batch) == []


def test_no_link_of_a_file_leads_into_the_next_batch(api: Api, s3_draft: Draft) -> None:
    """A key that is announced again has another place than before."""
    first = open_with(s3_draft, {"a": OLD})
    assert first.abort().status == 200
    second = brought(s3_draft, {"a": NEW})
    first.send_ok("a", OLD)
    assert s3_draft.content("a") == NEW
    assert second.id != first.id
    reply = announce(api, f"{s3_draft.path}/uploads", ["b"])
    assert Open(api, reply.json).abort().status == 200
