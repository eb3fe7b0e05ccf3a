# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Files come down whole and verified, or from where an earlier run ended."""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from invenio_multipart.client import RetryPolicy
from invenio_multipart.client import download_run as download_run_module
from invenio_multipart.client.board import Board
from invenio_multipart.client.download import Downloader
from invenio_multipart.client.downloads import DownloadProgress, DownloadResult
from invenio_multipart.client.errors import (
    NetworkError,
    PartialDownloadError,
    ProtocolError,
    RefusedError,
    TargetError,
    UsageError,
)
from invenio_multipart.client.many import Notice
from invenio_multipart.client.part_file import part_name

from .conftest import QUICK
from .content_server import RECORD, TOKEN, ContentServer, Trouble, repr_digest

KIB = 1024
PIECE = 64 * KIB
FOREVER = 50


def status(number: int, **headers: str) -> Trouble:
    """An answer with this status."""
    return Trouble("status", number, headers=headers)


def content(size: int, seed: int = 1) -> bytes:
    """Bytes that do not repeat."""
    return random.Random(seed).randbytes(size)


def files_in(folder: Path) -> dict[str, bytes]:
    """All files below a folder, whatever they are called."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def store() -> Iterator[ContentServer]:
    """An API and a storage server of its own for each test."""
    world = ContentServer()
    yield world
    world.stop()


@pytest.fixture(autouse=True)
def _small_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many ranges shall not be many bytes."""
    monkeypatch.setattr(download_run_module, "PIECE_BYTES", PIECE)
    monkeypatch.setattr(
        download_run_module,
        "Board",
        lambda stop, buffers, conclude: Board(stop, buffers, conclude, PIECE),
    )


@pytest.fixture
def downloader(store: ContentServer) -> Downloader:
    """One that does not wait long before it tries again."""
    return Downloader(store.base_url, jobs=3, policy=QUICK, memory_bytes=6 * PIECE)


def leave_part(store: ContentServer, folder: Path, key: str, data: bytes) -> Path:
    """An unfinished file of an earlier run."""
    entry = store.entries[key]
    path = folder / part_name(key, entry["size"], entry["checksum"])
    folder.mkdir(exist_ok=True)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("redirects", [True, False], ids=["s3", "local"])
@pytest.mark.parametrize("ranges", [True, False], ids=["ranges", "whole"])
def test_whole_record(
    store: ContentServer,
    downloader: Downloader,
    tmp_path: Path,
    redirects: bool,
    ranges: bool,
) -> None:
    """Every file of a record arrives under its name, in its folder, bit for bit."""
    store.redirects, store.ranges = redirects, ranges
    sizes = [0, 1, PIECE - 1, PIECE, PIECE + 1, 20 * PIECE, 19 * PIECE + 777]
    for number, size in enumerate(sizes):
        store.put(f"raw/day {number}/ä&%.bin", content(size, number))
    store.put("readme.txt", b"Read me.")
    results: list[DownloadResult] = []

    summary = downloader.download(RECORD, tmp_path / "new", on_file=results.append)

    assert files_in(tmp_path / "new") == store.contents
    assert (summary.files, summary.received, summary.kept) == (8, 8, 0)
    assert summary.bytes_received == summary.size_bytes == sum(sizes) + 8
    assert summary.api_requests == len(store.requests("api"))
    assert summary.storage_requests == len(store.requests("storage"))
    assert bool(summary.storage_requests) == redirects
    assert {result.key for result in results} == set(store.contents)
    for result in results:
        md5 = hashlib.md5(store.contents[result.key]).hexdigest()
        assert result.outcome == "received" and result.verified
        assert result.checksum == f"md5:{md5}"
        assert result.path and Path(result.path).read_bytes() is not None


