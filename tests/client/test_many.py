# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Folders of files: what is sent, how often, and what is said about it."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from invenio_multipart.client import (
    FileResult,
    ManyOptions,
    ManyProgress,
    ManySummary,
    NetworkError,
    Notice,
    PartialError,
    ProtocolError,
    RefusedError,
    Uploader,
    small,
)
from invenio_multipart.client.reading import read_whole
from invenio_multipart.client.tree import Found

from .batch_server import BatchServer
from .conftest import QUICK
from .trees import make_tree, many
from .wire_server import DRAFT, TOKEN, Fault

ROOT = Path(__file__).parents[2]


@pytest.fixture
def server() -> Iterator[BatchServer]:
    """An API and a storage server of its own for each test."""
    world = BatchServer()
    yield world
    world.stop()


@pytest.fixture
def uploader(server: BatchServer) -> Uploader:
    """An uploader that does not wait long before it tries again."""
    return Uploader(server.base_url, TOKEN, jobs=3, policy=QUICK)


def test_a_folder_goes_up_once(
    server: BatchServer, uploader: Uploader, tmp_path: Path
) -> None:
    """Each file is sent once, by one batch; what is told adds up."""
    contents = make_tree(tmp_path / "in", many(300) | {"empty": 0, "a b/ü#?.x": 9})
    seen: list[ManyProgress] = []
    results: list[FileResult] = []

    summary = uploader.upload_many(
        DRAFT, [f"{tmp_path}/in/"], progress=seen.append, on_file=results.append
    )

    assert server.contents() == contents
    assert set(server.puts().values()) == {1}
    assert len(server.batches) == 1
    assert (summary.files, summary.sent) == (302, 302)
    assert summary.size_bytes == summary.bytes_sent == 300_009
    assert summary.storage_requests == 302
    assert summary.api_requests < 20
    assert sorted(result.key for result in results) == sorted(contents)
    assert {result.outcome for result in results} == {"sent"}
    assert all(result.md5 and result.sha256 for result in results)
    told = {result.key: {"sha256": result.sha256} for result in results}
    assert server.told_digests == told
    assert seen[0].phase == "scanning"
    assert (seen[-1].phase, seen[-1].done_bytes) == ("completed", 300_009)


