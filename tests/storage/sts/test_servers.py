# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Which servers there are: the tests on the others are left out."""

from __future__ import annotations

import pytest

from .servers import NAMES, Server, hindrance


@pytest.fixture(autouse=True)
def site_context() -> None:
    """No application: there may be no server for it."""


@pytest.mark.parametrize("name", NAMES)
def test_server_runs(name: str) -> None:
    """The server runs; if not, this line of the summary tells why."""
    reason = hindrance(name)
    if reason:
        pytest.skip(f"Temporary credentials were not tested on {name}: {reason}.")
    assert Server.named(name).bucket
