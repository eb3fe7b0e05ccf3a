# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Moments as people write them, and which of them a batch may have."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

from ..errors import InvalidTime

UNITS = {
    "second": timedelta(seconds=1),
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
}
"""Units of "in 2 days". Months and years are missing: their length is not fixed."""

FORMS = '"in 10 minutes", "in 2 days", "2026-12-31" or "2026-12-31T12:59:59Z"'
"""What messages show as examples."""

_RELATIVE = re.compile(
    rf"in\s+([0-9]{{1,12}})\s+({'|'.join(UNITS)})s?", re.ASCII | re.IGNORECASE
)

# datetime.fromisoformat of Python 3.9 knows neither "Z" nor all fractions.
_ABSOLUTE = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"(?:[T ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,9}))?)?"
    r" ?(Z|[+-][0-9]{2}:?[0-5][0-9])?)?",
    re.ASCII | re.IGNORECASE,
)


def parse_moment(text: object, now: datetime, *, field: str) -> datetime:
    """The moment that ``text`` names, in UTC.

    A time without zone is UTC. A date without time means that the whole day is
    included: the moment is the start of the next day. Fractions are kept to the
    microsecond. Whether the moment is past is not asked here.

    :param text: one of :data:`FORMS`, in any case, blanks around it allowed.
    :param now: what "in" counts from, with a zone.
    :param field: request field that errors name.
    :raises InvalidTime: for anything else, and for moments after the year 9999.
    """
    if not isinstance(text, str):
        raise InvalidTime(f"A time is a text such as {FORMS}.", field=field)
    wanted = text.strip()
    try:
        if found := _RELATIVE.fullmatch(wanted):
            moment = _later(now, int(found[1]), found[2])
        elif found := _ABSOLUTE.fullmatch(wanted):
            moment = _absolute(found)
        else:
            raise InvalidTime(
                f"{wanted[:40]!r} is not a time such as {FORMS}.", field=field
            )
        return moment.astimezone(timezone.utc)
    except (ValueError, OverflowError) as error:
        # The 31st of February, or the year 10000.
        raise InvalidTime(
            f"There is no such time as {wanted[:40]!r}.", field=field
        ) from error


def check_times(
    completed_by: datetime,
    expires_in: datetime | None,
    now: datetime,
    *,
    max_open: timedelta,
    max_transient: timedelta | None,
) -> None:
    """Refuse times that a batch cannot have; all of them with a zone.

    :param completed_by: when the batch is purged unless it is completed.
    :param expires_in: when what it made is deleted again; None: never.
    :param max_open: how far ahead ``completed_by`` may be.
    :param max_transient: how far ahead ``expires_in`` may be; None: any time.
    :raises InvalidTime: ``completed_by`` is not in the future or too far in it;
        ``expires_in`` is not in the future, not after ``completed_by``, or too far.
    """
    _check_ahead(completed_by, now, max_open, "completed_by")
    if expires_in is None:
        return
    _check_ahead(expires_in, now, max_transient, "expires_in")
    if expires_in <= completed_by:
        raise InvalidTime(
            "expires_in must be after completed_by, "
            f"{completed_by.isoformat(timespec='seconds')}.",
            field="expires_in",
        )


def check_later(
    moment: datetime, before: datetime, now: datetime, most: timedelta, *, field: str
) -> None:
    """Refuse a new deadline that a batch or an upload cannot have; all with a zone.

    Never an earlier one: links that were given out would outlive it.

    :param before: the deadline so far.
    :param most: how far ahead the new one may be.
    :raises InvalidTime: not in the future, too far in it, or earlier than ``before``.
    """
    _check_ahead(moment, now, most, field)
    if moment < before:
        raise InvalidTime(
            "A deadline can only be put off; it is "
            f"{before.isoformat(timespec='seconds')}.",
            field=field,
        )


def _later(now: datetime, count: int, unit: str) -> datetime:
    if count == 0:
        raise ValueError("now is not in the future")
    return now + count * UNITS[unit.lower()]


def _absolute(found: re.Match[str]) -> datetime:
    year, month, day = (int(found[group]) for group in (1, 2, 3))
    if found[4] is None:
        return datetime(year, month, day, tzinfo=timezone.utc) + timedelta(days=1)
    return datetime(
        year,
        month,
        day,
        int(found[4]),
        int(found[5]),
        int(found[6] or 0),
        int((found[7] or "").ljust(6, "0")[:6]),
        tzinfo=_zone(found[8]),
    )


def _zone(text: str | None) -> timezone:
    if text is None or text in "Zz":
        return timezone.utc
    offset = timedelta(hours=int(text[1:3]), minutes=int(text[-2:]))
    return timezone(-offset if text[0] == "-" else offset)


def _check_ahead(
    moment: datetime, now: datetime, most: timedelta | None, field: str
) -> None:
    if moment <= now:
        raise InvalidTime(f"{field} must be in the future.", field=field)
    if most is not None and moment - now > most:
        raise InvalidTime(f"{field} may be at most {_words(most)} ahead.", field=field)


def _words(span: timedelta) -> str:
    for unit, length in reversed(UNITS.items()):
        if span >= length and not span % length:
            count = span // length
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return f"{span.total_seconds():g} seconds"
