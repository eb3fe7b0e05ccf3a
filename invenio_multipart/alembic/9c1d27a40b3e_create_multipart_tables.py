# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Create the tables of uploads and of registered parts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy_utils.types import UUIDType

revision = "9c1d27a40b3e"
down_revision = "4f2b6c1d9e70"
branch_labels = ()
depends_on = None  # no foreign key leaves these tables

# The types are spelled out as they were at this revision, and are not taken from
# the models: those go on changing, a migration that sites have run does not.


def _moment(name, *, nullable=True):
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade():
    """Upgrade database."""
    op.create_table(
        "multipart_upload",
        sa.Column("id", UUIDType(), nullable=False),
        sa.Column("record_id", UUIDType(), nullable=False),
        sa.Column("service_id", sa.String(length=255), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("bucket_id", UUIDType(), nullable=False),
        sa.Column("file_id", UUIDType(), nullable=False),
        sa.Column("uri", sa.Text(), nullable=False),
        sa.Column("storage_class", sa.String(length=1), nullable=True),
        sa.Column("upload_ref", sa.Text(), nullable=True),
        sa.Column("md5_etags", sa.Boolean(name="md5_etags"), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("part_size", sa.BigInteger(), nullable=False),
        sa.Column("parts", sa.Integer(), nullable=False),
        sa.Column("plan_fixed", sa.Boolean(name="plan_fixed"), nullable=False),
        sa.Column("reserved", sa.Boolean(name="reserved"), nullable=False),
        sa.Column("declared", sa.String(length=255), nullable=True),
        sa.Column("digests", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("etag", sa.String(length=255), nullable=True),
        sa.Column("crc64nvme", sa.String(length=16), nullable=True),
        sa.Column("folded", sa.LargeBinary(), nullable=True),
        sa.Column("uploaded_parts", sa.Integer(), nullable=False),
        sa.Column("uploaded_prefix_bytes", sa.BigInteger(), nullable=False),
        sa.Column("hash_offset", sa.BigInteger(), nullable=False),
        sa.Column("hash_states", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("created_by", sa.String(length=255), nullable=True),
        _moment("initiated_on", nullable=False),
        _moment("completed_on"),
        _moment("error_on"),
        sa.Column("error_code", sa.String(length=64), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        _moment("purged_on"),
        _moment("expires_at"),
        _moment("updated", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_multipart_upload")),
        sa.UniqueConstraint("file_id", name=op.f("uq_multipart_upload_file_id")),
    )
    op.create_index(
        "ix_multipart_upload_record_key", "multipart_upload", ["record_id", "key"]
    )
    op.create_index(
        "ix_multipart_upload_state_expires", "multipart_upload", ["state", "expires_at"]
    )
    op.create_index(
        "ix_multipart_upload_unpurged",
        "multipart_upload",
        ["updated"],
        postgresql_where=sa.text(
            "purged_on IS NULL AND state IN ('aborted', 'expired')"
        ),
    )
    op.create_index(
        "ix_multipart_upload_unverified",
        "multipart_upload",
        ["updated"],
        postgresql_where=sa.text("hash_states IS NOT NULL"),
    )
    op.create_table(
        "multipart_part",
        sa.Column("upload_id", UUIDType(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("md5", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("upload_id", "number", name=op.f("pk_multipart_part")),
    )


def downgrade():
    """Downgrade database: what uploads there were is forgotten."""
    op.drop_table("multipart_part")
    op.drop_index("ix_multipart_upload_unverified", table_name="multipart_upload")
    op.drop_index("ix_multipart_upload_unpurged", table_name="multipart_upload")
    op.drop_index("ix_multipart_upload_state_expires", table_name="multipart_upload")
    op.drop_index("ix_multipart_upload_record_key", table_name="multipart_upload")
    op.drop_table("multipart_upload")
