# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Replies with a file's content tell its digest, so that any client can check it."""

from __future__ import annotations

import gc
import hashlib
import re
import warnings
from base64 import b64decode, b64encode
from collections.abc import Iterator
from typing import Any

import pytest

from ..backdoor import counted_queries, setting
from ..batching import brought
from ..driver import Api, Draft, content_md5

DATA = b"bytes that somebody will want to check"


def ask(api: Api, url: str, method: str = "GET", **headers: str) -> Any:
    """The raw reply of a content address."""
    client = api.app.test_client()
    sent = {"Authorization": f"Bearer {api._token}", **headers}
    with client.open(url, method=method, headers=sent) as reply:
        reply.get_data()
        return reply


def told(reply: Any) -> dict[str, bytes]:
    """The digests of a reply by algorithm, as RFC 9530 spells them."""
    members = re.findall(
        r"([a-z0-9-]+)=:([A-Za-z0-9+/=]+):", reply.headers["Repr-Digest"]
    )
    return {name: b64decode(value, validate=True) for name, value in members}


@pytest.fixture(autouse=True)
def _upstream_leaves_files_open() -> Iterator[None]:
    """A reply without a body leaves upstream's stream to the garbage collector."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture
def filled(draft: Draft) -> Draft:
    """A draft with one file."""
    brought(draft, {"a b/ü.bin": DATA})
    return draft


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_draft(api: Api, filled: Draft, method: str) -> None:
    """The MD5 is on the content of a draft's file, or on the redirect to it."""
    reply = ask(api, filled.file("a b/ü.bin", "/content"), method)
    assert reply.status_code in (200, 302)
    assert reply.headers["Repr-Digest"] == f"md5=:{content_md5(DATA)}:"


def test_record(api: Api, filled: Draft) -> None:
    """A published file tells it, too, and to everybody who may read it."""
    assert filled.publish().status == 202
    url = filled.file("a b/ü.bin", "/content").replace("/draft", "")
    for who in (api, Api(api.app, None)):
        assert told(ask(who, url)) == {"md5": hashlib.md5(DATA).digest()}


def test_range(api: Api, local_draft: Draft) -> None:
    """With a piece of the file comes the digest of all of it."""
    brought(local_draft, {"a": DATA})
    with setting(api.app, FILES_REST_ALLOW_RANGE_REQUESTS=True):
        reply = ask(api, local_draft.file("a", "/content"), Range="bytes=3-9")
    assert (reply.status_code, reply.data) == (206, DATA[3:10])
    assert told(reply) == {"md5": hashlib.md5(DATA).digest()}
    assert "Content-Digest" not in reply.headers


def test_nothing_but_content(api: Api, anonymous: Api, filled: Draft) -> None:
    """Neither a refusal nor an entry has a digest, nor a reply without content."""
    url = filled.file("a b/ü.bin", "/content")
    refused = ask(anonymous, url)
    assert refused.status_code == 403
    missing = ask(api, filled.file("none", "/content"))
    assert missing.status_code == 404
    entry = ask(api, filled.file("a b/ü.bin"))
    assert entry.status_code == 200
    for reply in (refused, missing, entry):
        assert "Repr-Digest" not in reply.headers


def test_unchanged(api: Api, local_draft: Draft) -> None:
    """A client that has the content hears only that it is still the same."""
    brought(local_draft, {"a": DATA})
    url = local_draft.file("a", "/content")
    tag = ask(api, url).headers.get("ETag")
    assert tag
    reply = ask(api, url, **{"If-None-Match": tag})
    assert reply.status_code == 304
    assert "Repr-Digest" not in reply.headers


def test_other_digests(api: Api, draft: Draft) -> None:
    """SHA-256 is told where the site computes it, or where the client wants it."""
    sha = hashlib.sha256(DATA).digest()
    both = {"md5": hashlib.md5(DATA).digest(), "sha-256": sha}
    url = draft.file("a", "/content")
    with setting(api.app, MULTIPART_DIGESTS=["md5", "sha256"]):
        assert draft.upload("a", [DATA], checksum=f"sha256:{sha.hex()}").status == 200
        assert told(ask(api, url)) == both
    assert set(told(ask(api, url))) == {"md5"}
    assert told(ask(api, url, **{"Want-Repr-Digest": "sha-256=10, md5=1"})) == both


@pytest.mark.parametrize(
    "checksum",
    [None, "md5:", "md5:zz", "etag:d41d8cd98f00b204e9800998ecf8427e-2", "sha1:00"],
)
def test_unknown(api: Api, local_draft: Draft, checksum: str | None) -> None:
    """Of a file whose digest is not known, none is told."""
    from invenio_db import db
    from invenio_files_rest.models import FileInstance, ObjectVersion

    brought(local_draft, {"odd": DATA})
    with api.app.app_context():
        version = ObjectVersion.query.filter_by(key="odd", is_head=True)
        found = version.order_by(ObjectVersion.created.desc()).first()
        FileInstance.query.filter_by(id=found.file_id).update({"checksum": checksum})
        db.session.commit()
    reply = ask(api, local_draft.file("odd", "/content"))
    assert reply.status_code == 200
    assert "Repr-Digest" not in reply.headers


def test_no_query(api: Api, draft: Draft) -> None:
    """The header costs no query of ours."""
    brought(draft, {"a": DATA})
    with counted_queries(api.app) as seen:
        reply = ask(api, draft.file("a", "/content"))
    assert b64encode(told(reply)["md5"]).decode() == content_md5(DATA)
    assert seen
    assert not [text for text in seen if "multipart_" in text]
