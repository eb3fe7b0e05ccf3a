# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Job types for the administration panel's own list of jobs.

Only the entry point ``invenio_jobs.jobs`` imports this: invenio-jobs is optional.
Nothing here need be scheduled, Celery beat does that already; an administrator can
start each by hand and see when it last ran.
"""

from __future__ import annotations

from invenio_i18n import lazy_gettext as _
from invenio_jobs.jobs import JobType

from .tasks import reap_uploads, rebuild_index, run_due_jobs


class ReapUploadsJob(JobType):  # type: ignore[misc]
    """The reaper."""

    id = "multipart_reap_uploads"
    title = _("Reap uploads and batches")
    description = _("End uploads past their deadline and repair what a crash left.")
    task = reap_uploads
    arguments_schema = None


class RunDueJobsJob(JobType):  # type: ignore[misc]
    """The periodic task of our own jobs."""

    id = "multipart_run_due_jobs"
    title = _("Run due jobs of uploads")
    description = _("Queue jobs that are due, and those whose worker has died.")
    task = run_due_jobs
    arguments_schema = None


class RebuildIndexJob(JobType):  # type: ignore[misc]
    """Re-indexing."""

    id = "multipart_rebuild_index"
    title = _("Rebuild the search index")
    description = _("Index all records anew; does nothing while one is under way.")
    task = rebuild_index
    arguments_schema = None
