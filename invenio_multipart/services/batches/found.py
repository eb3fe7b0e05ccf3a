# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The batch that a request names."""

from __future__ import annotations

import uuid

from invenio_db import db

from ...core.states import BatchState
from ...errors import BatchNotFound, StateConflict
from ...records import batches
from ...records.models import Batch


def found(batch_id: uuid.UUID) -> Batch:
    """:raises BatchNotFound: there is no such batch."""
    batch: Batch | None = db.session.get(Batch, batch_id)
    if batch is None:
        raise BatchNotFound("There is no such batch.")
    return batch


def require_uploading(batch: Batch) -> None:
    """:raises StateConflict: the batch is over, or is being completed."""
    if batch.status is not BatchState.UPLOADING:
        raise StateConflict(f"The batch is {batch.state}.", batch.state)


def found_locked(batch_id: uuid.UUID) -> Batch:
    """The same with its row locked until the transaction ends, read afresh.

    :raises BatchNotFound: there is no such batch.
    """
    batch = batches.locked(batch_id)
    if batch is None:
        raise BatchNotFound("There is no such batch.")
    return batch
