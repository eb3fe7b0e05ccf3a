# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What installing the package does to an environment that has InvenioRDM."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import requires, version

from packaging.requirements import Requirement


def test_pip_check() -> None:
    """Nothing InvenioRDM pins is broken by this package's presence."""
    done = subprocess.run(
        [sys.executable, "-m", "pip", "check"],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout


def test_requirements_are_ranges_that_are_met() -> None:
    """Every requirement is a range, and the stable InvenioRDM 14 is inside it."""
    needed = [Requirement(text) for text in requires("invenio-multipart") or ()]
    assert not [r for r in needed if any(s.operator == "==" for s in r.specifier)]
    plain = [r for r in needed if r.marker is None]
    assert plain
    assert not [r for r in plain if version(r.name) not in r.specifier]


def test_no_cloud_sdk_is_required() -> None:
    """boto3 is not a requirement: s3fs pins botocore, and boto3 would move it."""
    needed = [Requirement(text) for text in requires("invenio-multipart") or ()]
    outside_tests = [
        r for r in needed if r.marker is None or "tests" not in str(r.marker)
    ]
    assert not {"boto3", "botocore"} & {r.name for r in outside_tests}


def test_nothing_is_needed_in_the_site_config(app: object) -> None:
    """M is ours and our components are wired without a line in invenio.cfg."""
    from invenio_records_resources.proxies import current_transfer_registry

    from invenio_multipart.transfers.components import MultipartFileComponent
    from invenio_multipart.transfers.multipart import MultipartTransferType

    with app.app_context():  # type: ignore[attr-defined]
        assert (
            current_transfer_registry.get_transfer_class("M") is MultipartTransferType
        )
        assert set(current_transfer_registry.get_transfer_types()) == set("LFRM")
    config = app.config  # type: ignore[attr-defined]
    assert config["RDM_DRAFT_FILES_SERVICE_COMPONENTS"][0] is MultipartFileComponent
    assert "multipart-reaper" in config["CELERY_BEAT_SCHEDULE"]


def test_a_site_that_names_the_stock_factory_gets_ours() -> None:
    """A cookiecutter's invenio.cfg names invenio-s3's factory; files still work."""
    from flask import Flask

    from invenio_multipart import InvenioMultipart
    from invenio_multipart.overrides import FILES_REST_STORAGE_FACTORY

    site = Flask("site")
    site.config["FILES_REST_STORAGE_FACTORY"] = "invenio_s3.s3fs_storage_factory"
    InvenioMultipart(site)
    assert site.config["FILES_REST_STORAGE_FACTORY"] == FILES_REST_STORAGE_FACTORY
    own = Flask("own")
    own.config["FILES_REST_STORAGE_FACTORY"] = "a_site.storage:factory"
    InvenioMultipart(own)
    assert own.config["FILES_REST_STORAGE_FACTORY"] == "a_site.storage:factory"
