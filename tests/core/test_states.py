# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The table of moves."""

from __future__ import annotations

from itertools import product

import pytest

from invenio_multipart.core.states import MOVES, OPEN, TAKES_PARTS, UploadState, move
from invenio_multipart.errors import StateConflict

ALLOWED = {
    "initiated": "uploading failed aborted expired",
    "uploading": "committing failed aborted expired",
    "committing": "uploading verifying completed failed aborted expired",
    "verifying": "uploading completed failed aborted expired",
    "failed": "uploading committing aborted expired",
    "completed": "",
    "aborted": "",
    "expired": "",
}
"""Written out once more by hand: a change of the rules must be made twice."""


@pytest.mark.parametrize(
    ("current", "target"), product(UploadState, UploadState), ids=str
)
def test_every_pair(current, target):
    """Each move is allowed or a conflict that names the state, as listed here."""
    if target is current or str(target) in ALLOWED[str(current)].split():
        assert move(current, target) is target
        return
    with pytest.raises(StateConflict) as caught:
        move(current, target)
    assert caught.value.state == str(current)
    assert str(target) in caught.value.message


def test_every_state_has_its_moves():
    """No state is missing in the table, and only ended ones lead nowhere."""
    assert set(MOVES) == set(UploadState)
    assert {state for state in UploadState if MOVES[state]} == OPEN
    assert TAKES_PARTS < OPEN


def test_states_are_plain_text_outside():
    """A state goes into JSON, SQL and messages under its own name."""
    assert f"{UploadState.VERIFYING}" == "verifying" == UploadState("verifying")
