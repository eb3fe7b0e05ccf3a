# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Is this site set up for large uploads? One finding per question."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flask import current_app
from invenio_db import db
from invenio_files_rest.models import Location
from invenio_files_rest.proxies import current_files_rest
from invenio_records_resources.proxies import current_transfer_registry
from sqlalchemy import inspect

from ..records.models import (
    Adopted,
    Batch,
    BatchLink,
    Bookmark,
    Job,
    Link,
    Part,
    Removal,
    Upload,
)
from ..storage.factory import storage_factory
from .doctor_links import examine_links
from .doctor_location import examine_location
from .doctor_workers import examine_workers
from .findings import Finding

_BRANCH = "invenio_multipart"
_TABLES = (Upload, Part, Batch, Job, Link, BatchLink, Adopted, Removal, Bookmark)


def examine() -> Iterator[Finding]:
    """All findings, in the order an upload meets what they are about."""
    tables = _tables()
    yield tables
    for check in (_transfer, _factory, _database):
        yield check()
    if tables.ok:
        yield from examine_workers()
    locations = Location.query.order_by(Location.name).all()
    for name, uri in [(location.name, location.uri) for location in locations]:
        yield from examine_location(name, uri)
        # Neither locks nor connections are kept while a store is asked.
        db.session.rollback()
    if tables.ok:
        yield from examine_links()
    if any(location.uri.startswith("s3://") for location in locations):
        yield from _content_security_policy()


def _tables() -> Finding:
    """Looks at the tables themselves: what the code needs is what counts."""
    found = inspect(db.engine)
    missing = []
    for model in _TABLES:
        name = model.__tablename__
        if not found.has_table(name):
            missing.append(name)
            continue
        there = {column["name"] for column in found.get_columns(name)}
        wanted = model.__table__.columns.keys()
        missing += [f"{name}.{column}" for column in wanted if column not in there]
    if missing:
        names = ", ".join(missing)
        text = f"Migrations are missing ({names}): run `invenio alembic upgrade`."
        return Finding(text, ok=False)
    behind = _unapplied()
    if behind:
        text = f"Revision {behind} is not applied: run `invenio alembic upgrade`."
        return Finding(text, ok=False)
    return Finding("The tables are there, and all migrations are applied.", ok=True)


def _unapplied() -> str | None:
    """The newest of our revisions, when the database does not have it."""
    alembic = current_app.extensions["invenio-db"].alembic
    scripts = alembic.script_directory
    applied = {
        revision.revision
        for head in alembic.migration_context.get_current_heads()
        for revision in scripts.iterate_revisions(head, "base")
    }
    for head in scripts.get_heads():
        revision = scripts.get_revision(head)
        ours = _BRANCH in revision.branch_labels or _BRANCH in str(revision.path)
        if ours and head not in applied:
            return str(head)
    return None


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


def _database() -> Finding:
    name = db.engine.dialect.name
    if name == "postgresql":
        return Finding("PostgreSQL locks rows.", ok=True)
    return Finding(
        f"{name} has no row locks: not for more than one process. Use PostgreSQL.",
        ok=False,
    )


def _content_security_policy() -> Iterator[Finding]:
    """What the deposit page needs; other programs do not read it."""
    from ..storage.s3_site import public_origin

    if not current_app.config.get("APP_RDM_DEPOSIT_NG_FILES_UI_ENABLED"):
        yield Finding(
            "The deposit page sends no parts: "
            "APP_RDM_DEPOSIT_NG_FILES_UI_ENABLED is off.",
            ok=None,
        )
        return
    headers = current_app.config.get("APP_DEFAULT_SECURE_HEADERS") or {}
    policy = headers.get("content_security_policy")
    if not isinstance(policy, Mapping):
        text = "The content security policy is no dictionary, or off: look yourself."
        yield Finding(text, ok=None)
        return
    lacking = list(_lacking(policy, public_origin()))
    for directive, source, why in lacking:
        yield Finding(
            f"Add {source} to {directive} of the content_security_policy in "
            f"APP_DEFAULT_SECURE_HEADERS: {why}.",
            ok=False,
        )
    if not lacking:
        yield Finding("The content security policy lets browsers upload.", ok=True)


def _lacking(policy: Mapping[str, Any], origin: str) -> Iterator[tuple[str, str, str]]:
    """Directive, what is to be added, and why."""
    connect = _sources(policy, "connect-src")
    scheme = f"{origin.partition(':')[0]}:"
    if not connect & {"*", scheme, origin, f"{origin}/"}:
        yield "connect-src", origin, "browsers send parts there"
    scripts = _sources(policy, "script-src")
    if not scripts & {"'wasm-unsafe-eval'", "'unsafe-eval'"}:
        yield "script-src", "'wasm-unsafe-eval'", "files are hashed by WebAssembly"
    workers = _sources(policy, "worker-src", "script-src")
    if "blob:" not in workers:
        directive = "worker-src" if "worker-src" in policy else "script-src"
        yield directive, "blob:", "files are hashed beside the page"


def _sources(policy: Mapping[str, Any], *directives: str) -> set[str]:
    """What the first of these directives that is there allows, else the default's."""
    for directive in (*directives, "default-src"):
        if directive in policy:
            sources = policy[directive] or []
            return set(sources.split() if isinstance(sources, str) else sources)
    # No directive, no limit.
    return {"*", "'unsafe-eval'", "blob:"}
