# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The uploader as one file that any Python from 3.9 on runs, without installing.

It is made of the installed package, so it always speaks the version of this server.
"""

from __future__ import annotations

import ast
import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

_ROOT = Path(__file__).parent.parent
_PACKAGE = "invenio_multipart"
_CLIENT = "client"

_SHEBANG = b"#!/usr/bin/env python3\n"

_MAIN = f'''\
# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Run the uploader; what Python is too old for says so instead of breaking."""

import sys

if sys.version_info < (3, 9):
    sys.exit("The uploader needs Python 3.9 or newer; this is %d.%d." % sys.version_info[:2])

from {_PACKAGE}.{_CLIENT}.cli import main

sys.exit(main())
'''

_TIME = (2026, 1, 1, 0, 0, 0)
"""Of every member: the same package makes the same bytes, on each worker."""

_MODE = 0o100644


@dataclass(frozen=True)
class Zipapp:
    """A program of one file.

    :param digest: SHA-256 of the content, hex.
    """

    content: bytes
    digest: str


@cache
def zipapp() -> Zipapp:
    """The uploader; built at the first call of a process."""
    members = {"__main__.py": _MAIN.encode(), **dict(_members())}
    stream = io.BytesIO()
    # Whoever unpacks it skips what stands before the archive.
    stream.write(_SHEBANG)
    with ZipFile(stream, "a") as archive:
        for name in sorted(members):
            info = ZipInfo(name, _TIME)
            info.external_attr = _MODE << 16
            # The same on each system, which the default would not be.
            info.create_system = 3
            info.compress_type = ZIP_DEFLATED
            archive.writestr(info, members[name])
    content = stream.getvalue()
    return Zipapp(content, hashlib.sha256(content).hexdigest())


def _members() -> Iterator[tuple[str, bytes]]:
    """Every file of the client, and those modules of the package that it imports."""
    client = _ROOT / _CLIENT
    waiting = {path for path in client.rglob("*") if _is_source(path)}
    waiting.add(_ROOT / "__init__.py")
    seen: set[Path] = set()
    while waiting:
        path = waiting.pop()
        seen.add(path)
        content = path.read_bytes()
        yield f"{_PACKAGE}/{path.relative_to(_ROOT).as_posix()}", content
        # The package itself imports its extension, on a site, when it is asked for it.
        if path.suffix == ".py" and path.parent != _ROOT:
            waiting |= set(_imported(path, content)) - seen


def _is_source(path: Path) -> bool:
    return path.is_file() and "__pycache__" not in path.parts


def _imported(path: Path, content: bytes) -> Iterator[Path]:
    """Files of the package that this one imports; its imports are all relative."""
    for node in ast.walk(ast.parse(content)):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = path.parents[node.level - 1]
            names = node.module.split(".") if node.module else []
            for alias in node.names:
                yield from _modules(base, [*names, alias.name])


def _modules(base: Path, names: list[str]) -> Iterator[Path]:
    """The modules on the way to what a dotted name means."""
    for name in names:
        if (base / f"{name}.py").is_file():
            yield base / f"{name}.py"
        base = base / name
        if base.is_dir():
            yield base / "__init__.py"
