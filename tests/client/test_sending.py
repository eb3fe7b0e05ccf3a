# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Which links parts are sent by, and what all files of an uploader share."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from invenio_multipart.client import NetworkError, Uploader, engine
from invenio_multipart.client.engine import AHEAD_PARTS
from invenio_multipart.client.limits import Memory
from invenio_multipart.client.pipeline import part_size_for
from invenio_multipart.client.retry import StopSignal

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


def test_bandwidth_holds_for_all_files(server: WireServer, make_file: MakeFile) -> None:
    """Two files at once get no more of the line than one."""
    paths = [make_file(100 * KIB, f"{number}.bin") for number in range(2)]
    rate = 200 * KIB
    uploader = Uploader(
        server.base_url, TOKEN, policy=QUICK, bandwidth_bytes_per_second=rate
    )
    begun = time.monotonic()

    with ThreadPoolExecutor(2) as threads:
        for path in paths:
            threads.submit(uploader.upload, DRAFT, path)

    # The first pieces go at once: a tenth of a second's worth for each.
    assert 0.75 <= time.monotonic() - begun < 4
    assert {path.name for path in paths} == server.files.keys()


@pytest.fixture
def peak(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Bytes in buffers at the end, and at most."""
    found = [0, 0]
    lock = threading.Lock()
    taken, given = Memory.take, Memory.give

    def take(memory: Memory, size_bytes: int, stop: StopSignal) -> bytearray:
        buffer = taken(memory, size_bytes, stop)
        with lock:
            found[0] += size_bytes
            found[1] = max(found)
        return buffer

    def give(memory: Memory, buffer: bytearray) -> None:
        with lock:
            found[0] -= len(buffer)
        given(memory, buffer)

    monkeypatch.setattr(Memory, "take", take)
    monkeypatch.setattr(Memory, "give", give)
    return found


def test_memory_is_that_of_the_parts_on_the_line(
    giving: WireServer, make_file: MakeFile, peak: list[int]
) -> None:
    """However long a store keeps us waiting: the parts being sent, and four more."""
    giving.fail("part-1", Fault("wait"))
    giving.fail("part-2", Fault("wait"))
    threading.Timer(0.5, giving.released.set).start()
    uploader = Uploader(giving.base_url, TOKEN, jobs=3, policy=QUICK)

    uploader.upload(DRAFT, make_file(60 * 64 * KIB))

    assert peak == [0, (3 + AHEAD_PARTS) * giving.part_size]


def test_memory_holds_for_all_files(
    giving: WireServer, make_file: MakeFile, peak: list[int]
) -> None:
    """Three files at once keep within one bound, and all come to an end."""
    bound = 4 * giving.part_size
    uploader = Uploader(giving.base_url, TOKEN, policy=QUICK, memory_bytes=bound)
    paths = [make_file(20 * 64 * KIB, f"{number}.bin") for number in range(3)]

    with ThreadPoolExecutor(3) as threads:
        list(threads.map(lambda path: uploader.upload(DRAFT, path), paths))

    assert peak == [0, bound]
    for path in paths:
        assert giving.files[path.name].content == path.read_bytes()


def test_no_more_parts_at_once_than_jobs_over_all_files(
    giving: WireServer, make_file: MakeFile
) -> None:
    """Files at once do not each have a number of connections of their own."""
    for number in range(1, 11):
        giving.fail(f"part-{number}", *[Fault("wait")] * 2)
    uploader = Uploader(giving.base_url, TOKEN, jobs=4, policy=QUICK)
    paths = [make_file(10 * 64 * KIB, f"{number}.bin") for number in range(2)]
    seen: list[int] = []

    def look() -> None:
        for _ in range(4):
            giving.waiting.acquire(timeout=10)
        # Time for one too many.
        time.sleep(0.2)
        seen.extend(giving.parts_put())
        giving.released.set()

    threading.Thread(target=look).start()
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda path: uploader.upload(DRAFT, path), paths))

    assert len(seen) == 4


def test_trouble_leads_to_fewer_connections(
    giving: WireServer, make_file: MakeFile
) -> None:
    """A store that says "slow down" is asked for less at once."""
    giving.fail("part-2", Fault("status", 503, "SlowDown"))
    uploader = Uploader(giving.base_url, TOKEN, policy=QUICK)
    before = uploader.limits.jobs.current

    uploader.upload(DRAFT, make_file(10 * 64 * KIB))

    assert uploader.limits.jobs.current == before // 2


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


@pytest.mark.parametrize(
    ("size_gib", "memory_mib", "part_mib"),
    [
        pytest.param(0, 1024, None, id="empty"),
        pytest.param(4, 1024, None, id="planned-by-the-server"),
        pytest.param(100, 1024, None, id="still-fits"),
        pytest.param(1000, 1024, 128, id="plan-of-512"),
        pytest.param(1000, 256, 103, id="little-memory"),
        pytest.param(20, 64, 16, id="least"),
        pytest.param(5000, 1024, None, id="no-smaller-parts-possible"),
        pytest.param(10**6, 1024, None, id="too-large"),
    ],
)
def test_part_size_fits_into_memory(
    size_gib: int, memory_mib: int, part_mib: int | None
) -> None:
    """Smaller parts are asked for only where the server's would fill the memory."""
    found = part_size_for(size_gib * 2**30, memory_mib * 2**20)

    assert found == (part_mib * 2**20 if part_mib else None)
    if found:
        assert -(-size_gib * 2**30 // found) <= 10_000


def test_own_part_size_is_asked_for(
    giving: WireServer, make_file: MakeFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server cuts the file as the uploader's memory wants it."""
    monkeypatch.setattr(engine, "part_size_for", lambda *_: 32 * KIB)
    uploader = Uploader(giving.base_url, TOKEN, policy=QUICK)
    path = make_file(64 * KIB + 1)

    assert uploader.upload(DRAFT, path).parts == 3
    assert giving.files[path.name].content == path.read_bytes()
