# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Whatever a client sends about batches, the answer is its own fault."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ..batching import Open, open_batch
from ..driver import Api, Draft
from .test_fuzz import (
    KEY_CHARACTERS,
    NUMBERS,
    QUICKLY,
    TEXTS,
    VALUES,
    expect_no_server_error,
    loosely,
)

TIMES = st.one_of(
    TEXTS,
    st.sampled_from(
        ["in 2 days", "2027-01-01", "in 1 hour", "9999-12-31T23:59:59-12:00"]
    ),
)
FILE = st.one_of(
    TEXTS,
    loosely(
        key=st.one_of(TEXTS, st.text(KEY_CHARACTERS, min_size=1, max_size=300)),
        size=NUMBERS,
        checksum=TEXTS,
        metadata=st.dictionaries(st.text(max_size=5), VALUES, max_size=3),
        check=st.sampled_from(["link", "md5"]),
        value=st.one_of(
            VALUES,
            loosely(id=TEXTS, key=TEXTS),
            loosely(
                field=st.one_of(TEXTS, st.text(KEY_CHARACTERS, max_size=30)),
                md5sum=st.one_of(TEXTS, st.just("0" * 32)),
            ),
        ),
        otherwise=st.one_of(VALUES, st.just("upload")),
    ),
)
ANNOUNCEMENT = loosely(
    files=st.lists(FILE, max_size=4),
    completed_by=TIMES,
    expires_in=TIMES,
    mode=st.sampled_from(["s3-presigned-url", "sts-credentials"]),
)
RECORDS = loosely(
    metadata=loosely(title=TEXTS, publisher=TEXTS),
    access=loosely(record=TEXTS, files=TEXTS),
    files=loosely(enabled=st.booleans()),
)
COMPLETION = loosely(
    publish=st.booleans(),
    extra=st.sampled_from(["refuse", "ignore", "add"]),
    owners=st.one_of(TEXTS, st.lists(TEXTS, max_size=3)),
    viewers=st.lists(st.one_of(TEXTS, NUMBERS), max_size=3),
    read_access=st.sampled_from(["public", "owners", "viewers"]),
    write_access=st.sampled_from(["owners", "viewers"]),
    scope=st.sampled_from(["version", "record"]),
    access=loosely(record=TEXTS, files=TEXTS, embargo=VALUES),
)


@pytest.fixture
def api(newcomer: Api) -> Api:
    """Of somebody who has nothing else, so that lists are short."""
    return newcomer


def end_all(api: Api, draft: Draft) -> None:
    """Abort what an example has opened, so that the next one is not locked out."""
    found = api.get("/uploads?state=uploading&size=100").json["hits"]["hits"]
    for hit in found:
        if hit["record_id"] == draft.id:
            api.call("PUT", f"/uploads/{hit['id']}/abort")


@QUICKLY
@given(body=st.one_of(VALUES, ANNOUNCEMENT))
def test_announcements(draft: Draft, body: Any) -> None:
    """No body of an announcement breaks the server."""
    expect_no_server_error(draft.api, "POST", f"{draft.path}/uploads", body)
    end_all(draft.api, draft)


@QUICKLY
@given(files=st.lists(FILE, min_size=1, max_size=4), record=RECORDS)
def test_new_records(api: Api, local: str, files: Any, record: Any) -> None:
    """No record of an announcement breaks the server."""
    body = {"files": ["ok", *files[:1]], "record": record}
    expect_no_server_error(api, "POST", "/uploads", body)
    expect_no_server_error(api, "POST", "/uploads", {"files": ["ok"], "record": record})


@QUICKLY
@given(body=st.one_of(VALUES, COMPLETION))
def test_completions(local_draft: Draft, body: Any) -> None:
    """No body of a completion breaks the server, and none completes nothing."""
    api = local_draft.api
    found = api.get("/uploads?state=uploading&size=100").json["hits"]["hits"]
    ids = [hit["id"] for hit in found if hit["record_id"] == local_draft.id]
    batch_id = ids[0] if ids else open_batch(local_draft, [{"key": "a", "size": 1}]).id
    expect_no_server_error(api, "PUT", f"/uploads/{batch_id}/complete", body)
    assert api.get(f"/uploads/{batch_id}").json["state"] == "uploading"


@QUICKLY
@given(
    credential=st.one_of(TEXTS, st.text(KEY_CHARACTERS, max_size=100)),
    query=st.dictionaries(
        st.sampled_from(["after", "size", "page", "state", "q"]),
        st.one_of(TEXTS, NUMBERS),
        max_size=3,
    ),
)
def test_queries(
    api: Api, anonymous: Api, local_draft: Draft, credential: str, query: Any
) -> None:
    """No credential and no query breaks the server, and no made-up one lets in."""
    found = api.get("/uploads?state=uploading&size=100").json["hits"]["hits"]
    ids = [hit["id"] for hit in found if hit["record_id"] == local_draft.id]
    batch_id = ids[0] if ids else open_batch(local_draft, ["a"]).id
    path = f"/uploads/{batch_id}"
    forged = {**query, "X-Upload-Credential": credential}
    for who in (api, anonymous):
        replies = [
            who.call("GET", "/uploads", query_string=query),
            who.call("GET", path, query_string=forged),
            who.call("GET", f"{path}/files", query_string=forged),
        ]
        for reply in replies:
            assert reply.status in (200, 400, 401, 403), reply.json
            assert (reply.status != 200) or who is api


# InvenioRDM looks addresses that no route has up in its pages, where NUL is an error.
KEYS_IN_ADDRESSES = st.text(KEY_CHARACTERS, min_size=1, max_size=40).filter(
    lambda key: "\0" not in key
)


@QUICKLY
@given(key=KEYS_IN_ADDRESSES, part=NUMBERS)
@example(key="\0", part=1)
def test_content(anonymous: Api, local_draft: Draft, key: str, part: Any) -> None:
    """No key and no part number in an address breaks the server."""
    from urllib.parse import quote

    api = local_draft.api
    end_all(api, local_draft)
    reply = api.call(
        "POST",
        f"{local_draft.path}/uploads",
        json={"files": [{"key": "a", "size": 1}]},
    )
    batch = Open(api, reply.json)
    query = {"X-Upload-Credential": batch.grant("files_url")}
    for name in (quote(key), "a"):
        path = f"/uploads/{batch.id}/content/{part}/{name}"
        answer = anonymous.call("PUT", path, data=b"x", query_string=query)
        assert answer.status < 500, (path, answer.json)
