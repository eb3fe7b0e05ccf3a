# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Part plans: every boundary, every size of a tiny store, and random ones."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invenio_multipart.core.plan import (
    GIB,
    LOCAL_LIMITS,
    MIB,
    S3_LIMITS,
    PartPlan,
    PlanLimits,
    make_plan,
)
from invenio_multipart.errors import InvalidPart, InvalidPlan

TINY = PlanLimits(min_part_size=5, max_part_size=50, max_parts=20, name="tiny store")
LARGEST = 10_000 * 5 * GIB
FIELDS = {"size", "transfer.parts", "transfer.part_size"}


def check(plan: PartPlan, limits: PlanLimits) -> None:
    """What holds for every plan, judged without asking for each part."""
    assert 1 <= plan.parts <= limits.max_parts
    last = plan.size_of(plan.parts)
    assert (plan.parts - 1) * plan.part_size + last == plan.size
    assert 1 <= plan.part_size <= limits.max_part_size
    assert 0 <= last <= plan.part_size
    if plan.parts > 1:
        assert plan.part_size >= limits.min_part_size
        assert last > 0
        assert plan.size_of(1) == plan.size_of(plan.parts - 1) == plan.part_size


def is_legal(
    size: int, parts: int | None, part_size: int | None, limits: PlanLimits
) -> bool:
    """The rules once more, in another form: try the one plan there can be."""
    if parts is None and part_size is None:
        return 0 <= size <= limits.max_size
    if part_size is None:
        part_size = max(-(-size // parts), 1) if parts and parts > 0 else 0
    if not 1 <= part_size <= limits.max_part_size:
        return False
    cut = max(len(range(0, size, part_size)), 1)
    fits = cut <= limits.max_parts and (cut == 1 or part_size >= limits.min_part_size)
    return fits and parts in (None, cut)


@pytest.mark.parametrize(
    "size",
    [
        0,
        1,
        5 * MIB - 1,
        5 * MIB,
        5 * MIB + 1,
        16 * MIB - 1,
        16 * MIB,
        16 * MIB * 1000 - 1,
        16 * MIB * 1000,
        16 * MIB * 1000 + 1,
        512 * MIB * 1000,
        512 * MIB * 1000 + 1,
        512 * MIB * 10_000,
        512 * MIB * 10_000 + 1,
        LARGEST - 1,
        LARGEST,
    ],
)
@pytest.mark.parametrize("limits", [S3_LIMITS, LOCAL_LIMITS], ids=lambda x: x.name)
def test_sizes_at_the_boundaries_get_a_plan(size, limits):
    """With nothing given by the client every size up to the limit gets a plan."""
    plan = make_plan(size, limits=limits)
    check(plan, limits)
    assert sum(plan.sizes()) == size


@pytest.mark.parametrize("size", [None, -1, LARGEST + 1])
def test_impossible_sizes_are_refused(size):
    """No size, a negative one and one byte too many name the field size."""
    with pytest.raises(InvalidPlan) as caught:
        make_plan(size)
    assert caught.value.field == "size"


@pytest.mark.parametrize(
    ("size", "parts"),
    [
        (1, 1),
        (16 * MIB, 1),
        (16 * MIB + 1, 2),
        (16 * MIB * 1000, 1000),
        (16 * MIB * 1000 + 1, 942),
        (512 * MIB * 1000, 1000),
        (512 * MIB * 1000 + 1, 1001),
        (LARGEST, 10_000),
    ],
)
def test_preferred_number_of_parts(size, parts):
    """One page of parts as long as parts stay below 512 MiB, then more parts."""
    assert make_plan(size).parts == parts


@pytest.mark.parametrize(
    ("size", "given", "field"),
    [
        (10 * MIB, {"parts": 0}, "transfer.parts"),
        (10 * MIB, {"parts": -1}, "transfer.parts"),
        (10 * MIB, {"parts": 10_001}, "transfer.parts"),
        (10 * MIB, {"parts": 3}, "transfer.parts"),
        (10 * MIB, {"parts": 3, "part_size": 5 * MIB}, "transfer.parts"),
        (0, {"parts": 2}, "transfer.parts"),
        (10 * MIB, {"part_size": 0}, "transfer.part_size"),
        (10 * MIB, {"part_size": -5 * MIB}, "transfer.part_size"),
        (10 * MIB, {"part_size": 5 * MIB - 1}, "transfer.part_size"),
        (10 * GIB, {"part_size": 5 * GIB + 1}, "transfer.part_size"),
        (10_001 * 5 * MIB, {"part_size": 5 * MIB}, "transfer.part_size"),
        (10 * GIB + 1, {"parts": 2}, "transfer.parts"),
    ],
)
def test_refused_requests_name_their_field(size, given, field):
    """What the store would refuse later is refused at once, with the field."""
    with pytest.raises(InvalidPlan) as caught:
        make_plan(size, **given)
    assert caught.value.field == field
    assert "None" not in caught.value.message


@pytest.mark.parametrize(
    ("size", "given", "expected"),
    [
        (10 * MIB, {"parts": 2}, PartPlan(10 * MIB, 5 * MIB, 2)),
        (10 * MIB + 1, {"part_size": 5 * MIB}, PartPlan(10 * MIB + 1, 5 * MIB, 3)),
        (3, {"part_size": 3}, PartPlan(3, 3, 1)),
        (3, {"part_size": 8 * MIB}, PartPlan(3, 8 * MIB, 1)),
        (0, {"parts": 1}, PartPlan(0, 1, 1)),
        (
            10_000 * 5 * MIB,
            {"parts": 10_000},
            PartPlan(10_000 * 5 * MIB, 5 * MIB, 10_000),
        ),
        (10 * GIB, {"parts": 2}, PartPlan(10 * GIB, 5 * GIB, 2)),
    ],
)
def test_requests_are_kept(size, given, expected):
    """A legal number of parts or part size is taken as it is."""
    assert make_plan(size, **given) == expected


def test_small_parts_on_a_disk():
    """A file system takes parts of one byte, which S3 does not."""
    assert make_plan(17, 2, 10, limits=LOCAL_LIMITS) == PartPlan(17, 10, 2)
    with pytest.raises(InvalidPlan):
        make_plan(17, 2, 10)


def test_part_numbers_outside_the_plan():
    """Part 0 and the part after the last have no size."""
    plan = make_plan(17, 2, 10, limits=LOCAL_LIMITS)
    assert [plan.size_of(1), plan.size_of(2), plan.offset_of(2)] == [10, 7, 10]
    for number in (0, 3):
        with pytest.raises(InvalidPart):
            plan.size_of(number)


def verdict(size: int, parts: int | None, part_size: int | None) -> bool:
    """Whether the tiny store's plan is made; a plan that is made is checked."""
    try:
        plan = make_plan(size, parts, part_size, limits=TINY)
    except InvalidPlan as error:
        assert error.field in FIELDS  # noqa: PT017 - a refusal is one of two right ends
        return False
    check(plan, TINY)
    assert sum(plan.sizes()) == plan.size == size
    assert parts in (None, plan.parts)
    assert part_size in (None, plan.part_size)
    return True


def test_all_sizes_of_a_tiny_store():
    """Sizes 0 to 400 with each number of parts, or each part size, or neither."""
    for size in range(401):
        for parts in (None, *range(-1, 23)):
            assert verdict(size, parts, None) is is_legal(size, parts, None, TINY)
        for part_size in range(-1, 53):
            expected = is_legal(size, None, part_size, TINY)
            assert verdict(size, None, part_size) is expected


def test_all_requests_to_a_tiny_store():
    """Every pair of parts and part size around the point where 20 parts are full."""
    for size, parts, part_size in product(range(121), range(22), range(52)):
        expected = is_legal(size, parts, part_size, TINY)
        assert verdict(size, parts, part_size) is expected


@given(
    size=st.integers(-10, LARGEST + 10),
    parts=st.none() | st.integers(-5, 10_010),
    part_size=st.none() | st.integers(-5, 5 * GIB + 10),
)
def test_any_request(size, parts, part_size):
    """Any numbers give either a plan within the limits or an error with a field."""
    try:
        plan = make_plan(size, parts, part_size)
    except InvalidPlan as error:
        assert error.field in FIELDS  # noqa: PT017 - a refusal is one of two right ends
        assert size < 0 or not is_legal(size, parts, part_size, S3_LIMITS)
        return
    check(plan, S3_LIMITS)
    assert is_legal(size, parts, part_size, S3_LIMITS)
