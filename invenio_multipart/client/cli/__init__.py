# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The command line of the uploader."""

from __future__ import annotations

from .main import main

__all__ = ("main",)
