# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Where the uploader keeps what it has to remember, readable by nobody else."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from .errors import UsageError

NAME = "invenio-multipart"


def config_folder() -> Path:
    """For tokens; below ``XDG_CONFIG_HOME``, or ``~/.config``."""
    return _folder("XDG_CONFIG_HOME", ".config")


def state_folder() -> Path:
    """For the list of uploads and their logs; below ``XDG_STATE_HOME``."""
    return _folder("XDG_STATE_HOME", ".local/state")


def _folder(variable: str, default: str) -> Path:
    place = os.environ.get(variable, "")
    # A relative path has no meaning there (XDG Base Directory Specification).
    if not place or not Path(place).is_absolute():
        try:
            place = str(Path.home() / default)
        except RuntimeError as error:
            raise UsageError(
                f"There is no home folder; set {variable} to a folder of yours."
            ) from error
    return Path(place) / NAME


def make_folder(folder: Path) -> None:
    """``folder`` is there, and only its owner can look into it.

    :raises UsageError: when it cannot be made.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"Cannot make {folder}: {error.strerror}.") from error


def write_private(path: Path, data: Any) -> None:
    """``path`` holds ``data`` as JSON, as a whole or not at all.

    :raises UsageError: when it cannot be written.
    """
    make_folder(path.parent)
    try:
        # mkstemp makes files that only their owner can read and write.
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(data, file, indent=1)
                file.write("\n")
            os.replace(name, path)  # noqa: PTH105 - the name is no Path
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise UsageError(f"Cannot write {path}: {error.strerror}.") from error


def read_private(path: Path) -> Any:
    """The data in ``path``; None when there is no such file.

    :raises UsageError: when it cannot be read, or holds something else.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror}.") from error
    except ValueError as error:
        raise UsageError(f"{path} is damaged; remove it, please.") from error
