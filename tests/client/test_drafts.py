# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What a draft has, however the server lists it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from invenio_multipart.client import ProtocolError, RefusedError, Uploader

from .batch_server import BatchServer
from .conftest import QUICK
from .wire_server import DRAFT, TOKEN

KEYS = ["a b&c=d", "a/ü%41", "x", "y?#", "z"]


@pytest.fixture
def server() -> Iterator[BatchServer]:
    """An API with five files, which it lists two at a time."""
    world = BatchServer()
    world.page = 2
    for key in KEYS:
        world.add(key, key.encode())
    yield world
    world.stop()


def listed(server: BatchServer) -> list[str]:
    """Keys of the draft's files, sizes compared."""
    with Uploader(server.base_url, TOKEN, policy=QUICK).session() as session:
        found = session.drafts.files(DRAFT)
    for key, entry in found.items():
        assert (entry.size_bytes, entry.status) == (len(key.encode()), "completed")
    return list(found)


def lists(server: BatchServer) -> list[str]:
    """Lists that were asked for, by their names."""
    paths = [seen.path.partition("?")[0] for seen in server.requests("api", "GET")]
    return [path.rpartition("/")[2] for path in paths]


def test_page_by_page(server: BatchServer) -> None:
    """The short list, which costs the server least."""
    assert listed(server) == KEYS
    assert lists(server) == ["content-links"] * 3


def test_a_stock_server(server: BatchServer) -> None:
    """It has one list only, of everything."""
    server.is_stock = True
    assert sorted(listed(server)) == sorted(KEYS)
    assert lists(server) == ["content-links", "files"]


def test_an_empty_draft(server: BatchServer) -> None:
    """Nothing is nothing."""
    server.files.clear()
    assert listed(server) == []
    assert lists(server) == ["content-links"]


@pytest.mark.parametrize("is_stock", [False, True])
def test_files_are_switched_off(server: BatchServer, is_stock: bool) -> None:
    """That is said before anything is tried."""
    server.files_enabled = False
    server.is_stock = is_stock
    with pytest.raises(RefusedError, match="switched off") as refused:
        listed(server)
    assert refused.value.code == "files_disabled"


def test_a_list_without_an_end(server: BatchServer) -> None:
    """It is not read for ever."""
    server.is_endless = True
    with pytest.raises(ProtocolError, match="no end"):
        listed(server)


def test_who_may_not_read(server: BatchServer, tmp_path: Path) -> None:
    """A refusal is one, and no reason to try the other list."""
    with (
        Uploader(server.base_url, "wrong", policy=QUICK).session() as session,
        pytest.raises(RefusedError) as refused,
    ):
        session.drafts.files(DRAFT)
    assert refused.value.status == 401
    assert lists(server) == ["content-links"]
