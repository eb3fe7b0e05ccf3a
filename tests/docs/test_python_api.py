# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The page on the uploader in Python, run against a real InvenioRDM and S3 server."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from tests.client.live import serving_here

from . import test_tutorials as tutorials

PAGE = Path(__file__).parents[2] / "docs" / "python-api.md"
ADDRESS = "https://repository.example.org"


def test_page_does_what_it_says(
    app: Any, storage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its examples print what stands below them, on S3 and on local storage."""
    monkeypatch.setenv("TOKEN", app.tokens["owner"])
    session = tutorials.steps(PAGE, "python")
    assert len(session) == 10
    with serving_here(app) as url:
        here = [
            tutorials.Step(step.commands.replace(ADDRESS, url), step.printed)
            for step in session
        ]
        mark = "print('{}', flush=True)"
        tutorials.run([sys.executable, "-c"], mark, here, tmp_path, 9)
