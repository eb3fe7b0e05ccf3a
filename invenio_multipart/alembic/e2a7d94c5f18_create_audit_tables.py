# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Create the tables of the reaper, and the indexes it walks by."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy_utils.types import UUIDType

revision = "e2a7d94c5f18"
down_revision = "c4e8f2a91b57"
branch_labels = ()
depends_on = None


def upgrade():
    """Upgrade database."""
    op.create_table(
        "multipart_audit",
        sa.Column("id", UUIDType(), nullable=False),
        sa.Column("what", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("record_id", UUIDType(), nullable=True),
        sa.Column("uri", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("removed_on", sa.DateTime(timezone=True), nullable=False),
        sa.Column("removed_by", sa.String(length=255), nullable=False),
        sa.Column("reason", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_multipart_audit")),
    )
    op.create_index("ix_multipart_audit_removed_on", "multipart_audit", ["removed_on"])
    op.create_index("ix_multipart_audit_subject", "multipart_audit", ["subject"])
    op.create_table(
        "multipart_bookmark",
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("value", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("updated", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_multipart_bookmark")),
    )
    op.create_index(
        "ix_multipart_batch_unexpired",
        "multipart_batch",
        ["expires_at"],
        postgresql_where=sa.text("purged_on IS NULL AND state = 'completed'"),
    )
    op.create_index(
        "ix_multipart_upload_reserved",
        "multipart_upload",
        ["bucket_id"],
        postgresql_where=sa.text("reserved"),
    )


def downgrade():
    """Downgrade database: what was removed is forgotten."""
    op.drop_index("ix_multipart_upload_reserved", table_name="multipart_upload")
    op.drop_index("ix_multipart_batch_unexpired", table_name="multipart_batch")
    op.drop_table("multipart_bookmark")
    op.drop_table("multipart_audit")
