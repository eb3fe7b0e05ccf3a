# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Each server in turn, as the store of a small application."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from invenio_multipart.storage.s3_client import connection

from .servers import NAMES, Batch, Server


@pytest.fixture(scope="session", params=NAMES)
def server(request: pytest.FixtureRequest) -> Server:
    """Runs, or the test is skipped."""
    return Server.find(request.param)


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
