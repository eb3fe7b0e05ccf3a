# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Connections, memory and bandwidth of whole uploads, and of several at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from invenio_multipart.client import Uploader, engine
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
