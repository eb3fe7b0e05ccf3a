# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The tables of the documentation that are made from the code."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from invenio_multipart import config, errors
from invenio_multipart.resources.errors import STATUS

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    """The Sphinx extension of our documentation."""
    path = DOCS / "_ext" / "reference.py"
    spec = importlib.util.spec_from_file_location("reference", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look their module up.
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "reference", module)
        spec.loader.exec_module(module)
    return module


def _all_errors(base: type[errors.MultipartError]) -> set[Any]:
    return {base}.union(*map(_all_errors, base.__subclasses__()))


def test_every_setting_is_documented(reference: ModuleType) -> None:
    """Each setting of config.py has a docstring, and none is forgotten."""
    found = {setting.name: setting for setting in reference.settings()}
    assert set(found) == {name for name in dir(config) if name.isupper()}
    assert [name for name, setting in found.items() if not setting.text] == []


def test_every_setting_has_our_prefix(reference: ModuleType) -> None:
    """A setting that did not begin with MULTIPART_ would not be a default."""
    names = [setting.name for setting in reference.settings()]
    assert [name for name in names if not name.startswith("MULTIPART_")] == []


def test_every_error_has_a_row(reference: ModuleType) -> None:
    """The table names each error with a code of its own, a status and a meaning."""
    assert set(STATUS) == _all_errors(errors.MultipartError)
    rows = reference.error_rows()
    codes = [code for code, _, _ in rows]
    assert len(codes) == len(set(codes)) == len(STATUS) - len(reference.BASES)
    assert [row for row in rows if not row[2]] == []


def test_every_decision_is_listed() -> None:
    """Each page below decisions/ stands in the list of decisions."""
    listed = (DOCS / "decisions" / "index.md").read_text(encoding="utf-8")
    pages = {path.stem for path in (DOCS / "decisions").glob("*.md")} - {"index"}
    assert {page for page in pages if f"\n{page}\n" not in listed} == set()
