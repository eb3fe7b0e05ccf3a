# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Which times are understood, and which a batch may have."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invenio_multipart.core.expiry import check_times, parse_moment
from invenio_multipart.errors import InvalidTime

UTC = timezone.utc
NOW = datetime(2026, 2, 27, 23, 59, 58, 500, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def parsed(text, now=NOW):
    """The moment, for a field of the batch."""
    return parse_moment(text, now, field="completed_by")


@pytest.mark.parametrize(
    ("text", "ahead"),
    [
        ("in 1 second", timedelta(seconds=1)),
        ("in 10 minutes", 10 * MINUTE),
        ("in 1 minute", MINUTE),
        ("in 1 hour", HOUR),
        ("in 36 hours", 36 * HOUR),
        ("in 2 days", 2 * DAY),
        ("in 1 week", 7 * DAY),
        ("in 3 weeks", 21 * DAY),
        ("IN 10 Minutes", 10 * MINUTE),
        ("  in\t010   minutes\n", 10 * MINUTE),
        ("in 1 days", DAY),
    ],
)
def test_so_long_from_now(text, ahead):
    """A number of units counts from now, in any case, singular or plural."""
    assert parsed(text) == NOW + ahead


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-12-31 12:59:59", datetime(2026, 12, 31, 12, 59, 59, tzinfo=UTC)),
        ("2026-12-31T12:59:59", datetime(2026, 12, 31, 12, 59, 59, tzinfo=UTC)),
        ("2026-12-31T12:59:59Z", datetime(2026, 12, 31, 12, 59, 59, tzinfo=UTC)),
        ("2026-12-31t12:59:59z", datetime(2026, 12, 31, 12, 59, 59, tzinfo=UTC)),
        ("2026-12-31 12:59", datetime(2026, 12, 31, 12, 59, tzinfo=UTC)),
        ("2026-12-31T01:00:00+02:00", datetime(2026, 12, 30, 23, tzinfo=UTC)),
        ("2026-12-31 01:00:00 +0230", datetime(2026, 12, 30, 22, 30, tzinfo=UTC)),
        ("2026-12-31T22:30:00-02:30", datetime(2027, 1, 1, 1, tzinfo=UTC)),
        ("2026-12-31T12:00:00.5Z", datetime(2026, 12, 31, 12, 0, 0, 500000, UTC)),
        ("2026-12-31T12:00:00.000001", datetime(2026, 12, 31, 12, 0, 0, 1, UTC)),
        ("2026-12-31T12:00:00.123456789Z", datetime(2026, 12, 31, 12, 0, 0, 123456, UTC)),
        ("2028-02-29T00:00:00Z", datetime(2028, 2, 29, tzinfo=UTC)),
        ("1970-01-01T00:00:00Z", datetime(1970, 1, 1, tzinfo=UTC)),
    ],
)  # fmt: skip
def test_dates_with_times(text, moment):
    """ISO times with or without zone and fraction come out as UTC."""
    found = parsed(text)
    assert found == moment
    assert found.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-12-31", datetime(2027, 1, 1, tzinfo=UTC)),
        ("2026-02-28", datetime(2026, 3, 1, tzinfo=UTC)),
        ("2026-02-27", datetime(2026, 2, 28, tzinfo=UTC)),
    ],
)
def test_a_date_includes_its_day(text, moment):
    """A bare date ends with its day: also today is still in the future."""
    assert parsed(text) == moment > NOW


@pytest.mark.parametrize(
    "text",
    [
        None,
        True,
        10,
        1.5,
        b"in 10 minutes",
        ["in 10 minutes"],
        {"in": "10 minutes"},
        NOW,
        "",
        "in",
        "tomorrow",
        "10 minutes",
        "in ten minutes",
        "in minutes",
        "in 10",
        "in 0 minutes",
        "in -5 minutes",
        "in +5 minutes",
        "in 1.5 hours",
        "in 1 month",
        "in 2 years",
        "in 10 minutess",
        "in 10 minutes or so",
        "in ١٠ minutes",
        "in 3000000 days",
        "in 999999999999 weeks",
        "in 99999999999999999999999999 seconds",
        "in " + "9" * 100_000 + " days",
        "2026",
        "2026-12",
        "2026-13-01",
        "2026-02-29",
        "2026-12-31T24:00:00",
        "2026-12-31T12:60:00",
        "2026-12-31T12:00:60",
        "2026-12-31T12",
        "2026-12-31T12:00:00.",
        "2026-12-31T12:00:00+24:00",
        "2026-12-31T12:00:00+02:60",
        "2026-12-31T12:00:00 CET",
        "2026-12-31Z",
        "20261231",
        "31.12.2026",
        "12/31/2026",
        "0000-01-01",
        "9999-12-31",
        "9999-12-31T23:59:59-01:00",
        "0001-01-01T00:00:00+01:00",
        "10000-01-01",
        "+10000-01-01T00:00:00Z",
        "٢٠٢٦-12-31",
        "\ud800",
    ],
)
def test_anything_else_is_refused(text):
    """Wrong types, nonsense and moments that no calendar has name their field."""
    with pytest.raises(InvalidTime) as caught:
        parse_moment(text, NOW, field="expires_in")
    assert caught.value.field == "expires_in"
    assert len(caught.value.message) < 400


