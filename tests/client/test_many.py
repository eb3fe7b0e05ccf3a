# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Folders of files: what is sent, how often, and what is said about it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from invenio_multipart.client import (
    FileResult,
    ManyProgress,
    Uploader,
)

from .batch_server import BatchServer
from .conftest import QUICK
from .trees import make_tree, many
from .wire_server import DRAFT, TOKEN


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
    assert seen[0].phase == "scanning"
    assert (seen[-1].phase, seen[-1].done_bytes) == ("completed", 300_009)
