# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""A site as its users have it: pages, REST API, worker, S3, and proxies that break."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from ..conftest import ROOT
from ..driver import Api, Draft, Reply
from ..faults.proxy import FaultProxy


class SiteApi(Api):
    """The REST API over real connections, not disturbed by the proxies.

    :param url: of the web server.
    """

    def __init__(self, url: str, token: str | None, app: Any = None) -> None:
        super().__init__(app, token)
        self.url = url
        self.token = token

    def call(self, method: str, path: str, json: Any = None, **options: Any) -> Reply:
        """Send a request; ``path`` is below the API root or a full URL."""
        path = (
            "/" + path.split("://", 1)[-1].split("/", 1)[1] if "://" in path else path
        )
        path = path.removeprefix("/api")
        headers = options.pop("headers", {})
        if self.token:
            headers = {**headers, "Authorization": f"Bearer {self.token}"}
        reply = requests.request(
            method,
            f"{self.url}/api{path}",
            json=json,
            headers=headers,
            timeout=60,
            **options,
        )
        is_json = "json" in reply.headers.get("Content-Type", "")
        return Reply(
            reply.status_code, reply.json() if is_json else None, reply.headers
        )

    def content(self, path: str) -> bytes:
        """What a download of this file of a record gives.

        :raises requests.HTTPError: nothing is given.
        """
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        reply = requests.get(f"{self.url}/api{path}", headers=headers, timeout=60)
        reply.raise_for_status()
        return reply.content


@dataclass
class Site:
    """What runs, and where.

    :param url: as browsers know it; the web proxy's.
    :param web: between browsers and the web server.
    :param s3: between everybody and the S3 server.
    :param direct: the web server itself.
    """

    url: str
    web: FaultProxy
    s3: FaultProxy
    direct: str
    tokens: Mapping[str, str]
    app: Any
    changes: Path

    @contextmanager
    def settings(self, **changes: Any) -> Iterator[None]:
        """Other settings for as long as they are needed."""
        self._change(changes)
        try:
            yield
        finally:
            self._change({})

    def _change(self, changes: Mapping[str, Any]) -> None:
        # At once: the site reads it with each request, and may do so right now.
        new = self.changes.with_suffix(".new")
        new.write_text(json.dumps(changes))
        new.replace(self.changes)

    def api(self, name: str = "owner") -> SiteApi:
        """REST as one of the accounts."""
        return SiteApi(self.direct, self.tokens[name], self.app)

    def draft(self, **changes: Any) -> Draft:
        """A new draft of the owner that could be published but for its files."""
        return self.api().new_draft(**changes)

    def calm(self) -> None:
        """Let nothing break any more, and forget what came."""
        self.web.calm()
        self.s3.calm()

    def puts(self) -> list[str]:
        """Targets of what the S3 server has taken by signed links, in order.

        The site tries a store by a part of its own before it uses it.
        """
        sent = [line.split(" ") for line in list(self.s3.answers)]
        taken = [t for method, t, status in sent if (method, status) == ("PUT", "200")]
        return [target for target in taken if "X-Amz-Signature=" in target]


def free_port() -> int:
    """A port that nobody has."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@contextmanager
def running(command: list[str], environment: dict[str, str]) -> Iterator[Any]:
    """A program of Python for as long as it is needed."""
    process = subprocess.Popen(
        [sys.executable, "-m", *command], env=environment, cwd=ROOT
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()


@contextmanager
def serving(settings: Mapping[str, Any], folder: Path, port: int) -> Iterator[None]:
    """Web server and worker.

    :param settings: of the site, as in JSON.
    :param folder: of the instance; its static files are there.
    """
    path = folder / "site.json"
    path.write_text(json.dumps(settings))
    environment = {
        **os.environ,
        "SITE_SETTINGS": str(path),
        "INVENIO_INSTANCE_PATH": str(folder),
    }
    # Celery takes these before any address it is given.
    for name in ("CELERY_BROKER_URL", "BROKER_URL", "CELERY_RESULT_BACKEND"):
        environment[name] = settings[name]
    module = "tests.browser.live_site"
    web = ["gunicorn", "--workers=1", "--worker-class=gthread", "--threads=8"]
    web += ["--timeout=120", "--log-level=error", f"--bind=127.0.0.1:{port}"]
    worker = ["celery", "--quiet", "-A", "tests.browser.worker", "worker"]
    worker += ["--concurrency=2", "--loglevel=ERROR", "--without-gossip"]
    worker += ["--without-mingle", "--pool=threads"]
    with (
        running([*web, f"{module}:make_site()"], environment) as server,
        running(worker, environment),
    ):
        _wait_for(f"http://127.0.0.1:{port}/api/records?size=1", server)
        yield


def _wait_for(url: str, server: Any, seconds: float = 180) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert server.poll() is None, "The web server has ended."
        try:
            # The port is there long before the application is.
            if requests.get(url, timeout=60).ok:
                return
        except (requests.ConnectionError, requests.Timeout):
            time.sleep(0.3)
    raise AssertionError("The web server does not answer.")
