# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Tables that are made from the code, so that they cannot be out of date.

Two directives without arguments: ``settings`` documents ``invenio_multipart/config.py``,
``error-table`` documents ``invenio_multipart/errors/`` with the statuses of
``resources/errors.py``.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

from invenio_multipart import config, errors
from invenio_multipart.resources.errors import STATUS


@dataclass(frozen=True)
class Setting:
    """A setting as ``config.py`` has it.

    :param default: the expression in the source, which often says more than its value.
    :param text: the docstring below it, empty when there is none.
    """

    name: str
    default: str
    text: str


def settings() -> Iterator[Setting]:
    """All settings in the order of the source."""
    body = ast.parse(inspect.getsource(config)).body
    for node, following in zip(body, [*body[1:], None]):
        if isinstance(node, ast.Assign):
            target, value = node.targets[0], node.value
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            target, value = node.target, node.value
        else:
            continue
        if isinstance(target, ast.Name):
            yield Setting(target.id, ast.unparse(value), _docstring(following))


def _docstring(node: ast.stmt | None) -> str:
    value = node.value if isinstance(node, ast.Expr) else None
    text = value.value if isinstance(value, ast.Constant) else ""
    return inspect.cleandoc(text) if isinstance(text, str) else ""


BASES = (errors.MultipartError, errors.BadRequest, errors.GrantError)
"""Errors that are never raised themselves."""


def error_rows() -> list[tuple[str, int, str]]:
    """Code, HTTP status and meaning of each error a client may meet."""
    return [
        (error.code, status, (error.__doc__ or "").partition("\n")[0])
        for error, status in STATUS.items()
        if error not in BASES
    ]


class _Generated(SphinxDirective):
    """Parses Markdown that a function wrote."""

    has_content: ClassVar[bool] = False

    def lines(self) -> list[str]:
        """The Markdown."""
        raise NotImplementedError

    def run(self) -> list[nodes.Node]:
        lines = self.lines()
        node = nodes.Element()
        self.state.nested_parse(StringList(lines, "generated"), 0, node)
        return list(node.children)


class Settings(_Generated):
    """One entry per setting, which ``confval`` roles can point at."""

    def lines(self) -> list[str]:
        """A definition with default and docstring each."""
        return [
            line
            for setting in settings()
            for line in [
                f"::::{{confval}} {setting.name}",
                f":default: `{setting.default}`",
                "",
                *setting.text.splitlines(),
                "::::",
                "",
            ]
        ]


class ErrorTable(_Generated):
    """One row per error."""

    def lines(self) -> list[str]:
        """A table."""
        rows = [
            f"| `{code}` | {status} | {meaning} |"
            for code, status, meaning in error_rows()
        ]
        return ["| code | status | meaning |", "|---|---|---|", *rows]


def setup(app: Any) -> dict[str, bool]:
    """Register both directives."""
    app.add_directive("settings", Settings)
    app.add_directive("error-table", ErrorTable)
    return {"parallel_read_safe": True}
