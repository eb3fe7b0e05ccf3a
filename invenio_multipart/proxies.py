# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Proxies to the extension of the current application."""

from __future__ import annotations

from flask import current_app
from werkzeug.local import LocalProxy

current_multipart = LocalProxy(lambda: current_app.extensions["invenio-multipart"])
"""The :class:`~invenio_multipart.ext.InvenioMultipart` of this application."""
