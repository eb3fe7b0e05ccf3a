# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The table of jobs."""

from __future__ import annotations

import uuid

from invenio_db import db
from sqlalchemy_utils.types import UUIDType

from ...core.states import JobStatus
from .moments import utc_now

FORGETTABLE = (
    "date_done IS NOT NULL AND (kind <> 'complete_batch' OR status <> 'SUCCESS')"
)
"""Jobs that have ended, but those that have completed a batch: whoever repeats the
completion is told of its job, however late. There is one for each batch, whose row
stays, too."""


class Job(db.Model):
    """Work that outlives the request which asked for it.

    Its id is random and is all that is needed to read its status, so nothing here
    that a stranger may not see goes into ``result`` or ``error``.
    """

    __tablename__ = "multipart_job"
    __table_args__ = (
        # What is due, and what a dead worker left, is found by this.
        db.Index(
            "ix_multipart_job_open_due_at",
            "due_at",
            postgresql_where=db.text("status IN ('PENDING', 'STARTED')"),
        ),
        # The global lock of a re-indexing: one that is not done excludes others.
        db.Index(
            "uidx_multipart_job_open_lock",
            "lock",
            unique=True,
            postgresql_where=db.text("status IN ('PENDING', 'STARTED')"),
            sqlite_where=db.text("status IN ('PENDING', 'STARTED')"),
        ),
        db.Index("ix_multipart_job_kind_created", "kind", "created"),
        db.Index("ix_multipart_job_parent_id", "parent_id"),
        # What is over, and may be forgotten one day.
        db.Index(
            "ix_multipart_job_forgettable",
            "date_done",
            postgresql_where=db.text(FORGETTABLE),
        ),
    )

    id = db.Column(UUIDType, primary_key=True, default=uuid.uuid4)

    kind = db.Column(db.String(32), nullable=False)
    """What is done, a key of ``services.jobs.kinds``."""

    status = db.Column(db.String(16), nullable=False, default=JobStatus.PENDING.value)

    lock = db.Column(db.String(255), nullable=True)
    """Name that no other open job may have; None locks nothing. Unique while the
    job is open, so a lock ends with its job, however that ends."""

    stage = db.Column(db.String(64), nullable=True)
    """What the job is at, in one word."""

    batch_id = db.Column(UUIDType, nullable=True)
    parent_id = db.Column(UUIDType, nullable=True)
    arguments = db.Column(db.JSON(none_as_null=True), nullable=False, default=dict)

    due_at = db.Column(db.UTCDateTime, nullable=False, default=utc_now)
    """Not before this moment; while it runs, when it is taken for dead."""

    attempts = db.Column(db.Integer, nullable=False, default=0)
    runner = db.Column(UUIDType, nullable=True)
    """Who runs it: a worker that was taken for dead and is not finds another here."""

    done = db.Column(db.BigInteger, nullable=False, default=0)
    total = db.Column(db.BigInteger, nullable=True)

    result = db.Column(db.JSON(none_as_null=True), nullable=True)
    error_code = db.Column(db.String(64), nullable=True)
    error_message = db.Column(db.Text, nullable=True)

    created = db.Column(db.UTCDateTime, nullable=False, default=utc_now)
    started_on = db.Column(db.UTCDateTime, nullable=True)
    date_done = db.Column(db.UTCDateTime, nullable=True)

    def __repr__(self) -> str:
        return f"<Job {self.id} {self.kind} {self.status}>"
