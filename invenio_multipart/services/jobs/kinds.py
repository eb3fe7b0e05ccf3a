# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What each kind of job does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...core.running import RunningJob
from ...records.models import Job
from ..batches.end import purge, sweep
from ..batches.reopen import reopen
from ..links.dedup import free_copy
from ..links.digest import digest_adopted
from .reindex import reindex

# Batches are for InvenioRDM; a site without it imports this module, too.


def _complete(job: RunningJob) -> dict[str, Any]:
    from ..batches.complete import complete

    return complete(job)


def _expire(job: RunningJob) -> dict[str, Any]:
    from ..batches.transient import expire

    return expire(job.batch_id, job.advance)


KINDS: dict[str, Callable[[RunningJob], dict[str, Any]]] = {
    "complete_batch": _complete,
    "digest_adopted": digest_adopted,
    "expire_batch": _expire,
    "free_copy": free_copy,
    "purge_batch": purge,
    "reindex": reindex,
    "sweep_batch": sweep,
}
"""Handler by kind. It returns the job's result as JSON, with nothing in it that a
stranger may not see, and must be safe to repeat: a job whose worker dies is begun
anew. It commits its own transactions. :mod:`...core.running` has its other ends."""

WHEN_FAILED: dict[str, Callable[[Job], None]] = {"complete_batch": reopen}
"""What else happens when a job of this kind has failed for good, by kind.

Called in the transaction that fails the job, so that both happen or neither."""