NEARLY = st.from_regex(
    r"(?i)\A\s*(in [+-]?\d{0,30} ?(second|minute|hour|day|week|month)s?"
    r"|\d{3,5}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d)?(\.\d*)?)?(Z|[+-]\d\d:?\d\d)?)\s*\Z"
)
ANYTHING = st.one_of(
    NEARLY,
    st.text(),
    st.none(),
    st.integers(),
    st.floats(),
    st.binary(),
    st.lists(st.text()),
    st.datetimes().map(str),
)
MOMENTS = st.datetimes(timezones=st.just(UTC))


@given(ANYTHING, MOMENTS)
def test_any_value(text, now):
    """Whatever a client sends is a moment in UTC or the one error, never another."""
    try:
        moment = parsed(text, now)
    except InvalidTime:
        return
    assert moment.utcoffset() == timedelta(0)


@given(st.datetimes().filter(lambda moment: 1 < moment.year < 9999))
def test_what_python_writes_is_read(moment):
    """ISO texts of every moment are read to the microsecond, in any zone."""
    aware = moment.replace(tzinfo=UTC)
    abroad = aware.astimezone(timezone(timedelta(hours=-9, minutes=-30)))
    assert parsed(moment.isoformat()) == aware
    assert parsed(str(aware)) == aware
    assert parsed(abroad.isoformat()) == aware


def checked(completed_by, expires_in=None, *, max_transient=365 * DAY):
    """Check times that are given as distances from now."""
    check_times(
        NOW + completed_by,
        None if expires_in is None else NOW + expires_in,
        NOW,
        max_open=7 * DAY,
        max_transient=max_transient,
    )


@pytest.mark.parametrize(
    ("completed_by", "expires_in"),
    [
        (timedelta(microseconds=1), None),
        (10 * MINUTE, 2 * DAY),
        (7 * DAY, None),
        (7 * DAY, 7 * DAY + timedelta(microseconds=1)),
        (MINUTE, 365 * DAY),
    ],
)
def test_times_of_a_batch(completed_by, expires_in):
    """Both ends of each range belong to it."""
    checked(completed_by, expires_in)


@pytest.mark.parametrize(
    ("completed_by", "expires_in", "field"),
    [
        (timedelta(0), None, "completed_by"),
        (-DAY, None, "completed_by"),
        (-DAY, DAY, "completed_by"),
        (7 * DAY + timedelta(microseconds=1), None, "completed_by"),
        (DAY, timedelta(0), "expires_in"),
        (DAY, -DAY, "expires_in"),
        (DAY, DAY, "expires_in"),
        (DAY, HOUR, "expires_in"),
        (DAY, 365 * DAY + timedelta(seconds=1), "expires_in"),
    ],
)
def test_times_no_batch_has(completed_by, expires_in, field):
    """Past times, times in the wrong order and times too far off are refused."""
    with pytest.raises(InvalidTime) as caught:
        checked(completed_by, expires_in)
    assert caught.value.field == field


def test_no_limit():
    """A site may let transient records live as long as anybody wants."""
    checked(DAY, 10**6 * DAY, max_transient=None)


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (7 * DAY, "1 week"),
        (30 * DAY, "30 days"),
        (36 * HOUR, "36 hours"),
        (timedelta(seconds=90), "90 seconds"),
        (timedelta(seconds=0.5), "0.5 seconds"),
    ],
)
def test_limits_are_named(span, words):
    """The message says how far ahead the time may be."""
    with pytest.raises(InvalidTime, match=f"at most {words} ahead"):
        check_times(NOW + 99 * DAY, None, NOW, max_open=span, max_transient=None)


@given(MOMENTS, st.none() | MOMENTS, MOMENTS)
def test_any_times(completed_by, expires_in, now):
    """Times that pass lie in the order now, completed_by, expires_in."""
    try:
        check_times(completed_by, expires_in, now, max_open=9 * DAY, max_transient=None)
    except InvalidTime:
        return
    assert now < completed_by <= now + 9 * DAY
    assert expires_in is None or completed_by < expires_in
