# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Counts what a process asks of the object store and of the search engine, and how
often it saves drafts."""

from __future__ import annotations

import json
from collections import Counter
from functools import wraps
from typing import Any

HEADER = "Bench-Calls"
"""Header of a reply that tells what its request has caused, as JSON."""

Calls = Counter[str]
"""Number of calls by name: S3's operation, ``search: PUT``, ``save: RDMDraft``."""

_calls: Calls = Counter()


def watch() -> Calls:
    """Begin to count in this process; may be repeated.

    :returns: the running count. Both clients of botocore are in it, and with the
        second all that s3fs does.
    """
    from aiobotocore.client import AioBaseClient
    from botocore.client import BaseClient
    from invenio_records.api import Record
    from opensearchpy import Transport

    for client in (BaseClient, AioBaseClient):
        _count(client, "_make_request", lambda _, operation, *__: operation.name)
    _count(Transport, "perform_request", lambda _, method, *__: f"search: {method}")
    _count(Record, "commit", lambda record: f"save: {type(record).__name__}")
    return _calls


def _count(cls: Any, method: str, name_of: Any) -> None:
    inner = getattr(cls, method)
    if hasattr(inner, "__wrapped__"):
        return

    @wraps(inner)
    def counted(self: Any, *args: Any, **options: Any) -> Any:
        _calls[name_of(self, *args)] += 1
        return inner(self, *args, **options)

    setattr(cls, method, counted)


def tell(app: Any) -> None:
    """Have every reply of a web process with one thread tell its calls."""
    calls = watch()
    before: Calls = Counter()

    @app.before_request
    def begin() -> None:
        before.clear()
        before.update(calls)

    @app.after_request
    def end(response: Any) -> Any:
        response.headers[HEADER] = json.dumps(calls - before)
        return response


def s3(calls: Calls) -> Calls:
    """Those of them that go to the object store."""
    return Counter({name: n for name, n in calls.items() if ": " not in name})


def listed(calls: Calls) -> str:
    """In words, the most frequent first."""
    return ", ".join(f"{n:,} {name}" for name, n in calls.most_common()) or "none"
