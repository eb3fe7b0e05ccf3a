# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""A completion that has failed leaves its batch open."""

from __future__ import annotations

from ...core.states import BatchState, UploadState
from ...records import batches
from ...records.models import SENT_AS_OBJECT, Job, utc_now


def reopen(job: Job) -> None:
    """What happens when the completion has failed: the batch is open again.

    Called in the transaction that fails the job.
    """
    batch = batches.locked(job.batch_id)
    if batch is None or batch.status is not BatchState.COMPLETING:
        return
    batch.move(BatchState.UPLOADING)
    batch.error_on = utc_now()
    batch.error_code = job.error_code
    batch.error_message = job.error_message
    # Whole objects may be sent again, so the next try looks at all of them anew; what
    # was put together of parts stays.
    whole = [
        file.id
        for file in batches.sent_files(batch.id, lock=True)
        if file.sent_as == SENT_AS_OBJECT
    ]
    batches.set_state(
        whole,
        UploadState.UPLOADING,
        hash_states=None,
        completed_on=None,
        error_on=None,
        error_code=None,
        error_message=None,
    )
