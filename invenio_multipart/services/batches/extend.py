# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Put off the deadline of a batch."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from flask_principal import Identity
from invenio_db.uow import UnitOfWork

from ...core.expiry import check_later, check_times, parse_moment
from ...core.grants import Verb
from ...core.states import BATCH_OPEN
from ...errors import StateConflict
from ...records import jobs
from ...records.deadlines import put_off_files
from ...records.models import Batch, utc_now
from ..uploads.schema import parse
from . import reply
from .found import found, found_locked
from .lock import is_over
from .rights import authorize
from .schema import DeadlineSchema

_FIELD = "completed_by"


def extend(identity: Identity, batch_id: uuid.UUID, body: Any) -> dict[str, Any]:
    """Give an open batch more time; its links and grants of now end as they would.

    The job of the deadline, and a reaper, look at the batch anew under its lock: one
    that comes at the same moment finds either an ended batch or the new deadline.

    :param body: ``{"completed_by": a moment}``.
    :returns: the batch, with URLs that are good until the new deadline.
    :raises AccessDenied: a grant is not enough; it would prolong itself.
    :raises StateConflict: the batch has ended, or its deadline has just passed.
    :raises InvalidTime: too far ahead, earlier than it is, or after ``expires_in``.
    """
    authorize(found(batch_id), identity, Verb.UPLOAD, None)
    text = parse(DeadlineSchema(), body)[_FIELD]
    with UnitOfWork() as uow:
        batch = found_locked(batch_id)
        over = is_over(batch, uow) or batch.status not in BATCH_OPEN
        if not over:
            now = utc_now()
            _put_off(batch, parse_moment(text, now, field=_FIELD), now)
        state = batch.state
        answer = {} if over else reply.extended(batch)
        uow.commit()
    if over:
        # Inside, it would undo the transaction.
        raise StateConflict(f"The batch is {state}.", state)
    return answer


def _put_off(batch: Batch, moment: datetime, now: datetime) -> None:
    longest = timedelta(seconds=current_app.config["MULTIPART_BATCH_MAX_OPEN_SECONDS"])
    check_later(moment, batch.complete_before, now, longest, field=_FIELD)
    check_times(moment, batch.expires_at, now, max_open=longest, max_transient=None)
    batch.complete_before = moment
    put_off_files(batch.id, moment)
    if batch.purge_job_id is not None:
        # One that runs waits for this lock, and then for the new deadline.
        jobs.defer(batch.purge_job_id, moment)
