# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What fails for a moment is fetched again; wrong bytes never get the right name."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from invenio_multipart.client import part_file as part_file_module
from invenio_multipart.client.download import Downloader
from invenio_multipart.client.errors import (
    DiskError,
    NetworkError,
    PartialDownloadError,
    RefusedError,
)
from invenio_multipart.client.many import Notice

from .content_server import RECORD, ContentServer, Trouble
from .test_download import (
    FOREVER,
    KIB,
    PIECE,
    QUICK,
    _small_ranges,  # noqa: F401 - a fixture
    content,
    downloader,  # noqa: F401 - a fixture
    files_in,
    leave_part,
    status,
    store,  # noqa: F401 - a fixture
)

# Fixtures of the other module have the names of arguments here.
# ruff: noqa: F811


@pytest.mark.parametrize(
    ("troubles", "twice"),
    [
        pytest.param([Trouble("reset", after=1000)], 1000, id="reset"),
        pytest.param([Trouble("cut", after=1000)], 1000, id="truncated"),
        pytest.param([Trouble("cut", after=100)] * 6, 600, id="many-times"),
        pytest.param([Trouble("reset")] * 3, 0, id="no-answer"),
        pytest.param([status(500), status(503), status(429)], 0, id="statuses"),
        pytest.param([status(503, **{"Retry-After": "0"})], 0, id="retry-after"),
        pytest.param([status(403)], 0, id="link-refused"),
        pytest.param([status(400)], 0, id="link-refused-otherwise"),
    ],
)
@pytest.mark.parametrize("size", [PIECE - 1, 10 * PIECE], ids=["small", "large"])
def test_passing_trouble(
    store: ContentServer,
    downloader: Downloader,
    tmp_path: Path,
    troubles: list[Trouble],
    twice: int,
    size: int,
) -> None:
    """After trouble the file is whole, and what has come is not asked for again."""
    data = content(size)
    store.put("a.bin", data)
    store.fail("a.bin", *troubles)

    summary = downloader.download(RECORD, tmp_path)

    assert files_in(tmp_path) == {"a.bin": data}
    assert not store.troubles["a.bin"]
    # What a reset took from the line's buffers was sent, but never came.
    assert size <= summary.bytes_received <= store.sent("a.bin") <= size + twice


def test_truncated_file_of_unknown_size(
    store: ContentServer, downloader: Downloader, tmp_path: Path
) -> None:
    """Where only the answer says how long the file is, its word is kept to."""
    data = content(3 * PIECE)
    store.put("a.bin", data, size=None, checksum=None)
    store.fail("a.bin", Trouble("cut", after=PIECE))

    downloader.download(RECORD, tmp_path)

    assert files_in(tmp_path) == {"a.bin": data}


@pytest.mark.parametrize("redirects", [True, False], ids=["s3", "local"])
def test_no_ranges_and_a_reset(
    store: ContentServer, downloader: Downloader, tmp_path: Path, redirects: bool
) -> None:
    """A server that knows no ranges sends the file again, from its start."""
    data = content(10 * PIECE)
    store.put("a.bin", data)
    store.ranges, store.redirects = False, redirects
    store.fail("a.bin", Trouble("cut", after=5 * PIECE), status(503))

    downloader.download(RECORD, tmp_path)

    assert files_in(tmp_path) == {"a.bin": data}


def test_links_expire_and_are_asked_for_anew(
    store: ContentServer, downloader: Downloader, tmp_path: Path
) -> None:
    """A link that is refused is replaced by a fresh one, once for all threads."""
    data = content(20 * PIECE)
    store.put("a.bin", data)
    store.link_uses = 4

    downloader.download(RECORD, tmp_path)

    assert files_in(tmp_path) == {"a.bin": data}
    assert store.sent("a.bin") == len(data)
    # Twenty ranges, four a link: five links, where each thread asked once.
    assert len(store.requests("api", "a.bin")) <= 7


@pytest.mark.parametrize("place", ["list", "link"])
def test_passing_trouble_of_the_server(
    store: ContentServer, downloader: Downloader, tmp_path: Path, place: str
) -> None:
    """The server's own trouble passes as well."""
    store.put("a.bin", content(PIECE))
    store.fail(place, status(502), status(503), status(429))

    downloader.download(RECORD, tmp_path)

    assert files_in(tmp_path) == store.contents


