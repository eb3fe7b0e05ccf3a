# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Where linked bytes come from.

Stands in the entry of each linked file, as ``transfer.origin``: upstream copies it
along when a draft is published and when a new version takes over its files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Origin:
    """The ancestor of a linked file: the one that had the bytes first.

    Either a file of a record (``record``, ``key``, ``version``) or an object that
    was in a bucket (``url``, and ``version_ref`` where the store keeps versions).

    :param record: PID of the record.
    :param version: number of that record among its versions, from 1.
    :param linked_on: UTC.
    """

    linked_on: datetime
    record: str | None = None
    key: str | None = None
    version: int | None = None
    url: str | None = None
    version_ref: str | None = None

    def to_json(self) -> dict[str, Any]:
        """What stands in the entry; without what does not apply."""
        found = {
            "record": self.record,
            "key": self.key,
            "version": self.version,
            "url": self.url,
            "version_id": self.version_ref,
        }
        known = {name: value for name, value in found.items() if value is not None}
        return {**known, "linked_on": self.linked_on.isoformat(timespec="seconds")}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Origin:
        """The same from an entry."""
        return cls(
            linked_on=datetime.fromisoformat(data["linked_on"]),
            record=data.get("record"),
            key=data.get("key"),
            version=data.get("version"),
            url=data.get("url"),
            version_ref=data.get("version_id"),
        )

    @classmethod
    def of_transfer(cls, transfer: Mapping[str, Any] | None) -> Origin | None:
        """The origin that an entry's ``transfer`` has; None of one that has none."""
        found = (transfer or {}).get("origin")
        return cls.from_json(found) if found else None

    def linked_again(self, now: datetime) -> Origin:
        """The origin of a link to a file that is a link itself: the ancestor."""
        return replace(self, linked_on=now)
