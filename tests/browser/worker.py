# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""For ``celery -A tests.browser.worker``."""

from __future__ import annotations

from .live_site import make_worker

app = make_worker()
