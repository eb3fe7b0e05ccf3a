# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Tables of what was removed, and of what periodic work remembers."""

from __future__ import annotations

import uuid

from invenio_db import db
from sqlalchemy_utils.types import UUIDType

from .moments import utc_now


class Removal(db.Model):
    """Something that nobody asked to remove, or an operator did, and is gone.

    A row outlives what it is about; it is dropped after ``MULTIPART_AUDIT_DAYS``.
    """

    __tablename__ = "multipart_audit"
    __table_args__ = (
        # Old rows are dropped, and the newest are shown, by this.
        db.Index("ix_multipart_audit_removed_on", "removed_on"),
        db.Index("ix_multipart_audit_subject", "subject"),
    )

    id = db.Column(UUIDType, primary_key=True, default=uuid.uuid4)

    what = db.Column(db.String(16), nullable=False)
    """``upload``, ``batch``, ``record`` (a transient one) or ``stray`` (an upload in
    the store that no row named)."""

    subject = db.Column(db.Text, nullable=False)
    """Id of it: a row's, or the store's name of a stray."""

    key = db.Column(db.Text, nullable=True)
    """Key of the file; None for a batch."""

    record_id = db.Column(UUIDType, nullable=True)
    """The draft (the record row, not its PID), None for a stray."""

    uri = db.Column(db.Text, nullable=False)
    """Where its bytes lay; ends in a slash for all that lay below."""

    size = db.Column(db.BigInteger, nullable=False, default=0)
    """Announced bytes, as far as they were known."""

    removed_on = db.Column(db.UTCDateTime, nullable=False, default=utc_now)
    removed_by = db.Column(db.String(255), nullable=False)
    """Task or command, and the machine it ran on."""
    reason = db.Column(db.String(255), nullable=False)

    def __repr__(self) -> str:
        return f"<Removal {self.what} {self.subject}>"


class Bookmark(db.Model):
    """What periodic work remembers until its next run: one row a subject."""

    __tablename__ = "multipart_bookmark"

    name = db.Column(db.String(255), primary_key=True)
    value = db.Column(db.JSON(none_as_null=True), nullable=False, default=dict)
    updated = db.Column(db.UTCDateTime, nullable=False, default=utc_now)

    def __repr__(self) -> str:
        return f"<Bookmark {self.name}>"
