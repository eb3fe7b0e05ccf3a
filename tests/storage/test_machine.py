# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Any sequence of calls, compared with a dictionary."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from invenio_multipart.core.ledger import PartLedger, RegisteredPart
from invenio_multipart.core.plan import PartPlan
from invenio_multipart.errors import (
    MissingParts,
    ObjectMissing,
    PartRefused,
    PartsMismatch,
    UploadGone,
)

from .places import LocalPlace, MemoryPlace, Place, S3Place, md5_of

NUMBERS = st.integers(1, 4)
KINDS = ["S3", "local", "memory"]


class UploadMachine(RuleBasedStateMachine):
    """One file, uploads that come and go, parts, commits and retries.

    The model is a dictionary of open uploads, each a dictionary of registered and
    one of stored parts, and the bytes of the finished object.
    """

    refs = Bundle("refs")
    place: Place

    def __init__(self) -> None:
        super().__init__()
        self.storage = self.place.file()
        self.stored: dict[str, dict[int, bytes]] = {}
        self.registered: dict[str, dict[int, bytes]] = {}
        self.ended: list[str] = []
        self.object: bytes | None = None

    @initialize(target=refs)
    def first(self):
        """There is an upload to begin with."""
        return self.open()

    @rule(target=refs)
    def open(self):
        """Open an upload; at most three at a time."""
        if len(self.stored) == 3:
            return multiple()
        ref = self.storage.create_upload().ref
        self.stored[ref], self.registered[ref] = {}, {}
        return ref

    @rule(ref=refs, number=NUMBERS, size=st.integers(0, 30), seed=st.binary(min_size=1))
    def register(self, ref, number, size, seed):
        """Announce a part: the store hears nothing of it."""
        data = (seed * 31)[:size] + bytes(self.place.unit)
        self.registered[ref][number] = data

    @rule(ref=refs, number=NUMBERS, placed=st.booleans())
    def send_registered(self, ref, number, placed):
        """Send what was announced, to its place where that is known."""
        data = self.registered[ref].get(number)
        if data is None:
            return
        before = [self.registered[ref].get(n) for n in range(1, number)]
        known = placed and None not in before
        offset = sum(map(len, before)) if known else None
        self.place.send(
            self.storage, ref, number, data, md5=md5_of(data), offset=offset
        )
        self.stored[ref][number] = data

    @rule(ref=refs, number=NUMBERS, offset=st.none() | st.integers(0, 50))
    def send_wrong(self, ref, number, offset):
        """Other bytes than announced are refused and change nothing."""
        data = self.place.data()
        with pytest.raises(PartRefused):
            self.place.send(
                self.storage, ref, number, data, md5="0" * 32, offset=offset
            )

    @rule(ref=refs)
    def commit_and_keep(self, ref):
        """A commit that cannot be: parts missing or others than announced."""
        if self._is_whole(ref):
            return
        with pytest.raises((MissingParts, PartsMismatch)):
            self._commit(ref)

    @rule(ref=consumes(refs), again=st.booleans())
    def commit(self, ref, again):
        """A commit, and a retry by somebody who did not hear of the first."""
        if not self._is_whole(ref):
            self._end(ref)
            self.storage.abort_upload(ref)
            return
        listed = list(self.storage.list_parts(ref))
        self._commit(ref)
        self.object = b"".join(
            self.registered[ref][n] for n in sorted(self.stored[ref])
        )
        self._end(ref)
        if again:
            with suppress(UploadGone):
                self.storage.complete_upload(ref, listed)

    @rule(ref=consumes(refs), times=st.integers(1, 2))
    def abort(self, ref, times):
        """An abort, and perhaps another one."""
        self._end(ref)
        for _ in range(times):
            self.storage.abort_upload(ref)

    @rule()
    def remove(self):
        """The object is deleted; open uploads stay."""
        self.storage.remove_object()
        self.object = None

    @rule()
    def reopen(self):
        """Another process goes on."""
        self.storage = self.place.again(self.storage)

    @invariant()
    def uploads_agree(self):
        """The store has the open uploads, with exactly their parts."""
        assert sorted(self.storage.find_uploads()) == sorted(self.stored)
        for ref, parts in self.stored.items():
            listed = [(p.number, p.size, p.etag) for p in self.storage.list_parts(ref)]
            assert listed == [
                (number, len(parts[number]), md5_of(parts[number]))
                for number in sorted(parts)
            ]
        for ref in self.ended[-1:]:
            with pytest.raises(UploadGone):
                list(self.storage.list_parts(ref))

    @invariant()
    def object_agrees(self):
        """The object is the last one that was committed, or none."""
        if self.object is None:
            assert self.storage.head() is None
            with pytest.raises(ObjectMissing):
                list(self.storage.read_from())
        else:
            assert self.storage.head().size == len(self.object)
            assert b"".join(self.storage.read_from()) == self.object

    def teardown(self):
        """Nothing stays in the store."""
        for ref in self.stored:
            self.storage.abort_upload(ref)
        self.storage.remove_object()

    def _is_whole(self, ref: str) -> bool:
        stored, registered = self.stored[ref], self.registered[ref]
        return bool(stored) and stored == registered and max(stored) == len(stored)

    def _commit(self, ref: str) -> None:
        """As the service does it: prove the ledger, then complete."""
        registered = self.registered[ref]
        size = sum(map(len, registered.values()))
        parts = {n: RegisteredPart(n, len(d), md5_of(d)) for n, d in registered.items()}
        listed = list(self.storage.list_parts(ref))
        # The plan of a client that names no part size: one part of everything.
        PartLedger(PartPlan(size or 1, size or 1, 1), parts).check(listed)
        self.storage.complete_upload(ref, listed)

    def _end(self, ref: str) -> None:
        del self.stored[ref]
        self.ended.append(ref)


@pytest.mark.parametrize("kind", KINDS)
def test_any_sequence_of_calls(kind):
    """No order of opening, sending, committing and aborting leaves the model."""
    folder = Path(tempfile.mkdtemp())

    class Machine(UploadMachine):
        pass

    Machine.place = _place(kind, folder)
    examples, steps = (3, 12) if kind == "S3" else (60, 40)
    try:
        run_state_machine_as_test(
            Machine,
            settings=settings(
                max_examples=examples,
                stateful_step_count=steps,
                deadline=None,
                # A commit without a retry is as good a sequence as one with.
                suppress_health_check=list(HealthCheck),
            ),
        )
    finally:
        shutil.rmtree(folder)


def _place(kind: str, folder: Path) -> Place:
    if kind == "memory":
        return MemoryPlace()
    if kind == "local":
        return LocalPlace(folder)
    from invenio_multipart.storage.s3 import S3Storage

    return S3Place(os.environ["S3_BUCKET"], S3Storage)
