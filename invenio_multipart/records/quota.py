# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Quota: bytes of a pending upload count in its bucket from the start.

The bucket's size is what limits every other file, so a reservation has to stand
there; a single guarded UPDATE is exact for any number of parallel initiations.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from flask import current_app
from invenio_db import db
from invenio_files_rest.limiters import FileSizeLimit, file_size_limiters
from invenio_files_rest.models import Bucket
from sqlalchemy import event, inspect, or_, select, update
from sqlalchemy.orm.util import identity_key

from ..errors import QuotaExceeded
from .links import linked_bytes
from .models import Upload


def check_limits(bucket: Bucket, size: int) -> None:
    """Ask the site's own size limiters.

    :raises QuotaExceeded: with the limit's number and reason.
    """
    limit = bucket.size_limit
    if limit is not None and size > limit:
        raise QuotaExceeded(
            f"{limit.reason} The file has {size} bytes, {limit.limit} are allowed.",
            field="size",
        )


def reserve_bytes(bucket_id: uuid.UUID, size: int) -> None:
    """Take ``size`` bytes from a bucket, in one guarded statement.

    :raises QuotaExceeded: when there is no room for all of them.
    """
    counted: Any = Bucket.size
    if links_are_free():
        # One statement sees one state of the links only if none is made meanwhile.
        db.session.execute(
            select(Bucket.id).where(Bucket.id == bucket_id).with_for_update()
        )
        counted = Bucket.size - linked_bytes(bucket_id)
    fits = or_(
        Bucket.quota_size.is_(None),
        Bucket.quota_size == 0,
        counted + size <= Bucket.quota_size,
    )
    if not _change(bucket_id, size, fits):
        raise QuotaExceeded(
            f"The record's quota leaves no room for {size} bytes.", field="size"
        )


def add_bytes(bucket_id: uuid.UUID, size: int) -> None:
    """Count bytes in a bucket that no limit holds back."""
    _change(bucket_id, size)


def links_are_free() -> bool:
    """Whether linked files leave the quota as it is on this site.

    A bucket's size counts them in either case, as upstream's own bookkeeping does;
    where they are free the limit is that much higher.
    """
    return bool(current_app.config["MULTIPART_LINK_QUOTA"] == "none")


def size_limiters(bucket: Bucket) -> Sequence[FileSizeLimit]:
    """What may still be put into a bucket, for ``FILES_REST_SIZE_LIMITERS``.

    Upstream's own limits; linked files leave room where they are free.
    """
    quota_limit, *others = file_size_limiters(bucket)
    if bucket.quota_size and links_are_free():
        free = db.session.execute(select(linked_bytes(bucket.id))).scalar_one()
        left = bucket.quota_size - bucket.size + free
        quota_limit = FileSizeLimit(max(left, 0), quota_limit.reason)
    return [quota_limit, *others]


def release_bytes(bucket_id: uuid.UUID, size: int) -> None:
    """Give ``size`` bytes back to a bucket."""
    if size:
        _change(bucket_id, -size)


def reserve(upload: Upload) -> None:
    """Take the upload's size from its bucket.

    :raises QuotaExceeded: when another upload took it first.
    """
    reserve_bytes(upload.bucket_id, upload.size)
    upload.reserved = True


def release(upload: Upload) -> None:
    """Give a reservation back; without one this does nothing."""
    if upload.reserved:
        release_bytes(upload.bucket_id, upload.size)
        upload.reserved = False


@event.listens_for(Bucket, "before_update")
def _write_difference(mapper: Any, connection: Any, bucket: Bucket) -> None:
    """Let what upstream reads, changes and writes back add to what is there by now.

    As it is, of two requests that delete or add files of one draft at once the later
    one undoes what the earlier one did to the size.
    """
    history = inspect(bucket).attrs.size.history
    before, after = tuple(history.deleted or ()), tuple(history.added or ())
    if before and after and isinstance(before[0], int) and isinstance(after[0], int):
        bucket.size = Bucket.size + (after[0] - before[0])


def _change(bucket_id: uuid.UUID, by: int, *conditions: object) -> bool:
    statement = (
        update(Bucket)
        .where(Bucket.id == bucket_id, *conditions)
        .values(size=Bucket.size + by)
        .execution_options(synchronize_session=False)
    )
    changed = db.session.execute(statement).rowcount == 1
    # Upstream changes the same column by read-modify-write: it must read anew, and
    # now: a lazy load would flush in the middle of its own changes.
    loaded = db.session.identity_map.get(identity_key(Bucket, bucket_id))
    if loaded is not None:
        db.session.refresh(loaded, ["size"])
    return changed
