# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""A file goes up, as a whole or from where an earlier run ended."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from invenio_multipart.client import (
    FileChangedError,
    IntegrityError,
    NetworkError,
    RefusedError,
    Uploader,
    UsageError,
)
from invenio_multipart.core import crc, fast_digests
from invenio_multipart.core.crc import RunningCrc, is_computable

from .wire_server import DRAFT, TOKEN, Fault, StoredFile, WireServer

KIB = 1024
needs_crc = pytest.mark.skipif(
    not is_computable(), reason="no module in C, or no instruction for it"
)
MakeFile = Callable[..., Path]


def keep(server: WireServer, path: Path, numbers: list[int]) -> StoredFile:
    """Make the server have these parts of a file, as an earlier run left them."""
    content = path.read_bytes()
    stored = StoredFile(path.name, len(content), server.part_size, state="uploading")
    for number in numbers:
        start = (number - 1) * server.part_size
        data = content[start : start + server.part_size]
        put(stored, number, data)
    server.files[path.name] = stored
    return stored


def put(stored: StoredFile, number: int, data: bytes) -> None:
    """Make the server have ``data`` as one part."""
    md5 = hashlib.md5(data).hexdigest()
    stored.bytes[number] = data
    stored.etags[number] = f'"{md5}"'
    stored.registered[number] = {"size": len(data), "checksum": f"md5:{md5}"}


@pytest.mark.parametrize(
    ("size", "parts"),
    [
        pytest.param(0, 1, id="empty"),
        pytest.param(1, 1, id="one-byte"),
        pytest.param(64 * KIB, 1, id="one-full-part"),
        pytest.param(64 * KIB + 1, 2, id="one-byte-over"),
        pytest.param(20 * 64 * KIB, 20, id="many-full-parts"),
        pytest.param(19 * 64 * KIB + 777, 20, id="short-last-part"),
    ],
)
def test_fresh_upload(
    either_server: WireServer,
    uploader: Uploader,
    make_file: MakeFile,
    size: int,
    parts: int,
) -> None:
    """Every size arrives bit for bit, each part sent once, with true digests."""
    server = either_server
    path = make_file(size)
    content = path.read_bytes()

    summary = uploader.upload(DRAFT, path)

    assert server.files["data.bin"].content == content
    assert sorted(server.parts_put()) == list(range(1, parts + 1))
    assert (summary.parts, summary.parts_sent, summary.parts_reused) == (
        parts,
        parts,
        0,
    )
    assert summary.bytes_sent == size
    assert summary.md5 == hashlib.md5(content).hexdigest()
    assert summary.sha256 == hashlib.sha256(content).hexdigest()
    assert summary.state == "completed"
    assert summary.storage_requests == len(server.requests("storage"))
    assert summary.api_requests == len(server.requests("api"))


def test_the_reply_to_a_new_file_is_short(
    server: WireServer, uploader: Uploader, make_file: Callable[[int], Path]
) -> None:
    """With InvenioRDM's own each upload would cost more, the more files are there."""
    uploader.upload(DRAFT, make_file(KIB))
    (begun,) = server.requests("api", "POST", "/files")
    assert begun.headers["Prefer"] == "return=minimal"


@pytest.mark.parametrize("part_size", [64 * KIB, 64 * KIB + 1, 1000])
@pytest.mark.parametrize("built", ["as-it-is", "without-c"])
def test_digests_are_true_however_they_are_computed(
    either_server: WireServer,
    uploader: Uploader,
    make_file: MakeFile,
    monkeypatch: pytest.MonkeyPatch,
    part_size: int,
    built: str,
) -> None:
    """In one pass or in two, and where parts end within a block of MD5."""
    if built == "without-c":
        monkeypatch.setattr(fast_digests, "_fast_digests", None)
    either_server.part_size = part_size
    path = make_file(300 * KIB + 7)
    content = path.read_bytes()

    summary = uploader.upload(DRAFT, path)

    assert either_server.files["data.bin"].content == content
    assert summary.md5 == hashlib.md5(content).hexdigest()
    assert summary.sha256 == hashlib.sha256(content).hexdigest()
    assert summary.bytes_sent == len(content)


