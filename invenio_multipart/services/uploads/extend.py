# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Put off the deadline of a single upload."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import current_app

from ...core.expiry import check_later, parse_moment
from ...errors import StateConflict
from ...records.models import Upload, utc_now
from .schema import DeadlineSchema, parse

_FIELD = "expires_at"


def extend(upload: Upload, body: Any) -> None:
    """Give an open upload more time; the caller holds the row lock.

    One that is past its deadline, and that no reaper has ended yet, is open.

    :param body: ``{"expires_at": a moment}``.
    :raises StateConflict: it has ended, or is a batch's.
    :raises InvalidTime: too far ahead, or earlier than it is.
    """
    text = parse(DeadlineSchema(), body)[_FIELD]
    if upload.batch_id is not None:
        raise StateConflict(
            "The file belongs to a batch; put off the deadline of the batch.",
            "in_batch",
        )
    if not upload.is_open:
        raise StateConflict(f"The upload is {upload.state}.", upload.state)
    now = utc_now()
    longest = timedelta(seconds=current_app.config["MULTIPART_UPLOAD_LIFETIME"])
    moment = parse_moment(text, now, field=_FIELD)
    check_later(moment, upload.expires_at, now, longest, field=_FIELD)
    upload.expires_at = moment
