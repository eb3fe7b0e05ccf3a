# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Tables of uploads and of registered parts."""

from __future__ import annotations

import uuid

from invenio_db import db
from sqlalchemy_utils.types import UUIDType

from ...core.plan import PartPlan
from ...core.states import OPEN, UploadState, move
from .moments import utc_now

SENT_AS_PARTS = "parts"
SENT_AS_OBJECT = "object"

UNFINISHED = (
    "batch_id IS NULL "
    "AND state IN ('initiated', 'uploading', 'committing', 'verifying', 'failed')"
)
"""Open uploads of no batch."""


def staged_uri(uri: str, staged: str | None) -> str:
    """URI of a staged object; ``uri`` itself where none is staged.

    Both lie below the same batch's prefix, the file's own in its folder "files".
    """
    return uri if staged is None else uri[: uri.rindex("files/")] + staged


class Upload(db.Model):
    """One file on its way, from initiation to commit or abort.

    No foreign key leaves this table: uninstalling must not block deleting a
    bucket or a record, and a finished upload outlives neither of them for long.
    """

    __tablename__ = "multipart_upload"
    __table_args__ = (
        # An open upload is found by its file; there is one per file at a time.
        db.Index("ix_multipart_upload_record_key", "record_id", "key"),
        # The reaper walks open uploads by deadline.
        db.Index("ix_multipart_upload_state_expires", "state", "expires_at"),
        # What it repairs is rare among what has ended: these hold only the rare.
        db.Index(
            "ix_multipart_upload_unpurged",
            "updated",
            postgresql_where=db.text(
                "purged_on IS NULL AND state IN ('aborted', 'expired')"
            ),
        ),
        db.Index(
            "ix_multipart_upload_unverified",
            "updated",
            postgresql_where=db.text("hash_states IS NOT NULL"),
        ),
        # Buckets whose size is more than their files have.
        db.Index(
            "ix_multipart_upload_reserved",
            "bucket_id",
            postgresql_where=db.text("reserved"),
        ),
        # Somebody's unfinished ones, however many are finished.
        db.Index(
            "ix_multipart_upload_unfinished",
            "created_by",
            "expires_at",
            "id",
            postgresql_where=db.text(UNFINISHED),
        ),
        # All files of a batch are walked in the order of their keys.
        db.Index(
            "ix_multipart_upload_batch_key",
            "batch_id",
            "key",
            postgresql_where=db.text("batch_id IS NOT NULL"),
        ),
    )

    id = db.Column(UUIDType, primary_key=True, default=uuid.uuid4)

    batch_id = db.Column(UUIDType, nullable=True)
    """The batch it was announced with, None for a file announced alone."""

    sent_as = db.Column(
        db.String(8),
        nullable=False,
        default=SENT_AS_PARTS,
        server_default=SENT_AS_PARTS,
    )
    """How the bytes come: in parts, or as one whole object."""

    staged = db.Column(db.Text, nullable=True)
    """Name below the batch's prefix where the client puts the object.

    None where it puts it at ``uri`` itself: only a link that is bound to the MD5
    of the bytes may do so, since it can still be used after the completion.
    """

    record_id = db.Column(UUIDType, nullable=False)
    """The draft (the record row, not its PID) the file belongs to."""

    service_id = db.Column(db.String(255), nullable=False)
    """File service of the draft, as the service registry knows it."""

    key = db.Column(db.Text, nullable=False)

    bucket_id = db.Column(UUIDType, nullable=False)

    file_id = db.Column(UUIDType, nullable=False, unique=True)
    """Identifier the file instance gets when the upload completes."""

    uri = db.Column(db.Text, nullable=False)
    """Final place of the bytes; nothing is there before the commit."""

    storage_class = db.Column(db.String(1), nullable=True)

    upload_ref = db.Column(db.Text, nullable=True)
    """The store's name for the upload; None until the store has answered."""

    md5_etags = db.Column(db.Boolean(name="md5_etags"), nullable=False, default=True)
    """Whether the store's ETags are MD5s; not where it encrypts with managed keys."""

    state = db.Column(
        db.String(16), nullable=False, default=UploadState.INITIATED.value
    )

    size = db.Column(db.BigInteger, nullable=False)
    """Declared bytes; reserved from the bucket's quota while ``reserved``."""

    size_known = db.Column(
        db.Boolean(name="size_known"),
        nullable=False,
        default=True,
        server_default=db.true(),
    )
    """False while nobody has said how large the file is; ``size`` is then 0."""

    part_size = db.Column(db.BigInteger, nullable=False)

    parts = db.Column(db.Integer, nullable=False)

    plan_fixed = db.Column(db.Boolean(name="plan_fixed"), nullable=False, default=False)
    """Whether the client named the part size and is held to it."""

    reserved = db.Column(db.Boolean(name="reserved"), nullable=False, default=False)
    """Whether ``size`` is counted in the bucket ahead of the file."""

    declared = db.Column(db.String(255), nullable=True)
    """Whole-file digest a client declared, ``algorithm:hex``."""

    digests = db.Column(db.JSON(none_as_null=True), nullable=False, default=dict)
    """Digests of the stored bytes that were proved, by algorithm, hex."""

    etag = db.Column(db.String(255), nullable=True)
    """ETag the object must have, written before the store is asked to make it."""

    crc64nvme = db.Column(db.String(16), nullable=True)
    """Full-object CRC the object must have, hex, likewise."""

    folded = db.Column(db.LargeBinary, nullable=True)
    """All parts of a finished upload in one value, see :mod:`.folding`."""

    uploaded_parts = db.Column(db.Integer, nullable=False, default=0)
    """Parts 1..n without a gap that were seen in the store."""

    uploaded_prefix_bytes = db.Column(db.BigInteger, nullable=False, default=0)
    """Bytes of those parts."""

    hash_offset = db.Column(db.BigInteger, nullable=False, default=0)
    """Bytes a verification has read so far; it goes on from here."""

    # None must be SQL's NULL: by it the reaper knows that there is nothing to do.
    hash_states = db.Column(db.JSON(none_as_null=True), nullable=True)
    """Saved hashes at ``hash_offset``, by algorithm, hex."""

    created_by = db.Column(db.String(255), nullable=True)
    """User id of who began the upload, None for the system."""

    initiated_on = db.Column(db.UTCDateTime, nullable=False, default=utc_now)
    completed_on = db.Column(db.UTCDateTime, nullable=True)
    """When the parts became an object (its digest may still be on the way)."""
    error_on = db.Column(db.UTCDateTime, nullable=True)
    error_code = db.Column(db.String(64), nullable=True)
    error_message = db.Column(db.Text, nullable=True)
    purged_on = db.Column(db.UTCDateTime, nullable=True)
    """When the store was freed."""
    expires_at = db.Column(db.UTCDateTime, nullable=True)
    updated = db.Column(
        db.UTCDateTime, nullable=False, default=utc_now, onupdate=utc_now
    )

    def __repr__(self) -> str:
        return f"<Upload {self.id} {self.key!r} {self.state}>"

    @property
    def plan(self) -> PartPlan:
        """The equal parts that were planned at initiation."""
        return PartPlan(self.size, self.part_size, self.parts)

    @property
    def status(self) -> UploadState:
        """``state`` as the enum."""
        return UploadState(self.state)

    @property
    def is_open(self) -> bool:
        """Whether it still holds quota and something in the store."""
        return self.status in OPEN

    @property
    def sent_to(self) -> str:
        """URI of the object that the client puts, when it comes as a whole."""
        return staged_uri(self.uri, self.staged)

    def move(self, target: UploadState) -> None:
        """Go to ``target``; the caller holds the row lock.

        :raises StateConflict: when the table of moves does not allow it.
        """
        self.state = move(self.status, target).value

    def fail(self, code: str, message: str) -> None:
        """Go to ``failed`` and keep the reason for the people who wait."""
        self.move(UploadState.FAILED)
        self.error_on = utc_now()
        self.error_code = code
        self.error_message = message

    def forget_error(self) -> None:
        """A retry begins; what failed before is no longer the state of things."""
        self.error_on = self.error_code = self.error_message = None


class Part(db.Model):
    """A part a client registered: what must be in the store, not what is.

    What is there is asked of the store, which is the only one who knows. The rows
    of a finished upload are folded into it.
    """

    __tablename__ = "multipart_part"

    upload_id = db.Column(UUIDType, primary_key=True)
    number = db.Column(db.Integer, primary_key=True, autoincrement=False)
    """From 1."""

    size = db.Column(db.BigInteger, nullable=False)
    md5 = db.Column(db.String(32), nullable=True)
    """Hex digits, None when only the size was registered."""