def test_more_than_fits_into_memory_is_announced_in_few_calls(
    server: BatchServer,
    uploader: Uploader,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Files wait for company while others are sent, however full the memory is."""
    monkeypatch.setattr(small, "MEMORY_BYTES", small.SMALL_BYTES + 2**22)
    sizes = {f"scan-{number:03}": 2**16 for number in range(400)}
    contents = make_tree(tmp_path / "in", sizes)
    summary = uploader.upload_many(DRAFT, [f"{tmp_path}/in/"])
    assert server.contents() == contents
    # Sixty-four of them fit.
    assert summary.api_requests < 40


def upload(
    server: BatchServer,
    folder: Path,
    options: ManyOptions | None = None,
    **more: object,
) -> ManySummary:
    """Upload what is in a folder."""
    uploader = Uploader(server.base_url, TOKEN, jobs=3, policy=QUICK)
    return uploader.upload_many(DRAFT, [f"{folder}/"], options, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("after", [1, 40, 117])
def test_the_same_command_sends_what_is_missing(
    server: BatchServer, tmp_path: Path, after: int
) -> None:
    """Killed at any point, a run is followed by one that sends the rest."""
    contents = make_tree(tmp_path / "in", many(120))
    code = (
        "import sys; from invenio_multipart.client import Uploader\n"
        "Uploader(*sys.argv[1:3], jobs=2).upload_many(sys.argv[3], [sys.argv[4]])"
    )
    for _ in range(after):
        server.fail("put", Fault("none"))
    server.fail("put", *[Fault("wait")] * 200)
    command = [sys.executable, "-S", "-c", code, server.base_url, TOKEN, DRAFT]
    threads = threading.active_count()
    process = subprocess.Popen([*command, f"{tmp_path}/in/"], cwd=ROOT)
    assert server.waiting.acquire(timeout=60)
    process.kill()
    process.wait(30)
    server.faults["put"].clear()
    server.released.set()
    deadline = time.monotonic() + 30
    # What had come before is still being put away: a thread for each connection.
    while threading.active_count() > threads:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    files = server.batch.files.values()
    there = {file.key for file in files if file.content is not None}
    # Of two senders one may have been killed half-way through its file.
    assert len(there) >= after - 1
    server.seen.clear()

    summary = upload(server, tmp_path / "in")

    assert server.contents() == contents
    assert len(server.batches) == 1
    assert not there & server.puts().keys()
    assert set(server.puts().values()) == {1}
    assert summary.reused == len(contents) - len(server.puts()) == len(there)
    assert summary.sent == len(server.puts())


def test_files_that_are_there_are_not_read(
    server: BatchServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is complete in the draft with the same size is taken as it is."""
    contents = make_tree(tmp_path / "in", many(20))
    for key in list(contents)[:15]:
        server.add(key, contents[key])
    read: list[str] = []

    def note(found: Found) -> bytes:
        read.append(found.key)
        return read_whole(found)

    monkeypatch.setattr("invenio_multipart.client.small.read_whole", note)

    summary = upload(server, tmp_path / "in")

    assert (summary.reused, summary.sent, summary.failed) == (15, 5, 0)
    assert sorted(read) == sorted(server.puts()) == sorted(list(contents)[15:])


def test_verify_reads_them(server: BatchServer, tmp_path: Path) -> None:
    """With --verify another file of the same size is found out, and named."""
    contents = make_tree(tmp_path / "in", {"a": 10, "b": 10, "c": 11})
    server.add("a", contents["a"])
    server.add("b", b"x" * 10)

    with pytest.raises(PartialError) as caught:
        upload(server, tmp_path / "in", ManyOptions(verify=True))

    (failure,) = caught.value.results
    assert (failure.key, failure.code) == ("b", "exists")
    assert (caught.value.summary.reused, caught.value.summary.sent) == (1, 1)


def test_another_size_in_the_draft_is_named(
    server: BatchServer, tmp_path: Path
) -> None:
    """A file of the same name and another size stays, and ours is not sent."""
    make_tree(tmp_path / "in", {"a": 10, "b": 10})
    server.add("a", b"x")

    with pytest.raises(PartialError, match=r"1 of 2 files .* a: .*1 bytes"):
        upload(server, tmp_path / "in")

    assert server.contents()["a"] == b"x"
    assert set(server.puts()) == {"b"}


def test_a_file_changed_since_it_was_announced(
    server: BatchServer, tmp_path: Path
) -> None:
    """What an earlier run announced and changed since is announced anew."""
    contents = make_tree(tmp_path / "in", many(10))
    server.fail("complete", *[Fault("status", 403)])
    with pytest.raises(RefusedError):
        upload(server, tmp_path / "in")
    changed = "d000/f0003.dat"
    contents[changed] = b"y" * 1000
    (tmp_path / "in" / changed).write_bytes(contents[changed])
    server.seen.clear()

    summary = upload(server, tmp_path / "in")

    assert server.contents() == contents
    assert server.puts() == {changed: 1}
    assert (summary.reused, summary.sent) == (9, 1)


def test_a_file_that_changes_while_it_is_read(
    server: BatchServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is named; the others are in the draft."""
    contents = make_tree(tmp_path / "in", {"a": 10, "b": 10, "c": 10})
    bad = tmp_path / "in" / "b"
    real = os.fstat

    def fstat(number: int) -> os.stat_result:
        look = real(number)
        if look.st_ino == bad.stat().st_ino:
            bad.write_bytes(os.urandom(10))
        return look

    monkeypatch.setattr("invenio_multipart.client.reading.os.fstat", fstat)

    with pytest.raises(PartialError) as caught:
        upload(server, tmp_path / "in")

    (failure,) = caught.value.results
    assert (failure.key, failure.code) == ("b", "file_changed")
    assert server.contents() == {"a": contents["a"], "c": contents["c"]}


def test_files_that_go_or_grow_between_look_and_reading(
    server: BatchServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sent is what is there when it is read; what is gone is named."""
    contents = make_tree(tmp_path / "in", {"a": 10, "gone": 10, "grown": 10})

    def phase(progress: ManyProgress) -> None:
        if progress.phase == "checking":
            (tmp_path / "in" / "gone").unlink(missing_ok=True)
            (tmp_path / "in" / "grown").write_bytes(b"g" * 5000)

    with pytest.raises(PartialError) as caught:
        upload(server, tmp_path / "in", progress=phase)

    assert [failure.key for failure in caught.value.results] == ["gone"]
    assert server.contents() == {"a": contents["a"], "grown": b"g" * 5000}


@pytest.mark.parametrize(
    ("place", "faults"),
    [
        pytest.param("put", [Fault("reset")] * 3, id="resets"),
        pytest.param("put", [Fault("lost")] * 2, id="answers-lost"),
        pytest.param("put", [Fault("status", 503, "SlowDown")] * 3, id="slow-down"),
        pytest.param("put", [Fault("status", 500)] * 3, id="500"),
        pytest.param("put", [Fault("status", 403)], id="link-expired"),
        pytest.param("announce", [Fault("lost")], id="announcement-lost"),
        pytest.param("announce", [Fault("reset")] * 2, id="announcement-reset"),
        pytest.param("announce", [Fault("status", 503)], id="announcement-503"),
        pytest.param("more", [Fault("lost"), Fault("status", 500)], id="more-lost"),
        pytest.param("complete", [Fault("lost")], id="completion-lost"),
        pytest.param("complete", [Fault("status", 429)], id="completion-429"),
        pytest.param("job", [Fault("lost"), Fault("status", 502)], id="job"),
        pytest.param("files", [Fault("status", 503)], id="files"),
        pytest.param("mine", [Fault("reset")], id="mine"),
    ],
)
def test_passing_trouble(
    server: BatchServer, tmp_path: Path, place: str, faults: list[Fault]
) -> None:
    """What fails for a moment is tried again, and only that."""
    contents = make_tree(tmp_path / "in", many(60))
    server.fail(place, *faults)

    summary = upload(server, tmp_path / "in")

    assert server.contents() == contents
    assert len(server.batches) == 1
    assert (summary.sent, summary.failed) == (60, 0)
    more = len(faults) if place == "put" else 0
    assert sum(server.puts().values()) <= 60 + more


def test_expired_links_are_renewed_once(server: BatchServer, tmp_path: Path) -> None:
    """However many files have old links, the server is asked once for new ones."""
    make_tree(tmp_path / "in", many(100))
    # Those of the first announcement, and of the next when there is one.
    server.expired_signatures = {"g1", "g2"}

    upload(server, tmp_path / "in")

    asked = server.requests("api", "GET", "/files")
    assert len([seen for seen in asked if "/uploads/" in seen.path]) <= 3
    # Only what was on its way went for nothing.
    assert sum(server.puts().values()) <= 100 + 3 * 3
    assert len(server.contents()) == 100


def test_lost_in_the_store_is_sent_again(server: BatchServer, tmp_path: Path) -> None:
    """What the completion misses is sent again, and the batch completed."""
    contents = make_tree(tmp_path / "in", many(30))
    server.fail("put-d001/f0015.dat", Fault("forget"))

    summary = upload(server, tmp_path / "in")

    assert server.contents() == contents
    assert server.puts()["d001/f0015.dat"] == 2
    assert sum(server.puts().values()) == 31
    assert (summary.files, summary.sent) == (30, 30)


def test_a_batch_that_is_over_is_begun_anew(
    server: BatchServer, tmp_path: Path
) -> None:
    """When the deadline passes meanwhile, a new batch brings what the old one had."""
    contents = make_tree(tmp_path / "in", many(30))
    notices: list[Notice] = []

    def phase(progress: ManyProgress) -> None:
        if progress.files_done == 30 and len(server.batches) == 1:
            server.batches["batch-1"].state = "expired"

    upload(server, tmp_path / "in", progress=phase, on_notice=notices.append)

    assert server.contents() == contents
    assert [batch.state for batch in server.batches.values()] == [
        "expired",
        "completed",
    ]
    assert "batch_over" in {notice.code for notice in notices}


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        pytest.param(Fault("status", 403, "access_denied"), RefusedError, id="right"),
        pytest.param(Fault("status", 401), RefusedError, id="token"),
        pytest.param(Fault("status", 404, "gone"), RefusedError, id="no-draft"),
        pytest.param(Fault("page"), ProtocolError, id="no-api"),
    ],
)
def test_what_is_refused_ends_at_once(
    server: BatchServer, tmp_path: Path, fault: Fault, kind: type[Exception]
) -> None:
    """Nothing is sent, and the reason is told, after one request."""
    make_tree(tmp_path / "in", many(3))
    server.fail("draft", fault)

    with pytest.raises(kind):
        upload(server, tmp_path / "in")

    assert len(server.seen) == 1


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        pytest.param({"quota": 5000}, "quota_exceeded", id="quota"),
        pytest.param({"record": 5}, "too_many_files", id="files-of-a-record"),
    ],
)
def test_no_room(
    server: BatchServer, tmp_path: Path, limits: dict[str, int], code: str
) -> None:
    """Quota and number of files end the upload with the server's own words."""
    make_tree(tmp_path / "in", many(10))
    server.limits.update(limits)

    with pytest.raises(RefusedError) as caught:
        upload(server, tmp_path / "in")

    assert caught.value.code == code


