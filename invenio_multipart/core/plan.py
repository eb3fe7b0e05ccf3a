# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""How a file is cut into parts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..errors import InvalidPart, InvalidPlan

MIB = 2**20
GIB = 2**30


@dataclass(frozen=True)
class PlanLimits:
    """What a store accepts. All sizes in bytes.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
    """

    min_part_size: int = 5 * MIB
    """Smallest part, the last one apart."""

    max_part_size: int = 5 * GIB
    max_parts: int = 10_000
    name: str = "S3"

    @property
    def max_size(self) -> int:
        """Largest file that max_parts of max_part_size can hold."""
        return self.max_parts * self.max_part_size


S3_LIMITS = PlanLimits()
LOCAL_LIMITS = PlanLimits(min_part_size=1, name="local storage")
"""A file system takes parts of one byte; the other limits stay, for one API."""

PREFERRED_PARTS = 1000
"""One ListParts page: an upload of so many parts is listed by a single call."""

PREFERRED_MIN_PART_SIZE = 16 * MIB
PREFERRED_MAX_PART_SIZE = 512 * MIB
"""Larger parts cost too much when one fails; more parts are taken first."""


@dataclass(frozen=True)
class PartPlan:
    """Equal parts and a last one that may be shorter.

    :param size: bytes of the file, 0 or more. An empty file has one empty part.
    :param part_size: bytes of every part but the last, 1 or more.
    :param parts: number of parts, 1 or more.
    """

    size: int
    part_size: int
    parts: int

    def size_of(self, number: int) -> int:
        """Bytes of part ``number``.

        :param number: 1..parts.
        :raises InvalidPart: for a number outside the plan.
        """
        if not 1 <= number <= self.parts:
            raise InvalidPart(
                f"Part {number} is outside 1..{self.parts}.", field="part"
            )
        return min(self.part_size, self.size - self.offset_of(number))

    def offset_of(self, number: int) -> int:
        """Position of the first byte of part ``number`` in the file."""
        return (number - 1) * self.part_size

    def sizes(self) -> Iterator[int]:
        """Bytes of each part, in order."""
        return (self.size_of(number) for number in range(1, self.parts + 1))


def make_plan(
    size: int | None,
    parts: int | None = None,
    part_size: int | None = None,
    *,
    limits: PlanLimits = S3_LIMITS,
) -> PartPlan:
    """A legal plan with whatever the client left open filled in.

    :param size: declared bytes of the file; a multipart upload needs it.
    :param parts: number of parts the client will send, None to let us choose.
    :param part_size: bytes per part the client will send, None likewise.
    :raises InvalidPlan: with the field at fault, for anything that the store
        would refuse later or that does not add up.
    """
    if size is None:
        raise InvalidPlan("A multipart upload needs the file size.", field="size")
    _check_declared(size, parts, limits)
    if part_size is not None:
        _check_part_size(size, part_size, limits)
    else:
        part_size = _ceil(size, parts) if parts else _preferred(size, limits)
        part_size = max(part_size, 1)
    needed = max(_ceil(size, part_size), 1)
    if parts is not None and needed != parts:
        raise InvalidPlan(
            f"{size} bytes make {needed} parts of {part_size} bytes, not {parts}.",
            field="transfer.parts",
        )
    plan = PartPlan(size, part_size, needed)
    _check_plan(plan, limits)
    return plan


def _check_declared(size: int, parts: int | None, limits: PlanLimits) -> None:
    if not 0 <= size <= limits.max_size:
        raise InvalidPlan(
            f"The size must be 0 to {limits.max_size} bytes, not {size}.", field="size"
        )
    if parts is not None and not 1 <= parts <= limits.max_parts:
        raise InvalidPlan(
            f"The number of parts must be 1 to {limits.max_parts}, not {parts}.",
            field="transfer.parts",
        )


def _check_plan(plan: PartPlan, limits: PlanLimits) -> None:
    """What follows from two numbers that are right each by itself."""
    if plan.parts > limits.max_parts:
        raise InvalidPlan(
            f"{plan.size} bytes in parts of {plan.part_size} make {plan.parts} parts; "
            f"the limit is {limits.max_parts}.",
            field="transfer.part_size",
        )
    if plan.parts > 1 and plan.part_size < limits.min_part_size:
        raise InvalidPlan(
            f"{plan.parts} parts of {plan.part_size} bytes are too small: "
            f"{limits.name} needs {limits.min_part_size} or more.",
            field="transfer.parts",
        )
    if plan.part_size > limits.max_part_size:
        raise InvalidPlan(
            f"{plan.parts} parts are too few: {limits.name} takes parts of at most "
            f"{limits.max_part_size} bytes.",
            field="transfer.parts",
        )


def _check_part_size(size: int, part_size: int, limits: PlanLimits) -> None:
    # A single part is the last part, which may be as small as the file is.
    smallest = 1 if part_size >= size else limits.min_part_size
    if not smallest <= part_size <= limits.max_part_size:
        raise InvalidPlan(
            f"The part size must be {limits.min_part_size} to {limits.max_part_size} "
            f"bytes on {limits.name}, not {part_size}.",
            field="transfer.part_size",
        )


def _preferred(size: int, limits: PlanLimits) -> int:
    wanted = _ceil(size, PREFERRED_PARTS)
    wanted = min(max(wanted, PREFERRED_MIN_PART_SIZE), PREFERRED_MAX_PART_SIZE)
    wanted = max(wanted, _ceil(size, limits.max_parts))
    return min(_ceil(wanted, MIB) * MIB, limits.max_part_size)


def _ceil(dividend: int, divisor: int) -> int:
    return -(-dividend // divisor)
