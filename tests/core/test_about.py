# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What may be said about a file."""

from __future__ import annotations

from typing import Any

import pytest

from invenio_multipart.core.about import LONGEST, MAX_BYTES, check_about
from invenio_multipart.errors import InvalidMetadata


@pytest.mark.parametrize(
    "metadata",
    [
        None,
        {},
        {"title": None, "description": "", "type": "table"},
        {name: "ä" * most for name, most in LONGEST.items()},
        {"width": 100, "hashes": {"md5": "x"}, "list": [1, None, 2.5]},
        {"extracted": "x" * (MAX_BYTES - 20)},
    ],
)
def test_taken(metadata: Any) -> None:
    """Texts of their lengths, and whatever else an extractor keeps."""
    check_about(metadata)


@pytest.mark.parametrize(
    ("metadata", "field"),
    [
        ([], "metadata"),
        ("title", "metadata"),
        (7, "metadata"),
        ({"title": 7}, "metadata.title"),
        ({"description": ["x"]}, "metadata.description"),
        ({"type": {"id": "table"}}, "metadata.type"),
        ({"title": "x" * (LONGEST["title"] + 1)}, "metadata.title"),
        ({"extracted": "x" * MAX_BYTES}, "metadata"),
        ({"extracted": "ä" * (MAX_BYTES // 2)}, "metadata"),
        ({"extracted": "\ud800" * (MAX_BYTES // 3)}, "metadata"),
    ],
)
def test_refused(metadata: Any, field: str) -> None:
    """No object, no text, too long, or too much in all."""
    with pytest.raises(InvalidMetadata) as caught:
        check_about(metadata)
    assert caught.value.field == field
