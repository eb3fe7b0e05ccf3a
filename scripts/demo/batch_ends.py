# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT
"""The steps of the batch demo about ends: given up, forgotten, and transient."""

from __future__ import annotations

import sys
import time
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from shown import DemoError, Reply, Shown

if TYPE_CHECKING:
    from batch import Story

LATE_SECONDS = 120
"""How long a deadline may have passed before the demo calls it missed."""


def transient(story: Story) -> datetime:
    """A record that is published for a minute.

    :returns: when it shall be deleted.
    """
    shown = story.shown
    shown.title("A transient record: announced for one minute, not longer.")
    batch = shown.curl(
        """\
        curl "$API/uploads" -H "$TOKEN" -H "$JSON" -d '{
          "record": '"$(cat record.json)"', "files": ["report.txt"],
          "completed_by": "in 50 seconds", "expires_in": "in 60 seconds"}'
        """,
        201,
    ).body
    shown.json(batch, "complete_before", "expires_in", "expires_job_id")
    shown.keep(
        transient=batch["record_id"],
        url=batch["presigned_urls"]["report.txt"],
        completion_url=batch["completion_url"],
    )
    shown.curl('curl "$url" -T report.txt', 200, 204)
    story.shown.complete_and_publish()
    shown.curl('curl "$API/records/$transient"', 200)
    shown.say("It will be looked at again when its time is over.")
    return datetime.fromisoformat(batch["expires_in"])


def forgotten(story: Story) -> datetime:
    """A batch that nobody completes.

    :returns: its deadline.
    """
    shown = story.shown
    shown.title("A batch that nobody completes. Its deadline is in 20 seconds.")
    batch = shown.curl(
        """\
        curl "$API/uploads" -H "$TOKEN" -H "$JSON" -d '{
          "record": '"$(cat record.json)"', "files": ["report.txt"],
          "completed_by": "in 20 seconds"}'
        """,
        201,
    ).body
    shown.keep(
        forgotten_id=batch["id"],
        forgotten=batch["record_id"],
        url=batch["presigned_urls"]["report.txt"],
    )
    shown.curl('curl "$url" -T report.txt', 200, 204)
    return datetime.fromisoformat(batch["complete_before"])


def abort(story: Story) -> None:
    """A batch that somebody gives up."""
    shown = story.shown
    shown.title("A batch that is given up: its abort_url needs no token either.")
    batch = shown.curl(
        """\
        curl "$API/uploads" -H "$TOKEN" -H "$JSON" -d '{
          "record": '"$(cat record.json)"', "files": ["report.txt"]}'
        """,
        201,
    ).body
    shown.keep(
        abort_url=batch["abort_url"],
        completion_url=batch["completion_url"],
        job_url=f"{shown.variables['API']}/uploads/jobs/{batch['purge_job_id']}",
    )
    shown.json(shown.curl('curl -X PUT "$abort_url"', 200).body, "state", "lock")
    story.shown.wait_for_job(quiet=True)
    shown.result("what it held is freed")
    refused = shown.curl('curl -X PUT "$completion_url"', 403).body
    shown.json(refused, "code", "message")


def see_it_expire(story: Story, deadline: datetime) -> None:
    """The forgotten batch after its deadline."""
    shown = story.shown
    shown.title("The forgotten batch.")
    _wait_until(shown, deadline)
    ask = 'curl "$API/uploads/$forgotten_id" -H "$TOKEN"'
    batch = _ask_until(
        shown, ask, lambda reply: reply.body["purged_on"], deadline, 200
    ).body
    shown.json(batch, "state", "complete_before", "purged_on")
    if batch["state"] != "expired":
        raise DemoError("it has not expired")
    _ask_until(
        shown,
        'curl "$API/records/$forgotten/draft" -H "$TOKEN"',
        lambda reply: reply.status == 404,
        deadline,
        *(200, 404),
    )
    shown.result("its file is purged, and the draft that was made for it is gone")


def see_it_go(story: Story, expires: datetime) -> None:
    """The transient record after its time."""
    shown = story.shown
    shown.title("The transient record.")
    _wait_until(shown, expires)
    gone = _ask_until(
        shown,
        'curl "$API/records/$transient"',
        lambda reply: reply.status == 410,
        expires,
        *(200, 410),
    ).body
    shown.json(gone, "message")
    shown.json(gone["tombstone"], "note")
    shown.curl('curl -L "$API/records/$transient/files/report.txt/content"', 404, 410)
    shown.result("record and file are gone; a tombstone stays")


def _wait_until(shown: Shown, moment: datetime) -> None:
    """Says for how long, and waits."""
    left = (moment - _now()).total_seconds()
    if left > 0:
        shown.say(f"Its time is over in {left:.0f} s; waiting ...")
        sys.stdout.flush()
        time.sleep(left)


def _ask_until(
    shown: Shown, command: str, is_there: Any, due: datetime, *statuses: int
) -> Reply:
    """Asks until something is there, and tells how late that was.

    :raises DemoError: it is too late.
    """
    reply = shown.poll(command, is_there, *statuses, seconds=LATE_SECONDS)
    late = (_now() - due).total_seconds()
    shown.result(f"{reply.status}, seen {late:.1f} s after its time")
    return reply


def _now() -> datetime:
    return datetime.now(timezone.utc)
