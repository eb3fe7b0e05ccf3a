# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Reads the pages of the real application of pages, as a browser without scripts.

Only the list of built assets stands in: what these pages do needs none of them.
"""

from __future__ import annotations

import re
import warnings
from html import unescape
from typing import Any


class AnyAsset:
    """A manifest that has every entry: none is built for these tests."""

    def load(self, path: str) -> Any:
        """The manifest."""
        from pywebpack import Manifest, ManifestEntry

        class Everything(Manifest):
            def __getitem__(self, key: str) -> Any:
                return ManifestEntry(key, [key])

            def __iter__(self) -> Any:
                return iter(())

        return Everything()


def make_pages(site_config: dict[str, Any]) -> Any:
    """The application of pages, beside that of REST and on the same database."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from invenio_app.factory import create_ui

        return create_ui(
            **{
                **site_config,
                "WTF_CSRF_ENABLED": True,
                "WEBPACKEXT_MANIFEST_LOADER": AnyAsset,
            }
        )


class Reader:
    """Somebody with a browser and no script in it."""

    def __init__(self, pages: Any, name: str) -> None:
        from invenio_accounts.testutils import login_user_via_session

        self.client = pages.test_client()
        with pages.app_context():
            email = f"{name}@multipart.example.org"
            login_user_via_session(self.client, email=email)

    def get(self, path: str) -> tuple[int, str]:
        """Status and text of a page."""
        reply = self.client.get(path)
        return reply.status_code, unescape(reply.get_data(as_text=True))

    def press(self, text: str, action: str, **fields: str) -> str:
        """Send the form with this action that the page has; the page afterwards."""
        forms = re.findall(r"<form.*?</form>", text, re.DOTALL)
        wanted = [
            form
            for form in forms
            if f'action="{action}"' in form
            and all(f'value="{value}"' in form for value in fields.values())
        ]
        assert len(wanted) == 1, (action, forms)
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', wanted[0])
        assert token is not None
        reply = self.client.post(action, data={"csrf_token": token[1], **fields})
        assert reply.status_code == 302
        return self.get(reply.headers["Location"])[1]
