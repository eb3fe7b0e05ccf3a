# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Sphinx configuration. Builds offline: no other project's inventory is asked."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

from invenio_multipart import __version__

project = "invenio-multipart"
author = "The invenio-multipart authors"
copyright = f"2026, {author}"
version = release = __version__

extensions = ["myst_parser", "reference"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
exclude_patterns = ["_build", "_ext"]

# Every reference must lead somewhere.
nitpicky = True

html_theme = "alabaster"
html_theme_options = {
    "description": "Verified, resumable multipart uploads for InvenioRDM",
    "page_width": "1000px",
    "fixed_sidebar": True,
}
