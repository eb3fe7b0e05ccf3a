# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What was downloaded is proved by reading it back, part by part."""

from __future__ import annotations

import errno
import hashlib
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from invenio_multipart.client import read_back as read_back_module
from invenio_multipart.client.download import Downloader
from invenio_multipart.client.downloads import DownloadResult
from invenio_multipart.client.errors import (
    DiskError,
    PartialDownloadError,
    TargetError,
)
from invenio_multipart.client.many import Notice
from invenio_multipart.client.part_file import PartFile
from invenio_multipart.client.read_back import ReadBack, Span, read_back
from invenio_multipart.core import fast_digests

from .conftest import QUICK
from .content_server import RECORD, TOKEN, ContentServer, Trouble
from .test_download import PIECE, _small_ranges, content, leave_part  # noqa: F401

PARTS = 20
SIZE = (PARTS - 1) * PIECE + 123
DATA = content(SIZE)


@pytest.fixture
def store() -> Iterator[ContentServer]:
    """A server that tells the digests of the parts of its one file."""
    world = ContentServer()
    world.put_in_parts("a.h5", DATA, PIECE)
    yield world
    world.stop()


class Run:
    """A download and what was said of it."""

    def __init__(self, store: ContentServer, to: Path) -> None:
        self.notices: list[Notice] = []
        self.results: list[DownloadResult] = []
        self.error: Exception | None = None
        downloader = Downloader(
            store.base_url, TOKEN, jobs=3, policy=QUICK, memory_bytes=6 * PIECE
        )
        try:
            self.summary = downloader.download(
                RECORD,
                to,
                on_notice=self.notices.append,
                on_file=self.results.append,
            )
        except PartialDownloadError as error:
            self.error = error

    @property
    def damaged(self) -> int:
        """Notices of damage."""
        return sum(notice.code == "damaged" for notice in self.notices)


def paths(store: ContentServer) -> list[str]:
    """What was asked of the API, without queries."""
    seen = (seen.path.partition(f"{RECORD}/")[2] for seen in store.requests("api"))
    return [path.partition("?")[0] for path in seen]


def test_a_file_in_parts(store: ContentServer, tmp_path: Path) -> None:
    """Its digests are one request, and nothing comes twice."""
    run = Run(store, tmp_path)

    assert (tmp_path / "a.h5").read_bytes() == DATA
    assert store.sent("a.h5") == SIZE
    assert paths(store).count("part-digests") == 1
    (result,) = run.results
    assert result.verified and result.checksum == store.entries["a.h5"]["checksum"]


def test_one_damaged_part_comes_again(store: ContentServer, tmp_path: Path) -> None:
    """And no other byte of the file."""
    store.fail("a.h5", Trouble("none"), Trouble("damage", after=77))

    run = Run(store, tmp_path)

    assert (tmp_path / "a.h5").read_bytes() == DATA
    assert store.sent("a.h5") == SIZE + PIECE
    assert (run.damaged, run.results[0].outcome) == (1, "received")
    assert run.summary.bytes_received == SIZE + PIECE


def test_a_part_of_many_ranges_comes_again(
    store: ContentServer, tmp_path: Path
) -> None:
    """Range by range."""
    data = content(32 * 3 * PIECE + 5)
    store.put_in_parts("a.h5", data, 3 * PIECE)
    store.fail("a.h5", *[Trouble("none")] * 4, Trouble("damage", after=77))

    run = Run(store, tmp_path)

    assert (tmp_path / "a.h5").read_bytes() == data
    assert store.sent("a.h5") == len(data) + 3 * PIECE
    assert run.damaged == 1


def test_damage_that_an_earlier_run_has_left(
    store: ContentServer, tmp_path: Path
) -> None:
    """A crash lost some of what was written: that part comes again, and the rest."""
    have = 12 * PIECE + 100
    lost = DATA[: 3 * PIECE] + bytes(PIECE) + DATA[4 * PIECE : have]
    leave_part(store, tmp_path, "a.h5", lost)

    run = Run(store, tmp_path)

    assert (tmp_path / "a.h5").read_bytes() == DATA
    assert store.sent("a.h5") == SIZE - have + PIECE
    assert run.summary.bytes_resumed == have


