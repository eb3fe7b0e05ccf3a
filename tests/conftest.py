# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""A real InvenioRDM for the tests: PostgreSQL, OpenSearch, Redis and an S3 server.

``run-tests.sh`` starts the services and tells here by environment variables where
they are. Nothing is rolled back between tests: each makes its own draft, and what
locks and crashes do can only be seen in transactions that really end.

Each worker of pytest-xdist has a site of its own: database, indices, bucket, and
databases of Redis.
"""

from __future__ import annotations

import gc
import importlib.util
import os
import signal
import subprocess
import sys
import uuid
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import settings

from .driver import Api, Draft

# A busy machine is no reason to fail a property.
settings.register_profile("project", deadline=None)
settings.load_profile("project")

# Shells start what runs in the background with Ctrl-C ignored, and so would be the
# programs that tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).parent.parent
GIB = 2**30

WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
"""Number of this worker, from 0 on; 0 as well where there are none."""

if WORKER and "S3_BUCKET" in os.environ:
    os.environ["S3_BUCKET"] += f"-{WORKER}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have the tests come first that take as long as the site has records."""
    items.sort(
        key=lambda item: (
            item.path.name != "test_reindex.py" and item.name != "test_index_built"
        )
    )


def load_program(name: str) -> ModuleType:
    """A module of the demo, which is no package: there is one, for both."""
    path = ROOT / "scripts" / "demo" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _required(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        pytest.exit(f"{name} is not set: start the tests with ./run-tests.sh", 4)
    return value


@pytest.fixture(scope="session")
def database_uri() -> Iterator[str]:
    """A database of this run only, dropped at its end."""
    from sqlalchemy import create_engine, text
    from sqlalchemy.engine import make_url

    server = make_url(_required("SQLALCHEMY_DATABASE_URI"))
    name = f"multipart_test_{uuid.uuid4().hex[:12]}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield server.set(database=name).render_as_string(hide_password=False)
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
    engine.dispose()


def _redis(number: int) -> str:
    """One of four databases of this worker; the demo has the first six.

    Redis has 16 unless it is told otherwise, which is enough for two workers.
    """
    return f"{_required('REDIS_URL')}/{6 + 4 * WORKER + number}"


@pytest.fixture(scope="session")
def site_config(database_uri: str) -> dict[str, Any]:
    """What a site's invenio.cfg would say; of ours there is next to nothing in it."""
    from invenio_app.config import APP_DEFAULT_SECURE_HEADERS

    return {
        "APP_DEFAULT_SECURE_HEADERS": {
            **APP_DEFAULT_SECURE_HEADERS,
            "force_https": False,
            "session_cookie_secure": False,
        },
        "TESTING": True,
        "SECRET_KEY": "test",
        "SQLALCHEMY_DATABASE_URI": database_uri,
        "SEARCH_HOSTS": [
            {
                "host": _required("SEARCH_HOST"),
                "port": int(_required("SEARCH_PORT")),
            }
        ],
        "SEARCH_INDEX_PREFIX": f"test-{uuid.uuid4().hex[:8]}-",
        "BROKER_URL": _redis(0),
        "CELERY_BROKER_URL": _redis(0),
        "CELERY_RESULT_BACKEND": "cache",
        "CELERY_CACHE_BACKEND": "memory",
        "CELERY_TASK_ALWAYS_EAGER": True,
        "CELERY_TASK_EAGER_PROPAGATES": False,
        "CACHE_REDIS_URL": _redis(1),
        "ACCOUNTS_SESSION_REDIS_URL": _redis(2),
        "COMMUNITIES_IDENTITIES_CACHE_REDIS_URL": _redis(3),
        "RATELIMIT_STORAGE_URI": "memory://",
        "RATELIMIT_ENABLED": False,
        "SITE_UI_URL": "http://localhost",
        "SITE_API_URL": "http://localhost/api",
        "TRUSTED_HOSTS": ["localhost", "127.0.0.1"],
        "DATACITE_ENABLED": False,
        "WTF_CSRF_ENABLED": False,
        "REST_CSRF_ENABLED": False,
        "RATELIMIT_GUEST_USER": "1000000 per minute",
        "RDM_FILES_DEFAULT_QUOTA_SIZE": 1000 * GIB,
        "RDM_FILES_DEFAULT_MAX_FILE_SIZE": 60_000 * GIB,
        "FILES_REST_DEFAULT_QUOTA_SIZE": 1000 * GIB,
        "FILES_REST_DEFAULT_MAX_FILE_SIZE": None,
        "RDM_RECORDS_MAX_FILES_COUNT": 1000,
        "S3_ENDPOINT_URL": _required("S3_ENDPOINT_URL"),
        "S3_ACCESS_KEY_ID": _required("S3_ACCESS_KEY_ID"),
        "S3_SECRET_ACCESS_KEY": _required("S3_SECRET_ACCESS_KEY"),
        "S3_REGION_NAME": os.environ.get("S3_REGION_NAME", "us-east-1"),
        # Tests leave thousands of open uploads, and each run of the reaper would list
        # them all. Where strays are to be found a test says so.
        "MULTIPART_STRAY_GRACE_SECONDS": None,
    }


@pytest.fixture(scope="session", autouse=True)
def _bucket() -> None:
    """Make that of this worker, with the script that makes the first one."""
    if not WORKER:
        return
    command = [sys.executable, str(ROOT / "scripts" / "services" / "make_bucket.py")]
    names = ("S3_ENDPOINT_URL", "S3_REGION_NAME", "S3_BUCKET")
    keys = {
        "AWS_ACCESS_KEY_ID": _required("S3_ACCESS_KEY_ID"),
        "AWS_SECRET_ACCESS_KEY": _required("S3_SECRET_ACCESS_KEY"),
    }
    command += [_required(name) for name in names]
    subprocess.run(command, env={**os.environ, **keys}, check=True)


@pytest.fixture(scope="session")
def app(
    site_config: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Any]:
    """The REST application of InvenioRDM with our package installed."""
    instance = tmp_path_factory.mktemp("instance")
    os.environ["INVENIO_INSTANCE_PATH"] = str(instance)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from invenio_app.factory import create_api

        application = create_api(**site_config)
    setup = load_program("setup_instance")
    with application.app_context():
        setup.make_tables(application)
        setup.make_indices()
        setup.make_location("local", str(instance / "data"))
        setup.make_location("s3", f"s3://{_required('S3_BUCKET')}")
        application.tokens = setup.make_accounts()
        setup.make_dataset_term()
    # What is there now stays to the end: a tenth of the time went into looking at it.
    gc.collect()
    gc.freeze()
    yield application
    gc.unfreeze()
    with application.app_context():
        from invenio_search import current_search_client

        prefix = application.config["SEARCH_INDEX_PREFIX"]
        current_search_client.indices.delete(index=f"{prefix}*", ignore=[404])


@pytest.fixture(autouse=True)
def _push_request_context() -> None:
    """Take the place of pytest-flask's fixture, which does what its name says.

    All requests of a test would share one context: the identity of the first would
    be that of all, and so would the database session.
    """


@pytest.fixture
def api(app: Any) -> Api:
    """REST as the owner of new drafts."""
    return Api(app, app.tokens["owner"])


@pytest.fixture(scope="module")
def newcomer(app: Any) -> Api:
    """REST as somebody who has nothing yet: lists of the owner's grow all the time."""
    name = f"newcomer-{uuid.uuid4().hex[:8]}"
    with app.app_context():
        return Api(app, load_program("setup_instance").make_account(name))


@pytest.fixture
def other(app: Any) -> Api:
    """REST as somebody without rights on the owner's drafts."""
    return Api(app, app.tokens["other"])


@pytest.fixture
def anonymous(app: Any) -> Api:
    """REST without an account."""
    return Api(app, None)


@pytest.fixture(params=["s3", "local"])
def storage(request: pytest.FixtureRequest, app: Any) -> str:
    """The kind of storage new drafts use; tests run once on each."""
    return use_storage(app, request.param)


@pytest.fixture
def s3(app: Any) -> str:
    """New drafts use the S3 server."""
    return use_storage(app, "s3")


@pytest.fixture
def local(app: Any) -> str:
    """New drafts use local files."""
    return use_storage(app, "local")


def use_storage(app: Any, name: str) -> str:
    """Make the location of this name the default one."""
    from invenio_db import db
    from invenio_files_rest.models import Location

    with app.app_context():
        for location in Location.query:
            location.default = location.name == name
        db.session.commit()
    return name


@pytest.fixture
def draft(api: Api, storage: str) -> Draft:
    """A draft of the owner on either storage."""
    return api.new_draft()


@pytest.fixture
def s3_draft(api: Api, s3: str) -> Draft:
    """A draft of the owner on S3."""
    return api.new_draft()


@pytest.fixture
def local_draft(api: Api, local: str) -> Draft:
    """A draft of the owner on local files."""
    return api.new_draft()
