# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The clock of the tables."""

from __future__ import annotations

from datetime import datetime, timezone


def utc_now() -> datetime:
    """Now, aware."""
    return datetime.now(timezone.utc)
