# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Tables of linked files and of objects that others own, and two indexes."""

from __future__ import annotations

from invenio_db import db
from invenio_files_rest.models import FileInstance, ObjectVersion
from sqlalchemy_utils.types import UUIDType

from ...core.states import UploadState
from .moments import utc_now


class Link(db.Model):
    """A file of a record that came by a link: it cost no bytes.

    It goes with its object version, by the foreign key; nothing waits for it. Where
    the file came from is in its entry, which upstream copies along.
    """

    __tablename__ = "multipart_link"

    version_id = db.Column(
        UUIDType,
        db.ForeignKey(ObjectVersion.version_id, ondelete="CASCADE"),
        primary_key=True,
    )

    size = db.Column(db.BigInteger, nullable=False)
    """Bytes that the bucket's size counts for it."""

    created_by = db.Column(db.String(255), nullable=True)
    """User id of who linked it, None for the system."""

    created = db.Column(db.UTCDateTime, nullable=False, default=utc_now)

    def __repr__(self) -> str:
        return f"<Link {self.version_id}>"


class Adopted(db.Model):
    """An object that somebody else put into a bucket, and files refer to.

    What it was when it was linked. It is never deleted by us.
    """

    __tablename__ = "multipart_adopted"
    __table_args__ = (
        # Those looked at longest ago are looked at next.
        db.Index("ix_multipart_adopted_checked_on", "checked_on"),
    )

    file_id = db.Column(
        UUIDType,
        db.ForeignKey(FileInstance.id, ondelete="CASCADE"),
        primary_key=True,
    )

    etag = db.Column(db.String(255), nullable=False)
    """Without quotes, as the store gave it."""

    version_ref = db.Column(db.Text, nullable=True)
    """The store's name of this version; None where it keeps none."""

    adopted_on = db.Column(db.UTCDateTime, nullable=False, default=utc_now)
    adopted_by = db.Column(db.String(255), nullable=True)

    checked_on = db.Column(db.UTCDateTime, nullable=False, default=utc_now)
    """When the store last said that it is, or is not, what it was."""

    problem = db.Column(db.Text, nullable=True)
    """What was found then, in a sentence; None while it is as it was."""

    def __repr__(self) -> str:
        return f"<Adopted {self.file_id}>"


class BatchLink(db.Model):
    """A file of a batch that is to be a link to bytes that are there already."""

    __tablename__ = "multipart_batch_link"

    batch_id = db.Column(UUIDType, primary_key=True)

    key = db.Column(db.Text, primary_key=True)
    """Key of the file in the batch's draft."""

    target_record = db.Column(db.String(255), nullable=False)
    """PID of the record that has the bytes, as the announcement named or found it."""

    target_key = db.Column(db.Text, nullable=False)

    size = db.Column(db.BigInteger, nullable=False)
    """Bytes of the target."""

    checksum = db.Column(db.String(255), nullable=True)
    """What the target had when it was announced, None while nobody had computed it:
    other bytes of that name are not linked."""

    state = db.Column(
        db.String(16), nullable=False, default=UploadState.INITIATED.value
    )
    """As an upload's: initiated, committing once the link is made, and its end."""

    version_id = db.Column(UUIDType, nullable=True)
    """The object version in the draft's bucket; None until the link is made, and when
    it ended without a file.

    It holds the quota and keeps the bytes alive. The entry gets it when the batch is
    completed, with all other files.
    """

    origin = db.Column(db.JSON(none_as_null=True), nullable=True)
    """Where the bytes come from, once the link is made; see ``core.origin``."""

    def __repr__(self) -> str:
        return f"<BatchLink {self.batch_id} {self.key!r}>"


# Upstream has no index for either question, and asks the first itself whenever it
# deletes a file.
db.Index("ix_multipart_files_object_file_id", ObjectVersion.__table__.c.file_id)
db.Index("ix_multipart_files_files_checksum", FileInstance.__table__.c.checksum)