def test_damage_in_a_file_that_is_all_here(
    store: ContentServer, tmp_path: Path
) -> None:
    """Only that part is asked for."""
    leave_part(store, tmp_path, "a.h5", DATA[:-1] + b"?")
    Run(store, tmp_path)
    assert (tmp_path / "a.h5").read_bytes() == DATA
    assert store.sent("a.h5") == 123


def test_a_wrong_digest_of_a_part(store: ContentServer, tmp_path: Path) -> None:
    """Costs time; in the end the digest of the whole file decides."""
    store.parts["a.h5"][5]["checksum"] = "md5:" + "0" * 32

    run = Run(store, tmp_path)

    assert (tmp_path / "a.h5").read_bytes() == DATA
    assert store.sent("a.h5") == SIZE + PIECE + SIZE
    assert (run.damaged, run.results[0].verified) == (2, True)


def test_bytes_that_are_always_damaged(store: ContentServer, tmp_path: Path) -> None:
    """End as a clear error, and leave no file."""
    store.always["a.h5"] = Trouble("damage")

    run = Run(store, tmp_path)

    assert run.error is not None and "a.h5 arrived with md5:" in str(run.error)
    assert not any(path.is_file() for path in tmp_path.iterdir())


def test_another_file_by_now(store: ContentServer, tmp_path: Path) -> None:
    """When all parts are wrong, none is fetched by itself."""
    other = content(SIZE, seed=9)
    store.contents["a.h5"] = other

    def renew() -> None:
        store.put_in_parts("a.h5", other, PIECE)

    store.on_sent = renew
    run = Run(store, tmp_path)

    assert (tmp_path / "a.h5").read_bytes() == other
    assert store.sent("a.h5") == 2 * SIZE
    assert [notice.code for notice in run.notices] == ["changed"]


@pytest.mark.parametrize("wrong", ["too few", "no digest", "sha256", "refused"])
def test_parts_that_prove_nothing(
    store: ContentServer, tmp_path: Path, wrong: str
) -> None:
    """The digest of the whole file does."""
    if wrong == "too few":
        store.parts["a.h5"].pop()
    elif wrong == "no digest":
        store.parts["a.h5"][3]["checksum"] = None
    elif wrong == "sha256":
        store.parts["a.h5"][3]["checksum"] = "sha256:" + "0" * 64
    else:
        store.fail("parts", Trouble("status", 403))
    store.fail("a.h5", Trouble("none"), Trouble("damage", after=77))

    run = Run(store, tmp_path)

    assert (tmp_path / "a.h5").read_bytes() == DATA
    assert store.sent("a.h5") == 2 * SIZE
    assert run.damaged == 1


def test_a_server_that_tells_no_parts(store: ContentServer, tmp_path: Path) -> None:
    """Is not asked about each file: once, or by all threads that begin at once."""
    store.parts.clear()
    for number in range(9):
        store.put(f"{number}.h5", content(20 * PIECE, number))
    Run(store, tmp_path)
    assert 1 <= paths(store).count("part-digests") <= 3


def test_few_parts_are_proved_in_order(store: ContentServer, tmp_path: Path) -> None:
    """Nothing could be read back before all of it is here."""
    store.put_in_parts("a.h5", DATA, 2 * PIECE)
    leave_part(store, tmp_path, "a.h5", b"?" + DATA[1 : 4 * PIECE])
    Run(store, tmp_path)
    assert (tmp_path / "a.h5").read_bytes() == DATA
    assert store.sent("a.h5") == SIZE - 4 * PIECE + SIZE


@pytest.mark.parametrize("part_size", [2**20, 2**29, 2**30, 2**35])
def test_what_waits_to_be_read_back_is_bounded(part_size: int) -> None:
    """Sixteen parts, or fewer that the system should still have in memory."""
    spans = [Span(n * part_size, part_size, "") for n in range(32)]
    proof = ReadBack("md5:0", spans)
    most = waiting = 0
    for number in range(1, 33):
        waiting += 1
        waiting -= len(proof.due(number * part_size))
        most = max(most, waiting)
    assert most == {2**20: 15, 2**29: 1, 2**30: 0, 2**35: 0}[part_size]
    assert proof.due(32 * part_size, end=True) == []


