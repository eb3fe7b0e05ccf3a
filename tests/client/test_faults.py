# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What fails for a moment is tried again; what fails for good ends at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from invenio_multipart.client import (
    IntegrityError,
    NetworkError,
    ProtocolError,
    RefusedError,
    RetryPolicy,
    Uploader,
)
from invenio_multipart.client.flow import BATCH_PARTS, Flow

from .conftest import QUICK
from .wire_server import DRAFT, TOKEN, Fault, WireServer

KIB = 1024
MakeFile = Callable[..., Path]

RESET = Fault("reset")
LOST = Fault("lost")
DAMAGE = Fault("damage")


def status(number: int, code: str = "", **headers: str) -> Fault:
    """An answer with this status."""
    return Fault("status", number, code, headers)


LOST_TERM = Fault("status", 400, message="Not a valid value.")


@pytest.mark.parametrize(
    ("place", "faults", "puts_of_part_2"),
    [
        pytest.param("part-2", [RESET], 2, id="reset-in-mid-part"),
        pytest.param("part-2", [RESET, RESET, RESET], 4, id="resets"),
        pytest.param("part-2", [LOST], 2, id="answer-lost"),
        pytest.param("part-2", [status(500)], 2, id="500"),
        pytest.param("part-2", [status(503, "SlowDown")], 2, id="503"),
        pytest.param("part-2", [status(429, "SlowDown")], 2, id="429"),
        pytest.param("part-2", [DAMAGE], 2, id="damaged-on-the-way"),
        pytest.param("part-2", [status(400, "RequestTimeout")], 2, id="timeout"),
        pytest.param("part-2", [status(403, "AccessDenied")], 2, id="link-expired"),
        pytest.param("part-2", [status(404, "NoSuchUpload")], 2, id="upload-unknown"),
        pytest.param("entry", [status(502), RESET], 1, id="entry"),
        pytest.param("init", [status(503)], 1, id="init-503"),
        pytest.param("init", [LOST], 1, id="init-answer-lost"),
        pytest.param("register", [status(500), LOST], 1, id="register"),
        pytest.param("commit", [status(503)], 1, id="commit-503"),
        pytest.param("commit", [LOST], 1, id="commit-answer-lost"),
        pytest.param("commit", [status(409), status(423)], 1, id="commit-busy"),
        pytest.param("upload", [status(504), LOST], 1, id="status"),
        pytest.param("entry", [LOST_TERM], 1, id="entry-lost-term"),
        pytest.param("commit", [LOST_TERM], 1, id="commit-lost-term"),
    ],
)
def test_passing_trouble(
    either_server: WireServer,
    uploader: Uploader,
    make_file: MakeFile,
    place: str,
    faults: list[Fault],
    puts_of_part_2: int,
) -> None:
    """After trouble the file is whole, and only the part hit is sent again."""
    server = either_server
    path = make_file(6 * 64 * KIB)
    server.fail(place, *faults)

    summary = uploader.upload(DRAFT, path)

    puts = server.parts_put()
    assert server.files[path.name].content == path.read_bytes()
    assert puts.count(2) == puts_of_part_2
    assert len(puts) == 6 + puts_of_part_2 - 1
    assert (summary.parts_sent, summary.storage_requests) == (6, len(puts))
    assert not server.faults[place]


def test_expired_links_are_asked_for_again(
    server: WireServer, uploader: Uploader, make_file: MakeFile
) -> None:
    """A refused link is replaced by a fresh one, and that one is used."""
    path = make_file(3 * 64 * KIB)
    server.revoked_links.update({"s1", "s2", "s3"})

    uploader.upload(DRAFT, path)

    assert server.files[path.name].content == path.read_bytes()
    assert len(server.parts_put()) == 6


def test_retry_after_is_honoured(
    server: WireServer, uploader: Uploader, make_file: MakeFile
) -> None:
    """The server is not asked again before the time it named."""
    server.fail("register", status(503, **{"Retry-After": "1"}))
    server.fail("part-1", status(503, **{"Retry-After": "1"}))
    started = time.monotonic()

    uploader.upload(DRAFT, make_file(10))

    assert time.monotonic() - started >= 2


