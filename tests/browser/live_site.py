# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""InvenioRDM with its pages in a process of its own, for gunicorn and for Celery.

SITE_SETTINGS names a JSON file with the settings; what cannot stand in JSON is here.
SITE_CHANGES names one that tests write while the site runs.
"""

from __future__ import annotations

import json
import os
import warnings
from pathlib import Path
from typing import Any

from werkzeug.middleware.dispatcher import DispatcherMiddleware

from ..conftest import load_program

pages = load_program("pages")


class Changes:
    """Settings that a test has changed, and what they were before."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.before: dict[str, Any] = {}

    def of_requests(self) -> None:
        """Look before each request."""
        self.app.before_request(self.apply)
        # The first one is called last: after the one that sets the site's own policy.
        self.app.after_request_funcs.setdefault(None, []).insert(0, self.restrict)

    def apply(self, **_: Any) -> None:
        """Have the settings that the file says."""
        wanted = json.loads(Path(os.environ["SITE_CHANGES"]).read_text())
        config = self.app.config
        for name in wanted.keys() - self.before.keys():
            self.before[name] = config.get(name)
        for name, value in self.before.items():
            config[name] = wanted.get(name, value)
        # It keeps what it has made of them.
        self.app.extensions["invenio-s3"].__dict__.pop("init_s3fs_info", None)

    def restrict(self, reply: Any) -> Any:
        """Send the test's own content security policy in place of the site's."""
        policy = self.app.config.get("TEST_CONTENT_SECURITY_POLICY")
        if policy:
            reply.headers["Content-Security-Policy"] = policy
        return reply


def _made_by(factory: Any) -> Any:
    settings = json.loads(Path(os.environ["SITE_SETTINGS"]).read_text())
    headers = pages.secure_headers(settings["S3_ENDPOINT_URL"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return factory(
            **settings,
            APP_DEFAULT_SECURE_HEADERS=headers,
            WEBPACKEXT_MANIFEST_LOADER=pages.ManifestLoader,
        )


def make_site() -> Any:
    """Pages, and the REST API below /api, as a site has them."""
    from invenio_app.factory import create_api, create_ui

    ui, api = _made_by(create_ui), _made_by(create_api)
    for app in (ui, api):
        Changes(app).of_requests()
    return DispatcherMiddleware(ui.wsgi_app, {"/api": api.wsgi_app})


def make_worker() -> Any:
    """The Celery application of that site."""
    from celery.signals import task_prerun
    from invenio_app.factory import create_api

    app = _made_by(create_api)
    task_prerun.connect(Changes(app).apply, weak=False)
    return app.extensions["flask-celeryext"].celery
