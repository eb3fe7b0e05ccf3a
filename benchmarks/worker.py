# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The Celery application of an instance; ``BENCH_CONFIG`` as for the web server."""

from __future__ import annotations

import json
import os
from pathlib import Path

from flask_celeryext import create_celery_app

from .wsgi import create

celery = create_celery_app(
    create("ours", json.loads(Path(os.environ["BENCH_CONFIG"]).read_text()))
)
# The tasks of all installed packages.
celery.loader.import_default_modules()
