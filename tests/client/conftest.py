# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Servers and uploaders for the tests of the client."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from invenio_multipart.client import RetryPolicy, Uploader

from .wire_server import TOKEN, WireServer

QUICK = RetryPolicy(attempts=4, base_seconds=0.01, cap_seconds=0.02)


@pytest.fixture
def server() -> Iterator[WireServer]:
    """An API and a storage server of its own for each test."""
    world = WireServer()
    yield world
    world.stop()


@pytest.fixture(params=["registered-first", "links-up-front"])
def either_server(request: pytest.FixtureRequest, server: WireServer) -> WireServer:
    """A server whose entries have no links of their parts, and one where they have."""
    server.links_up_front = request.param == "links-up-front"
    return server


@pytest.fixture
def uploader(server: WireServer) -> Uploader:
    """An uploader that does not wait long before it tries again."""
    return Uploader(server.base_url, TOKEN, jobs=3, policy=QUICK)


@pytest.fixture
def make_file(tmp_path: Path) -> Callable[..., Path]:
    """Makes files of non-repeating bytes, the same ones each time."""

    def make(size: int, name: str = "data.bin", seed: int = 1) -> Path:
        path = tmp_path / name
        path.write_bytes(random.Random(seed).randbytes(size))
        return path

    return make
