# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What happens when a client and its parts disagree.

The cases are those of the integrity report of the Duke Data Service (2019), three
of which that service accepted. On S3 each chunk is repeated so that every part is
at least 5 MiB.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

import pytest

from ..driver import Draft, md5

CHUNKS = {1: b"THIS\n", 2: b"IS\n", 3: b"A\n", 4: b"TEST\n"}
S3_FACTOR = 2_621_440
"""Makes the smallest chunk, two bytes, exactly as large as S3's smallest part."""

KEY = "test_file.txt"


@dataclass(frozen=True)
class Scenario:
    """One way to upload.

    :param size: declared bytes, of the unscaled file.
    :param register: (part number, chunk) in this order.
    :param upload: (part number, chunk) in this order.
    :param code: error code of the commit, None when it must succeed.
    :param missing: part numbers the error must name.
    :param wrong_checksum: declared at the commit instead of the file's own.
    """

    id: str
    size: int = 15
    register: tuple[tuple[int, int], ...] = ((1, 1), (2, 2), (3, 3), (4, 4))
    upload: tuple[tuple[int, int], ...] = ((1, 1), (2, 2), (3, 3), (4, 4))
    code: str | None = None
    missing: tuple[int, ...] = field(default=())
    wrong_checksum: str | None = None


SCENARIOS = [
    Scenario("no-errors"),
    Scenario(
        "wrong-whole-md5-malformed",
        wrong_checksum="md5:thisisabadmd5yo",
        code="invalid_digest",
    ),
    Scenario(
        "wrong-whole-md5",
        wrong_checksum="md5:00000000000000000000000000000000",
        code="checksum_mismatch",
    ),
    Scenario(
        "missing-chunk-actual-size",
        register=((2, 1), (2, 2), (3, 3), (4, 4)),
        upload=((2, 2), (3, 3), (4, 4)),
        code="missing_parts",
        missing=(1,),
    ),
    Scenario(
        "missing-chunk-reduced-size",
        size=10,
        register=((2, 2), (3, 3), (4, 4)),
        upload=((2, 2), (3, 3), (4, 4)),
        code="missing_parts",
        missing=(1,),
    ),
    Scenario(
        "wrong-order",
        register=((5, 1), (6, 2), (3, 3), (4, 4)),
        upload=((5, 1), (6, 2), (3, 3), (4, 4)),
        code="missing_parts",
        missing=(1, 2),
    ),
    Scenario("arrival-order", upload=((4, 4), (2, 2), (1, 1), (3, 3))),
]


class Run:
    """A scenario on one storage.

    :param factor: how often each chunk is repeated.
    """

    def __init__(self, draft: Draft, scenario: Scenario, factor: int) -> None:
        self.draft = draft
        self.scenario = scenario
        self.chunks = {n: chunk * factor for n, chunk in CHUNKS.items()}
        self.content = b"".join(self.chunks.values())
        self.size = scenario.size * factor
        self.links: dict[int, dict[str, Any]] = {}

    def carry_out(self) -> None:
        """Initiate, register and upload as the scenario says."""
        self.draft.begin(KEY, self.size)
        for number, chunk in self.scenario.register:
            self.announce(number, chunk)
        for number, chunk in self.scenario.upload:
            self.draft.send_ok(self.links[number], self.chunks[chunk])

    def announce(self, number: int, chunk: int) -> None:
        """Register a part the way the report's clients did, and keep its link."""
        data = self.chunks[chunk]
        digest = hashlib.md5(data, usedforsecurity=False).hexdigest()
        reply = self.draft.api.call(
            "PUT",
            self.draft.file(KEY, f"/parts/{number}"),
            json={
                "number": str(number),
                "size": str(len(data)),
                "hash": {"value": digest, "algorithm": "md5"},
            },
        )
        assert reply.status == 200, reply.json
        self.links[number] = reply.json

    def expect_complete(self) -> None:
        """The file is there, consistent, and what was sent."""
        status = self.draft.status(KEY)
        assert status["state"] == "completed"
        assert status["is_consistent"] is True
        assert status["error_on"] is None
        assert self.draft.content(KEY) == self.content
        entry = self.draft.api.get(self.draft.file(KEY)).json
        assert entry["checksum"] == md5(self.content)
        assert entry["size"] == len(self.content)
        assert entry["transfer"]["type"] == "L"

    def expect_nothing_served(self) -> None:
        """No download and no publishing, whatever went wrong."""
        assert self.draft.content(KEY) is None
        assert self.draft.publish().status == 400


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.id)
def test_integrity(draft: Draft, storage: str, scenario: Scenario) -> None:
    """Wrong uploads are refused and stay repairable; right ones become the file."""
    run = Run(draft, scenario, S3_FACTOR if storage == "s3" else 1)
    run.carry_out()
    reply = draft.commit(KEY, scenario.wrong_checksum or md5(run.content))
    if scenario.code is None:
        assert reply.status == 200, reply.json
        run.expect_complete()
        return
    assert (reply.status, reply.json["code"]) == (400, scenario.code)
    run.expect_nothing_served()
    if scenario.missing:
        assert tuple(reply.json["missing_parts"]) == scenario.missing
        assert reply.json["size"] == run.size
        uploaded = sum(len(run.chunks[chunk]) for _, chunk in scenario.upload)
        assert reply.json["uploaded_bytes"] == uploaded
        assert draft.status(KEY)["state"] == "uploading"


@pytest.mark.parametrize("wrong", ["md5:" + "0" * 32, "md5:thisisabadmd5yo"])
def test_right_digest_after_a_wrong_one(draft: Draft, storage: str, wrong: str) -> None:
    """After a wrong digest the right one completes the file without new bytes."""
    run = Run(draft, SCENARIOS[0], S3_FACTOR if storage == "s3" else 1)
    run.carry_out()
    assert draft.commit(KEY, wrong).status == 400
    status = draft.status(KEY)
    if wrong.endswith("yo"):
        assert (status["state"], status["error_on"]) == ("uploading", None)
    else:
        assert status["state"] == "failed"
        assert status["is_consistent"] is False
        assert status["error_on"]
        assert wrong in status["error_message"]
        assert md5(run.content) in status["error_message"]
    reply = draft.commit(KEY, md5(run.content))
    assert reply.status == 200, reply.json
    run.expect_complete()


def test_missing_part_can_be_sent_later(draft: Draft, storage: str) -> None:
    """An upload refused for a missing part completes once the part is there."""
    scenario = next(s for s in SCENARIOS if s.id == "missing-chunk-actual-size")
    run = Run(draft, scenario, S3_FACTOR if storage == "s3" else 1)
    run.carry_out()
    assert draft.commit(KEY, md5(run.content)).status == 400
    run.announce(1, 1)
    draft.send_ok(run.links[1], run.chunks[1])
    reply = draft.commit(KEY, md5(run.content))
    assert reply.status == 200, reply.json
    run.expect_complete()


def test_reduced_size_never_completes(draft: Draft, storage: str) -> None:
    """Bytes beyond the declared size are refused even when all parts are there."""
    scenario = next(s for s in SCENARIOS if s.id == "missing-chunk-reduced-size")
    run = Run(draft, scenario, S3_FACTOR if storage == "s3" else 1)
    run.carry_out()
    run.announce(1, 1)
    draft.send_ok(run.links[1], run.chunks[1])
    reply = draft.commit(KEY, md5(run.content))
    assert (reply.status, reply.json["code"]) == (400, "parts_mismatch")
    run.expect_nothing_served()
