# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The states of an upload: one enum, one table of moves, one function."""

from __future__ import annotations

from enum import Enum

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
    _S.VERIFYING: frozenset({_S.COMPLETED, _S.FAILED, _S.ABORTED, _S.EXPIRED}),
    _S.FAILED: frozenset({_S.UPLOADING, _S.COMMITTING, _S.ABORTED, _S.EXPIRED}),
    _S.COMPLETED: frozenset(),
    _S.ABORTED: frozenset(),
    _S.EXPIRED: frozenset(),
}
"""The only moves there are. A state may always move to itself (a repeat)."""

OPEN = frozenset({_S.INITIATED, _S.UPLOADING, _S.COMMITTING, _S.VERIFYING, _S.FAILED})
"""States that still hold a quota reservation and something in the store."""

TAKES_PARTS = frozenset({_S.INITIATED, _S.UPLOADING})


def move(current: UploadState, target: UploadState) -> UploadState:
    """``target``, when the table allows to go there.

    :raises StateConflict: otherwise, naming both states.
    """
    if target is not current and target not in MOVES[current]:
        raise StateConflict(
            f"An upload that is {current} cannot become {target}.", str(current)
        )
    return target