@pytest.mark.parametrize("native", [True, False])
@pytest.mark.parametrize("seed", range(5))
def test_places_of_any_sizes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, native: bool, seed: int
) -> None:
    """Places end at different times, and the next ones take their turn."""
    if not native:
        monkeypatch.setattr(fast_digests, "_fast_digests", None)
    monkeypatch.setattr(read_back_module, "READ_BYTES", 1024)
    monkeypatch.setattr(read_back_module, "NATIVE_BYTES", 1024)
    rng = random.Random(seed)
    places, expected = [], []
    for number in range(rng.randrange(1, 30)):
        data = rng.randbytes(rng.choice([0, 1, 64, 1000, 1024, 5000]))
        part = PartFile(tmp_path / str(number), f"{number}.part")
        part.write(memoryview(data))
        start = rng.randrange(len(data) + 1)
        places.append((part, Span(start, len(data) - start, "")))
        expected.append(hashlib.md5(data[start:]).hexdigest())
    assert read_back(places, lambda: None) == expected
    for part, _ in places:
        part.close()


@pytest.mark.parametrize("native", [True, False])
def test_a_place_that_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, native: bool
) -> None:
    """Is told, and the others are read."""
    if not native:
        monkeypatch.setattr(fast_digests, "_fast_digests", None)
    parts = [PartFile(tmp_path / name, f"{name}.part") for name in "abc"]
    for part in parts:
        part.write(memoryview(b"data"))
    # Neither this descriptor can be read from, nor what has the name by now.
    blind = os.open(tmp_path / "b.part", os.O_WRONLY)
    os.dup2(blind, parts[1].descriptor)
    os.close(blind)
    (tmp_path / "b.part").unlink()
    (tmp_path / "b.part").mkdir()
    good, wrong, other = read_back(
        [(part, Span(0, 4, "")) for part in parts], lambda: None
    )
    assert good == other == hashlib.md5(b"data").hexdigest()
    assert isinstance(wrong, TargetError) and "Cannot read" in wrong.message
    for part in parts:
        part.close()


@pytest.mark.parametrize("native", [True, False])
def test_a_disk_that_breaks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, native: bool
) -> None:
    """Nothing more is read."""
    part = PartFile(tmp_path / "a", "a.part")
    part.write(memoryview(b"data"))

    def broken(*_: object) -> list[int]:
        raise part.unreadable(errno.EIO)

    if native:
        monkeypatch.setattr(read_back_module, "read_together", lambda *_: [-errno.EIO])
    else:
        monkeypatch.setattr(fast_digests, "_fast_digests", None)
        monkeypatch.setattr(part, "read_at", broken)
    with pytest.raises(DiskError, match="Cannot read"):
        read_back([(part, Span(0, 4, ""))], lambda: None)
    part.close()


def test_a_file_that_somebody_made_shorter(tmp_path: Path) -> None:
    """Has another digest, as far as it goes."""
    part = PartFile(tmp_path / "a", "a.part")
    part.write(memoryview(b"0123456789"))
    (tmp_path / "a.part").write_bytes(b"0123")
    (found,) = read_back([(part, Span(0, 10, ""))], lambda: None)
    assert found == hashlib.md5(b"0123").hexdigest()
    part.close()


def test_a_full_disk_while_a_part_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Is an error of the target, as for any other byte."""
    part = PartFile(tmp_path / "a", "a.part")
    part.write(memoryview(b"0123456789"))

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("invenio_multipart.client.part_file.os.write", full)
        with pytest.raises(TargetError, match="No space"):
            part.replace(3, memoryview(b"abc"))
    part.replace(3, memoryview(b"abc"))
    part.write(memoryview(b"!"))
    part.close()
    assert (tmp_path / "a.part").read_bytes() == b"012abc6789!"