def test_a_small_limit_of_a_call(server: BatchServer, tmp_path: Path) -> None:
    """A site whose calls take few files gets more calls."""
    contents = make_tree(tmp_path / "in", many(50))
    server.limits["call"] = 7
    upload(server, tmp_path / "in")
    assert server.contents() == contents


def test_one_file_that_cannot_be(server: BatchServer, tmp_path: Path) -> None:
    """The server does not take it; the others are in the draft."""
    make_tree(tmp_path / "in", many(20) | {"large": 3000})
    server.limits["size"] = 2000

    with pytest.raises(PartialError) as caught:
        upload(server, tmp_path / "in")

    (failure,) = caught.value.results
    assert (failure.key, failure.code) == ("large", "invalid_plan")
    assert len(server.contents()) == 20


def test_a_file_the_store_refuses(server: BatchServer, tmp_path: Path) -> None:
    """It is taken out of the batch, which is completed without it."""
    make_tree(tmp_path / "in", many(20))
    server.fail("put-d001/f0011.dat", *[Fault("status", 400, "Odd")] * 9)

    with pytest.raises(PartialError) as caught:
        upload(server, tmp_path / "in")

    assert [failure.key for failure in caught.value.results] == ["d001/f0011.dat"]
    assert len(server.contents()) == 19
    assert server.batches["batch-1"].state == "completed"


