# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""``python -m invenio_multipart.client``."""

from __future__ import annotations

import sys

from .cli import main

sys.exit(main())
