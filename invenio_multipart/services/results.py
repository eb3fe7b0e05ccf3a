# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What file services reply, with more than upstream tells, or with less."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from ..records.contained import load_at_once

_ONLY = "_multipart_tell_only"


def extend_result(config: Any, name: str, mixin: type) -> None:
    """Have a service make results that are ``mixin``, too; once.

    :param config: of the service.
    :param name: of the class in there.
    """
    upstream = getattr(config, name)
    if not issubclass(upstream, mixin):
        setattr(config, name, type(upstream.__name__, (mixin, upstream), {}))


def tell_only(files: Any, keys: Collection[str]) -> None:
    """Have the reply list no other files of this record or draft.

    Upstream's reply to a new file lists all that are there: a few milliseconds and
    800 bytes of each, for every new one.

    :param files: upstream's files of a record or draft.
    """
    setattr(files, _ONLY, frozenset(keys))


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
            # Not by the files' own keys, each of which would be read anew.
            self._results = [files[key] for key in files if key in only]
        load_at_once(list(self._results))
        yield from super().entries  # type: ignore[misc]


class RecordWithFiles:
    """A record or draft that reads the rows of its files at once."""

    _record: Any
    _data: Any

    @property
    def data(self) -> Any:
        """As upstream makes it."""
        files = getattr(self._record, "files", None)
        if self._data is None and files is not None and files.enabled:
            load_at_once(list(files.values()))
        return super().data  # type: ignore[misc]
