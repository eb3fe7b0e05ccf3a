# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Is this site set up for large uploads? One finding per question."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from flask import current_app
from invenio_db import db
from invenio_files_rest.models import Location
from invenio_files_rest.proxies import current_files_rest
from invenio_records_resources.proxies import current_transfer_registry
from sqlalchemy import inspect

from ..errors import StorageError
from ..records.models import Part, Upload
from ..storage.factory import multipart_storage, new_uri, storage_factory
from .findings import Finding


def examine() -> Iterator[Finding]:
    """All findings, in the order an upload meets what they are about."""
    for check in (_tables, _transfer, _factory, _reaper, _database):
        yield check()
    for location in Location.query.order_by(Location.name):
        yield from _location(location)


def _tables() -> Finding:
    tables = (Upload.__tablename__, Part.__tablename__)
    missing = [name for name in tables if not inspect(db.engine).has_table(name)]
    if missing:
        return Finding("Tables are missing: run `invenio alembic upgrade`.", ok=False)
    return Finding("The tables are there.", ok=True)


def _transfer() -> Finding:
    transfer = current_transfer_registry.get_transfer_class("M")
    ours = transfer.__module__.startswith("invenio_multipart.")
    if ours:
        return Finding("M uploads are verified.", ok=True)
    return Finding(
        f"M uploads go to {transfer.__module__}: RECORDS_RESOURCES_TRANSFERS in "
        "invenio.cfg names it; remove that line.",
        ok=False,
    )


def _factory() -> Finding:
    factory = current_files_rest.storage_factory
    if factory is storage_factory:
        return Finding("Every file uses the storage its location's URI names.", ok=True)
    return Finding(
        f"Other files use the site's own storage factory ({factory.__module__}); "
        "M uploads use ours.",
        ok=None,
    )


def _reaper() -> Finding:
    if "multipart-reaper" in current_app.config.get("CELERY_BEAT_SCHEDULE", {}):
        return Finding("Unfinished uploads are cleaned up by celery beat.", ok=True)
    return Finding(
        "Nobody cleans up: MULTIPART_REAPER_INTERVAL_SECONDS is 0 or beat is not set.",
        ok=False,
    )


def _database() -> Finding:
    name = db.engine.dialect.name
    if name == "postgresql":
        return Finding("PostgreSQL locks rows.", ok=True)
    return Finding(f"{name} has no row locks: not for more than one process.", ok=False)


def _location(location: Location) -> Iterator[Finding]:
    where = f"Location {location.name} ({location.uri})"
    storage = multipart_storage(new_uri(location.uri, "0" * 36), 0)
    questions: tuple[Callable[[], object], ...] = (storage.head, storage.find_uploads)
    try:
        for question in questions:
            question()
        crc = storage.proves("crc64nvme")
        browsers = storage.takes_browsers()
    except StorageError as error:
        yield Finding(f"{where}: {error.message}", ok=False)
        return
    proved = "by full-object CRCs too" if crc else "by MD5s"
    yield Finding(f"{where} answers; objects are proved {proved}.", ok=True)
    if browsers is False:
        yield Finding(
            f"{where}: the bucket's CORS rules refuse PUT from browsers; set "
            "S3_BUCKET_CORS_RULES on it.",
            ok=False,
        )
    elif browsers is None:
        yield Finding(f"{where}: CORS rules cannot be read; see the manual.", ok=None)
