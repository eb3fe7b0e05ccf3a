# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""One database, one bucket, two web servers: with this package and without it.

The services are those of ``scripts/services.sh``; what is made in them is of this
run only and removed at its end.
"""

from __future__ import annotations

import importlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import requests
from botocore.config import Config
from botocore.exceptions import ClientError

from .client import Api
from .wsgi import create

ROOT = Path(__file__).parent.parent
TIB = 2**40
BOOT_SECONDS = 240


@dataclass(frozen=True)
class Server:
    """A web server with one worker process, as sites run several of.

    :param worker: process id of the worker.
    """

    api: Api
    worker: int


@dataclass(frozen=True)
class Site:
    """What a benchmark has at hand.

    :param app: an application of ours in this process, for what needs no server.
    :param s3: a plain boto3 client.
    :param folder: for temporary files, removed at the end.
    :param token: of the account that both servers' calls are made with.
    """

    app: Any
    s3: Any
    bucket: str
    folder: Path
    token: str
    ours: Server
    upstream: Server

    def use_storage(self, name: str) -> None:
        """New drafts use "s3" or "local" storage."""
        from invenio_db import db
        from invenio_files_rest.models import Location

        with self.app.app_context():
            for location in Location.query:
                location.default = location.name == name
            db.session.commit()


def required(name: str) -> str:
    """A variable that ``scripts/services.sh env`` sets."""
    value = os.environ.get(name)
    if not value:
        sys.exit(f"{name} is not set: start with `make bench`")
    return value


@contextmanager
def running_site() -> Iterator[Site]:
    """Make everything, and take it away at the end."""
    name = f"multipart-bench-{uuid.uuid4().hex[:8]}"
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=name)))
        s3 = boto3.client(
            "s3",
            endpoint_url=required("S3_ENDPOINT_URL"),
            aws_access_key_id=required("S3_ACCESS_KEY_ID"),
            aws_secret_access_key=required("S3_SECRET_ACCESS_KEY"),
            region_name=os.environ.get("S3_REGION_NAME", "us-east-1"),
            config=Config(signature_version="s3v4", read_timeout=600),
        )
        s3.create_bucket(Bucket=name)
        stack.callback(_remove_bucket, s3, name)
        settings = _settings(stack.enter_context(_database(name)), name)
        os.environ["INVENIO_INSTANCE_PATH"] = str(folder)
        app = create("ours", settings)
        token = _set_up(app, folder, name)
        stack.callback(_remove_indices, app)
        (folder / "settings.json").write_text(json.dumps(settings))
        servers = stack.enter_context(_servers(folder, token))
        yield Site(app, s3, name, folder, token, servers["ours"], servers["upstream"])


def _settings(database: str, name: str) -> dict[str, Any]:
    """What a site's invenio.cfg would say, for either side."""
    from invenio_app.config import APP_DEFAULT_SECURE_HEADERS

    redis = required("REDIS_URL")
    return {
        "APP_DEFAULT_SECURE_HEADERS": {
            **APP_DEFAULT_SECURE_HEADERS,
            "force_https": False,
            "session_cookie_secure": False,
        },
        "SECRET_KEY": name,
        "SQLALCHEMY_DATABASE_URI": database,
        "SEARCH_HOSTS": [
            {"host": required("SEARCH_HOST"), "port": int(required("SEARCH_PORT"))}
        ],
        "SEARCH_INDEX_PREFIX": f"{name}-",
        # No worker runs: tasks are queued, and what they do is measured apart.
        "BROKER_URL": "memory://",
        "CELERY_BROKER_URL": "memory://",
        "CELERY_RESULT_BACKEND": "cache",
        "CELERY_CACHE_BACKEND": "memory",
        "CACHE_REDIS_URL": f"{redis}/6",
        "ACCOUNTS_SESSION_REDIS_URL": f"{redis}/7",
        "COMMUNITIES_IDENTITIES_CACHE_REDIS_URL": f"{redis}/8",
        "RATELIMIT_STORAGE_URI": "memory://",
        "RATELIMIT_ENABLED": False,
        "RATELIMIT_AUTHENTICATED_USER": "1000000 per minute",
        "SITE_UI_URL": "http://127.0.0.1",
        "SITE_API_URL": "http://127.0.0.1/api",
        "TRUSTED_HOSTS": ["localhost", "127.0.0.1"],
        "DATACITE_ENABLED": False,
        "RDM_FILES_DEFAULT_QUOTA_SIZE": 100 * TIB,
        "RDM_FILES_DEFAULT_MAX_FILE_SIZE": 50 * TIB,
        "FILES_REST_DEFAULT_QUOTA_SIZE": 100 * TIB,
        "FILES_REST_DEFAULT_MAX_FILE_SIZE": 50 * TIB,
        # The stock side keeps it; ours takes its place, as it would on a site.
        "FILES_REST_STORAGE_FACTORY": "invenio_s3.s3fs_storage_factory",
        "RDM_RECORDS_MAX_FILES_COUNT": 10_000,
        "MULTIPART_LINK_LOCATIONS": [f"s3://{name}/objects/"],
        "S3_ENDPOINT_URL": required("S3_ENDPOINT_URL"),
        "S3_ACCESS_KEY_ID": required("S3_ACCESS_KEY_ID"),
        "S3_SECRET_ACCESS_KEY": required("S3_SECRET_ACCESS_KEY"),
        "S3_REGION_NAME": os.environ.get("S3_REGION_NAME", "us-east-1"),
    }


