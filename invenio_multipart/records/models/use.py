# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Table of files that have lost a use, perhaps their last one."""

from __future__ import annotations

from invenio_db import db
from sqlalchemy_utils.types import UUIDType

from .moments import utc_now


class EndedUse(db.Model):
    """A use of a file has ended, and nobody has yet looked whether there are others.

    Written in the transaction that ends the use, and dropped once that is settled, so
    the table is nearly empty. It has several rows for a file that loses several uses:
    transactions that end them never wait for each other here.
    """

    __tablename__ = "multipart_ended_use"
    __table_args__ = (db.Index("ix_multipart_ended_use_file_id", "file_id"),)

    id = db.Column(
        db.BigInteger().with_variant(db.Integer(), "sqlite"),
        primary_key=True,
        autoincrement=True,
    )

    file_id = db.Column(UUIDType, nullable=False)
    """File instance. No foreign key: this row outlives it while bytes are left."""

    ended_on = db.Column(db.UTCDateTime, nullable=False, default=utc_now)

    uri = db.Column(db.Text, nullable=True)
    """Bytes to be deleted: the file's row is gone. None: that is to be decided."""

    size = db.Column(db.BigInteger, nullable=True)
    """Of these bytes, as the file's row had it."""

    def __repr__(self) -> str:
        return f"<EndedUse {self.file_id}>"
