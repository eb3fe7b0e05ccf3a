# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Deadlines of uploads."""

from __future__ import annotations

import uuid
from datetime import datetime

from invenio_db import db
from sqlalchemy import select, update

from ..core.states import OPEN
from .models import Upload

_OPEN = tuple(state.value for state in OPEN)


def put_off_files(batch_id: uuid.UUID, moment: datetime) -> None:
    """Give every open upload of a batch its new deadline.

    The caller holds the batch's row lock, so none is added meanwhile.
    """
    mine = (Upload.batch_id == batch_id, Upload.state.in_(_OPEN))
    # Locked in the order of ids, as all that lock several uploads do.
    db.session.execute(
        select(Upload.id).where(*mine).order_by(Upload.id).with_for_update()
    )
    db.session.execute(
        update(Upload)
        .where(*mine)
        .values(expires_at=moment)
        .execution_options(synchronize_session=False)
    )
