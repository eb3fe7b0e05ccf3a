# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Storages need settings and nothing else: a small application gives them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from .places import LocalPlace, MemoryPlace, Place, S3Place


def make_site(endpoint: str) -> Flask:
    """An application with invenio-s3 and our one S3 setting."""
    from invenio_s3 import InvenioS3

    site = Flask("storage")
    site.config.update(
        S3_ENDPOINT_URL=endpoint,
        S3_ACCESS_KEY_ID=os.environ["S3_ACCESS_KEY_ID"],
        S3_SECRET_ACCESS_KEY=os.environ["S3_SECRET_ACCESS_KEY"],
        S3_REGION_NAME=os.environ.get("S3_REGION_NAME", "us-east-1"),
        MULTIPART_S3_PUBLIC_ENDPOINT_URL=None,
    )
    InvenioS3(site)
    return site


@pytest.fixture(scope="session")
def site() -> Flask:
    """Knows the S3 server of the tests."""
    return make_site(os.environ["S3_ENDPOINT_URL"])


@pytest.fixture(autouse=True)
def site_context(site: Flask) -> Iterator[None]:
    """Storages read their settings from the current application."""
    with site.app_context():
        yield


def make_place(name: str, tmp_path: Any) -> Place:
    """A place by its name."""
    if name == "s3":
        from invenio_multipart.storage.s3 import S3Storage

        return S3Place(os.environ["S3_BUCKET"], S3Storage)
    return LocalPlace(tmp_path / "files") if name == "local" else MemoryPlace()


@pytest.fixture(params=["s3", "local", "memory"])
def place(request: pytest.FixtureRequest, tmp_path: Any) -> Place:
    """Each kind of storage in turn."""
    return make_place(request.param, tmp_path)


@pytest.fixture(params=["local", "memory"])
def tiny_place(request: pytest.FixtureRequest, tmp_path: Any) -> Place:
    """Storages that put parts of any size together."""
    return make_place(request.param, tmp_path)


@pytest.fixture
def s3_place(tmp_path: Any) -> Place:
    """The S3 server."""
    return make_place("s3", tmp_path)


@pytest.fixture
def local_place(tmp_path: Any) -> Place:
    """A folder."""
    return make_place("local", tmp_path)
