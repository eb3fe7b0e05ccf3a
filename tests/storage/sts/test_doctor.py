# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What the doctor finds out about each server."""

from __future__ import annotations

from typing import Any

import pytest

from invenio_multipart.core import policies
from invenio_multipart.services.doctor_sts import examine_sts
from invenio_multipart.storage import sts

from .servers import Server


def findings(server: Server, **settings: Any) -> dict[str, bool | None]:
    """Verdict by text, of a location with a path."""
    with server.site(**settings).app_context():
        return {
            finding.text.replace("Temporary credentials for ", ""): finding.ok
            for finding in examine_sts(f"{server.uri}/doctor")
        }


def verdict(found: dict[str, bool | None], word: str) -> bool | None:
    """Of the one finding with this word in it."""
    (text,) = [text for text in found if word in text]
    return found[text]


@pytest.fixture
def private(owner: Any, server: Server) -> Any:
    """ACLs open no object of the bucket, where a server has that switch."""
    if server.name != "ceph":
        yield
        return
    owner.put_public_access_block(
        Bucket=server.bucket,
        PublicAccessBlockConfiguration={"IgnorePublicAcls": True},
    )
    yield
    owner.delete_public_access_block(Bucket=server.bucket)


def test_a_site_as_it_should_be(server: Server, owner: Any, private: Any) -> None:
    """Nothing is wrong, and the internal address is what it is."""
    found = findings(server)
    assert verdict(found, "below their prefix only") is True
    assert verdict(found, f"assume a role at {server.endpoint_url}") is True
    assert verdict(found, "publish") is True
    assert verdict(found, "revoked") is True
    assert verdict(found, "clock differs from ours by") is True
    assert False not in found.values()
    # Ceph's hole, at an address that clients do not reach.
    warned = [text for text, ok in found.items() if ok is None]
    assert len(warned) == (1 if server.name == "ceph" else 0)
    assert all(server.sts_endpoint_url in text for text in warned)
    listed = owner.list_objects_v2(Bucket=server.bucket, Prefix="doctor/")
    assert listed["KeyCount"] == 0


def test_sts_where_clients_are(server: Server, private: Any) -> None:
    """One gateway for everything is wrong on Ceph, where sessions drop their limits."""
    found = findings(server, S3_ENDPOINT_URL=server.sts_endpoint_url)
    assert verdict(found, "assume") is (server.name != "ceph")


def test_objects_opened_by_an_acl(server: Server, owner: Any) -> None:
    """On Ceph a session can publish what it writes, unless the bucket forbids it."""
    found = findings(server)
    wrong = [text for text, ok in found.items() if ok is False]
    if server.name == "ceph":
        assert len(wrong) == 1
        assert "IgnorePublicAcls" in wrong[0]
    else:
        assert wrong == []


def test_a_store_that_ignores_policies(
    server: Server, private: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A session that can do more than it should is noticed."""

    def wider(bucket: str, prefix: str, until: Any = None) -> str:
        """The folder above."""
        folder = prefix.rpartition("in/")[0]
        return policies.upload_policy(bucket, folder, until)

    monkeypatch.setattr(sts, "upload_policy", wider)
    found = findings(server)
    assert verdict(found, "a session can write outside, list outside.") is False


def test_without_sts(server: Server) -> None:
    """A site without STS is a site without STS, no more."""
    found = findings(server, MULTIPART_STS_ENDPOINT_URL=None)
    assert list(found.values()) == [None]


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"S3_SECRET_ACCESS_KEY": "wrong"}, "issues no temporary credentials"),
        ({"MULTIPART_STS_ENDPOINT_URL": "http://127.0.0.1:9"}, "be reached"),
    ],
    ids=["wrong keys", "nobody there"],
)
def test_sts_that_does_not_work(
    server: Server, settings: dict[str, str], says: str
) -> None:
    """What is broken is a finding, not a crash."""
    found = findings(server, **settings)
    assert verdict(found, says) is False