def test_retry_after_is_honoured(
    store: ContentServer, downloader: Downloader, tmp_path: Path
) -> None:
    """The storage is not asked again before the time it named."""
    store.put("a.bin", content(10))
    store.fail("a.bin", status(503, **{"Retry-After": "1"}))
    notices: list[Notice] = []

    summary = downloader.download(RECORD, tmp_path, on_notice=notices.append)

    assert summary.seconds >= 1
    assert [notice.code for notice in notices] == ["retrying"]


@pytest.mark.parametrize("size", [100, 10 * PIECE], ids=["small", "large"])
@pytest.mark.parametrize("at", [0, 99])
def test_wrong_bytes_once(
    store: ContentServer, downloader: Downloader, tmp_path: Path, size: int, at: int
) -> None:
    """A file that arrives damaged is fetched once more."""
    data = content(size)
    store.put("a.bin", data)
    store.fail("a.bin", Trouble("damage", after=at))
    notices: list[Notice] = []

    downloader.download(RECORD, tmp_path, on_notice=notices.append)

    assert files_in(tmp_path) == {"a.bin": data}
    assert [notice.code for notice in notices] == ["damaged"]


@pytest.mark.parametrize("size", [100, 10 * PIECE], ids=["small", "large"])
def test_wrong_bytes_always(
    store: ContentServer, downloader: Downloader, tmp_path: Path, size: int
) -> None:
    """A file that arrives damaged twice fails by name; the others are there."""
    store.put("a.bin", content(size))
    store.put("b.bin", content(PIECE))
    store.always["a.bin"] = Trouble("damage")

    with pytest.raises(PartialDownloadError, match=r"1 of 2.*a\.bin") as caught:
        downloader.download(RECORD, tmp_path)

    (failed,) = caught.value.results
    assert (failed.key, failed.outcome, failed.code) == ("a.bin", "failed", "integrity")
    assert caught.value.summary.received == 1
    assert files_in(tmp_path) == {"b.bin": store.contents["b.bin"]}


@pytest.mark.parametrize("ranges", [True, False], ids=["ranges", "whole"])
@pytest.mark.parametrize("missing", [1, 7 * PIECE, 10 * PIECE - 1])
@pytest.mark.parametrize("have", [0, 5 * PIECE])
def test_file_shorter_than_its_entry(
    store: ContentServer,
    downloader: Downloader,
    tmp_path: Path,
    missing: int,
    ranges: bool,
    have: int,
) -> None:
    """A file that ends too early fails by name, also where a 416 says so."""
    data = content(10 * PIECE)
    store.put("a.bin", data)
    store.contents["a.bin"] = data[:-missing]
    store.ranges = ranges
    if have:
        leave_part(store, tmp_path, "a.bin", data[:have])

    with pytest.raises(PartialDownloadError) as caught:
        downloader.download(RECORD, tmp_path)

    assert caught.value.results[0].code == "integrity"
    assert files_in(tmp_path) == {}


def test_server_that_stops_sending_ranges(
    store: ContentServer, downloader: Downloader, tmp_path: Path
) -> None:
    """Where ranges end in the middle of a file, it is fetched as a whole."""
    store.put("a.bin", content(30 * PIECE))

    def stop_ranges() -> None:
        store.ranges = False

    store.on_sent = stop_ranges

    downloader.download(RECORD, tmp_path)

    assert files_in(tmp_path) == store.contents


@pytest.mark.parametrize("code", [401, 403, 404, 410])
def test_file_that_is_refused(
    store: ContentServer, downloader: Downloader, tmp_path: Path, code: int
) -> None:
    """A refusal is believed after a few fresh links, and costs only that file."""
    store.put("a.bin", content(10 * PIECE))
    store.put("b.bin", content(10))
    store.always["a.bin"] = status(code)

    with pytest.raises(PartialDownloadError) as caught:
        downloader.download(RECORD, tmp_path)

    assert caught.value.results[0].code == "refused"
    assert set(files_in(tmp_path)) >= {"b.bin"}
    assert len(store.requests("storage", "a.bin")) <= 3