def test_large_file_is_fetched_in_parallel_ranges(
    store: ContentServer, downloader: Downloader, tmp_path: Path
) -> None:
    """Each range is asked for once, and the place of the bytes only once."""
    store.put("a.h5", content(10 * PIECE + 5))

    downloader.download(RECORD, tmp_path)

    ranges = [seen.range for seen in store.requests("storage", "a.h5")]
    firsts = sorted(int(re.findall(r"\d+", text or "")[0]) for text in ranges)
    assert firsts == [number * PIECE for number in range(11)]
    assert len(store.requests("api", "a.h5")) == 1


def test_token_stays_with_the_server(store: ContentServer, tmp_path: Path) -> None:
    """The storage never sees the token; the server always does."""
    store.public = False
    store.put("a.h5", content(3 * PIECE))

    Downloader(store.base_url, TOKEN).download(RECORD, tmp_path)

    told = {seen.authorization for seen in store.requests("api")}
    assert told == {f"Bearer {TOKEN}"}
    assert {seen.authorization for seen in store.requests("storage")} == {None}


def written(path: Path) -> tuple[int, int, int]:
    """Changes with whatever is done to a file, but not when it is read."""
    found = path.stat()
    return found.st_ino, found.st_mtime_ns, found.st_ctime_ns


def test_files_that_are_here_are_kept(
    store: ContentServer, downloader: Downloader, tmp_path: Path
) -> None:
    """Right bytes are not asked for again, and are not touched."""
    store.put("a/b.bin", content(3 * PIECE))
    store.put("c.bin", content(10))
    downloader.download(RECORD, tmp_path)
    before = written(tmp_path / "a/b.bin")
    asked = len(store.seen)

    summary = downloader.download(RECORD, tmp_path)

    assert (summary.kept, summary.received, summary.bytes_received) == (2, 0, 0)
    assert len(store.seen) == asked + 2
    assert written(tmp_path / "a/b.bin") == before


@pytest.mark.parametrize(
    "present", [b"1234567890", b"123"], ids=["same-size", "other-size"]
)
def test_other_bytes_are_not_overwritten(
    store: ContentServer, downloader: Downloader, tmp_path: Path, present: bytes
) -> None:
    """A file that is in the way stays, until one asks to overwrite it."""
    store.put("a.bin", b"abcdefghij")
    store.put("b.bin", content(PIECE))
    (tmp_path / "a.bin").write_bytes(present)

    with pytest.raises(PartialDownloadError) as caught:
        downloader.download(RECORD, tmp_path)

    (failed,) = caught.value.results
    assert (failed.key, failed.code) == ("a.bin", "exists")
    assert files_in(tmp_path) == {"a.bin": present, "b.bin": store.contents["b.bin"]}
    downloader.download(RECORD, tmp_path, overwrite=True)
    assert files_in(tmp_path) == store.contents


@pytest.mark.parametrize("ranges", [True, False], ids=["ranges", "whole"])
@pytest.mark.parametrize("have", [1, PIECE, 9 * PIECE + 3, 10 * PIECE - 5])
def test_resume(
    store: ContentServer,
    downloader: Downloader,
    tmp_path: Path,
    have: int,
    ranges: bool,
) -> None:
    """What an earlier run has written is not asked for again, where ranges work."""
    data = content(10 * PIECE - 5)
    store.put("a.bin", data)
    store.ranges = ranges
    leave_part(store, tmp_path, "a.bin", data[:have])

    summary = downloader.download(RECORD, tmp_path)

    assert files_in(tmp_path) == {"a.bin": data}
    if ranges or have == len(data):
        assert store.sent("a.bin") == summary.bytes_received == len(data) - have
        assert summary.bytes_resumed == have


def test_wrong_bytes_of_an_earlier_run(
    store: ContentServer, downloader: Downloader, tmp_path: Path
) -> None:
    """Where the beginning turns out to be wrong, all of the file is fetched anew."""
    data = content(5 * PIECE)
    store.put("a.bin", data)
    leave_part(store, tmp_path, "a.bin", b"x" * PIECE)
    notices: list[Notice] = []

    downloader.download(RECORD, tmp_path, on_notice=notices.append)

    assert files_in(tmp_path) == {"a.bin": data}
    assert [notice.code for notice in notices] == ["damaged"]


