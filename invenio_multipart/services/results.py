# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What file services reply, with more than upstream tells, or with less."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from flask import has_request_context, request

from ..records.contained import load_at_once
from ..records.on_demand import hold

_ONLY = "_multipart_tell_only"

_ABOUT_ALL = ("entries", "count", "total_bytes")
"""What a record tells of its files and has to look at all of them for."""


def extend_result(config: Any, name: str, mixin: type) -> None:
    """Have a service make results that are ``mixin``, too; once.

    :param config: of the service.
    :param name: of the class in there.
    """
    upstream = getattr(config, name)
    if not issubclass(upstream, mixin):
        setattr(config, name, type(upstream.__name__, (mixin, upstream), {}))


def wants_little() -> bool:
    """Whether the request prefers a reply with no more than it needs.

    Source: ``return=minimal`` of RFC 7240, section 4.2
    """
    if not has_request_context():
        return False
    preferences = ",".join(request.headers.getlist("Prefer")).split(",")
    return "return=minimal" in [text.strip().lower() for text in preferences]


def tell_only(files: Any, keys: Collection[str]) -> None:
    """Have the reply list no other files of this record or draft.

    Upstream's reply to a new file lists all that are there: a few milliseconds and
    800 bytes of each, for every new one.

    :param files: upstream's files of a record or draft.
    """
    setattr(files, _ONLY, tuple(dict.fromkeys(keys)))


class FilesAtOnce:
    """A list that reads its rows at once, and leaves out what was not asked for."""

    _record: Any
    _results: Iterable[Any]

    @property
    def entries(self) -> Iterable[dict[str, Any]]:
        """As upstream makes them."""
        files = self._record.files
        only = getattr(files, _ONLY, None)
        if only is not None:
            hold(files, only)
            self._results = [files[key] for key in only if key in files]
        load_at_once(list(self._results))
        yield from super().entries  # type: ignore[misc]


class RecordWithFiles:
    """A record or draft that reads the rows of its files at once, or none of them."""

    _record: Any
    _data: Any

    @property
    def data(self) -> Any:
        """As upstream makes it; without its files if little is wanted."""
        files = getattr(self._record, "files", None)
        if self._data is not None or files is None or not files.enabled:
            return super().data  # type: ignore[misc]
        if not wants_little():
            load_at_once(list(files.values()))
            return super().data  # type: ignore[misc]
        entries, files._entries = files._entries, {}
        try:
            data = super().data  # type: ignore[misc]
        finally:
            files._entries = entries
        for name in _ABOUT_ALL:
            data.get("files", {}).pop(name, None)
        return data
