# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""A real Celery worker with a kind of jobs that answers, or kills its worker.

For ``celery -A tests.services.live_worker``. LIVE_SETTINGS names a JSON file with the
settings of the application.
"""

from __future__ import annotations

import os
import signal
from datetime import timedelta
from typing import Any

from invenio_multipart.core.running import RunningJob
from invenio_multipart.services.jobs import claimed, runner
from invenio_multipart.services.jobs.kinds import KINDS

from ..faults.live_app import make_app


def answer(job: RunningJob) -> dict[str, Any]:
    """The job's arguments; its worker's end the first time, if these ask for it."""
    if job.arguments.get("kill") and not job.arguments.get("killed"):
        job.remember(killed=True)
        os.kill(os.getpid(), signal.SIGKILL)
    return dict(job.arguments)


KINDS["test"] = answer
# Nobody wants to wait for two minutes; two seconds are enough for one beat.
claimed.LEASE = runner.LEASE = timedelta(seconds=2)
claimed.BEAT_SECONDS = 0.5

app = make_app().extensions["flask-celeryext"].celery