@pytest.mark.parametrize("page_size", [1000, 2], ids=["one-page", "many-pages"])
def test_resume_sends_only_what_is_missing(
    either_server: WireServer, uploader: Uploader, make_file: MakeFile, page_size: int
) -> None:
    """Parts of an earlier run are kept, however many pages list them."""
    server = either_server
    path = make_file(10 * 64 * KIB - 5)
    keep(server, path, [1, 2, 5, 9, 10])
    server.page_size = page_size

    summary = uploader.upload(DRAFT, path)

    assert sorted(server.parts_put()) == [3, 4, 6, 7, 8]
    assert (summary.parts_sent, summary.parts_reused) == (5, 5)
    assert summary.bytes_sent == 5 * 64 * KIB
    assert server.files[path.name].content == path.read_bytes()


def test_resume_with_all_parts_there(
    either_server: WireServer, uploader: Uploader, make_file: MakeFile
) -> None:
    """A run that was cut off before its commit only has to commit."""
    server = either_server
    path = make_file(3 * 64 * KIB)
    keep(server, path, [1, 2, 3])

    summary = uploader.upload(DRAFT, path)

    assert summary.storage_requests == 0
    assert server.files[path.name].content == path.read_bytes()


def test_part_with_other_bytes_is_sent_again(
    either_server: WireServer, uploader: Uploader, make_file: MakeFile
) -> None:
    """A stored part of the same number and size but other bytes is replaced."""
    server = either_server
    path = make_file(4 * 64 * KIB)
    stored = keep(server, path, [1, 2, 3, 4])
    put(stored, 3, bytes(64 * KIB))

    summary = uploader.upload(DRAFT, path)

    assert server.parts_put() == [3]
    assert summary.parts_reused == 3
    assert stored.content == path.read_bytes()


@pytest.mark.parametrize(
    ("etag", "checksum", "sent"),
    [
        pytest.param("good", "good", [], id="both-agree"),
        pytest.param("good", None, [], id="etag-only"),
        pytest.param(None, "good", [], id="checksum-only"),
        pytest.param("bad", "good", [1], id="announced-but-never-sent"),
        pytest.param("good", "bad", [1], id="announced-anew"),
        pytest.param("opaque", None, [1], id="nothing-to-compare"),
    ],
)
def test_what_counts_as_proof_of_a_part(
    either_server: WireServer,
    uploader: Uploader,
    make_file: MakeFile,
    etag: str | None,
    checksum: str | None,
    sent: list[int],
) -> None:
    """A part is reused only when nothing the server says contradicts it."""
    server = either_server
    path = make_file(1000)
    stored = keep(server, path, [1])
    md5 = hashlib.md5(path.read_bytes()).hexdigest()
    etags = {"good": f'"{md5}"', "bad": "0" * 32, "opaque": "abc-1", None: None}
    sums = {"good": f"md5:{md5}", "bad": f"md5:{'0' * 32}", None: None}
    stored.etags[1] = etags[etag]  # type: ignore[assignment]
    stored.registered[1] = {"size": 1000, "checksum": sums[checksum]}

    uploader.upload(DRAFT, path)

    assert server.parts_put() == sent


def test_completed_file_is_not_sent_again(
    server: WireServer, uploader: Uploader, make_file: MakeFile
) -> None:
    """Uploading the same file twice sends nothing the second time."""
    path = make_file(3 * 64 * KIB)
    first = uploader.upload(DRAFT, path)

    second = uploader.upload(DRAFT, path)

    assert second.storage_requests == 0
    assert second.md5 == first.md5
    assert second.state == "completed"


@pytest.mark.parametrize("size", [5000, 5001], ids=["other-bytes", "other-size"])
def test_completed_file_is_never_replaced(
    server: WireServer, uploader: Uploader, make_file: MakeFile, size: int
) -> None:
    """Another file under the same key is refused, and nothing is sent."""
    uploader.upload(DRAFT, make_file(5000))
    sent = len(server.requests("storage"))

    with pytest.raises(RefusedError, match="already has") as caught:
        uploader.upload(DRAFT, make_file(size, seed=2))

    assert caught.value.code == "exists"
    assert len(server.requests("storage")) == sent


def test_pending_file_of_another_size_is_refused(
    server: WireServer, uploader: Uploader, make_file: MakeFile
) -> None:
    """Parts of two different files never end up in one upload."""
    path = make_file(5000)
    keep(server, path, [1])
    path.write_bytes(path.read_bytes() + b"more")

    with pytest.raises(RefusedError, match="5000"):
        uploader.upload(DRAFT, path)


