# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Quota that is not what files and reservations add up to.

Ours are exact. But upstream changes a bucket's size by reading it and writing it back,
so that of two requests at once one may undo the other's change.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from invenio_db import db
from invenio_db.uow import UnitOfWork
from invenio_files_rest.models import Bucket
from sqlalchemy import select

from ...records import leftovers
from .. import audit
from .walk import PAGE, Found, Rule


def _wrong(at: Any, limit: int) -> Sequence[Found]:
    """Of buckets with reservations; those of others are not ours to judge."""
    while ids := leftovers.reserved_buckets(at, PAGE):
        at = ids[-1]
        counts = [leftovers.count_bucket(bucket_id) for bucket_id in ids]
        found = [
            Found(
                "bucket",
                str(count.id),
                "correct",
                f"its size is {count.size}, its files have {count.counted}",
                size=count.counted,
                at=at,
            )
            for count in counts
            if count is not None and count.size != count.counted
        ]
        if found:
            return found
    return ()


def _correct(found: Found, uow: UnitOfWork) -> bool:
    bucket_id = uuid.UUID(found.id)
    locked = select(Bucket).where(Bucket.id == bucket_id).with_for_update()
    locked = locked.execution_options(populate_existing=True)
    bucket = db.session.execute(locked).scalar_one_or_none()
    # Counted again: whoever was at it has committed by now.
    count = leftovers.count_bucket(bucket_id)
    if bucket is None or count is None or count.size == count.counted:
        return False
    bucket.size = count.counted
    audit.log(
        "quota",
        {"bucket": found.id, "was": count.size, "is": count.counted},
    )
    return True


RULES = (Rule("quotas", _wrong, _correct),)
