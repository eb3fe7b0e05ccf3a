# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Create two indexes on upstream's tables, while the site goes on writing to them.

A revision of its own: what runs outside of a transaction is not taken back when it
fails, and must be safe to repeat.
"""

import sqlalchemy as sa
from alembic import op

revision = "d3a95e1b7c42"
down_revision = "b7d05c3e81a6"
branch_labels = ()
depends_on = None

_INDEXES = (
    ("ix_multipart_files_object_file_id", "files_object", "file_id"),
    ("ix_multipart_files_files_checksum", "files_files", "checksum"),
)


def upgrade():
    """Upgrade database. On PostgreSQL nobody's writing waits for it."""
    if op.get_bind().dialect.name != "postgresql":
        for name, table, column in _INDEXES:
            op.create_index(name, table, [column], if_not_exists=True)
        return
    broken = [name for name, _, _ in _INDEXES if _is_broken(name)]
    with op.get_context().autocommit_block():
        for name, table, column in _INDEXES:
            if name in broken:
                op.drop_index(name, table_name=table, postgresql_concurrently=True)
            op.create_index(
                name,
                table,
                [column],
                if_not_exists=True,
                postgresql_concurrently=True,
            )


def downgrade():
    """Downgrade database."""
    if op.get_bind().dialect.name != "postgresql":
        for name, table, _ in _INDEXES:
            op.drop_index(name, table_name=table, if_exists=True)
        return
    with op.get_context().autocommit_block():
        for name, table, _ in _INDEXES:
            op.drop_index(
                name, table_name=table, if_exists=True, postgresql_concurrently=True
            )


def _is_broken(name):
    """Whether an upgrade that was cut off has left half an index, used by nobody."""
    query = sa.text(
        "SELECT NOT indisvalid FROM pg_index WHERE indexrelid = to_regclass(:name)"
    )
    return bool(op.get_bind().execute(query, {"name": name}).scalar())
