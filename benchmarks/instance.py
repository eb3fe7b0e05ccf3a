# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""An instance as a site runs it: a web server with threads, and a worker.

The other topics' servers have one thread and no worker, so that what they measure is
apart from everything else. An uploader asks several things at once, and waits for
what the worker does.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from invenio_queues.proxies import current_queues

from .site import (
    ROOT,
    Site,
    free_port,
    required,
    start_server,
    stop,
    wait_for_server,
)
from .wsgi import create

THREADS = 4
WORKER_SECONDS = 120


@dataclass(frozen=True)
class Instance:
    """Where the uploader goes.

    :param url: address of the instance.
    """

    url: str
    token: str


@contextmanager
def running_instance(site: Site) -> Iterator[Instance]:
    """One more web server on the site's database, and a Celery worker."""
    folder = site.folder / "instance"
    # Another topic of the same run may have had one.
    folder.mkdir(exist_ok=True)
    settings = json.loads((site.folder / "settings.json").read_text())
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    broker = f"{required('REDIS_URL')}/9"
    settings |= {
        "SITE_UI_URL": url,
        "SITE_API_URL": f"{url}/api",
        "BROKER_URL": broker,
        "CELERY_BROKER_URL": broker,
        # Others may use the same database of the broker.
        "CELERY_TASK_DEFAULT_QUEUE": site.bucket,
    }
    (folder / "settings.json").write_text(json.dumps(settings))
    with ExitStack() as stack:
        stack.enter_context(_queues(settings))
        process = start_server("ours", port, folder, THREADS)
        stack.callback(stop, process)
        stack.enter_context(_worker(folder))
        wait_for_server(process, url, folder / "ours.log")
        yield Instance(url, site.token)


@contextmanager
def _queues(settings: dict[str, Any]) -> Iterator[None]:
    """Where the statistics' events go: without it they would be dropped, for free."""
    app = create("ours", settings)
    with app.app_context():
        current_queues.declare()
    yield
    with app.app_context():
        current_queues.purge()


@contextmanager
def _worker(folder: Path) -> Iterator[None]:
    log = folder / "worker.log"
    command = [sys.executable, "-m", "celery", "-A", "benchmarks.worker", "worker"]
    command += [
        "--pool=solo",
        "--loglevel=INFO",
        "--without-gossip",
        "--without-mingle",
    ]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, "BENCH_CONFIG": str(folder / "settings.json")},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + WORKER_SECONDS
        while " ready." not in log.read_text():
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"The worker did not start:\n{log.read_text()[-3000:]}")
            time.sleep(0.5)
        yield
    finally:
        stop(process)
