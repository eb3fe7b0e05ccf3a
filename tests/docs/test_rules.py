# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Rules of CONTRIBUTING.md that no other tool checks."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "invenio_multipart"
# A revision is one list of columns.
MODULES = sorted(set(PACKAGE.rglob("*.py")) - set(PACKAGE.glob("alembic/*.py")))
MODULE_LINES, FUNCTION_LINES = 300, 40
LICENSE = "# SPDX-License-Identifier: MIT"


def _functions(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Name and lines of each function, docstring not counted."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            text = ast.get_docstring(node, clean=False)
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            yield node.name, lines - (text.count("\n") + 1 if text else 0)


def _name(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_sizes(path: Path) -> None:
    """A module has at most 300 lines and a function at most 40 beside its docstring."""
    source = path.read_text(encoding="utf-8")
    assert source.count("\n") <= MODULE_LINES
    functions = _functions(ast.parse(source))
    assert [found for found in functions if found[1] > FUNCTION_LINES] == []


def test_scripts_carry_the_license() -> None:
    """Shell scripts name authors and license as Python files do, which ruff checks."""
    scripts = [*ROOT.glob("*.sh"), *(ROOT / "scripts").rglob("*.sh"), ROOT / ".ci/run"]
    assert len(scripts) > 5
    for script in scripts:
        head = script.read_text(encoding="utf-8").splitlines()[:4]
        assert LICENSE in head, script


def test_pages_lead_somewhere() -> None:
    """Every relative link of README and CONTRIBUTING names a file that exists."""
    for page in ("README.md", "CONTRIBUTING.md"):
        text = (ROOT / page).read_text(encoding="utf-8")
        links = re.findall(r"\]\((?!https?:)([^)#]+)", text)
        assert links
        assert [link for link in links if not (ROOT / link).exists()] == []
