# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""A real web server with one worker process, which a test may kill."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from ..driver import Api, Reply
from .kill_points import KillPoint
from .proxy import Cut

ROOT = Path(__file__).parent.parent.parent


def live_environment(
    settings: Mapping[str, Any], folder: Path, **changes: Any
) -> dict[str, str]:
    """Environment of a process that runs the test application.

    :param settings: as the application of the tests has them.
    :param folder: for the files that carry them over.
    """
    path = folder / "settings.json"
    path.write_text(json.dumps({**settings, **changes}))
    return {
        **os.environ,
        "LIVE_SETTINGS": str(path),
        "LIVE_PID": str(folder / "worker.pid"),
        "LIVE_KILL": str(folder / "kill.json"),
    }


class LiveServer:
    """gunicorn, which starts a new worker whenever one dies.

    The application is loaded before the workers are forked: the next one is there
    at once.
    """

    def __init__(self, environment: dict[str, str], port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._pid_file = Path(environment["LIVE_PID"])
        self._kill_file = Path(environment["LIVE_KILL"])
        module = "tests.faults.live_app"
        command = [sys.executable, "-m", "gunicorn", "--preload", "--workers=1"]
        command += ["--threads=4", "--timeout=120", "--log-level=error"]
        command += [f"--bind=127.0.0.1:{port}", "-c", f"python:{module}"]
        self.process = subprocess.Popen(
            [*command, f"{module}:make_app()"], env=environment, cwd=ROOT
        )

    @property
    def worker(self) -> int:
        """Process id of the worker."""
        return int(self._pid_file.read_text())

    def wait(self, killed: int | None = None, seconds: float = 240) -> None:
        """Until a worker answers, other than the killed one."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                if self._pid_file.exists() and self.worker != killed:
                    requests.get(f"{self.url}/records/none", timeout=10)
                    return
            except requests.ConnectionError:
                pass
            time.sleep(0.05)
        raise AssertionError("The web server does not answer.")

    def kill(self) -> None:
        """SIGKILL the worker; for the proxy, which then cuts the connection."""
        os.kill(self.worker, signal.SIGKILL)
        raise Cut

    @contextmanager
    def killed_at(self, point: KillPoint) -> Iterator[None]:
        """The worker is killed by what is requested meanwhile, at this point.

        :raises AssertionError: it has not come there.
        """
        before = self.worker
        point.write(self._kill_file)
        try:
            with pytest.raises(requests.ConnectionError):
                yield
            assert not self._kill_file.exists(), f"It never came to {point}."
        finally:
            self._kill_file.unlink(missing_ok=True)
        self.wait(killed=before)


@contextmanager
def serving(environment: dict[str, str]) -> Iterator[LiveServer]:
    """A web server for as long as it is needed."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = LiveServer(environment, port)
    try:
        server.wait()
        yield server
    finally:
        server.process.terminate()
        server.process.wait(30)


class LiveApi(Api):
    """The REST API over real connections."""

    def __init__(self, app: Any, token: str, url: str) -> None:
        super().__init__(app, token)
        self.token = token
        self.url = url

    def call(self, method: str, path: str, json: Any = None, **options: Any) -> Reply:
        """Send a request; ``path`` is below the API root or a full URL.

        :raises requests.ConnectionError: the server died before it answered.
        """
        path = path.removeprefix("http://localhost").removeprefix("/api")
        headers = {
            **options.pop("headers", {}),
            "Authorization": f"Bearer {self._token}",
        }
        reply = requests.request(
            method,
            f"{self.url}{path}",
            json=json,
            headers=headers,
            timeout=60,
            **options,
        )
        is_json = reply.headers.get("Content-Type", "").startswith("application/json")
        return Reply(
            reply.status_code, reply.json() if is_json else None, reply.headers
        )
