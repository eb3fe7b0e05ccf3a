# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Each server in turn, as the store of a small application."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from invenio_multipart.storage.s3_client import connection

from .servers import NAMES, Batch, Server, hindrance


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Leave out the tests on a server that does not run.

    One test per server is skipped in their place (test_servers.py): its reason would
    otherwise be told a hundred times.
    """
    missing = {name for name in NAMES if hindrance(name)}
    left_out = [item for item in items if _server_of(item) in missing]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def _server_of(item: pytest.Item) -> str | None:
    if not item.path.is_relative_to(Path(__file__).parent):
        return None
    name = getattr(item, "callspec", None) and item.callspec.params.get("server")
    return str(name) if name else None


@pytest.fixture(scope="session", params=NAMES)
def server(request: pytest.FixtureRequest) -> Server:
    """Runs."""
    return Server.named(request.param)


@pytest.fixture(scope="session")
def site(server: Server) -> Flask:
    """Takes the place of the storages' own: its context is pushed for each test."""
    return server.site()


@pytest.fixture
def owner(site_context: None) -> Any:
    """An S3 client with the site's own keys."""
    return connection().client


@pytest.fixture
def batch(server: Server, owner: Any) -> Batch:
    """A folder of this test only."""
    return Batch(server)


@pytest.fixture(scope="session")
def shared_batch(server: Server, site: Flask) -> Batch:
    """A folder whose session is only refused things, so that one does for all."""
    with site.app_context():
        return Batch(server, seconds=3600)
