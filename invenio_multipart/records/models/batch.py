# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The table of batches."""

from __future__ import annotations

import uuid

from invenio_db import db
from sqlalchemy_utils.types import UUIDType

from ...core.states import BatchState, move_batch
from .moments import utc_now


class Batch(db.Model):
    """Files of one draft announced together, with a deadline.

    While it is open it locks its draft: the index allows one open batch a draft.
    """

    __tablename__ = "multipart_batch"
    __table_args__ = (
        # The lock itself: of any number of parallel announcements one gets in.
        db.Index(
            "uidx_multipart_batch_open_record_id",
            "record_id",
            unique=True,
            postgresql_where=db.text("state IN ('uploading', 'completing')"),
            sqlite_where=db.text("state IN ('uploading', 'completing')"),
        ),
        # The reaper walks open batches by deadline.
        db.Index(
            "ix_multipart_batch_state_complete_before", "state", "complete_before"
        ),
        # "Mine", the newest first.
        db.Index("ix_multipart_batch_created_by_created", "created_by", "created"),
        # Somebody's unfinished ones, however many are finished.
        db.Index(
            "ix_multipart_batch_unfinished",
            "created_by",
            "complete_before",
            "id",
            postgresql_where=db.text("state IN ('uploading', 'completing')"),
        ),
        # What is repaired or expires is rare among what has ended.
        db.Index(
            "ix_multipart_batch_unpurged",
            "updated",
            postgresql_where=db.text(
                "purged_on IS NULL AND state IN ('aborted', 'expired')"
            ),
        ),
        db.Index(
            "ix_multipart_batch_unexpired",
            "expires_at",
            postgresql_where=db.text("purged_on IS NULL AND state = 'completed'"),
        ),
    )

    id = db.Column(UUIDType, primary_key=True, default=uuid.uuid4)

    record_id = db.Column(UUIDType, nullable=False)
    """The draft (the record row, not its PID)."""

    pid_value = db.Column(db.String(255), nullable=False)
    """The draft's PID, as people and URLs name it."""

    service_id = db.Column(db.String(255), nullable=False)
    """File service of the draft, as the service registry knows it."""

    bucket_id = db.Column(UUIDType, nullable=False)

    prefix = db.Column(db.Text, nullable=False)
    """URI of all objects of this batch, ending in a slash; no other's are there."""

    mode = db.Column(db.String(32), nullable=False)

    state = db.Column(db.String(16), nullable=False, default=BatchState.UPLOADING.value)

    provisioned = db.Column(
        db.Boolean(name="provisioned"), nullable=False, default=False
    )
    """Whether the batch made its draft: it then goes with the batch, if nobody has
    changed it since."""

    draft_revision = db.Column(db.Integer, nullable=False)
    """Revision of the draft when the batch was announced."""

    files = db.Column(db.Integer, nullable=False)
    """How many files were announced."""

    size = db.Column(db.BigInteger, nullable=False)
    """Announced bytes, as far as sizes were given."""

    access = db.Column(db.JSON(none_as_null=True), nullable=True)
    """What the completion asked for, see :class:`..services.batches.schema`."""

    sessions = db.Column(db.JSON(none_as_null=True), nullable=False, default=list)
    """Names and ends of the temporary S3 sessions that were given out."""

    created_by = db.Column(db.String(255), nullable=True)
    """User id of who announced it, None for the system."""

    created = db.Column(db.UTCDateTime, nullable=False, default=utc_now)
    complete_before = db.Column(db.UTCDateTime, nullable=False)
    expires_at = db.Column(db.UTCDateTime, nullable=True)
    """When what was published of it is deleted again, None for never."""
    completed_on = db.Column(db.UTCDateTime, nullable=True)
    error_on = db.Column(db.UTCDateTime, nullable=True)
    error_code = db.Column(db.String(64), nullable=True)
    error_message = db.Column(db.Text, nullable=True)
    purged_on = db.Column(db.UTCDateTime, nullable=True)
    """When the store was freed of what was not completed, or of what expired."""

    complete_job_id = db.Column(UUIDType, nullable=True)
    purge_job_id = db.Column(UUIDType, nullable=True)
    expires_job_id = db.Column(UUIDType, nullable=True)

    updated = db.Column(
        db.UTCDateTime, nullable=False, default=utc_now, onupdate=utc_now
    )

    def __repr__(self) -> str:
        return f"<Batch {self.id} {self.state}>"

    @property
    def status(self) -> BatchState:
        """``state`` as the enum."""
        return BatchState(self.state)

    def move(self, target: BatchState) -> None:
        """Go to ``target``; the caller holds the row lock.

        :raises StateConflict: when the table of moves does not allow it.
        """
        self.state = move_batch(self.status, target).value