def test_attempts_are_bounded(
    store: ContentServer, downloader: Downloader, tmp_path: Path
) -> None:
    """Trouble that does not pass ends in an error, and what has come is kept."""
    data = content(10 * PIECE)
    store.put("a.bin", data)
    store.fail("a.bin", Trouble("cut", after=1000), *[status(500)] * FOREVER)

    with pytest.raises(PartialDownloadError) as caught:
        downloader.download(RECORD, tmp_path)

    assert caught.value.results[0].code == "network"
    # Three threads have asked for a range each.
    assert FOREVER - len(store.troubles["a.bin"]) <= 3 * QUICK.attempts
    (part,) = files_in(tmp_path).values()
    assert part == data[:1000]
    store.troubles.clear()
    assert downloader.download(RECORD, tmp_path).bytes_resumed == 1000


def test_storage_that_is_gone_ends_all(
    store: ContentServer, downloader: Downloader, tmp_path: Path
) -> None:
    """When file after file gets no answer the rest is not tried."""
    for number in range(50):
        store.put(f"{number}.bin", b"x")
        store.always[f"{number}.bin"] = status(503)

    with pytest.raises(NetworkError, match="Run again"):
        downloader.download(RECORD, tmp_path)

    assert len(store.requests("storage")) < 10 * QUICK.attempts


@pytest.mark.parametrize("location", ["", "file:///etc/passwd", "/elsewhere"])
def test_odd_redirects(
    store: ContentServer, downloader: Downloader, tmp_path: Path, location: str
) -> None:
    """A redirect to nowhere, or to no web address, fails the file."""
    store.put("a.bin", b"x")
    store.always["link"] = status(302, Location=location)

    with pytest.raises(PartialDownloadError):
        downloader.download(RECORD, tmp_path)

    assert files_in(tmp_path) == {}


@pytest.mark.parametrize("folder", ["", "new/folder/"])
def test_a_name_that_is_too_long(
    store: ContentServer, downloader: Downloader, tmp_path: Path, folder: str
) -> None:
    """Is said before a byte of the file is asked for."""
    store.put(f"{folder}{'n' * 300}", b"x")
    store.put(f"{folder}a.bin", b"x")

    with pytest.raises(PartialDownloadError) as caught:
        downloader.download(RECORD, tmp_path)

    (failed,) = caught.value.results
    assert failed.code == "name_too_long"
    assert files_in(tmp_path) == {f"{folder}a.bin": b"x"}
    assert len(store.requests("storage")) == 1


def test_endless_redirects(
    store: ContentServer, downloader: Downloader, tmp_path: Path
) -> None:
    """Redirects in a circle are not followed for ever."""
    store.put("a.bin", b"x")
    store.always["link"] = status(
        302, Location=f"/api/records/{RECORD}/files/a.bin/content"
    )

    with pytest.raises(PartialDownloadError, match="more than"):
        downloader.download(RECORD, tmp_path)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
