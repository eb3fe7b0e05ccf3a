# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Create the tables of links and of ended uses of files."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy_utils.types import UUIDType

revision = "b7d05c3e81a6"
down_revision = "e2a7d94c5f18"
branch_labels = ()
depends_on = "8ae99b034410"  # invenio-files-rest's: object versions have one key


def upgrade():
    """Upgrade database."""
    op.create_table(
        "multipart_link",
        sa.Column("version_id", UUIDType(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.String(length=255), nullable=True),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["version_id"],
            ["files_object.version_id"],
            name=op.f("fk_multipart_link_version_id_files_object"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("version_id", name=op.f("pk_multipart_link")),
    )
    op.create_table(
        "multipart_adopted",
        sa.Column("file_id", UUIDType(), nullable=False),
        sa.Column("etag", sa.String(length=255), nullable=False),
        sa.Column("version_ref", sa.Text(), nullable=True),
        sa.Column("adopted_on", sa.DateTime(timezone=True), nullable=False),
        sa.Column("adopted_by", sa.String(length=255), nullable=True),
        sa.Column("checked_on", sa.DateTime(timezone=True), nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["file_id"],
            ["files_files.id"],
            name=op.f("fk_multipart_adopted_file_id_files_files"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("file_id", name=op.f("pk_multipart_adopted")),
    )
    op.create_index(
        "ix_multipart_adopted_checked_on", "multipart_adopted", ["checked_on"]
    )
    op.create_table(
        "multipart_batch_link",
        sa.Column("batch_id", UUIDType(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("target_record", sa.String(length=255), nullable=False),
        sa.Column("target_key", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("checksum", sa.String(length=255), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("version_id", UUIDType(), nullable=True),
        sa.Column("origin", sa.JSON(none_as_null=True), nullable=True),
        sa.PrimaryKeyConstraint(
            "batch_id", "key", name=op.f("pk_multipart_batch_link")
        ),
    )
    op.create_table(
        "multipart_ended_use",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("file_id", UUIDType(), nullable=False),
        sa.Column("ended_on", sa.DateTime(timezone=True), nullable=False),
        sa.Column("uri", sa.Text(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_multipart_ended_use")),
    )
    op.create_index(
        "ix_multipart_ended_use_file_id", "multipart_ended_use", ["file_id"]
    )


def downgrade():
    """Downgrade database: linked files stay files, what is adopted stays too."""
    op.drop_table("multipart_ended_use")
    op.drop_table("multipart_batch_link")
    op.drop_table("multipart_adopted")
    op.drop_table("multipart_link")
