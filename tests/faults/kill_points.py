# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Places in the code where a process is killed by SIGKILL, and how it is told so."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import reduce, wraps
from importlib import import_module
from pathlib import Path
from typing import Any

_PACKAGE = "invenio_multipart."


@dataclass(frozen=True)
class KillPoint:
    """Before or after a call of a function.

    :param function: module below the package, a colon, and the name in it.
    :param after: whether when it has returned, else before it has begun.
    :param call: which call, from 1.
    """

    function: str
    after: bool = False
    call: int = 1

    def write(self, path: Path) -> None:
        """Tell the process: the next request is its last."""
        part = path.with_suffix(".new")
        part.write_text(json.dumps(asdict(self)))
        part.replace(path)


class Executioner:
    """Kills this process where a file says, once.

    :param path: the file; without it nothing happens.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._done: set[KillPoint] = set()

    def look(self) -> None:
        """Read the file, and lie in wait."""
        if self._path.exists():
            point = KillPoint(**json.loads(self._path.read_text()))
            if point not in self._done:
                self._done.add(point)
                self._wait_at(point)

    def _wait_at(self, point: KillPoint) -> None:
        module, _, name = point.function.partition(":")
        *path, last = name.split(".")
        owner = reduce(getattr, path, import_module(_PACKAGE + module))
        setattr(owner, last, self._watched(getattr(owner, last), point))

    def _watched(self, function: Callable[..., Any], point: KillPoint) -> Any:
        left = [None] * point.call

        @wraps(function)
        def watched(*args: Any, **kwargs: Any) -> Any:
            here = bool(left) and (left.pop() is None and not left)
            if here and not point.after:
                self._kill()
            result = function(*args, **kwargs)
            if here and point.after:
                self._kill()
            return result

        return watched

    def _kill(self) -> None:
        if self._path.exists():
            self._path.unlink()
            os.kill(os.getpid(), signal.SIGKILL)