def test_a_store_that_is_away(server: BatchServer, tmp_path: Path) -> None:
    """All attempts are used up; the batch stays open, to go on with."""
    make_tree(tmp_path / "in", many(20))
    server.fail("put", *[Fault("status", 503)] * 1000)
    with pytest.raises(NetworkError, match="Gave up"):
        upload(server, tmp_path / "in")
    assert server.batches["batch-1"].state == "uploading"

    server.faults.clear()
    assert upload(server, tmp_path / "in").sent == 20
    assert len(server.batches) == 1


def test_somebody_elses_batch(server: BatchServer, tmp_path: Path) -> None:
    """Who has the draft and until when is told; nothing is sent."""
    make_tree(tmp_path / "in", many(3))
    server.other_lock = {
        "stage": "uploading",
        "batch": "b-7",
        "since": "2026-01-01T10:00:00+00:00",
        "until": "2026-01-02T10:00:00+00:00",
    }
    with pytest.raises(RefusedError, match=r"b-7.*2026-01-02T10:00") as caught:
        upload(server, tmp_path / "in")
    assert caught.value.code == "locked"


def test_another_upload_of_ours(server: BatchServer, tmp_path: Path) -> None:
    """A batch of other files is not touched."""
    make_tree(tmp_path / "one", many(10))
    make_tree(tmp_path / "two", {"x": 1})
    server.fail("put", *[Fault("status", 503)] * 1000)
    with pytest.raises(NetworkError):
        upload(server, tmp_path / "one")
    before = set(server.batch.files)
    server.faults.clear()

    with pytest.raises(RefusedError, match="Another upload of yours"):
        upload(server, tmp_path / "two")

    assert set(server.batch.files) == before