def test_unfinished_file_of_another_version(
    store: ContentServer, downloader: Downloader, tmp_path: Path
) -> None:
    """Bytes of a file that has changed since are not used, and not left behind."""
    store.put("a.bin", content(5 * PIECE, seed=1))
    leave_part(store, tmp_path, "a.bin", content(5 * PIECE, seed=1)[: 3 * PIECE])
    mine = tmp_path / "a.bin.part"
    mine.write_bytes(b"not ours")
    store.put("a.bin", content(5 * PIECE, seed=2))
    notices: list[Notice] = []

    summary = downloader.download(RECORD, tmp_path, on_notice=notices.append)

    assert files_in(tmp_path) == store.contents | {"a.bin.part": b"not ours"}
    assert summary.bytes_resumed == 0
    assert [notice.code for notice in notices] == ["changed"]


def test_file_that_changes_while_it_is_fetched(
    store: ContentServer, downloader: Downloader, tmp_path: Path
) -> None:
    """Ranges of two files are never put together: the new one is fetched instead."""
    before, after = content(8 * PIECE, seed=1), content(8 * PIECE, seed=2)
    store.put("a.bin", before)
    downloader = Downloader(store.base_url, jobs=1, policy=QUICK)
    notices: list[Notice] = []

    store.on_sent = lambda: store.put("a.bin", after)

    downloader.download(RECORD, tmp_path, on_notice=notices.append)

    assert files_in(tmp_path) == {"a.bin": after}
    assert [notice.code for notice in notices] == ["changed"]


def test_file_without_digest_that_changes(store: ContentServer, tmp_path: Path) -> None:
    """Where no digest can tell, the ETag of each range does."""
    before, after = content(8 * PIECE, seed=1), content(8 * PIECE, seed=2)
    store.put("a.bin", before, checksum=None)
    store.on_sent = lambda: store.put("a.bin", after, checksum=None)

    Downloader(store.base_url, jobs=1, policy=QUICK).download(RECORD, tmp_path)

    assert files_in(tmp_path) == {"a.bin": after}


@pytest.mark.parametrize(
    ("patterns", "keys"),
    [
        pytest.param(["*.csv"], {"a.csv", "raw/b.csv"}, id="ending"),
        pytest.param(["raw"], {"raw/b.csv", "raw/deep/c.h5"}, id="folder"),
        pytest.param(["raw/"], {"raw/b.csv", "raw/deep/c.h5"}, id="folder-slash"),
        pytest.param(["raw/deep/c.h5", "a.*"], {"raw/deep/c.h5", "a.csv"}, id="two"),
    ],
)
def test_patterns(
    store: ContentServer,
    downloader: Downloader,
    tmp_path: Path,
    patterns: list[str],
    keys: set[str],
) -> None:
    """Only files that fit one of the patterns are fetched."""
    for key in ("a.csv", "raw/b.csv", "raw/deep/c.h5", "raw.txt"):
        store.put(key, key.encode())

    downloader.download(RECORD, tmp_path, files=patterns)

    assert set(files_in(tmp_path)) == keys


def test_pattern_that_nothing_fits(
    store: ContentServer, downloader: Downloader, tmp_path: Path
) -> None:
    """A pattern with a slip of the pen is told, not ignored."""
    store.put("a.csv", b"")

    with pytest.raises(UsageError, match=r"\*\.cvs"):
        downloader.download(RECORD, tmp_path, files=["*.cvs"])


def test_dry_run(store: ContentServer, downloader: Downloader, tmp_path: Path) -> None:
    """A dry run says what would come, and neither asks for it nor makes anything."""
    store.put("a/b.bin", content(PIECE))
    store.put("c.bin", b"here")
    (tmp_path / "c.bin").write_bytes(b"here")
    results: list[DownloadResult] = []

    downloader.download(RECORD, tmp_path, dry_run=True, on_file=results.append)

    outcomes = {result.key: result.outcome for result in results}
    assert outcomes == {"a/b.bin": "planned", "c.bin": "kept"}
    assert set(files_in(tmp_path)) == {"c.bin"}
    assert not (tmp_path / "a").exists()
    assert len(store.seen) == 2


