# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The test application in a process of its own, to be killed.

For gunicorn (also as its configuration file), and as a command: a worker that
verifies one upload. LIVE_SETTINGS names a JSON file with the settings.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from pathlib import Path
from typing import Any

from werkzeug.middleware.dispatcher import DispatcherMiddleware

from invenio_multipart.core import plan

from ..driver import PART
from .kill_points import Executioner


def make_app() -> Any:
    """InvenioRDM's REST application on the database of the tests."""
    from invenio_app.factory import create_api

    settings = json.loads(Path(os.environ["LIVE_SETTINGS"]).read_text())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        app = create_api(**settings)
    app.before_request(Executioner(Path(os.environ["LIVE_KILL"])).look)
    app.add_url_rule("/faults/reap", "faults_reap", periodic, methods=["POST"])
    # Clients that know a site by its address find the API where sites have it.
    app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {"/api": app.wsgi_app})
    # Two parts shall not be many bytes.
    plan.PREFERRED_MIN_PART_SIZE = PART
    return app


def periodic() -> dict[str, int]:
    """The periodic tasks, in this process."""
    from .recovery import reap

    return dict(reap())


def post_fork(server: Any, worker: Any) -> None:
    """Tell the tests whom to kill; connections of the parent are not ours."""
    from invenio_db import db

    with server.app.wsgi().app_context():
        db.engine.dispose(close=False)
    target = Path(os.environ["LIVE_PID"])
    part = target.with_suffix(".new")
    part.write_text(str(os.getpid()))
    part.replace(target)


if __name__ == "__main__":
    from invenio_multipart.proxies import current_multipart

    with make_app().app_context():
        current_multipart.uploads.verify(sys.argv[1])
