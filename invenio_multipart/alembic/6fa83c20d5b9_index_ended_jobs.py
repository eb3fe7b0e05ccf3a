# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Create an index by which jobs are found that ended long ago."""

import sqlalchemy as sa
from alembic import op

revision = "6fa83c20d5b9"
down_revision = "d3a95e1b7c42"
branch_labels = ()
depends_on = None

_FORGETTABLE = (
    "date_done IS NOT NULL AND (kind <> 'complete_batch' OR status <> 'SUCCESS')"
)


def upgrade():
    """Upgrade database."""
    op.create_index(
        "ix_multipart_job_forgettable",
        "multipart_job",
        ["date_done"],
        postgresql_where=sa.text(_FORGETTABLE),
    )


def downgrade():
    """Downgrade database."""
    op.drop_index("ix_multipart_job_forgettable", table_name="multipart_job")
