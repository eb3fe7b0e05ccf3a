# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What people write about a file: the ``metadata`` of its entry.

InvenioRDM keeps any object there. Three members have a meaning on the pages, and so they
have a form; whatever else a site or an extractor keeps is its own affair, within reason.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..errors import InvalidMetadata

LONGEST = {"title": 250, "type": 100, "description": 5000}
"""Texts that the pages show, and how many characters each may have."""

MAX_BYTES = 64 * 2**10
"""Of all of it as JSON: every list of a record's files holds it."""


def check_about(metadata: Any) -> None:
    """Nothing, where a file may have this metadata; None is none.

    :raises InvalidMetadata: it is no object, or a member is not what the pages can
        show; ``field`` names it.
    """
    if metadata is None:
        return
    if not isinstance(metadata, Mapping):
        raise InvalidMetadata("The metadata of a file is an object.", field="metadata")
    for name, most in LONGEST.items():
        _check_text(metadata.get(name), name, most)
    # Half a character, which is refused elsewhere, is no reason to break here.
    text = json.dumps(metadata, ensure_ascii=False, default=str)
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > MAX_BYTES:
        raise InvalidMetadata(
            f"The metadata of a file may have {MAX_BYTES} bytes, not {size}.",
            field="metadata",
        )


def _check_text(value: Any, name: str, most: int) -> None:
    field = f"metadata.{name}"
    if value is None:
        return
    if not isinstance(value, str):
        raise InvalidMetadata(f"The {name} of a file is a text.", field=field)
    if len(value) > most:
        raise InvalidMetadata(
            f"The {name} of a file may have {most} characters, not {len(value)}.",
            field=field,
        )
