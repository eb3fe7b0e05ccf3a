# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Which files upstream's processors are asked about after a completion."""

from __future__ import annotations

from typing import Any

import pytest
from invenio_records_resources.proxies import current_service_registry
from invenio_records_resources.services.files.processors import FileProcessor

from ..batching import brought
from ..driver import Draft


def test_only_what_the_batch_brought(
    app: Any, s3_draft: Draft, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Processors see finished files, and none of an earlier batch again."""
    seen = []

    class Watcher(FileProcessor):  # type: ignore[misc]
        def can_process(self, file_record: Any) -> bool:
            seen.append((file_record.key, file_record.file.size))
            return False

    with app.app_context():
        config = current_service_registry.get("draft-files").config
    monkeypatch.setattr(config, "file_processors", [Watcher()])
    brought(s3_draft, {"a.png": b"1"})
    brought(s3_draft, {"b.png": b"22", "dir/c.png": b"333"})
    assert seen == [("a.png", 1), ("b.png", 2), ("dir/c.png", 3)]
