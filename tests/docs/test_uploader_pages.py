# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The pages on the uploader, command by command, with a real InvenioRDM and S3."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from invenio_multipart.client.cli import arguments, main, outcome
from tests.client.live import serving_here
from tests.driver import Api

from . import test_tutorials as tutorials

DOCS = Path(__file__).parents[2] / "docs"
ADDRESS = "https://repository.example.org"

QUIET = """
invenio-multipart() { command invenio-multipart "$@" 2>>"$HOME/errors.log"; }
python3() { command python3 "$@" 2>>"$HOME/errors.log"; }
"""
"""Progress goes to standard error, and is another one each time."""


@pytest.fixture
def site(app: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Address of a repository; the uploader knows neither it nor its user."""
    for name in list(os.environ):
        if name.startswith(("XDG_", "INVENIO_MULTIPART_")):
            monkeypatch.delenv(name)
    # The keyring of whoever runs the tests is left alone.
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    monkeypatch.setenv("TOKEN", app.tokens["owner"])
    programs = Path(sys.executable).parent
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    if shutil.which("invenio-multipart") is None:
        pytest.skip("the package is not installed")
    with serving_here(app) as url:
        yield url


def follow(page: str, site: str, folder: Path, sessions: int) -> None:
    """Do what a page says, and compare what comes of it."""
    session = [
        tutorials.Step(
            step.commands.replace(ADDRESS, site),
            step.printed and step.printed.replace(ADDRESS, site),
        )
        for step in tutorials.steps(DOCS / "tutorials" / page, "shell")
    ]
    assert len(session) == sessions
    session.insert(0, tutorials.Step(QUIET, None))
    tutorials.run(["bash", "-eu", "-c"], "echo '{}'", session, folder, 9)


def test_laptop(
    site: str,
    api: Api,
    storage: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Login, upload, status and download, on S3 and on local storage."""
    monkeypatch.setenv("DRAFT", f"{site}/uploads/{api.new_draft().id}")
    follow("laptop.md", site, tmp_path, 7)


def test_cluster(site: str, s3: str, tmp_path: Path) -> None:
    """The one-file program, many files, and a job that goes on."""
    follow("cluster.md", site, tmp_path, 5)


def test_instrument(
    site: str, api: Api, s3: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder is watched until it is empty, and as a job."""
    monkeypatch.setenv("DRAFT_ID", api.new_draft().id)
    follow("instrument.md", site, tmp_path, 3)


def _options(parser: argparse.ArgumentParser) -> dict[str, set[str]]:
    (commands,) = parser._subparsers._group_actions  # type: ignore[union-attr]
    return {
        name: {
            word
            for action in command._actions
            for word in action.option_strings[:1]
            if word != "-h"
        }
        for name, command in commands.choices.items()  # type: ignore[union-attr]
    }


def test_reference_names_all_commands_and_options() -> None:
    """Whatever can be typed is on the page."""
    page = (DOCS / "uploader.md").read_text()
    for name, options in _options(arguments.parser()).items():
        assert f"`{name}" in page
        for option in options:
            assert re.search(rf"`{option}\b|\b{name}[^`]* {option}\b", page), option


def test_reference_names_all_exit_codes() -> None:
    """And whatever can come back."""
    page = (DOCS / "uploader.md").read_text()
    table = page.partition("## Exit codes")[2].partition("##")[0]
    codes = {code for _, code in outcome.EXIT_CODES}
    codes |= set(outcome.FILE_CODES.values())
    for code in codes:
        assert f"\n| {code} |" in table
    assert "| 129, 130, 143 |" in table


def test_pages_name_only_options_that_exist(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """No page shows what the program does not take."""
    known = set().union(*_options(arguments.parser()).values())
    known |= {"--base-url", "--help"}
    for page in ("laptop", "cluster", "instrument"):
        text = (DOCS / "tutorials" / f"{page}.md").read_text()
        ours = re.findall(r"(?:invenio-multipart|uploader\.pyz) .*", text)
        ours += re.findall(r"`(--[a-z-]+)", text)
        for option in re.findall(r"--[a-z-]+", "\n".join(ours)):
            assert option in known, (page, option)
    assert main(["version"]) == 0
    assert capsys.readouterr().out
