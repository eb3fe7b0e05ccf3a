# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What our own resources read of a request and write in a reply."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from flask import Response, request

from ..errors import BadRequest
from .serializer import to_json

_DEEPEST = 100
"""Objects and lists within each other; far more than any record has."""


def view_args() -> dict[str, Any]:
    """:raises BadRequest: a NUL, which no database can look up."""
    args = dict(request.view_args or {})
    if any("\x00" in str(value) for value in args.values()):
        raise BadRequest("An address holds no control characters.")
    return args


def json_object() -> Any:
    """The request's body.

    :raises BadRequest: it is no JSON object, or holds what cannot be stored.
    """
    try:
        # Not by the request's own parser, which breaks on what is nested too deep.
        body = json.loads(request.get_data().decode(), parse_constant=_no_number)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise BadRequest("Send a JSON object.")
    require_storable(body)
    return body


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON.")


def require_storable(body: dict[str, Any]) -> None:
    """:raises BadRequest: nested too deep, or a text that no database takes."""
    level: list[Any] = [body]
    for _ in range(_DEEPEST):
        inner: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                inner += value
                inner += value.values()
            elif isinstance(value, list):
                inner += value
            elif isinstance(value, str) and not is_storable(value):
                raise BadRequest("A text holds a NUL or half a character.")
        if not inner:
            return
        level = inner
    raise BadRequest(f"The object is nested deeper than {_DEEPEST} levels.")


def is_storable(text: str) -> bool:
    """Whether a database and JSON take it: no NUL, and no half of a character."""
    if text.isascii():
        return "\x00" not in text
    # Halves of characters can be escaped in JSON, and are no Unicode.
    halved = any("\ud800" <= character <= "\udfff" for character in text)
    return not halved and "\x00" not in text


def json_reply(answer: Any, status: int = 200) -> Response:
    """A reply that nobody keeps."""
    return secret_reply(to_json(answer), "application/json", status)


def secret_reply(content: bytes, mimetype: str, status: int = 200) -> Response:
    """The same in another form."""
    response = Response(content, status, mimetype=mimetype)
    # It holds links and credentials.
    response.headers["Cache-Control"] = "no-store"
    return response
