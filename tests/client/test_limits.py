# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Connections, memory and bandwidth that all transfers of an uploader share."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from invenio_multipart.client import UsageError
from invenio_multipart.client.limits import (
    FIRST_JOBS,
    HOLD_WINDOWS,
    Bandwidth,
    Jobs,
    Memory,
)
from invenio_multipart.client.retry import Stopped, StopSignal


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """The time."""
        return self.now


def run(jobs: Jobs, clock: Clock, rate_of: Callable[[int], float], windows: int) -> int:
    """Transfer at the rate that so many jobs have; the number it came to."""
    for _ in range(windows):
        # A window ends after a second here, with enough transfers in it.
        count = 2 * jobs.current
        amount = int(rate_of(jobs.current)) // count
        clock.now += 1
        for _ in range(count):
            jobs.sent(amount)
    return jobs.current


@pytest.mark.parametrize(
    ("rate_of", "found"),
    [
        pytest.param(lambda jobs: 10**6 * jobs, range(32, 33), id="far-away"),
        pytest.param(lambda _: 10**8, range(4, 5), id="full-line"),
        pytest.param(lambda jobs: 10**6 * min(jobs, 13), range(9, 14), id="knee-at-13"),
        pytest.param(lambda jobs: 10**8 / jobs, range(4, 5), id="more-is-worse"),
    ],
)
def test_jobs_grow_while_it_helps(
    rate_of: Callable[[int], float], found: range
) -> None:
    """The number of jobs ends where more would not make it faster."""
    clock = Clock()
    jobs = Jobs(32, clock=clock)

    assert run(jobs, clock, rate_of, HOLD_WINDOWS) in found


def test_jobs_look_again() -> None:
    """A line that becomes faster later is noticed."""
    clock = Clock()
    jobs = Jobs(32, clock=clock)

    assert run(jobs, clock, lambda _: 10**6, 5) == FIRST_JOBS
    assert run(jobs, clock, lambda jobs: 10**6 * jobs, 2 * HOLD_WINDOWS) == 32


def test_jobs_halve_in_trouble_once_for_all() -> None:
    """What fails together counts once, what fails later again; one job stays."""
    clock = Clock()
    jobs = Jobs(32, first=16, clock=clock)

    for _ in range(16):
        jobs.trouble()
    assert jobs.current == 8
    for _ in range(10):
        clock.now += 10
        jobs.trouble()
    assert jobs.current == 1


def test_jobs_come_back_after_trouble() -> None:
    """Trouble that has passed does not slow down the rest of the upload."""
    clock = Clock()
    jobs = Jobs(16, clock=clock)
    jobs.trouble()

    assert run(jobs, clock, lambda jobs: 10**6 * jobs, 2 * HOLD_WINDOWS) == 16


def test_no_more_turns_than_jobs() -> None:
    """However many threads there are, so many transfers run at once."""
    jobs, stop = Jobs(3), StopSignal()
    lock, running, most = threading.Lock(), [0], [0]

    def transfer(_: int) -> None:
        with jobs.turn(stop):
            with lock:
                running[0] += 1
                most[0] = max(most[0], running[0])
            time.sleep(0.005)
            with lock:
                running[0] -= 1

    with ThreadPoolExecutor(12) as threads:
        list(threads.map(transfer, range(60)))

    assert most[0] == 3


def test_waiting_ends_with_the_upload() -> None:
    """Who waits for a turn, a buffer or bandwidth does not outlive the upload."""
    jobs, memory, bandwidth = Jobs(1), Memory(10), Bandwidth(1)
    stop = StopSignal()
    memory.take(5, stop)
    memory.take(5, stop)
    bandwidth.take(100, stop)

    def wait_for_a_turn() -> None:
        with jobs.turn(stop), jobs.turn(stop):
            raise AssertionError

    waits: list[Callable[[], object]] = [
        wait_for_a_turn,
        lambda: memory.take(1, stop),
        lambda: bandwidth.take(1, stop),
    ]
    with ThreadPoolExecutor(3) as threads:
        waiting = [threads.submit(wait) for wait in waits]
        time.sleep(0.05)
        stop.set()
        for future in waiting:
            assert isinstance(future.exception(5), Stopped)


def test_memory_is_used_again_within_its_bound() -> None:
    """Buffers are reused, their sum is bounded, and a size that fits is given."""
    memory, stop = Memory(100), StopSignal()
    first = memory.take(60, stop)
    memory.give(first)
    again = memory.take(60, stop)
    assert again is first

    memory.take(30, stop)
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(memory.take, 50, stop)
        time.sleep(0.05)
        assert not waiting.done()
        memory.give(again)
        assert len(waiting.result(5)) == 50


def test_memory_for_parts_that_are_too_large() -> None:
    """Two parts larger than the bound are handled at once, rather than none."""
    memory, stop = Memory(100), StopSignal()
    first, _ = memory.take(500, stop), memory.take(500, stop)
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(memory.take, 500, stop)
        time.sleep(0.05)
        assert not waiting.done()
        memory.give(first)
        assert waiting.result(5) is first


def test_bandwidth_is_shared() -> None:
    """Several senders together send no faster than the limit, nor much slower."""
    bandwidth, stop = Bandwidth(10**6), StopSignal()
    begun = time.monotonic()

    def send(_: int) -> None:
        for _ in range(10):
            bandwidth.take(10_000, stop)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(send, range(4)))

    # 400 kB; the first 10 kB go at once.
    assert 0.38 <= time.monotonic() - begun < 1.0


def test_bandwidth_is_not_saved_up() -> None:
    """A pause is not made up for by a burst."""
    clock, stop = Clock(), StopSignal()
    bandwidth = Bandwidth(1000, clock=clock)
    clock.now += 3600
    bandwidth.take(300, stop)
    begun = time.monotonic()

    bandwidth.take(1, stop)

    assert time.monotonic() - begun >= 0.3


@pytest.mark.parametrize(
    ("rate", "piece"), [(None, 2**20), (10**9, 2**20), (50_000, 5000), (1, 1)]
)
def test_pieces_are_small_where_the_line_is_slow(
    rate: float | None, piece: int
) -> None:
    """Under a limit ten pieces go in a second, not one in a minute."""
    assert Bandwidth(rate).piece_bytes(2**20) == piece


def test_limits_that_let_nothing_through() -> None:
    """No jobs and no bandwidth are refused at once."""
    for limit in (0, -1, float("nan")):
        with pytest.raises(UsageError, match="bandwidth"):
            Bandwidth(limit)
    with pytest.raises(UsageError, match="jobs"):
        Jobs(0)
