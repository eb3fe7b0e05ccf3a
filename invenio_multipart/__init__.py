# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Verified, resumable multipart uploads for InvenioRDM."""

from __future__ import annotations

from typing import Any

__version__ = "0.1.0"

__all__ = ("InvenioMultipart", "__version__")


def __getattr__(name: str) -> Any:
    """Load the extension on first use, so that the client needs no Invenio."""
    if name == "InvenioMultipart":
        from .ext import InvenioMultipart

        return InvenioMultipart
    raise AttributeError(name)
