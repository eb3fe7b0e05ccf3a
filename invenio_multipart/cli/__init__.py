# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Commands for the people who run a repository."""

from __future__ import annotations

from . import linking
from .commands import multipart

__all__ = ("linking", "multipart")
