# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Links to the contents of many files in one reply."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from invenio_records_resources.records.api import FileRecord

from ..backdoor import setting
from ..driver import Api, Draft, md5
from .test_links import publish, put_file
from .test_links_policy import CLOSED, OPEN, NotClosed, of_two, site_policy
from .test_links_targets import delete_record

CONTENTS = {f"data/{n:02}.bin": f"content {n}".encode() for n in range(7)}


@pytest.fixture
def filled(api: Api, s3: str) -> Draft:
    """A draft in S3 with seven files and one that is pending."""
    draft = api.new_draft()
    for key, data in CONTENTS.items():
        put_file(draft, key, data)
    draft.begin("pending.bin", 10)
    return draft


def links_of(api: Api, path: str, query: str = "") -> Any:
    """One page of a record or draft."""
    reply = api.get(f"{path}/content-links{query}")
    assert reply.status == 200, reply.json
    return reply.json


def following(page: Any) -> str:
    """Path and query of the next page, empty after the last one."""
    _, _, rest = page["links"].get("next", "").partition("/records/")
    return rest and f"/records/{rest}"


def test_links_of_a_draft(filled: Draft) -> None:
    """Each finished file has a link that gives its bytes, to whoever has it."""
    page = links_of(filled.api, filled.path)
    *files, pending = page["files"]
    assert [file["key"] for file in files] == list(CONTENTS)
    for file in files:
        data = CONTENTS[file["key"]]
        assert (file["size"], file["checksum"]) == (len(data), md5(data))
        assert (file["status"], file["expiration"][-1]) == ("completed", "Z")
        assert requests.get(file["url"], timeout=10).content == data
    assert pending == {
        "key": "pending.bin",
        "size": 10,
        "checksum": None,
        "status": "pending",
        "transfer": {"type": "M"},
        "url": None,
        "expiration": None,
    }
    assert {file["transfer"]["type"] for file in files} == {"L"}
    assert page["enabled"] is True
    assert "next" not in page["links"]


def test_page_by_page(filled: Draft) -> None:
    """Each file comes once, in the order of the keys."""
    keys, path = [], f"{filled.path}/content-links?size=3"
    sizes = []
    while path:
        page = filled.api.get(path).json
        sizes.append(len(page["files"]))
        keys += [file["key"] for file in page["files"]]
        path = following(page)
    assert sizes == [3, 3, 2]
    assert keys == [*CONTENTS, "pending.bin"]


def test_only_the_list(app: Any, filled: Draft) -> None:
    """Without links it costs less, and counts nothing."""
    page = links_of(filled.api, filled.path, "?links=no")
    assert [file["key"] for file in page["files"]] == [*CONTENTS, "pending.bin"]
    assert {file["url"] for file in page["files"]} == {None}


def test_keys_that_addresses_cannot_hold(api: Api, s3: str) -> None:
    """The next page begins after any key."""
    draft = api.new_draft()
    keys = ["a b&c=d.txt", "a/ü+%41.txt", "z?#.txt"]
    for key in keys:
        draft.upload(key, [key.encode()])
    found, path = [], f"{draft.path}/content-links?size=1"
    while path:
        page = api.get(path).json
        (file,) = page["files"]
        assert requests.get(file["url"], timeout=10).content == file["key"].encode()
        found.append(file["key"])
        path = following(page)
    assert sorted(found) == sorted(keys)


@pytest.mark.parametrize("query", ["size=0", "size=1001", "size=x", "after=%00"])
def test_pages_that_cannot_be(filled: Draft, query: str) -> None:
    """Are refused, with the member that is wrong."""
    reply = filled.api.get(f"{filled.path}/content-links?{query}")
    assert reply.status == 400
    assert reply.json["errors"][0]["field"] == query.partition("=")[0]


def test_links_of_a_record(filled: Draft, anonymous: Api, other: Api) -> None:
    """Who may read the files gets them: of an open record, everybody."""
    filled.delete("pending.bin")
    record = publish(filled)
    for reader in (filled.api, other, anonymous):
        page = links_of(reader, f"/records/{record}")
        assert [file["key"] for file in page["files"]] == list(CONTENTS)
        assert all(file["url"] for file in page["files"])