def test_pending_files_are_left_out(
    store: ContentServer, downloader: Downloader, tmp_path: Path
) -> None:
    """Files of a draft that are still on their way up are named, not fetched."""
    store.put("a.bin", b"a")
    store.put("b.bin", b"b", status="pending", checksum=None)
    notices: list[Notice] = []

    summary = downloader.download(RECORD, tmp_path, on_notice=notices.append)

    assert (summary.files, set(files_in(tmp_path))) == (1, {"a.bin"})
    assert [notice.code for notice in notices] == ["pending"]


@pytest.mark.parametrize("target", ["new.bin", ".", "sub/"], ids=str)
def test_single_file(
    store: ContentServer, downloader: Downloader, tmp_path: Path, target: str
) -> None:
    """One file goes where it is wanted, or into a folder under its own name."""
    store.put("raw/a.bin", content(3 * PIECE))
    to = f"{tmp_path}/{target}"

    result = downloader.download_file(RECORD, "raw/a.bin", to)

    names = {"new.bin": "new.bin", ".": "a.bin", "sub/": "sub/a.bin"}
    assert files_in(tmp_path) == {names[target]: store.contents["raw/a.bin"]}
    assert result.verified and result.path == str(tmp_path / names[target])


def test_single_file_fails_with_its_own_error(
    store: ContentServer, downloader: Downloader, tmp_path: Path
) -> None:
    """What is wrong with a single file is raised as it is."""
    store.put("a.bin", b"new")
    (tmp_path / "a.bin").write_bytes(b"old")

    with pytest.raises(TargetError, match="is there already"):
        downloader.download_file(RECORD, "a.bin", tmp_path)
    with pytest.raises(RefusedError):
        downloader.download_file(RECORD, "none.bin", tmp_path)


def test_digest_of_the_reply(
    store: ContentServer, downloader: Downloader, tmp_path: Path
) -> None:
    """Where the list has no digest, the one that comes with the bytes is proved."""
    data = content(3 * PIECE)
    store.put("a.bin", data, checksum=None)
    store.repr_digest = repr_digest(data)
    results: list[DownloadResult] = []

    downloader.download(RECORD, tmp_path, on_file=results.append)

    assert results[0].checksum == f"sha256:{hashlib.sha256(data).hexdigest()}"
    assert results[0].verified


def test_digest_of_the_reply_is_compared_with_the_list(
    store: ContentServer, downloader: Downloader, tmp_path: Path
) -> None:
    """A reply about another file than the list's is no reply to take bytes from."""
    store.put("a.bin", b"listed")
    store.repr_digest = "md5=:AAAAAAAAAAAAAAAAAAAAAA==:"

    with pytest.raises(PartialDownloadError) as caught:
        downloader.download(RECORD, tmp_path)

    assert caught.value.results[0].code == "integrity"
    assert files_in(tmp_path) == {}


def test_composite_digest_of_a_stock_server(
    store: ContentServer, downloader: Downloader, tmp_path: Path
) -> None:
    """The composite ETag that a stock InvenioRDM lists is proved, too."""
    data, size = content(5 * PIECE + 9), 2 * PIECE + 7
    inner = [
        hashlib.md5(data[start : start + size]).digest()
        for start in range(0, len(data), size)
    ]
    etag = f"{hashlib.md5(b''.join(inner)).hexdigest()}-{len(inner)}"
    store.put("a.bin", data, checksum=f"multipart:{etag}-{size}")
    store.put("b.bin", data, checksum=f"multipart:{etag[::-1]}-{size}")
    results: dict[str, DownloadResult] = {}

    downloader.download(
        RECORD, tmp_path, on_file=lambda result: results.update({result.key: result})
    )

    assert results["a.bin"].verified
    assert results["a.bin"].checksum == f"multipart:{etag}-{size}"
    assert not results["b.bin"].verified


