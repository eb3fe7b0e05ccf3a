# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Sites that let their users link to files elsewhere, and the pages of the site."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ..backdoor import setting
from .pages import make_pages

HOST = "8.8.8.8"
ALLOWED = [HOST, f"{HOST}:8443", f"http://{HOST}", "localhost", "127.0.0.1", "[::1]"]


@pytest.fixture
def allowed(app: Any) -> Iterator[None]:
    """A site that names hosts to link to."""
    with setting(app, RECORDS_RESOURCES_FILES_ALLOWED_REMOTE_DOMAINS=ALLOWED):
        yield


@pytest.fixture
def open_site(app: Any, allowed: None) -> Iterator[None]:
    """A site whose policy lets everybody link to these hosts, as upstream has it."""
    from invenio_records_permissions.generators import SameAs
    from invenio_records_resources.services.files.generators import IfTransferType

    before = app.config["RDM_PERMISSION_POLICY"]

    class SitePolicy(before):
        can_draft_create_files = [
            *before.can_draft_create_files,
            IfTransferType("R", SameAs("can_review")),
        ]

    with setting(app, RDM_PERMISSION_POLICY=SitePolicy):
        yield


@pytest.fixture(scope="session")
def pages(app: Any, site_config: dict[str, Any]) -> Any:
    """The application of pages, with the data that the one of REST has made."""
    return make_pages(site_config)
