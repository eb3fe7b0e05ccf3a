# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Ask for the completion of a batch."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from invenio_db.uow import UnitOfWork

from ...core.states import BatchState
from ...errors import BatchNotFound, StateConflict
from ...proxies import current_multipart
from ...records import batches, jobs
from . import reply
from .lock import is_over


def ask_for_completion(
    batch_id: uuid.UUID, wanted: Mapping[str, Any]
) -> dict[str, Any]:
    """Create the job that completes the batch; of several calls the first counts.

    :param wanted: what becomes of access, publication and extra objects.
    :returns: the reply, which names the job.
    :raises BatchNotFound: there is no such batch.
    :raises StateConflict: it has ended without files, or just does: it is late.
    """
    with UnitOfWork() as uow:
        batch = batches.locked(batch_id)
        if batch is None:
            raise BatchNotFound("There is no such batch.")
        if batch.status in (BatchState.COMPLETING, BatchState.COMPLETED):
            return reply.accepted(batch)
        over = is_over(batch, uow)
        if not over:
            batch.move(BatchState.COMPLETING)
            batch.error_on = batch.error_code = batch.error_message = None
            batch.access = dict(wanted)
            job = jobs.create("complete_batch", batch_id=batch.id, total=batch.files)
            batch.complete_job_id = job.id
            current_multipart.jobs.submit(job, uow)
        state = batch.state
        answer = {} if over else reply.accepted(batch)
        uow.commit()
    if over:
        # Inside, it would undo the transaction.
        raise StateConflict(f"The batch is {state}.", state)
    return answer
