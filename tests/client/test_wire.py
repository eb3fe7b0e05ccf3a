# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Answers of servers are read strictly, their refusals in full."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from email.utils import formatdate
from typing import Any

import pytest

from invenio_multipart.client import ProtocolError, Uploader, UsageError
from invenio_multipart.client.api import api_root
from invenio_multipart.client.pipeline import Slices, read_slices
from invenio_multipart.client.retry import parse_retry_after
from invenio_multipart.client.transport import Response, origin_of
from invenio_multipart.client.wire import (
    read_entry,
    read_links,
    read_refusal,
    read_stored_parts,
)


@pytest.mark.parametrize(
    ("read", "answer"),
    [
        pytest.param(read_entry, "text", id="entry-no-object"),
        pytest.param(read_entry, {"transfer": "M"}, id="transfer-no-object"),
        pytest.param(read_stored_parts, [{"part": 1}], id="part-without-size"),
        pytest.param(read_stored_parts, [None], id="part-null"),
        pytest.param(
            read_stored_parts,
            [{"part": "x", "size": 1, "status": "uploaded"}],
            id="part-number-no-number",
        ),
        pytest.param(read_links, [{"part": 1}], id="link-without-url"),
        pytest.param(
            read_links,
            [{"part": 1, "url": "u", "headers": []} | {"headers": [1]}],
            id="headers-no-object",
        ),
    ],
)
def test_malformed_answers(read: Callable[[Any], Any], answer: Any) -> None:
    """An answer that does not follow the API is called that, not a crash."""
    with pytest.raises(ProtocolError):
        read(answer)


@pytest.mark.parametrize(
    ("size", "parts", "part_size"),
    [
        pytest.param(10, None, None, id="no-plan"),
        pytest.param(10, 2, 10, id="too-many-parts"),
        pytest.param(11, 1, 10, id="too-few-parts"),
        pytest.param(0, 0, 10, id="empty-file-without-part"),
    ],
)
def test_plan_that_does_not_add_up(
    size: int, parts: int | None, part_size: int | None
) -> None:
    """A plan that would lose or invent bytes is refused before any is sent."""
    transfer = {"type": "M", "parts": parts, "part_size": part_size}
    entry = read_entry({"size": size, "status": "pending", "transfer": transfer})

    with pytest.raises(ProtocolError):
        read_slices(entry, size)


def test_lengths_add_up_to_the_file() -> None:
    """For every small size the parts cover the file exactly."""
    for size in range(40):
        for part_size in range(1, 12):
            slices = Slices(size, part_size, max(-(-size // part_size), 1))
            numbers = range(1, slices.parts + 1)
            assert sum(slices.length(number) for number in numbers) == size
            assert all(slices.length(number) > 0 for number in numbers) or not size


def test_refusal_of_invenio_is_read_in_full() -> None:
    """Message, code and field errors of Invenio all reach the user."""
    body = {
        "status": 400,
        "message": "A validation error occurred.",
        "code": "quota_exceeded",
        "errors": [{"field": "size", "messages": ["Too large.", "Really."]}],
    }

    error = read_refusal(Response(400, {}, json.dumps(body).encode()))

    assert (error.status, error.code) == (400, "quota_exceeded")
    assert error.message == "A validation error occurred. size: Too large. Really."
    assert error.errors == ({"field": "size", "messages": ["Too large.", "Really."]},)


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        pytest.param(
            b"<?xml?><Error><Code>NoSuchUpload</Code><Message>Gone.</Message></Error>",
            "NoSuchUpload",
            "Gone.",
            id="s3",
        ),
        pytest.param(b"", "refused", "HTTP status 404.", id="empty"),
        pytest.param(b"\xff<html>", "refused", "HTTP status 404.", id="rubbish"),
        pytest.param(b"[1]", "refused", "HTTP status 404.", id="other-json"),
    ],
)
def test_refusal_of_others(body: bytes, code: str, message: str) -> None:
    """S3's XML is understood, and anything else still gives an error."""
    error = read_refusal(Response(404, {}, body))

    assert (error.code, error.message) == (code, message)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [(None, None), ("7", 7), ("soon", None), ("Thu, 01 Jan 1970 00:00:00 GMT", 0)],
)
def test_retry_after(value: str | None, seconds: float | None) -> None:
    """Seconds and dates are understood, a malformed wish is ignored."""
    assert parse_retry_after(value) == seconds


def test_retry_after_a_date() -> None:
    """A date is the time from now until then."""
    wish = parse_retry_after(formatdate(time.time() + 60, usegmt=True))

    assert wish == pytest.approx(60, abs=2)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        pytest.param("https://a/x", "https://A:443/y?z", True, id="default-port"),
        pytest.param("https://a", "http://a", False, id="scheme"),
        pytest.param("https://a", "https://a:444", False, id="port"),
        pytest.param("https://a", "https://a.evil", False, id="host"),
        pytest.param("https://a", "https://a@evil", False, id="user-part"),
    ],
)
def test_origins(one: str, other: str, same: bool) -> None:
    """Scheme, host and port together decide who gets the token."""
    assert (origin_of(one) == origin_of(other)) is same


@pytest.mark.parametrize("token", ["", "two\nlines", "schlüssel"])
def test_token_that_cannot_be_one(token: str, tmp_path: Any) -> None:
    """A malformed token is refused without being shown."""
    path = tmp_path / "data.bin"
    path.touch()
    with pytest.raises(UsageError, match="token") as caught:
        Uploader("http://localhost", token).upload("abcde", path)
    assert not token or token not in str(caught.value)


def test_api_root() -> None:
    """A path prefix of an instance is kept."""
    assert api_root("https://a.org/repo/") == "https://a.org/repo/api"
    with pytest.raises(UsageError):
        api_root("https://a.org:port")
