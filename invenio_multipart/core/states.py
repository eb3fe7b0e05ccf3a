# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""States of uploads, batches and jobs: for each one enum, one table of moves."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import TypeVar

from ..errors import StateConflict


class UploadState(str, Enum):
    """Where an upload is; ``str`` so that it goes into JSON and SQL as it is."""

    INITIATED = "initiated"
    """Recorded; the store may not know of it yet."""
    UPLOADING = "uploading"
    """The store takes parts."""
    COMMITTING = "committing"
    """The parts are proved; the store is putting them together."""
    VERIFYING = "verifying"
    """The object is there; a worker reads it to prove the declared digest."""
    COMPLETED = "completed"
    FAILED = "failed"
    """Something disagreed; the bytes are kept, a retry is possible."""
    ABORTED = "aborted"
    EXPIRED = "expired"

    def __str__(self) -> str:
        return self.value


_S = UploadState

MOVES: dict[UploadState, frozenset[UploadState]] = {
    _S.INITIATED: frozenset({_S.UPLOADING, _S.FAILED, _S.ABORTED, _S.EXPIRED}),
    _S.UPLOADING: frozenset({_S.COMMITTING, _S.FAILED, _S.ABORTED, _S.EXPIRED}),
    _S.COMMITTING: frozenset(
        {_S.UPLOADING, _S.VERIFYING, _S.COMPLETED, _S.FAILED, _S.ABORTED, _S.EXPIRED}
    ),
    # Back only in a batch: its whole objects may be sent again.
    _S.VERIFYING: frozenset(
        {_S.UPLOADING, _S.COMPLETED, _S.FAILED, _S.ABORTED, _S.EXPIRED}
    ),
    _S.FAILED: frozenset({_S.UPLOADING, _S.COMMITTING, _S.ABORTED, _S.EXPIRED}),
    _S.COMPLETED: frozenset(),
    _S.ABORTED: frozenset(),
    _S.EXPIRED: frozenset(),
}
"""The only moves there are. A state may always move to itself (a repeat)."""

OPEN = frozenset({_S.INITIATED, _S.UPLOADING, _S.COMMITTING, _S.VERIFYING, _S.FAILED})
"""States that still hold a quota reservation and something in the store."""

TAKES_PARTS = frozenset({_S.INITIATED, _S.UPLOADING})


class BatchState(str, Enum):
    """Where a batch is."""

    UPLOADING = "uploading"
    """Announced; its draft is locked for other batches."""
    COMPLETING = "completing"
    """A job makes files of what was sent."""
    COMPLETED = "completed"
    ABORTED = "aborted"
    EXPIRED = "expired"
    """Its deadline passed before it was completed."""

    def __str__(self) -> str:
        return self.value


_B = BatchState

BATCH_MOVES: dict[BatchState, frozenset[BatchState]] = {
    _B.UPLOADING: frozenset({_B.COMPLETING, _B.ABORTED, _B.EXPIRED}),
    # Back when something is missing: it can be sent, and completed again.
    _B.COMPLETING: frozenset({_B.UPLOADING, _B.COMPLETED, _B.ABORTED}),
    _B.COMPLETED: frozenset(),
    _B.ABORTED: frozenset(),
    _B.EXPIRED: frozenset(),
}

BATCH_OPEN = frozenset({_B.UPLOADING, _B.COMPLETING})
"""States that lock the draft."""


class JobStatus(str, Enum):
    """How a job is doing, in Celery's words, which clients of such APIs know."""

    PENDING = "PENDING"
    STARTED = "STARTED"
    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"
    REVOKED = "REVOKED"
    """Not needed any more."""

    def __str__(self) -> str:
        return self.value


JOB_OPEN = frozenset({JobStatus.PENDING, JobStatus.STARTED})


_State = TypeVar("_State", bound=Enum)


def move(current: UploadState, target: UploadState) -> UploadState:
    """``target``, when the table allows an upload to go there.

    :raises StateConflict: otherwise, naming both states.
    """
    return _move("An upload", MOVES, current, target)


def move_batch(current: BatchState, target: BatchState) -> BatchState:
    """The same for a batch."""
    return _move("A batch", BATCH_MOVES, current, target)


def _move(
    what: str,
    moves: Mapping[_State, frozenset[_State]],
    current: _State,
    target: _State,
) -> _State:
    if target is not current and target not in moves[current]:
        raise StateConflict(
            f"{what} that is {current} cannot become {target}.", str(current)
        )
    return target
