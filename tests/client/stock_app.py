# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""InvenioRDM as if this package were not installed, for gunicorn.

LIVE_SETTINGS names a JSON file with the settings.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from werkzeug.exceptions import NotFound
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from benchmarks.wsgi import create


def make_app() -> Any:
    """The stock REST application below /api."""
    settings = json.loads(Path(os.environ["LIVE_SETTINGS"]).read_text())
    app = create("upstream", settings)
    app.wsgi_app = DispatcherMiddleware(NotFound(), {"/api": app.wsgi_app})
    return app