def test_waits_for_the_verification(
    server: WireServer, uploader: Uploader, make_file: MakeFile
) -> None:
    """The upload ends when the server has verified, not when it has committed."""
    server.polls_until_completed = 3
    phases: list[str] = []

    uploader.upload(DRAFT, make_file(100), None, lambda p: phases.append(p.phase))

    assert list(dict.fromkeys(phases)) == [
        "checking",
        "uploading",
        "committing",
        "verifying",
        "completed",
    ]


@needs_crc
def test_the_stores_crc_is_compared(
    server: WireServer, uploader: Uploader, make_file: MakeFile
) -> None:
    """What the store says of the whole object is known to be true of the file."""
    path = make_file(5 * 64 * KIB + 9)
    running = RunningCrc()
    running.update(path.read_bytes())
    server.digests = {"crc64nvme": running.hexdigest()}

    assert uploader.upload(DRAFT, path).crc64nvme == running.hexdigest()


@needs_crc
def test_an_object_with_another_crc_is_an_error(
    server: WireServer, uploader: Uploader, make_file: MakeFile
) -> None:
    """At once: nobody waits for the server to read the object."""
    server.digests = {"crc64nvme": "0123456789abcdef"}
    server.polls_until_completed = 3

    with pytest.raises(IntegrityError, match=r"CRC 0123456789abcdef; [0-9a-f]{16} was"):
        uploader.upload(DRAFT, make_file(5 * 64 * KIB))

    looks = [seen for seen in server.requests("api", "GET") if "/upload" in seen.path]
    assert len(looks) == 1


@pytest.mark.parametrize("told", [{}, {"crc64nvme": None}, {"md5": "of other bytes"}])
def test_a_store_without_crcs(
    server: WireServer,
    uploader: Uploader,
    make_file: MakeFile,
    told: dict[str, str | None],
) -> None:
    """Then nothing is said to be proved by one."""
    server.digests = told
    assert uploader.upload(DRAFT, make_file(100)).crc64nvme is None