@pytest.mark.parametrize(
    ("place", "fault", "error"),
    [
        pytest.param("entry", status(403, "forbidden"), RefusedError, id="entry"),
        pytest.param("init", status(400, "quota_exceeded"), RefusedError, id="quota"),
        pytest.param("register", status(409, "state_conflict"), RefusedError, id="reg"),
        pytest.param("part-2", status(400, "EntityTooLarge"), RefusedError, id="part"),
        pytest.param("part-2", status(411, "MissingLength"), RefusedError, id="411"),
        pytest.param("commit", status(400, "missing_parts"), RefusedError, id="commit"),
        pytest.param(
            "commit", status(400, "checksum_mismatch"), IntegrityError, id="mismatch"
        ),
        pytest.param("entry", status(302, location="http://x"), RefusedError, id="302"),
    ],
)
def test_refusal_ends_at_once(
    either_server: WireServer,
    uploader: Uploader,
    make_file: MakeFile,
    place: str,
    fault: Fault,
    error: type[Exception],
) -> None:
    """What the server refuses for good is reported in its words, not repeated."""
    server = either_server
    server.fail(place, fault)

    with pytest.raises(error) as caught:
        uploader.upload(DRAFT, make_file(40 * 64 * KIB))

    if isinstance(caught.value, RefusedError):
        assert caught.value.status == fault.status
        assert caught.value.code in (fault.code, "refused")
    assert server.parts_put().count(2) <= 1
    assert place == "commit" or not server.requests("api", "POST", "/commit")


def test_fatal_error_stops_the_other_parts(
    either_server: WireServer, make_file: MakeFile
) -> None:
    """Parts on their way are broken off: the error shows without delay."""
    server = either_server
    server.fail("part-1", Fault("wait"))
    server.fail("part-3", status(411))
    uploader = Uploader(server.base_url, TOKEN, jobs=2, policy=QUICK)
    started = time.monotonic()

    with pytest.raises(RefusedError):
        uploader.upload(DRAFT, make_file(100 * 64 * KIB))

    # Part 1 would be held for 30 seconds.
    assert time.monotonic() - started < 5
    assert len(server.parts_put()) <= 6


@pytest.mark.parametrize(
    ("place", "fault", "error"),
    [
        pytest.param("entry", status(500), NetworkError, id="api"),
        pytest.param("init", status(500), NetworkError, id="init"),
        pytest.param("commit", RESET, NetworkError, id="commit"),
        pytest.param("part-1", RESET, NetworkError, id="storage"),
        pytest.param("part-1", DAMAGE, IntegrityError, id="damage"),
        pytest.param("part-1", status(403, "AccessDenied"), RefusedError, id="links"),
    ],
)
def test_attempts_are_bounded(
    either_server: WireServer,
    uploader: Uploader,
    make_file: MakeFile,
    place: str,
    fault: Fault,
    error: type[Exception],
) -> None:
    """Trouble that does not pass ends in an error after as many tries as set."""
    server = either_server
    server.fail(place, *[fault] * 50)

    with pytest.raises(error):
        uploader.upload(DRAFT, make_file(10))

    assert len(server.faults[place]) == 50 - QUICK.attempts


def test_server_that_is_away(make_file: MakeFile) -> None:
    """Where nobody listens the error names the address and the attempts."""
    uploader = Uploader("http://127.0.0.1:9", TOKEN, policy=QUICK)

    with pytest.raises(NetworkError, match=r"after 4 attempts.*127\.0\.0\.1:9"):
        uploader.upload(DRAFT, make_file(1))


def test_server_that_is_something_else(
    server: WireServer, uploader: Uploader, make_file: MakeFile
) -> None:
    """An answer that is a web page points to a wrong address."""
    server.fail("entry", Fault("page"))

    with pytest.raises(ProtocolError, match="base URL"):
        uploader.upload(DRAFT, make_file(1))


