# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The faster serializer says what upstream's says."""

from __future__ import annotations

import json
import uuid
from datetime import datetime, timezone
from decimal import Decimal

import pytest
from flask_resources import JSONSerializer, ResponseHandler
from flask_resources.serializers import SimpleSerializer
from speaklater import make_lazy_string

from invenio_multipart.resources import serializer
from invenio_multipart.resources.serializer import LargeReplySerializer, use_for

REPLIES = {
    "links": {"links": {"parts": [{"part": 1, "url": "http://h/a?b=c&d=é"}]}},
    "dates": {"at": datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)},
    "values": {"id": uuid.UUID(int=1), "n": Decimal("1.5"), "no": None, "f": 0.1},
    "lazy": {"title": make_lazy_string(str, "Titel")},
    "odd keys": {1: "one", None: "none"},
    "big": {"size": 2**70},
    "list": [{"key": "a"}, {"key": "ü"}],
}


@pytest.mark.parametrize("name", REPLIES)
@pytest.mark.parametrize("fast", [True, False], ids=["orjson", "standard"])
def test_same_reply(name: str, fast: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """With and without orjson a client reads what upstream would have sent."""
    if not fast:
        monkeypatch.setattr(serializer, "orjson", None)
    ours = LargeReplySerializer().serialize_object(REPLIES[name])
    upstream = JSONSerializer().serialize_object(REPLIES[name])
    assert json.loads(ours) == json.loads(upstream)


def test_orjson_is_used() -> None:
    """In an InvenioRDM environment orjson is there and writes the reply."""
    assert isinstance(LargeReplySerializer().serialize_object({}), bytes)


def test_pretty_print_stays() -> None:
    """Options of the standard library are still obeyed."""
    pretty = LargeReplySerializer(options={"indent": 2}).serialize_object({"a": 1})
    assert pretty == '{\n  "a": 1\n}'


def test_only_upstreams_own_is_replaced() -> None:
    """A site's own serializer stays, with its headers; the plain one is replaced."""
    own = ResponseHandler(SimpleSerializer(encoder=str), headers={"x": "y"})

    class Config:
        response_handlers = {
            "application/json": ResponseHandler(JSONSerializer(), headers={"a": "b"}),
            "application/x-own": own,
        }

    config = Config()
    use_for(config)
    plain = config.response_handlers["application/json"]
    assert config.response_handlers["application/x-own"] is own
    assert type(plain.serializer) is LargeReplySerializer
    assert plain.headers == {"a": "b"}
    assert (
        type(Config.response_handlers["application/json"].serializer) is JSONSerializer
    )