@pytest.mark.parametrize("size", [100, 10 * PIECE], ids=["small", "large"])
def test_disk_that_is_full(
    store: ContentServer,
    downloader: Downloader,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    code: int,
    size: int,
) -> None:
    """A full or broken disk ends all with a clear error; a later run goes on."""
    data = content(size)
    store.put("a.bin", data)
    for number in range(20):
        store.put(f"{number}.bin", b"x")
    write, room, alone = os.write, [size // 2], threading.Lock()

    def limited(descriptor: int, view: memoryview) -> int:
        with alone:
            if not room[0]:
                raise OSError(code, os.strerror(code))
            count = write(descriptor, view[: room[0]])
            room[0] -= count
            return count

    with monkeypatch.context() as patch:
        patch.setattr(part_file_module.os, "write", limited)
        with pytest.raises(DiskError, match=r"Cannot write .*: .*run again"):
            downloader.download(RECORD, tmp_path)

    assert not any(threads_left())
    summary = downloader.download(RECORD, tmp_path)
    assert files_in(tmp_path) == store.contents
    assert summary.bytes_received <= sum(map(len, store.contents.values()))


def test_disk_that_takes_nothing(
    store: ContentServer,
    downloader: Downloader,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A disk that takes no byte and names no reason is full, not tried for ever."""
    store.put("a.bin", b"x")
    monkeypatch.setattr(part_file_module.os, "write", lambda *_: 0)
    with pytest.raises(DiskError, match="No space left"):
        downloader.download(RECORD, tmp_path)


def threads_left() -> list[str]:
    """Threads of a download that are still there."""
    names = [thread.name for thread in threading.enumerate()]
    return [name for name in names if "_work" in name or "ThreadPool" in name]


def test_small_disk_is_said_before(
    store: ContentServer,
    downloader: Downloader,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Who asks for more than there is room for hears it at the start."""
    store.put("a.bin", content(PIECE))
    usage = (0, 0, 10)
    monkeypatch.setattr(
        "invenio_multipart.client.download_run.shutil.disk_usage",
        lambda _: type("Usage", (), {"free": usage[2]}),
    )
    notices: list[Notice] = []

    downloader.download(RECORD, tmp_path, on_notice=notices.append)

    assert [notice.code for notice in notices] == ["disk_space"]


def test_two_at_once(
    store: ContentServer, downloader: Downloader, tmp_path: Path
) -> None:
    """A file that another run is writing is left to it, and named."""
    fcntl = pytest.importorskip("fcntl")
    store.put("a.bin", content(PIECE))
    path = leave_part(store, tmp_path, "a.bin", b"")
    with path.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(PartialDownloadError) as caught:
            downloader.download(RECORD, tmp_path)

    assert caught.value.results[0].code == "busy"
    downloader.download(RECORD, tmp_path)
    assert files_in(tmp_path) == store.contents


def test_error_of_a_callback(
    store: ContentServer, downloader: Downloader, tmp_path: Path
) -> None:
    """Who breaks in a callback gets the own error back, and no hanging threads."""
    store.put("a.bin", content(10 * PIECE))

    def broken(_: object) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        downloader.download(RECORD, tmp_path, on_file=broken)

    assert not any(threads_left())


CHILD = """
import sys
from invenio_multipart.client.download import Downloader
Downloader(sys.argv[1], jobs=4, memory_bytes=16 * 2**20).download(*sys.argv[2:])
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=["kill", "int"])
def test_interrupted_and_run_again(
    store: ContentServer, tmp_path: Path, number: signal.Signals
) -> None:
    """After kill -9 or Ctrl-C the same command asks only for what is missing."""
    data = content(64 * 2**20)
    store.put("a.bin", data)
    store.put("b.bin", content(100 * KIB))
    # The seventh range never ends: at most memory's worth is written beyond it.
    store.fail("a.bin", *[Trouble("none")] * 4, Trouble("wait", after=1000))
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, store.base_url, RECORD, str(tmp_path)],
        stderr=subprocess.DEVNULL,
    )
    store.waiting.acquire(timeout=30)
    wait_until_still(tmp_path)
    child.send_signal(number)
    child.wait(30)
    (name,) = [path for path in files_in(tmp_path) if path.endswith(".part")]
    have = (tmp_path / name).stat().st_size
    sent = store.sent("a.bin")
    assert 0 < have < len(data)
    assert (tmp_path / name).read_bytes() == data[:have]

    summary = Downloader(store.base_url).download(RECORD, tmp_path)

    assert files_in(tmp_path) == store.contents
    assert store.sent("a.bin") - sent == len(data) - have
    assert summary.bytes_resumed >= have
    assert sent - have <= 16 * 2**20 + 8 * 2**20


def wait_until_still(folder: Path) -> None:
    """Until nothing is written any more."""
    before = -1
    while (now := sum(map(len, files_in(folder).values()))) != before:
        before = now
        time.sleep(0.3)


def test_refusal_of_a_fresh_link(
    store: ContentServer, downloader: Downloader, tmp_path: Path
) -> None:
    """A server that refuses a single file is quoted."""
    store.put("a.bin", b"x")
    store.always["link"] = status(403)

    with pytest.raises(RefusedError, match="No: 403"):
        downloader.download_file(RECORD, "a.bin", tmp_path)