@pytest.mark.parametrize("size", ["known", None], ids=["size", "no-size"])
@pytest.mark.parametrize("sends_length", [True, False], ids=["length", "no-length"])
def test_file_without_digest(
    store: ContentServer,
    downloader: Downloader,
    tmp_path: Path,
    size: str | None,
    sends_length: bool,
) -> None:
    """Bytes that nothing proves are fetched from the start, and said to be unproved."""
    data = content(3 * PIECE + 1)
    store.put("a.bin", data, checksum=None, **({} if size else {"size": None}))
    store.sends_length = sends_length
    leave_part(store, tmp_path, "a.bin", b"old")
    results: list[DownloadResult] = []
    notices: list[Notice] = []

    downloader.download(
        RECORD, tmp_path, on_file=results.append, on_notice=notices.append
    )

    assert files_in(tmp_path) == {"a.bin": data}
    assert not results[0].verified
    assert results[0].checksum == f"md5:{hashlib.md5(data).hexdigest()}"
    assert [notice.code for notice in notices] == ["unverified"]


def test_progress(store: ContentServer, downloader: Downloader, tmp_path: Path) -> None:
    """Progress begins with nothing, ends with everything, and never exceeds that."""
    store.put("a.bin", content(9 * PIECE))
    store.put("b.bin", content(10))
    (tmp_path / "b.bin").write_bytes(store.contents["b.bin"])
    seen: list[DownloadProgress] = []

    downloader.download(RECORD, tmp_path, progress=seen.append)

    assert [look.phase for look in seen[:2]] == ["listing", "downloading"]
    last = seen[-1]
    assert (last.phase, last.files_done, last.files_kept) == ("completed", 2, 1)
    assert last.done_bytes == last.size_bytes == 9 * PIECE + 10
    assert last.received_bytes == 9 * PIECE
    assert last.active == ()
    assert all(look.done_bytes <= look.size_bytes for look in seen)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        pytest.param({"base_url": "ftp://x"}, UsageError, id="address"),
        pytest.param({"token": "two\nlines"}, UsageError, id="token"),
        pytest.param({"jobs": 0}, UsageError, id="jobs"),
        pytest.param({"bytes_per_second": 0}, UsageError, id="bandwidth"),
    ],
)
def test_wrong_usage(
    tmp_path: Path, options: dict[str, Any], error: type[Exception]
) -> None:
    """What cannot be used is refused before anything is asked for."""
    with pytest.raises(error):
        Downloader(**{"base_url": "http://127.0.0.1:9", **options}).download(
            RECORD, tmp_path
        )


def test_bandwidth(store: ContentServer, tmp_path: Path) -> None:
    """All threads together keep to the bandwidth given."""
    store.put("a.bin", content(4 * PIECE))
    downloader = Downloader(store.base_url, bytes_per_second=8 * PIECE)

    summary = downloader.download(RECORD, tmp_path)

    assert summary.seconds >= 0.3


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        pytest.param(status(404), RefusedError, id="no-record"),
        pytest.param(status(403), RefusedError, id="not-for-us"),
        pytest.param(status(302, Location="http://login"), RefusedError, id="login"),
        pytest.param(status(200), ProtocolError, id="no-list"),
        pytest.param(status(500), NetworkError, id="server-trouble"),
    ],
)
def test_list_that_cannot_be_had(
    store: ContentServer,
    downloader: Downloader,
    tmp_path: Path,
    fault: Trouble,
    error: type[Exception],
) -> None:
    """Without a list there is an error at once, and no folder."""
    store.always["list"] = fault

    with pytest.raises(error):
        downloader.download(RECORD, tmp_path / "new")

    assert not (tmp_path / "new").exists()


def test_server_that_is_away(tmp_path: Path) -> None:
    """Where nobody listens the error names the address and the attempts."""
    downloader = Downloader("http://127.0.0.1:9", policy=RetryPolicy(2, 0.01))

    with pytest.raises(NetworkError, match=r"after 2 attempts.*127\.0\.0\.1:9"):
        downloader.download(RECORD, tmp_path)
