# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What clients are told before they send anything."""

from __future__ import annotations

from typing import Any

from ..backdoor import set_limits, setting
from ..batching import refused
from ..driver import PART, RECORD, Api, Draft

MIB = 2**20


def settings(draft: Draft) -> dict[str, Any]:
    """What holds for the draft."""
    reply = draft.api.get(f"{draft.path}/uploads/settings")
    assert reply.status == 200, reply.json
    return dict(reply.json)


def test_new_draft(app: Any, api: Api, s3: str) -> None:
    """Before there is a draft the answer is about the site's defaults."""
    reply = api.get("/uploads/settings")
    assert reply.status == 200, reply.json
    assert reply.headers["Cache-Control"] == "no-store"
    endpoint = app.config["S3_ENDPOINT_URL"].rstrip("/")
    found = reply.json
    assert found["storage"]["kind"] == "s3"
    assert found["storage"]["origin"] == endpoint
    assert found["storage"]["url"].startswith(f"{endpoint}/")
    assert found["writable"] is True
    assert found["files"] == {"max": 1000, "present": 0}
    assert found["bytes"] == {
        "max_file": min(app.config["RDM_FILES_DEFAULT_MAX_FILE_SIZE"], 50_000 * 2**30),
        "quota": app.config["RDM_FILES_DEFAULT_QUOTA_SIZE"],
        "used": 0,
    }
    assert found["parts"] == {
        "max": 10_000,
        "min_size": 5 * MIB,
        "max_size": 5 * 1024 * MIB,
    }
    assert found["upload"]["lifetime_seconds"] == 7 * 24 * 3600
    assert found["batch"]["max_files"] == 10_000
    assert found["batch"]["credentials"] is False
    assert settings(api.new_draft()) == found


def test_draft_in_use(draft: Draft) -> None:
    """Files and bytes that are there, or reserved, are counted."""
    before = settings(draft)
    draft.begin("a.bin", PART)
    after = settings(draft)
    assert (before["files"]["present"], before["bytes"]["used"]) == (0, 0)
    assert (after["files"]["present"], after["bytes"]["used"]) == (1, PART)


def test_limits_of_the_draft(app: Any, draft: Draft) -> None:
    """A quota of its own counts, and so does the site's number of files."""
    set_limits(draft, quota_size=10 * MIB, max_file_size=MIB)
    with setting(app, RDM_RECORDS_MAX_FILES_COUNT=7):
        found = settings(draft)
    assert found["bytes"] == {"max_file": MIB, "quota": 10 * MIB, "used": 0}
    assert found["files"]["max"] == 7


def test_local_storage(local_draft: Draft) -> None:
    """Bytes go through the site itself; parts may be small."""
    found = settings(local_draft)
    assert found["storage"] == {"kind": "local", "origin": None, "url": None}
    assert found["parts"]["min_size"] == 1


def test_temporary_credentials(app: Any, s3_draft: Draft, api: Api) -> None:
    """Where the site has STS, drafts on S3 have temporary credentials."""
    with setting(app, MULTIPART_STS_ENDPOINT_URL="http://localhost:9"):
        assert settings(s3_draft)["batch"]["credentials"] is True


def test_public_address(app: Any, s3_draft: Draft) -> None:
    """The address is the one by which browsers reach the store."""
    public = "https://files.example.org"
    with setting(app, MULTIPART_S3_PUBLIC_ENDPOINT_URL=public):
        assert settings(s3_draft)["storage"]["origin"] == public


def test_published_record(draft: Draft, api: Api) -> None:
    """The draft of a published record takes no files."""
    draft.upload("a.bin", [b"x" * PART])
    assert draft.publish().status == 202
    assert api.call("POST", f"/records/{draft.id}/draft").status == 201
    assert settings(draft)["writable"] is False


def test_files_switched_off(api: Api, s3: str) -> None:
    """A draft without files tells what would hold, and that it takes none."""
    draft = api.new_draft(files={"enabled": False}, metadata=RECORD["metadata"])
    assert settings(draft)["writable"] is False


def test_who_may_ask(api: Api, other: Api, anonymous: Api, draft: Draft) -> None:
    """Whoever may upload; for a new draft whoever is logged in."""
    refused(anonymous.get("/uploads/settings"), 403, "access_denied", None)
    assert other.get("/uploads/settings").status == 200
    path = f"{draft.path}/uploads/settings"
    refused(other.get(path), 403, "access_denied", None)
    refused(anonymous.get(path), 403, "access_denied", None)
    assert api.get("/records/nosuch-draft1/draft/uploads/settings").status == 404
    assert api.call("POST", "/uploads/settings").status == 405
