# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Does anybody do what is queued, and does anybody clean up? Asked, not assumed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from celery import current_app as celery
from flask import current_app
from kombu.exceptions import OperationalError

from ..records import leftovers
from ..records.audit import bookmark
from ..records.models import utc_now
from .findings import Finding
from .reaper.service import LAST_RUN

_ANSWER_SECONDS = 2.0
"""How long workers have to answer; busy ones do, too."""

_LATE = timedelta(minutes=10)
"""What is due for so long has nobody to do it."""


def examine_workers() -> Iterator[Finding]:
    """Broker, workers, beat, and jobs that wait."""
    if current_app.config.get("CELERY_TASK_ALWAYS_EAGER"):
        text = "Tasks run within requests (CELERY_TASK_ALWAYS_EAGER): for tests only."
        yield Finding(text, ok=None)
    broker = _broker()
    yield broker
    if broker.ok:
        yield _workers()
    yield _schedule()
    yield _last_run()
    yield _late_jobs()


def _broker() -> Finding:
    try:
        with celery.connection_for_write(connect_timeout=5) as connection:
            connection.ensure_connection(max_retries=1, timeout=5)
            where = connection.as_uri()
    except (OperationalError, OSError) as error:
        return Finding(
            f"The message broker does not answer ({error}): nothing is queued. Start "
            "it, or correct BROKER_URL.",
            ok=False,
        )
    return Finding(f"The message broker answers at {where}.", ok=True)


def _workers() -> Finding:
    answers = celery.control.ping(timeout=_ANSWER_SECONDS)
    if answers:
        return Finding(f"Celery workers that answer: {len(answers)}.", ok=True)
    return Finding(
        "No Celery worker answers: start one, with `celery -A invenio_app.celery "
        "worker`.",
        ok=False,
    )


def _schedule() -> Finding:
    schedule = current_app.config.get("CELERY_BEAT_SCHEDULE") or {}
    missing = [
        f"MULTIPART_{setting}_INTERVAL_SECONDS"
        for name, setting in (("reaper", "REAPER"), ("jobs", "JOBS"))
        if f"multipart-{name}" not in schedule
    ]
    if not missing:
        return Finding("Unfinished uploads are scheduled for clean-up.", ok=True)
    names = " and ".join(missing)
    return Finding(
        f"Nobody cleans up: {names} is 0, or CELERY_BEAT_SCHEDULE was replaced after "
        "start-up. Set it, and restart beat.",
        ok=False,
    )


def _last_run() -> Finding:
    """The reaper leaves a note when a worker ran it, and not when a person did."""
    seconds = current_app.config["MULTIPART_REAPER_INTERVAL_SECONDS"]
    found = bookmark(LAST_RUN)
    start = "Start `celery -A invenio_app.celery beat` and a worker."
    if found is None:
        return Finding(
            f"The reaper has never run by itself. {start} On a new site, look again "
            f"after {seconds} s.",
            ok=False,
        )
    ago = round((utc_now() - found.updated).total_seconds())
    if seconds and ago > 2 * seconds + 60:
        text = f"The reaper has last run by itself {ago:,} s ago. {start}"
        return Finding(text, ok=False)
    failed = (found.value or {}).get("failed")
    if failed:
        return Finding(
            f"The reaper ran {ago:,} s ago; {failed} things failed. See the log of "
            "the workers.",
            ok=False,
        )
    return Finding(f"The reaper ran {ago:,} s ago.", ok=True)


def _late_jobs() -> Finding:
    late = leftovers.due_jobs(utc_now() - _LATE, 1000)
    if not late:
        return Finding("No job is late.", ok=True)
    count = "1,000 or more" if len(late) == 1000 else str(len(late))
    return Finding(
        f"Jobs that are ten minutes late: {count}. `invenio multipart jobs` lists "
        "them; see to beat and the workers.",
        ok=False,
    )
