# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The files of a record, each read when it is asked for.

Upstream reads all of them to look at one: every call about a file of a record that
has thousands cost a few tenths of a second.
"""

from __future__ import annotations

import copy
import uuid
from collections.abc import Collection, Iterator, MutableMapping
from typing import Any

from invenio_db import db

from .entries import count, present

_MOST_BY_KEY = 8
"""Whoever asks for more than so many by key, one after the other, gets them all."""


class Entries(MutableMapping[str, Any]):
    """What upstream keeps as a dictionary: the file entries of a record, by key.

    What was found once, or not found, stays so, as it does in a dictionary, until
    somebody wants all.

    :param file_cls: upstream's class of the entries.
    :param record_id: of the record or draft.
    """

    def __init__(self, file_cls: Any, record_id: uuid.UUID) -> None:
        self._file_cls = file_cls
        self._record_id = record_id
        self._held: dict[str, Any] = {}
        self._absent: set[str] = set()
        self._deleted: set[str] = set()
        self._asked = 0
        self._is_complete = False
        self._is_changed = False

    def fetch(self, keys: Collection[str]) -> None:
        """Read these at once, as far as they have not been read."""
        unknown = set(keys) - self._held.keys() - self._absent - self._deleted
        if self._is_complete or not unknown:
            return
        with db.session.no_autoflush:
            for row in present(self._file_cls.model_cls, self._record_id, unknown):
                if not row.is_deleted:
                    self._held[row.key] = self._file_cls(row.data, model=row)
        self._absent |= unknown - self._held.keys()

    def __getitem__(self, key: str) -> Any:
        known = self._is_complete or key in self._held
        if not known and key not in self._absent and key not in self._deleted:
            self._asked += 1
            if self._asked > _MOST_BY_KEY:
                self._complete()
            else:
                self.fetch([key])
        return self._held[key]

    def __setitem__(self, key: str, entry: Any) -> None:
        self._is_changed = True
        self._deleted.discard(key)
        self._held[key] = entry

    def __delitem__(self, key: str) -> None:
        # Read first: only what is there can be deleted.
        _ = self[key]
        del self._held[key]
        self._is_changed = True
        self._deleted.add(key)

    def __iter__(self) -> Iterator[str]:
        self._complete()
        return iter(self._held)

    def __bool__(self) -> bool:
        # Upstream asks this of what it has just filled by other means.
        self._complete()
        return bool(self._held)

    def __len__(self) -> int:
        if self._is_changed:
            self._complete()
        if self._is_complete:
            return len(self._held)
        with db.session.no_autoflush:
            return count(self._file_cls.model_cls, self._record_id)

    def _complete(self) -> None:
        """Read all that have not been read; in upstream's order, new ones last."""
        if self._is_complete:
            return
        found = {}
        for entry in self._file_cls.list_by_record(self._record_id):
            if entry.key not in self._deleted:
                found[entry.key] = self._held.pop(entry.key, entry)
        self._held = {**found, **self._held}
        self._is_complete = True


class OnDemand:
    """A files field whose managers read entries when they are asked for."""

    def obj(self, record: Any) -> Any:
        """As upstream makes it; what came with a search hit is read already."""
        files = super().obj(record)  # type: ignore[misc]
        if files is not None and files._entries is None:
            files._entries = Entries(files.file_cls, record.id)
        return files


def read_on_demand(record_cls: Any) -> None:
    """Have records of this class read their files so; once."""
    field = record_cls.files
    if isinstance(field, OnDemand):
        return
    upstream = type(field)
    ours = copy.copy(field)
    ours.__class__ = type(upstream.__name__, (OnDemand, upstream), {})
    record_cls.files = ours


def hold(files: Any, keys: Collection[str]) -> None:
    """Read these files of a record at once, to be looked at one by one.

    :param files: upstream's files of a record or draft.
    """
    if isinstance(files.entries, Entries):
        files.entries.fetch(keys)
