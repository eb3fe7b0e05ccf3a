# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Parts are registered together, and nobody waits long for that."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from invenio_multipart.client import Uploader
from invenio_multipart.client import engine as engine_module
from invenio_multipart.client.flow import BATCH_PARTS, LINGER_SECONDS, Flow, Part
from invenio_multipart.client.limits import Jobs, Limits, Memory
from invenio_multipart.client.retry import StopSignal

from .wire_server import DRAFT, TOKEN, WireServer

KIB = 1024
JOBS = 4
MakeFile = Callable[..., Path]


def registered(server: WireServer) -> list[int]:
    """Parts in each registration call."""
    calls = server.requests("api", "POST", "/parts")
    return [len(json.loads(call.body)) for call in calls]


@pytest.mark.parametrize("parts", [100, 400, 800])
def test_calls_grow_with_batches_not_with_parts(
    server: WireServer, make_file: MakeFile, parts: int
) -> None:
    """Eight hundred parts cost Invenio a few dozen requests at most."""
    server.part_size = 4 * KIB

    summary = Uploader(server.base_url, TOKEN, JOBS).upload(
        DRAFT, make_file(parts * 4 * KIB)
    )

    calls = registered(server)
    assert sum(calls) == parts
    assert max(calls) <= BATCH_PARTS
    assert len(calls) <= JOBS + 1 + parts // 20
    assert summary.api_requests == len(calls) + 4


def test_large_parts_share_calls_too(
    server: WireServer, make_file: MakeFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where memory holds a few parts only, those few are registered together."""
    monkeypatch.setattr(engine_module, "AHEAD_BYTES", 16 * 64 * KIB)

    Uploader(server.base_url, TOKEN, JOBS).upload(DRAFT, make_file(160 * 64 * KIB))

    assert max(registered(server)) <= 16
    assert len(registered(server)) <= JOBS + 1 + 160 // 5


def test_the_first_bytes_do_not_wait(server: WireServer, make_file: MakeFile) -> None:
    """Parts are on the line after a few calls, not when a batch is full."""
    Uploader(server.base_url, TOKEN, JOBS).upload(DRAFT, make_file(200 * 64 * KIB))

    before = [seen.path for seen in server.seen].index(
        next(seen.path for seen in server.seen if seen.server == "storage")
    )
    assert before <= len(["look", "begin"]) + JOBS
    assert sum(registered(server)[:1]) < BATCH_PARTS


class Line:
    """A flow with a part for each call, as the pipeline feeds it."""

    def __init__(self, buffers: int, jobs: int) -> None:
        limits = Limits(Jobs(jobs, jobs), Memory(buffers))
        self.flow = Flow(StopSignal(), limits, 1, ahead=buffers)
        self.number = 0

    def hash_one(self) -> None:
        """Read and hash another part."""
        buffer = self.flow.take_buffer()
        self.number += 1
        part = Part(self.number, memoryview(buffer), buffer, holders=1)
        self.flow.offer_hashed(part)
        self.flow.note_hashed()

    def batch(self) -> list[int]:
        """Numbers of the next batch, which is linked at once."""
        parts, _ = self.flow.take_batch()
        self.flow.offer_linked(parts)
        return [part.number for part in parts]

    def send_one(self) -> None:
        """Send what is next."""
        part = self.flow.take_linked()
        assert part is not None
        self.flow.settle(part)
        self.flow.put_down()


def timed(line: Line) -> tuple[list[int], float]:
    """A batch and the seconds it was waited for."""
    begun = time.monotonic()
    return line.batch(), time.monotonic() - begun


def test_parts_wait_a_moment_for_company() -> None:
    """The first ones go at once; later ones wait, but not for long."""
    line = Line(buffers=50, jobs=2)
    for number in (1, 2):
        line.hash_one()
        batch, seconds = timed(line)
        assert batch == [number]
        assert seconds < LINGER_SECONDS / 2
        line.send_one()
    line.hash_one()
    batch, seconds = timed(line)
    assert batch == [3]
    assert LINGER_SECONDS / 2 < seconds < 5 * LINGER_SECONDS


def test_nobody_waits_for_what_cannot_come() -> None:
    """With all memory in use, or at the end of the file, the batch is complete."""
    line = Line(buffers=6, jobs=2)
    for _ in range(2):
        line.hash_one()
        line.batch()
    for _ in range(4):
        line.hash_one()
    line.send_one()
    assert timed(line) == ([3, 4, 5, 6], pytest.approx(0, abs=LINGER_SECONDS / 2))
    for _ in range(5):
        line.send_one()
    line.hash_one()
    line.flow.end_of_file()
    assert timed(line) == ([7], pytest.approx(0, abs=LINGER_SECONDS / 2))
