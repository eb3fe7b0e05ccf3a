# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Create indexes by which an account's unfinished uploads and batches are found."""

import sqlalchemy as sa
from alembic import op

revision = "0d84b7f6a2c3"
down_revision = "6fa83c20d5b9"
branch_labels = ()
depends_on = None

_OPEN_UPLOAD = (
    "batch_id IS NULL "
    "AND state IN ('initiated', 'uploading', 'committing', 'verifying', 'failed')"
)
_OPEN_BATCH = "state IN ('uploading', 'completing')"


def upgrade():
    """Upgrade database."""
    op.create_index(
        "ix_multipart_upload_unfinished",
        "multipart_upload",
        ["created_by", "expires_at", "id"],
        postgresql_where=sa.text(_OPEN_UPLOAD),
    )
    op.create_index(
        "ix_multipart_batch_unfinished",
        "multipart_batch",
        ["created_by", "complete_before", "id"],
        postgresql_where=sa.text(_OPEN_BATCH),
    )


def downgrade():
    """Downgrade database."""
    op.drop_index("ix_multipart_batch_unfinished", table_name="multipart_batch")
    op.drop_index("ix_multipart_upload_unfinished", table_name="multipart_upload")
