# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The reaper: one run of all rules, or a look at what a run would do."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from flask import current_app
from invenio_db import db
from invenio_db.uow import UnitOfWork
from sqlalchemy.exc import InterfaceError, OperationalError

from ...proxies import current_multipart
from ...records import audit as rows
from ...records import leftovers
from ...records.models import utc_now
from .. import audit
from ..free import free_noted
from . import of_adopted, of_batches, of_jobs, of_quota, of_uploads, of_uses
from .of_store import Strays
from .restore import Restored, restore
from .walk import MOST, PAGE, Found, Rule

LAST_RUN = "reaper"
"""Bookmark of the last run that a worker has done."""

_JOBS = 100
"""Jobs that one run queues; their own periodic task does so each minute."""


@dataclass
class Report:
    """What a run has done.

    :param done: how often, by the names of the rules.
    :param failed: things that raised an error; the log has it.
    :param notes: what could not be looked at, in sentences.
    """

    done: dict[str, int] = field(default_factory=dict)
    failed: int = 0
    notes: list[str] = field(default_factory=list)


class ReaperService:
    """Ends what is overdue, and goes on with what a crash has interrupted."""

    def reap(self, by: str = "reaper", *, from_beat: bool = False) -> Report:
        """Do it all once. Any number of reapers may run at once.

        :param by: who does it, for the audit.
        :param from_beat: whether a worker does it because it is time; that is
            remembered as a sign of life.
        """
        begun = time.monotonic()
        report, strays = Report(), Strays(remembers=True)
        with audit.acting(by):
            # First, and apart: the others make jobs that are queued by themselves.
            report.done["jobs"] = current_multipart.jobs.run_due()
            for rule in _rules(strays):
                done, failed = _carry_out(rule, report)
                report.done[rule.name] = done
                report.failed += failed
            report.done["forgotten"] = _forget()
            report.notes += strays.notes
            seconds = round(time.monotonic() - begun, 3)
            line = {"by": audit.actor(), "seconds": seconds, "failed": report.failed}
            audit.log("reaped", {**line, **report.done})
        for note in report.notes:
            current_app.logger.warning("Reaper: %s", note)
        if from_beat:
            rows.remember(LAST_RUN, {**report.done, "failed": report.failed})
            db.session.commit()
        return report

    def preview(self) -> tuple[Sequence[Found], Sequence[str]]:
        """What a run would do just now, and what it could not look at.

        Changes nothing: neither rows nor the store.
        """
        strays = Strays(remembers=False)
        found = _due_jobs()
        for rule in _rules(strays):
            found += rule.walk()
        found += _old_audit()
        db.session.rollback()
        return found, strays.notes

    def recommit(self, upload_id: str) -> None:
        """Go on with a commit whose process died."""
        of_uploads.recommit(uuid.UUID(upload_id))

    def free(self) -> None:
        """Delete files whose last use has ended.

        :raises StorageUnavailable: try again later.
        """
        free_noted()

    def restore(self, subject: str) -> Restored:
        """Bring back the objects of an upload or batch that was removed.

        :param subject: its id.
        :raises NothingToRestore: with the reason.
        """
        return restore(subject)


def _rules(strays: Strays) -> Sequence[Rule]:
    return (
        *of_batches.RULES,
        *of_uploads.RULES,
        *of_uses.RULES,
        *of_adopted.RULES,
        strays.rule,
        *of_quota.RULES,
        *of_jobs.RULES,
    )


def _carry_out(rule: Rule, report: Report) -> tuple[int, int]:
    """One rule; that its queries fail does not stand in the way of the others."""
    try:
        return rule.carry_out()
    except (OperationalError, InterfaceError):
        # No database, no reaper.
        raise
    except Exception:
        db.session.rollback()
        current_app.logger.exception("The reaper's rule %s failed.", rule.name)
        report.notes.append(f"The rule {rule.name} failed; see the log.")
        return 0, 1


def _due_jobs() -> list[Found]:
    return [
        Found("job", str(job.id), "run", f"{job.kind} is due", at=job.due_at)
        for job in leftovers.due_jobs(utc_now(), _JOBS)
    ]


def _old_audit() -> list[Found]:
    before = _audited_since()
    count = rows.count_older(before, MOST) if before else 0
    reason = "older than MULTIPART_AUDIT_DAYS"
    return [Found("audit", f"{count} rows", "forget", reason)] if count else []


def _forget() -> int:
    """Drop what the audit has kept long enough, some at a time; how much."""
    count, before = 0, _audited_since()
    while before and count < MOST:
        with UnitOfWork() as uow:
            dropped = rows.forget(before, PAGE)
            uow.commit()
        if not dropped:
            break
        count += dropped
    return count


def _audited_since() -> Any:
    days = current_app.config["MULTIPART_AUDIT_DAYS"]
    return utc_now() - timedelta(days=days) if days else None
