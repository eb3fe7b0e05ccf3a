# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""A store that breaks on command, and a look at what each test left behind."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

import pytest

from invenio_multipart.core import plan

from ..driver import PART, Api
from .held_queue import held
from .left_behind import Store, assert_settled
from .lifeline import Lifeline, connected
from .live import LiveApi, LiveServer, live_environment, serving
from .proxy import FaultProxy, running
from .world import World


@pytest.fixture(scope="session")
def session_proxy() -> Iterator[FaultProxy]:
    """One address for all tests: what is known of a store is kept by address."""
    with running(os.environ["S3_ENDPOINT_URL"]) as proxy:
        yield proxy


@pytest.fixture
def proxy(app: Any, session_proxy: FaultProxy) -> Iterator[FaultProxy]:
    """The application and its links reach S3 through this proxy."""
    changed = {
        "S3_ENDPOINT_URL": session_proxy.url,
        # Two tries instead of three: outages are found out in half the time.
        "S3_CONFIG_EXTRA": {"retries": {"mode": "standard", "total_max_attempts": 2}},
    }
    before = {name: app.config.get(name) for name in changed}
    session_proxy.calm()
    _configure(app, changed)
    yield session_proxy
    session_proxy.calm()
    _configure(app, before)


@pytest.fixture
def world(
    app: Any,
    api: Api,
    s3: str,
    hasty: FaultProxy,
    begun: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[World]:
    """An application that can die at any step, and whose tasks wait."""
    monkeypatch.setattr(plan, "PREFERRED_MIN_PART_SIZE", PART)
    with connected(Lifeline()) as lifeline, held(app, lifeline) as queue:
        yield World(app, api, hasty, lifeline, queue, begun)


@pytest.fixture
def hasty(app: Any, proxy: FaultProxy) -> FaultProxy:
    """The same without second tries, which wait for up to a second each."""
    once = {"retries": {"mode": "standard", "total_max_attempts": 1}}
    _configure(app, {"S3_CONFIG_EXTRA": once})
    return proxy


def _configure(app: Any, settings: dict[str, Any]) -> None:
    for name, value in settings.items():
        app.config[name] = value if value is not None else {}
    # invenio-s3 reads its settings once.
    vars(app.extensions["invenio-s3"]).pop("init_s3fs_info", None)


@pytest.fixture(scope="session")
def store() -> Store:
    """The real S3 server, asked directly."""
    return Store()


@pytest.fixture(scope="session")
def server(
    app: Any,
    site_config: dict[str, Any],
    session_proxy: FaultProxy,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[LiveServer]:
    """A web server that reaches S3 through the proxy."""
    folder = tmp_path_factory.mktemp("live")
    endpoint = session_proxy.url
    environment = live_environment(site_config, folder, S3_ENDPOINT_URL=endpoint)
    session_proxy.calm()
    with serving(environment) as running_server:
        yield running_server


@pytest.fixture
def live(app: Any, server: LiveServer) -> LiveApi:
    """REST over this server, as the owner of new drafts."""
    return LiveApi(app, app.tokens["owner"], server.url)


@pytest.fixture
def begun() -> datetime:
    """When the test began, before its drafts were made."""
    return datetime.now(timezone.utc)


@pytest.fixture(autouse=True)
def settled(app: Any, store: Store, begun: datetime) -> Iterator[None]:
    """After each test nothing is open, lost, or left anywhere."""
    yield
    assert_settled(app, store, begun)
