# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Which files of a watched folder are complete."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from invenio_multipart.client.many import FileResult, ManyOptions
from invenio_multipart.client.tree import Tree
from invenio_multipart.client.watch import RETRY_SECONDS, Watcher

SETTLE = 10.0


class Instrument:
    """A folder that is written to, and the time that passes meanwhile."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = 0.0
        tree = Tree(ManyOptions(), lambda _: None)
        self.watcher = Watcher(
            lambda: tree.find([f"{folder}/"]), SETTLE, lambda: self.now
        )

    def write(self, name: str, text: str) -> Path:
        """Add to a file."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as file:
            file.write(text)
        return path

    def look(self, after: float) -> list[str]:
        """Files that are complete after some seconds more."""
        self.now += after
        return [found.key for found in self.watcher.look().ready]

    def tell(self, key: str, outcome: str = "sent") -> None:
        """What became of a file."""
        self.watcher.note(FileResult(key, key, 1, outcome))


@pytest.fixture
def instrument(tmp_path: Path) -> Instrument:
    """An empty folder."""
    return Instrument(tmp_path)


def test_a_file_is_complete_when_it_rests(instrument: Instrument) -> None:
    """While it grows it is left alone; the time begins anew with each change."""
    instrument.write("run 1/scan.raw", "1")
    assert instrument.look(0) == []
    assert instrument.look(9) == []
    instrument.write("run 1/scan.raw", "2")
    assert instrument.look(9) == []
    assert instrument.look(9) == []
    assert instrument.look(1) == ["run 1/scan.raw"]


def test_its_own_age_is_not_believed(instrument: Instrument) -> None:
    """A copy that is still growing may have the times of its original."""
    path = instrument.write("scan.raw", "1")
    os.utime(path, (1, 1))
    assert instrument.look(0) == []
    instrument.write("scan.raw", "2")
    os.utime(path, (1, 1))
    assert instrument.look(SETTLE) == []
    assert instrument.look(SETTLE) == ["scan.raw"]


def test_a_file_is_sent_once(instrument: Instrument) -> None:
    """Until it changes; then the draft has to say what becomes of it."""
    instrument.write("scan.raw", "1")
    instrument.look(0)
    assert instrument.look(SETTLE) == ["scan.raw"]
    instrument.tell("scan.raw")
    assert instrument.look(SETTLE) == []
    instrument.write("scan.raw", "2")
    assert instrument.look(0) == []
    assert instrument.look(SETTLE) == ["scan.raw"]


def test_a_file_that_failed_is_tried_again_later(instrument: Instrument) -> None:
    """Later and later, and at once when it has changed."""
    instrument.write("scan.raw", "1")
    instrument.look(0)
    first, longest = RETRY_SECONDS
    assert instrument.look(SETTLE) == ["scan.raw"]
    instrument.tell("scan.raw", "failed")
    assert instrument.look(first - 1) == []
    assert instrument.watcher.look().waiting == 1
    assert instrument.look(1) == ["scan.raw"]
    for _ in range(20):
        instrument.tell("scan.raw", "failed")
    assert instrument.look(longest - 1) == []
    assert instrument.look(1) == ["scan.raw"]
    instrument.tell("scan.raw", "failed")
    instrument.write("scan.raw", "2")
    assert instrument.look(0) == []
    assert instrument.look(SETTLE) == ["scan.raw"]


def test_a_replaced_file_is_another_one(instrument: Instrument) -> None:
    """Also one of the same size and time, as programs write that rename at the end."""
    path = instrument.write("scan.raw", "1")
    os.utime(path, (1, 1))
    instrument.look(0)
    assert instrument.look(SETTLE) == ["scan.raw"]
    instrument.tell("scan.raw")
    other = instrument.write("other", "2")
    os.utime(other, (1, 1))
    other.replace(path)
    assert instrument.look(0) == []
    assert instrument.look(SETTLE) == ["scan.raw"]


def test_files_that_go_away(instrument: Instrument) -> None:
    """They are forgotten, and new when they come back."""
    path = instrument.write("scan.raw", "1")
    instrument.look(0)
    path.unlink()
    assert instrument.look(SETTLE) == []
    assert instrument.watcher.look().waiting == 0
    instrument.write("scan.raw", "1")
    assert instrument.look(SETTLE) == []
    assert instrument.look(SETTLE) == ["scan.raw"]