def test_token_stays_with_the_api(
    either_server: WireServer, uploader: Uploader, make_file: MakeFile
) -> None:
    """The storage at another origin never sees the token, not even on retries."""
    server = either_server
    server.fail("part-2", RESET, status(403), status(500))

    uploader.upload(DRAFT, make_file(5 * 64 * KIB))

    for seen in server.requests("storage"):
        assert "Authorization" not in seen.headers
        assert TOKEN not in f"{seen.path}{seen.headers}"
    assert all("Authorization" in seen.headers for seen in server.requests("api"))


def test_token_goes_with_parts_to_the_servers_own_disk(
    either_server: WireServer, uploader: Uploader, make_file: MakeFile
) -> None:
    """On local storage the parts go to the API itself, which wants the token."""
    server = either_server
    server.local_storage = True
    path = make_file(5 * 64 * KIB)

    summary = uploader.upload(DRAFT, path)

    assert server.files[path.name].content == path.read_bytes()
    assert summary.storage_requests == len(server.requests("api", "PUT")) == 5
    assert not server.requests("storage")


def test_wrong_token(server: WireServer, make_file: MakeFile) -> None:
    """A token the server does not know is reported, after one request."""
    with pytest.raises(RefusedError) as caught:
        Uploader(server.base_url, "wrong", policy=QUICK).upload(DRAFT, make_file(1))
    assert caught.value.status == 401
    assert len(server.requests("api")) == 1


@pytest.mark.parametrize("memory_parts", [200, 3], ids=["by-batch", "by-memory"])
def test_memory_is_bounded(
    either_server: WireServer,
    make_file: MakeFile,
    monkeypatch: pytest.MonkeyPatch,
    memory_parts: int,
) -> None:
    """However fast the disk, only so many parts are in memory."""
    server = either_server
    jobs = 3
    made: list[int] = []
    taken = Flow.take_buffer

    def take_buffer(flow: Flow) -> bytearray:
        buffer = taken(flow)
        made.append(id(buffer))
        return buffer

    monkeypatch.setattr(Flow, "take_buffer", take_buffer)
    server.fail("part-1", Fault("wait"))
    uploader = Uploader(
        server.base_url,
        TOKEN,
        jobs=jobs,
        policy=QUICK,
        memory_bytes=memory_parts * server.part_size,
    )
    threading.Timer(0.5, server.released.set).start()

    summary = uploader.upload(DRAFT, make_file(160 * 64 * KIB))

    assert summary.parts_sent == len(made) == 160
    assert len(set(made)) <= min(jobs + BATCH_PARTS, memory_parts)


def test_no_more_parts_at_once_than_jobs(
    either_server: WireServer, make_file: MakeFile
) -> None:
    """The number of jobs is the number of parts on the line."""
    server = either_server
    for number in range(1, 11):
        server.fail(f"part-{number}", Fault("wait"))
    uploader = Uploader(server.base_url, TOKEN, jobs=4, policy=QUICK)
    seen: list[int] = []

    def look() -> None:
        for _ in range(4):
            server.waiting.acquire(timeout=10)
        # Time for one too many.
        time.sleep(0.2)
        seen.extend(server.parts_put())
        server.released.set()

    threading.Thread(target=look).start()
    uploader.upload(DRAFT, make_file(10 * 64 * KIB))

    assert len(seen) == 4


def test_connections_are_kept(
    server: WireServer, uploader: Uploader, make_file: MakeFile
) -> None:
    """A part costs a request, not a connection; registrations come in batches."""
    summary = uploader.upload(DRAFT, make_file(90 * 64 * KIB))

    assert server.connections["storage"] <= 3
    assert server.connections["api"] <= 2
    assert summary.api_requests < 90


def test_pauses_grow_and_are_capped() -> None:
    """Pauses double up to a cap, vary, and never undercut the server's wish."""
    policy = RetryPolicy(base_seconds=1, cap_seconds=8, retry_after_cap_seconds=60)

    for failures, most in enumerate([1, 2, 4, 8, 8, 8], start=1):
        pauses = [policy.delay_seconds(failures) for _ in range(50)]
        assert all(most / 2 <= pause <= most for pause in pauses)
        assert len(set(pauses)) > 1
    assert policy.delay_seconds(1, asked=30) == 30
    assert policy.delay_seconds(1, asked=3600) == 60
