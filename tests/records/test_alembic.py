# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The migrations, from a stock InvenioRDM and back, in a database of their own.

InvenioRDM's own migrations are not run: its tables are made at once and stamped as
its newest revisions, which is where a site stands that installs this package.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from invenio_db import InvenioDB, db
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.engine import make_url

OURS = {
    "multipart_adopted",
    "multipart_audit",
    "multipart_batch",
    "multipart_batch_link",
    "multipart_bookmark",
    "multipart_ended_use",
    "multipart_job",
    "multipart_link",
    "multipart_part",
    "multipart_upload",
}
INDEXES = {
    "files_files": "ix_multipart_files_files_checksum",
    "files_object": "ix_multipart_files_object_file_id",
}
"""Ours, on upstream's tables."""
BRANCH = "invenio_multipart"


@pytest.fixture(scope="module")
def own_database() -> Iterator[str]:
    """An empty database, dropped at the end."""
    server = make_url(os.environ["SQLALCHEMY_DATABASE_URI"])
    name = f"multipart_alembic_{uuid.uuid4().hex[:12]}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield server.set(database=name).render_as_string(hide_password=False)
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()


@pytest.fixture(scope="module")
def stock_site(own_database: str) -> Iterator[Any]:
    """Alembic on a database that has all of InvenioRDM and nothing of ours."""
    site = Flask("stock-site")
    site.config["SQLALCHEMY_DATABASE_URI"] = own_database
    InvenioDB(site)
    with site.app_context():
        alembic = site.extensions["invenio-db"].alembic
        theirs = [
            table
            for name, table in db.metadata.tables.items()
            if not name.startswith("multipart_")
        ]
        db.metadata.create_all(bind=db.engine, tables=theirs)
        # Their tables have ours in the metadata, but not on a stock site.
        for table, name in INDEXES.items():
            (ours_on_it,) = [
                index
                for index in db.metadata.tables[table].indexes
                if index.name == name
            ]
            ours_on_it.drop(db.engine)
        alembic.stamp("heads")
        # One row per branch: without ours this is what a stock site has.
        (ours,) = _heads(alembic, ours=True)
        forget = text("DELETE FROM alembic_version WHERE version_num = :ours")
        with db.engine.begin() as connection:
            connection.execute(forget, {"ours": ours.revision})
        yield alembic
        db.engine.dispose()


def test_the_branch_hangs_on_the_root_as_sibling_modules_do(stock_site: Any) -> None:
    """Our branch is labelled and depends on invenio-db's first revision alone."""
    scripts = stock_site.script_directory.walk_revisions()
    ours = [script for script in scripts if BRANCH in script.branch_labels]
    (root,) = [script for script in ours if script.down_revision is None]
    assert root.dependencies == "dbdbc1b19cf2"


def test_upgrade_makes_what_the_models_say(stock_site: Any) -> None:
    """An upgrade of a stock site adds our tables, with no drift from the models."""
    before = _tables()
    assert not _indexes()
    stock_site.upgrade()
    assert _tables() - before == OURS
    assert _indexes() == set(INDEXES.values())
    assert _drift(stock_site) == []


def test_names_follow_the_convention(stock_site: Any) -> None:
    """Keys and indices have the names that a table made from the model has."""
    found = inspect(db.engine)
    assert found.get_pk_constraint("multipart_upload")["name"] == "pk_multipart_upload"
    assert found.get_pk_constraint("multipart_part")["name"] == "pk_multipart_part"
    unique = found.get_unique_constraints("multipart_upload")
    assert [key["name"] for key in unique] == ["uq_multipart_upload_file_id"]
    names = {index["name"] for index in found.get_indexes("multipart_upload")}
    assert names - {"uq_multipart_upload_file_id"} == {
        "ix_multipart_upload_record_key",
        "ix_multipart_upload_state_expires",
        "ix_multipart_upload_reserved",
        "ix_multipart_upload_unpurged",
        "ix_multipart_upload_unverified",
        "ix_multipart_upload_batch_key",
        "ix_multipart_upload_unfinished",
    }


def test_downgrade_takes_exactly_our_tables(stock_site: Any) -> None:
    """Leaving removes our tables and our revision, and nothing else."""
    before, revisions = _tables(), _current(stock_site)
    stock_site.downgrade(f"{BRANCH}@base")
    assert before - _tables() == OURS
    assert not _indexes()
    gone = revisions - _current(stock_site)
    assert gone == {head.revision for head in _heads(stock_site, ours=True)}
    assert _current(stock_site) < revisions


def test_a_site_can_come_back(stock_site: Any) -> None:
    """After a downgrade the upgrade works again and leaves no drift."""
    stock_site.upgrade()
    assert OURS <= _tables()
    assert _drift(stock_site) == []


def test_half_an_index_is_made_anew(stock_site: Any) -> None:
    """An index that a cut-off upgrade left invalid is replaced by a whole one."""
    name = INDEXES["files_object"]
    stock_site.downgrade("b7d05c3e81a6")
    damage = text(
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = to_regclass(:name)"
    )
    with db.engine.begin() as connection:
        connection.execute(text(f"CREATE INDEX {name} ON files_object (file_id)"))
        connection.execute(damage, {"name": name})
    stock_site.upgrade()
    valid = text("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(:n)")
    with db.engine.connect() as connection:
        assert connection.execute(valid, {"n": name}).scalar_one() is True
    assert _drift(stock_site) == []


def _heads(alembic: Any, *, ours: bool) -> list[Any]:
    return [head for head in alembic.heads() if (BRANCH in head.branch_labels) is ours]


def _current(alembic: Any) -> set[str]:
    return {script.revision for script in alembic.current()}


def _tables() -> set[str]:
    return set(inspect(db.engine).get_table_names())


def _indexes() -> set[str]:
    """Which of our indexes upstream's tables have."""
    found = inspect(db.engine)
    names = {i["name"] for table in INDEXES for i in found.get_indexes(table)}
    return names & set(INDEXES.values())


def _drift(alembic: Any) -> list[str]:
    """What alembic would change in our tables, and by our indexes in others."""
    changes = map(str, alembic.compare_metadata())
    names = OURS | set(INDEXES.values())
    return [change for change in changes if any(name in change for name in names)]