def test_files_gone_since_the_last_run(server: BatchServer, tmp_path: Path) -> None:
    """What was announced and is not on disk any more is left out."""
    make_tree(tmp_path / "in", many(10))
    server.fail("put", *[Fault("status", 503)] * 1000)
    with pytest.raises(NetworkError):
        upload(server, tmp_path / "in")
    server.faults.clear()
    (tmp_path / "in" / "d000" / "f0000.dat").unlink()
    notices: list[Notice] = []

    summary = upload(server, tmp_path / "in", on_notice=notices.append)

    assert summary.sent == len(server.contents()) == 9
    assert "files_gone" in {notice.code for notice in notices}


def test_a_completion_that_was_under_way(server: BatchServer, tmp_path: Path) -> None:
    """A run that was killed while it waited is followed by one that waits."""
    make_tree(tmp_path / "in", many(10))
    server.fail("job", *[Fault("status", 403)] * 1)
    with pytest.raises(RefusedError):
        upload(server, tmp_path / "in")
    assert server.batch.state == "completing"
    server.seen.clear()
    server.batch.polls_left = 2
    make_tree(tmp_path / "in", {"new": 5}, seed=2)

    summary = upload(server, tmp_path / "in")

    assert (summary.reused, summary.sent) == (10, 1)
    assert set(server.puts()) == {"new"}