def test_restricted_files(api: Api, s3: str, anonymous: Api, other: Api) -> None:
    """Nobody else gets a link, or hears what there is."""
    access = {"record": "public", "files": "restricted"}
    draft = api.new_draft(access=access)
    put_file(draft, "a.bin")
    record = publish(draft)
    assert links_of(api, f"/records/{record}")["files"][0]["url"]
    for stranger in (other, anonymous):
        assert stranger.get(f"/records/{record}/content-links").status == 403
    assert "no-store" in _cache_control(api, record)


def _cache_control(api: Api, record: str) -> str:
    headers = {"Authorization": f"Bearer {api._token}"}
    client = api.app.test_client()
    with client.get(f"/records/{record}/content-links", headers=headers) as reply:
        return str(reply.headers["Cache-Control"])


def test_a_site_that_decides_about_each_file(
    app: Any, api: Api, s3: str, anonymous: Api
) -> None:
    """Gets asked about each: no link, and no count, for what it does not allow."""
    record = of_two(api)
    with site_policy(app, can_get_content_files=[NotClosed()]):
        files = links_of(anonymous, f"/records/{record}")["files"]
    assert {file["key"]: file["url"] is not None for file in files} == {
        OPEN: True,
        CLOSED: False,
    }


def test_drafts_of_others(filled: Draft, other: Api, anonymous: Api) -> None:
    """Are as closed as the drafts themselves."""
    for stranger in (other, anonymous):
        assert stranger.get(f"{filled.path}/content-links").status == 403


def test_a_record_that_is_not_there(api: Api) -> None:
    """404, as for its files."""
    assert api.get("/records/zzzzz-zzz99/content-links").status == 404
    assert api.get("/records/zzzzz-zzz99/draft/content-links").status == 404


def test_a_record_that_was_deleted(app: Any, filled: Draft, anonymous: Api) -> None:
    """Gives none, and answers as its files do."""
    filled.delete("pending.bin")
    record = publish(filled)
    delete_record(app, record)
    for reader in (filled.api, anonymous):
        files = reader.get(f"/records/{record}/files")
        links = reader.get(f"/records/{record}/content-links")
        assert (links.status, "files" in links.json) == (410, False)
        assert links.status == files.status


def test_local_files_have_no_links(api: Api, local: str) -> None:
    """They are asked for one by one, where the server sends them."""
    draft = api.new_draft()
    put_file(draft, "a.bin")
    (file,) = links_of(api, draft.path)["files"]
    assert (file["status"], file["url"], file["expiration"]) == (
        "completed",
        None,
        None,
    )


def test_how_long_links_live(app: Any, filled: Draft) -> None:
    """As long as the site says."""
    with setting(app, MULTIPART_CONTENT_LINK_EXPIRES_SECONDS=77):
        page = links_of(filled.api, filled.path)
    assert "X-Amz-Expires=77&" in page["files"][0]["url"]


def test_each_link_is_a_download(app: Any, filled: Draft) -> None:
    """To the statistics, as each redirect is."""
    from invenio_queues.proxies import current_queues
    from invenio_stats.proxies import current_stats

    filled.delete("pending.bin")
    record = publish(filled)
    with app.app_context():
        current_queues.declare()
        list(current_stats.consume("file-download"))
    links_of(filled.api, f"/records/{record}", "?size=3")
    with app.app_context():
        events = list(current_stats.consume("file-download"))
    counted = [event["file_key"] for event in events if event["recid"] == record]
    assert sorted(counted) == list(CONTENTS)[:3]


def test_other_files_cost_nothing(
    filled: Draft, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Upstream would read all files of the record to look at one of them."""
    monkeypatch.setattr(FileRecord, "list_by_record", _not_to_be_asked)
    files = links_of(filled.api, filled.path, "?size=2")["files"]
    assert [bool(file["url"]) for file in files] == [True, True]
    reply = filled.api.get(f"{filled.path}/part-digests?key=data%2F00.bin")
    assert (reply.status, reply.json["parts"]) == (200, [])


def _not_to_be_asked(*_: Any, **__: Any) -> None:
    raise AssertionError("all files were read")