def test_a_crc_that_cannot_be_computed(
    server: WireServer,
    uploader: Uploader,
    make_file: MakeFile,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nor is it where the store has one and we do not."""
    monkeypatch.setattr(crc, "_crc64", None)
    server.digests = {"crc64nvme": "0123456789abcdef"}
    assert uploader.upload(DRAFT, make_file(100)).crc64nvme is None


def test_resume_while_the_server_verifies(
    server: WireServer, uploader: Uploader, make_file: MakeFile
) -> None:
    """A run that was cut off while it waited goes on waiting, and compares."""
    path = make_file(100)
    stored = keep(server, path, [1])
    stored.state, stored.polls_left = "verifying", 2
    stored.content = path.read_bytes()

    summary = uploader.upload(DRAFT, path)

    assert (summary.state, summary.storage_requests) == ("completed", 0)
    assert not server.requests("api", "POST")


def test_failed_verification_is_an_error(
    server: WireServer, uploader: Uploader, make_file: MakeFile
) -> None:
    """The server's verdict on the bytes is passed on in its words."""
    path = make_file(100)
    stored = keep(server, path, [1])
    # The bytes rot in the store while their records look right.
    stored.bytes[1] = bytes(100)

    with pytest.raises(IntegrityError, match="The digests differ"):
        uploader.upload(DRAFT, path)


@pytest.mark.parametrize(
    ("state", "error", "message"),
    [
        pytest.param("aborted", RefusedError, "is aborted", id="aborted"),
        pytest.param("expired", RefusedError, "is expired", id="expired"),
        pytest.param("uploading", NetworkError, "Run again", id="taken-back"),
    ],
)
def test_commit_that_comes_to_nothing(
    server: WireServer,
    uploader: Uploader,
    make_file: MakeFile,
    state: str,
    error: type[Exception],
    message: str,
) -> None:
    """Nobody waits for an upload that ended in another way."""
    server.state_after_commit = state

    with pytest.raises(error, match=message):
        uploader.upload(DRAFT, make_file(100))


def test_waiting_has_an_end(server: WireServer, make_file: MakeFile) -> None:
    """A verification that takes too long is reported, and can be looked up."""
    server.polls_until_completed = 10**6
    path = make_file(100)

    with pytest.raises(NetworkError, match="still verifying"):
        Uploader(server.base_url, TOKEN, verify_seconds=0.2).upload(DRAFT, path)

    server.files[path.name].polls_left = 0
    assert Uploader(server.base_url, TOKEN).upload(DRAFT, path).bytes_sent == 0


def test_pending_file_of_another_kind_is_refused(
    server: WireServer, uploader: Uploader, make_file: MakeFile
) -> None:
    """A file that is uploaded in another way is left alone."""
    path = make_file(100)
    keep(server, path, []).transfer_type = "L"

    with pytest.raises(RefusedError, match="'L'"):
        uploader.upload(DRAFT, path)


@pytest.mark.parametrize(
    "key",
    [
        "run 7/site α/data & more.nc",
        "a/b/c.nc",
        "50%/what?/#1.csv",
        "plus+sign;semi=colon.txt",
        "日本語/データ.bin",
    ],
)
def test_key_arrives_as_given(
    either_server: WireServer, uploader: Uploader, make_file: MakeFile, key: str
) -> None:
    """Directories, spaces and any script survive, with slashes kept in URLs."""
    server = either_server
    path = make_file(70 * KIB)

    uploader.upload(DRAFT, path, key)
    again = uploader.upload(DRAFT, path, key)

    assert server.files[key].content == path.read_bytes()
    assert again.storage_requests == 0
    depth = f"/{DRAFT}/draft/files/".count("/") + key.count("/")
    entry = server.requests("api", "GET")[0].path.partition("/records")[2]
    assert entry.count("/") == depth


@pytest.mark.parametrize("key", ["", "/abs", "a//b", "a/../b", ".", "end/"])
def test_key_that_leaves_its_place_is_refused_here(
    server: WireServer, uploader: Uploader, make_file: MakeFile, key: str
) -> None:
    """A key that would change the meaning of a URL is never sent."""
    with pytest.raises(UsageError, match="usable key"):
        uploader.upload(DRAFT, make_file(1), key)
    assert not server.requests("api")


def change_bytes(path: Path) -> None:
    """Same size, other bytes."""
    path.write_bytes(bytes(path.stat().st_size))
    os.utime(path, (1, 1))


def shorten(path: Path) -> None:
    """Fewer bytes."""
    os.truncate(path, 10)


def grow(path: Path) -> None:
    """More bytes, as a file that is still being written."""
    with path.open("ab") as file:
        file.write(b"more")


def replace(path: Path) -> None:
    """Another file under the same name, as editors save."""
    other = path.with_suffix(".new")
    other.write_bytes(path.read_bytes())
    other.replace(path)


@pytest.mark.parametrize("change", [change_bytes, shorten, grow, replace])
def test_file_that_changes_is_named_and_not_committed(
    either_server: WireServer,
    make_file: MakeFile,
    change: Callable[[Path], None],
) -> None:
    """A file that is modified while it is read never becomes a record's file."""
    server = either_server
    path = make_file(30 * 64 * KIB)
    server.fail("part-1", Fault("wait"))
    memory = 4 * server.part_size
    uploader = Uploader(server.base_url, TOKEN, jobs=1, memory_bytes=memory)

    def change_in_between() -> None:
        # With one job and its part held, the reader waits for memory.
        server.waiting.acquire(timeout=10)
        change(path)
        server.released.set()

    threading.Thread(target=change_in_between).start()
    with pytest.raises(FileChangedError, match="changed") as caught:
        uploader.upload(DRAFT, path)

    assert str(path) in str(caught.value)
    assert not server.requests("api", "POST", "/commit")


@pytest.mark.parametrize(
    "base_url", ["ftp://x", "localhost", "http://u:p@x", "http://"]
)
def test_address_that_is_none(make_file: MakeFile, base_url: str) -> None:
    """An address that cannot work is refused before any request."""
    with pytest.raises(UsageError, match="address"):
        Uploader(base_url, TOKEN).upload(DRAFT, make_file(1))


def test_what_is_no_file(uploader: Uploader, tmp_path: Path) -> None:
    """A missing file and a directory are refused with their names."""
    with pytest.raises(UsageError, match="nothing-here"):
        uploader.upload(DRAFT, tmp_path / "nothing-here")
    with pytest.raises(UsageError, match=tmp_path.name):
        uploader.upload(DRAFT, tmp_path)


def test_api_address_with_or_without_api(
    server: WireServer, make_file: MakeFile
) -> None:
    """Both ways to write the address of an instance lead to its API."""
    for address in (f"{server.base_url}/", f"{server.base_url}/api"):
        assert Uploader(address, TOKEN).upload(DRAFT, make_file(9)).state == "completed"
