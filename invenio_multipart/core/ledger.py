# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What must be in the store before a file may be put together.

The rules of the commit, on plain values: the plan, what clients registered, and
what the store lists.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ..errors import MissingParts, PartsMismatch
from .crc import combine
from .digests import composite_etag, is_md5
from .plan import PartPlan


@dataclass(frozen=True)
class StoredPart:
    """A part as the store knows it.

    :param number: from 1.
    :param size: bytes.
    :param etag: without quotes, lower case; the part's MD5 on most stores.
    :param crc64nvme: 16 hex digits where the store computes it, else None.
    :param uploaded_at: UTC, None where it is not known (any more).
    """

    number: int
    size: int
    etag: str
    crc64nvme: str | None = None
    uploaded_at: datetime | None = None


@dataclass(frozen=True)
class RegisteredPart:
    """A part as a client announced it.

    :param md5: 32 hex digits, None when only the size was given.
    """

    number: int
    size: int
    md5: str | None = None


class PartLedger:
    """The parts an upload must have.

    A client that fixed the part size is held to the equal parts of the plan. One
    that did not may register parts of its own sizes, which then are the plan.

    :param registered: announced parts by number.
    """

    def __init__(
        self, plan: PartPlan, registered: Mapping[int, RegisteredPart] | None = None
    ) -> None:
        self.plan = plan
        self.registered = registered or {}
        self.custom = any(self._deviates(part) for part in self.registered.values())
        """Whether the registered sizes replaced the planned ones."""

    @property
    def count(self) -> int:
        """How many parts the finished upload has, as far as is known."""
        return max(self.registered) if self.custom else self.plan.parts

    def size_of(self, number: int) -> int | None:
        """Bytes part ``number`` must have, None where only its sender knows."""
        if number in self.registered:
            return self.registered[number].size
        return None if self.custom else self.plan.size_of(number)

    def check(self, stored: Iterable[StoredPart], *, etag_is_md5: bool = True) -> None:
        """Prove numbers, sizes and part digests.

        :param etag_is_md5: False for stores whose ETags say nothing of the bytes.
        :raises MissingParts: a number of 1..n is not in the store.
        :raises PartsMismatch: a number beyond n, or a size or MD5 that differs.
        """
        by_number = {part.number: part for part in stored}
        total = sum(part.size for part in by_number.values())
        wanted = range(1, self.count + 1)
        missing = [number for number in wanted if number not in by_number]
        # An empty file needs no part; the store gets one empty object for it.
        if missing and self.plan.size:
            raise MissingParts(missing, self.plan.size, total)
        problems = [
            problem
            for number in sorted(by_number)
            for problem in self._problems(by_number[number], etag_is_md5)
        ]
        if not problems and total != self.plan.size:
            problems = [f"The parts have {total} bytes, not {self.plan.size}."]
        if problems:
            raise PartsMismatch(problems)

    def _deviates(self, part: RegisteredPart) -> bool:
        beyond = part.number > self.plan.parts
        return beyond or part.size != self.plan.size_of(part.number)

    def _problems(self, part: StoredPart, etag_is_md5: bool) -> Iterable[str]:
        if part.number > self.count:
            yield f"Part {part.number} is not one of 1..{self.count}."
            return
        size = self.size_of(part.number)
        if size is not None and size != part.size:
            yield f"Part {part.number} has {part.size} bytes, not {size}."
        announced = self.registered.get(part.number)
        if announced is None or announced.md5 is None or not etag_is_md5:
            return
        if is_md5(part.etag) and part.etag != announced.md5:
            yield (f"Part {part.number} has the MD5 {part.etag}, not {announced.md5}.")


def expected_etag(parts: Sequence[StoredPart]) -> str | None:
    """ETag the finished object must have, None where part ETags are no MD5s."""
    etags = [part.etag for part in parts]
    if not etags or not all(is_md5(etag) for etag in etags):
        return None
    return composite_etag(etags)


def expected_crc(parts: Sequence[StoredPart]) -> str | None:
    """CRC-64/NVME of the whole, None unless the store knows every part's."""
    known = [(p.crc64nvme, p.size) for p in parts if p.crc64nvme is not None]
    return combine(known) if known and len(known) == len(parts) else None
