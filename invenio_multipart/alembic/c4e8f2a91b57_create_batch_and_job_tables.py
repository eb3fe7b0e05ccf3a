# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Create the tables of batches and of jobs."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy_utils.types import UUIDType

revision = "c4e8f2a91b57"
down_revision = "9c1d27a40b3e"
branch_labels = ()
depends_on = None

_OPEN_BATCH = "state IN ('uploading', 'completing')"
_OPEN_JOB = "status IN ('PENDING', 'STARTED')"


def _moment(name, *, nullable=True):
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _json(name, *, nullable=True):
    return sa.Column(name, sa.JSON(none_as_null=True), nullable=nullable)


def upgrade():
    """Upgrade database."""
    op.add_column("multipart_upload", sa.Column("batch_id", UUIDType(), nullable=True))
    op.add_column(
        "multipart_upload",
        sa.Column(
            "sent_as", sa.String(length=8), nullable=False, server_default="parts"
        ),
    )
    op.add_column("multipart_upload", sa.Column("staged", sa.Text(), nullable=True))
    op.add_column(
        "multipart_upload",
        sa.Column(
            "size_known",
            sa.Boolean(name="size_known"),
            nullable=False,
            server_default=sa.true(),
        ),
    )
    op.create_index(
        "ix_multipart_upload_batch_key",
        "multipart_upload",
        ["batch_id", "key"],
        postgresql_where=sa.text("batch_id IS NOT NULL"),
    )
    _create_batch()
    _create_job()


def _create_batch():
    op.create_table(
        "multipart_batch",
        sa.Column("id", UUIDType(), nullable=False),
        sa.Column("record_id", UUIDType(), nullable=False),
        sa.Column("pid_value", sa.String(length=255), nullable=False),
        sa.Column("service_id", sa.String(length=255), nullable=False),
        sa.Column("bucket_id", UUIDType(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("mode", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("provisioned", sa.Boolean(name="provisioned"), nullable=False),
        sa.Column("draft_revision", sa.Integer(), nullable=False),
        sa.Column("files", sa.Integer(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        _json("access"),
        _json("sessions", nullable=False),
        sa.Column("created_by", sa.String(length=255), nullable=True),
        _moment("created", nullable=False),
        _moment("complete_before", nullable=False),
        _moment("expires_at"),
        _moment("completed_on"),
        _moment("error_on"),
        sa.Column("error_code", sa.String(length=64), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        _moment("purged_on"),
        sa.Column("complete_job_id", UUIDType(), nullable=True),
        sa.Column("purge_job_id", UUIDType(), nullable=True),
        sa.Column("expires_job_id", UUIDType(), nullable=True),
        _moment("updated", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_multipart_batch")),
    )
    op.create_index(
        "uidx_multipart_batch_open_record_id",
        "multipart_batch",
        ["record_id"],
        unique=True,
        postgresql_where=sa.text(_OPEN_BATCH),
        sqlite_where=sa.text(_OPEN_BATCH),
    )
    op.create_index(
        "ix_multipart_batch_state_complete_before",
        "multipart_batch",
        ["state", "complete_before"],
    )
    op.create_index(
        "ix_multipart_batch_created_by_created",
        "multipart_batch",
        ["created_by", "created"],
    )
    op.create_index(
        "ix_multipart_batch_unpurged",
        "multipart_batch",
        ["updated"],
        postgresql_where=sa.text(
            "purged_on IS NULL AND state IN ('aborted', 'expired')"
        ),
    )


def _create_job():
    op.create_table(
        "multipart_job",
        sa.Column("id", UUIDType(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("lock", sa.String(length=255), nullable=True),
        sa.Column("stage", sa.String(length=64), nullable=True),
        sa.Column("batch_id", UUIDType(), nullable=True),
        sa.Column("parent_id", UUIDType(), nullable=True),
        _json("arguments", nullable=False),
        _moment("due_at", nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("runner", UUIDType(), nullable=True),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=True),
        _json("result"),
        sa.Column("error_code", sa.String(length=64), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        _moment("created", nullable=False),
        _moment("started_on"),
        _moment("date_done"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_multipart_job")),
    )
    op.create_index(
        "ix_multipart_job_open_due_at",
        "multipart_job",
        ["due_at"],
        postgresql_where=sa.text(_OPEN_JOB),
    )
    op.create_index(
        "uidx_multipart_job_open_lock",
        "multipart_job",
        ["lock"],
        unique=True,
        postgresql_where=sa.text(_OPEN_JOB),
        sqlite_where=sa.text(_OPEN_JOB),
    )
    op.create_index(
        "ix_multipart_job_kind_created", "multipart_job", ["kind", "created"]
    )
    op.create_index("ix_multipart_job_parent_id", "multipart_job", ["parent_id"])


def downgrade():
    """Downgrade database: what batches and jobs there were is forgotten."""
    op.drop_table("multipart_job")
    op.drop_table("multipart_batch")
    op.drop_index("ix_multipart_upload_batch_key", table_name="multipart_upload")
    op.drop_column("multipart_upload", "size_known")
    op.drop_column("multipart_upload", "staged")
    op.drop_column("multipart_upload", "sent_as")
    op.drop_column("multipart_upload", "batch_id")