def test_a_site_without_workers(
    server: BatchServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That nobody begins with the completion is told, once."""
    monkeypatch.setattr("invenio_multipart.client.batches.PATIENCE_SECONDS", 0.1)
    make_tree(tmp_path / "in", many(3))
    server.job_polls = 6
    notices: list[Notice] = []
    upload(server, tmp_path / "in", on_notice=notices.append)
    assert [notice.code for notice in notices] == ["no_worker"]
    assert len(server.contents()) == 3


def test_without_sha256(server: BatchServer, tmp_path: Path) -> None:
    """Who does not want it need not pay for it."""
    make_tree(tmp_path / "in", many(3))
    results: list[FileResult] = []
    options = ManyOptions(sha256=False)
    upload(server, tmp_path / "in", options, on_file=results.append)
    assert {(bool(r.md5), r.sha256) for r in results} == {(True, None)}
    assert set(server.told_digests.values()) == {None}


def test_dry_run_changes_nothing(server: BatchServer, tmp_path: Path) -> None:
    """What would be sent is told, and only looked at."""
    contents = make_tree(tmp_path / "in", many(10))
    server.add("d000/f0001.dat", contents["d000/f0001.dat"])
    results: list[FileResult] = []

    summary = upload(
        server, tmp_path / "in", ManyOptions(dry_run=True), on_file=results.append
    )

    assert {seen.method for seen in server.seen} == {"GET"}
    assert (summary.reused, summary.sent, summary.failed) == (1, 0, 0)
    assert [r.outcome for r in results].count("planned") == 9


def test_known_bytes_are_linked(server: BatchServer, tmp_path: Path) -> None:
    """With --link-known only what the repository has not is sent."""
    contents = make_tree(tmp_path / "in", many(20) | {"large": 17 * 2**20})
    known = {"d000/f0003.dat", "d001/f0012.dat", "large"}
    server.known_md5s = {hashlib.md5(contents[key]).hexdigest() for key in known}

    summary = upload(server, tmp_path / "in", ManyOptions(link_known=True))

    assert set(server.linked) == known
    assert set(server.puts()) == contents.keys() - known
    assert (summary.linked, summary.sent) == (3, 18)


def test_publish(server: BatchServer, tmp_path: Path) -> None:
    """The record is published once all files are there."""
    make_tree(tmp_path / "in", many(3))
    summary = upload(server, tmp_path / "in", ManyOptions(publish=True))
    assert server.published
    assert summary.published
    assert summary.record_url == f"{server.base_url}/records/{DRAFT}"


def test_publish_not_fit(server: BatchServer, tmp_path: Path) -> None:
    """What the record lacks is told; the files stay in the draft."""
    make_tree(tmp_path / "in", many(3))
    messages = ["Missing data for required field."]
    server.problems = [{"field": "metadata.creators", "messages": messages}]
    with pytest.raises(RefusedError, match=r"metadata\.creators: Missing data"):
        upload(server, tmp_path / "in", ManyOptions(publish=True))
    assert len(server.contents()) == 3


def test_no_publishing_of_a_part(server: BatchServer, tmp_path: Path) -> None:
    """A record of which files are missing is not published."""
    make_tree(tmp_path / "in", many(3) | {"large": 3000})
    server.limits["size"] = 2000
    notices: list[Notice] = []
    with pytest.raises(PartialError):
        upload(
            server,
            tmp_path / "in",
            ManyOptions(publish=True),
            on_notice=notices.append,
        )
    assert not server.published
    assert "not_published" in {notice.code for notice in notices}


def test_small_and_large_together(server: BatchServer, tmp_path: Path) -> None:
    """Large files go in parts, resumed where they were, beside the batch."""
    contents = make_tree(tmp_path / "in", many(5) | {"l/large": 17 * 2**20 + 1})
    server.part_size = 2**20
    server.fail("part-9", *[Fault("status", 500)] * 4)
    with pytest.raises(NetworkError):
        upload(server, tmp_path / "in")
    sent = set(server.parts_put()) - {9}
    server.seen.clear()

    summary = upload(server, tmp_path / "in")

    assert server.contents() == contents
    assert not server.puts()
    assert 9 in server.parts_put()
    assert len(server.parts_put()) <= 18 - len(sent) + 4
    assert (summary.reused, summary.sent) == (5, 1)


def test_status_and_abort(
    server: BatchServer, uploader: Uploader, tmp_path: Path
) -> None:
    """What is pending is shown with what has arrived, and ended when asked to."""
    make_tree(tmp_path / "in", many(10))
    server.add("done", b"12345")
    for _ in range(4):
        server.fail("put", Fault("none"))
    server.fail("put", *[Fault("status", 503)] * 1000)
    with pytest.raises(NetworkError):
        upload(server, tmp_path / "in")

    shown = {file.key: file for file in uploader.status(DRAFT)}
    assert len(shown) == 11
    assert (shown["done"].state, shown["done"].uploaded_bytes) == ("completed", 5)
    arrived = [
        f for f in shown.values() if f.batch and f.uploaded_bytes == f.size_bytes
    ]
    assert 1 <= len(arrived) <= 4

    assert uploader.abort(DRAFT) == 10
    assert server.batch is None
    assert set(server.files) == {"done"}
