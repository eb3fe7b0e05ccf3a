# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Which links parts are sent by, and what proves that they have arrived."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from invenio_multipart.client import NetworkError, Uploader
from invenio_multipart.client.engine import AHEAD_PARTS

from .conftest import QUICK
from .wire_server import DRAFT, TOKEN, Fault, WireServer

KIB = 1024
MakeFile = Callable[..., Path]


@pytest.fixture
def giving(server: WireServer) -> WireServer:
    """A server whose entries have the links of their parts."""
    server.links_up_front = True
    return server


def registered(server: WireServer) -> list[int]:
    """Part numbers in the order they were registered."""
    calls = server.requests("api", "POST", "/parts")
    return [item["part"] for call in calls for item in json.loads(call.body)]


def test_parts_do_not_wait_for_their_registration(
    giving: WireServer, uploader: Uploader, make_file: MakeFile
) -> None:
    """Parts go at once; all are registered, together, at the end."""
    path = make_file(40 * 64 * KIB)
    giving.fail("register", Fault("wait"))
    seen: list[int] = []

    def look() -> None:
        giving.waiting.acquire(timeout=10)
        seen.extend(giving.parts_put())
        giving.released.set()

    threading.Thread(target=look).start()
    uploader.upload(DRAFT, path)

    assert giving.files[path.name].content == path.read_bytes()
    assert len(seen) > 20
    assert registered(giving) == list(range(1, 41))
    assert len(giving.requests("api", "POST", "/parts")) == 1
    order = [seen.path.rpartition("/")[2] for seen in giving.requests("api", "POST")]
    assert order == ["files", "parts", "commit"]


def test_nothing_is_committed_that_was_not_registered(
    giving: WireServer, uploader: Uploader, make_file: MakeFile
) -> None:
    """A registration that fails after all parts have gone ends the upload."""
    giving.fail("register", *[Fault("status", 500)] * 20)

    with pytest.raises(NetworkError, match="Gave up"):
        uploader.upload(DRAFT, make_file(10))

    assert giving.parts_put() == [1]
    assert not giving.requests("api", "POST", "/commit")


def test_many_parts_are_registered_on_the_way(
    giving: WireServer, uploader: Uploader, make_file: MakeFile
) -> None:
    """Of a long upload the server knows the digests before its end."""
    giving.part_size = KIB
    uploader.upload(DRAFT, make_file(350 * KIB))

    calls = giving.requests("api", "POST", "/parts")
    assert 2 <= len(calls) <= 5
    assert sorted(registered(giving)) == list(range(1, 351))


def test_reused_parts_need_no_registration(
    giving: WireServer, uploader: Uploader, make_file: MakeFile
) -> None:
    """A run that finds parts there tells only of those it sends."""
    path = make_file(10 * 64 * KIB)
    for number in range(6, 11):
        giving.fail(f"part-{number}", *[Fault("status", 500)] * 9)
    with pytest.raises(Exception, match="Gave up"):
        Uploader(giving.base_url, TOKEN, jobs=1, policy=QUICK).upload(DRAFT, path)
    there = sorted(giving.files[path.name].bytes)
    giving.faults.clear()
    giving.seen.clear()

    summary = uploader.upload(DRAFT, path)

    missing = sorted(set(range(1, 11)) - set(there))
    assert there and missing
    assert sorted(giving.parts_put()) == missing == sorted(registered(giving))
    assert summary.parts_reused == len(there)


@pytest.mark.parametrize("expiration", ["2020-01-01T00:00:00+00:00", "soon"])
def test_links_that_expire_are_not_tried(
    giving: WireServer, uploader: Uploader, make_file: MakeFile, expiration: str
) -> None:
    """A link past its time, or about to be, is replaced before it is refused."""
    if expiration == "soon":
        moment = time.gmtime(time.time() + 5)
        expiration = time.strftime("%Y-%m-%dT%H:%M:%SZ", moment)
    giving.expiration = expiration
    path = make_file(5 * 64 * KIB)

    uploader.upload(DRAFT, path)

    # None of those of the entry: the first five.
    used = [sent.path.rpartition("sig=s")[2] for sent in giving.requests("storage")]
    assert sorted(map(int, used)) == list(range(6, 11))
    assert giving.files[path.name].content == path.read_bytes()


def test_refused_links_are_given_up_together(
    giving: WireServer, make_file: MakeFile
) -> None:
    """After a refusal the links of the same age are not tried one after another."""
    path = make_file(60 * 64 * KIB)
    giving.revoked_links.update(f"s{number}" for number in range(1, 61))
    uploader = Uploader(giving.base_url, TOKEN, jobs=2, policy=QUICK)

    uploader.upload(DRAFT, path)

    assert giving.files[path.name].content == path.read_bytes()
    assert len(giving.parts_put()) < 60 + 12


@pytest.mark.parametrize("etag", ["0" * 32, "opaque-1", ""])
def test_store_whose_etag_is_no_proof(
    giving: WireServer, make_file: MakeFile, etag: str
) -> None:
    """Where ETags are no MD5s the store compares; only the first parts go twice."""
    giving.etag = etag
    path = make_file(40 * 64 * KIB)
    uploader = Uploader(giving.base_url, TOKEN, jobs=2, policy=QUICK)

    uploader.upload(DRAFT, path)

    puts = giving.requests("storage")
    assert len(puts) <= 40 + 2 + AHEAD_PARTS
    assert sum("Content-MD5" in sent.headers for sent in puts) == 40
    assert giving.files[path.name].content == path.read_bytes()


def test_damaged_part_is_noticed_and_sent_again(
    giving: WireServer, uploader: Uploader, make_file: MakeFile
) -> None:
    """A bit that flips on its way does not wait for the server's verdict."""
    giving.fail("part-2", Fault("damage"))
    path = make_file(3 * 64 * KIB)

    uploader.upload(DRAFT, path)

    assert giving.parts_put().count(2) == 2
    assert giving.files[path.name].content == path.read_bytes()


def test_servers_own_disk_compares(
    giving: WireServer, uploader: Uploader, make_file: MakeFile
) -> None:
    """Parts that go to the server itself have their MD5 with them."""
    giving.local_storage = True
    path = make_file(3 * 64 * KIB)

    uploader.upload(DRAFT, path)

    puts = giving.requests("api", "PUT")
    assert len(puts) == 3
    assert all("Content-MD5" in sent.headers for sent in puts)


def test_link_that_expires_in_a_pause_is_not_tried_again(
    server: WireServer, uploader: Uploader, make_file: MakeFile
) -> None:
    """A retry after the link's time begins with a new link."""
    server.expiration = "2020-01-01T00:00:00+00:00"
    server.fail("part-1", Fault("status", 503), Fault("status", 503))
    path = make_file(10)

    uploader.upload(DRAFT, path)

    used = [sent.path.rpartition("sig=")[2] for sent in server.requests("storage")]
    assert used == ["s1", "s2", "s3"]
    assert server.files[path.name].content == path.read_bytes()
