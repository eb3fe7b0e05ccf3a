# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The uploader with an InvenioRDM that has not installed this package."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from invenio_multipart.client import (
    ManyOptions,
    Notice,
    PartialError,
    RefusedError,
    Uploader,
)
from invenio_multipart.client import stock as stock_module

from ..conftest import use_storage
from ..driver import Api, Draft
from .trees import make_tree, many

MIB = 2**20
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def stock(
    app: Any, site_config: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Address of a stock site on the database of the tests."""
    folder = tmp_path_factory.mktemp("stock")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    settings = {
        **site_config,
        "SITE_API_URL": f"{url}/api",
        "FILES_REST_STORAGE_FACTORY": "invenio_s3.s3fs_storage_factory",
    }
    (folder / "settings.json").write_text(json.dumps(settings))
    command = [sys.executable, "-m", "gunicorn", "--threads=4", "--timeout=300"]
    command += [f"--bind=127.0.0.1:{port}", "--log-level=error", "--preload"]
    process = subprocess.Popen(
        [*command, "tests.client.stock_app:make_app()"],
        env={**os.environ, "LIVE_SETTINGS": str(folder / "settings.json")},
        cwd=ROOT,
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + 240
        while True:
            assert process.poll() is None
            assert time.monotonic() < deadline
            try:
                requests.get(f"{url}/api/records/none", timeout=60)
                break
            except requests.RequestException:
                time.sleep(0.2)
        yield url
    finally:
        # With its worker: the two share a group of their own.
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(60)


@pytest.fixture(params=["s3", "local"])
def draft(request: pytest.FixtureRequest, app: Any) -> Iterator[Draft]:
    """A draft whose files are on either storage."""
    use_storage(app, request.param)
    yield Api(app, app.tokens["owner"]).new_draft()
    use_storage(app, "s3")


@pytest.fixture
def uploader(app: Any, stock: str) -> Uploader:
    """An uploader for the stock site."""
    return Uploader(stock, app.tokens["owner"])


def test_it_is_stock(stock: str) -> None:
    """The site of these tests has none of our routes."""
    assert requests.get(f"{stock}/api/uploads", timeout=60).status_code == 404


def test_files_of_all_kinds(
    request: pytest.FixtureRequest,
    uploader: Uploader,
    draft: Draft,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Small, empty and large files arrive; what is there is not sent again."""
    if "s3" in request.node.name:
        # Upstream's storage for S3, which the site has set, breaks on local parts.
        monkeypatch.setattr(stock_module, "PARTS_FROM_BYTES", 20 * MIB)
    contents = make_tree(
        tmp_path / "in", many(12) | {"empty": 0, "a b/ü#?.x": 9, "large": 37 * MIB}
    )
    notices: list[Notice] = []
    options = ManyOptions(link_known=True)

    summary = uploader.upload_many(
        draft.id, [f"{tmp_path}/in/"], options, on_notice=notices.append
    )

    assert (summary.sent, summary.failed) == (15, 0)
    assert summary.bytes_sent == sum(map(len, contents.values()))
    for key, data in contents.items():
        assert draft.content(key) == data
    assert {"stock_server", "not_here"} <= {notice.code for notice in notices}
    make_tree(tmp_path / "in", {"new": 7}, seed=2)
    again = uploader.upload_many(draft.id, [f"{tmp_path}/in/"])
    assert (again.reused, again.sent) == (15, 1)
    assert {file.state for file in uploader.status(draft.id)} == {"completed"}


def test_what_was_interrupted_begins_anew(
    uploader: Uploader, draft: Draft, tmp_path: Path
) -> None:
    """A file that is pending is no obstacle."""
    contents = make_tree(tmp_path / "in", {"a": 1000})
    body = [{"key": "a", "size": 1000, "transfer": {"type": "L"}}]
    assert draft.api.call("POST", f"{draft.path}/files", json=body).status == 201
    assert uploader.upload_many(draft.id, [f"{tmp_path}/in/"]).sent == 1
    assert draft.content("a") == contents["a"]


def test_another_file_is_there(
    uploader: Uploader, draft: Draft, tmp_path: Path
) -> None:
    """It stays, and is named; the others are sent. A dry run sends none."""
    make_tree(tmp_path / "in", {"a": 10})
    uploader.upload_many(draft.id, [f"{tmp_path}/in/"])
    make_tree(tmp_path / "in", {"a": 11, "b": 1})
    dry = ManyOptions(dry_run=True)
    with pytest.raises(PartialError):
        uploader.upload_many(draft.id, [f"{tmp_path}/in/"], dry)
    assert len(uploader.status(draft.id)) == 1
    with pytest.raises(PartialError) as caught:
        uploader.upload_many(draft.id, [f"{tmp_path}/in/"])
    assert [result.code for result in caught.value.results] == ["exists"]
    assert caught.value.summary.sent == 1


def test_publish(uploader: Uploader, draft: Draft, tmp_path: Path) -> None:
    """Files and record in one go."""
    make_tree(tmp_path / "in", many(3))
    options = ManyOptions(publish=True)
    assert uploader.upload_many(draft.id, [f"{tmp_path}/in/"], options).published


def test_abort(uploader: Uploader, draft: Draft) -> None:
    """What is pending goes."""
    body = [{"key": "a", "size": 1000, "transfer": {"type": "L"}}]
    assert draft.api.call("POST", f"{draft.path}/files", json=body).status == 201
    assert uploader.abort(draft.id) == 1
    assert uploader.status(draft.id) == []


def test_no_right(app: Any, stock: str, draft: Draft, tmp_path: Path) -> None:
    """A stranger's token is refused at once."""
    make_tree(tmp_path / "in", many(3))
    stranger = Uploader(stock, app.tokens["other"])
    with pytest.raises(RefusedError) as caught:
        stranger.upload_many(draft.id, [f"{tmp_path}/in/"])
    assert caught.value.status == 403