@contextmanager
def _database(name: str) -> Iterator[str]:
    from sqlalchemy import create_engine, text
    from sqlalchemy.engine import make_url

    server = make_url(required("SQLALCHEMY_DATABASE_URI"))
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    yield server.set(database=name).render_as_string(hide_password=False)
    with engine.connect() as connection:
        connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
    engine.dispose()


def _set_up(app: Any, folder: Path, bucket: str) -> str:
    """The demo's own set-up of an instance; returns the owner's token."""
    setup = importlib.import_module("scripts.demo.setup_instance")
    with app.app_context():
        setup.make_tables(app)
        setup.make_indices()
        setup.make_location("local", str(folder / "data"))
        setup.make_location("s3", f"s3://{bucket}")
        token: str = setup.make_accounts()["owner"]
        setup.make_dataset_term()
    return token


@contextmanager
def _servers(folder: Path, token: str) -> Iterator[dict[str, Server]]:
    with ExitStack() as stack:
        started = {}
        for side in ("ours", "upstream"):
            port = free_port()
            process = start_server(side, port, folder)
            stack.callback(stop, process)
            started[side] = (process, f"http://127.0.0.1:{port}")
        servers = {}
        for side, (process, url) in started.items():
            wait_for_server(process, url, folder / f"{side}.log")
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
            worker = int(children.read_text().split()[0])
            servers[side] = Server(Api(url, token), worker)
        yield servers


def start_server(
    side: str, port: int, folder: Path, threads: int = 1
) -> subprocess.Popen[bytes]:
    """A web server with one process; it may not answer yet.

    :param folder: has the settings, and gets the log.
    """
    arguments = ["-w", "1", "-t", "1200", "-b", f"127.0.0.1:{port}"]
    if threads > 1:
        arguments += ["--threads", str(threads)]
    with (folder / f"{side}.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "gunicorn", *arguments, "benchmarks.wsgi"],
            cwd=ROOT,
            env={
                **os.environ,
                "BENCH_SIDE": side,
                "BENCH_THREADS": str(threads),
                "BENCH_CONFIG": str(folder / "settings.json"),
            },
            stdout=log,
            stderr=subprocess.STDOUT,
        )


def wait_for_server(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    """Until it answers."""
    deadline = time.monotonic() + BOOT_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(requests.ConnectionError, requests.Timeout):
            if requests.get(f"{url}/records", timeout=60).ok:
                return
        time.sleep(0.5)
    sys.exit(f"A web server did not start:\n{log.read_text()[-3000:]}")


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process, by force if it has to be."""
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def free_port() -> int:
    """One that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _remove_indices(app: Any) -> None:
    with app.app_context():
        from invenio_search import current_search_client

        prefix = app.config["SEARCH_INDEX_PREFIX"]
        current_search_client.indices.delete(index=f"{prefix}*", ignore=[404])


def _remove_bucket(s3: Any, name: str) -> None:
    while found := s3.list_objects_v2(Bucket=name).get("Contents"):
        objects = [{"Key": entry["Key"]} for entry in found]
        s3.delete_objects(Bucket=name, Delete={"Objects": objects, "Quiet": True})
    # Page by page from the start: not every server continues this listing.
    while found := s3.list_multipart_uploads(Bucket=name).get("Uploads"):
        for upload in found:
            s3.abort_multipart_upload(
                Bucket=name, Key=upload["Key"], UploadId=upload["UploadId"]
            )
    try:
        s3.delete_bucket(Bucket=name)
    except ClientError as error:
        # What went wrong before is the news, not that it left something behind.
        print(f"The bucket {name} stays: {error}", file=sys.stderr)
