# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The commands about files that share bytes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from .adopting import Shelf, open_shelf
from .driver import Api
from .test_cli import run


@pytest.fixture
def shelf(app: Any, s3: str) -> Iterator[Shelf]:
    """A bucket of somebody else, with two objects."""
    with open_shelf(app, "default", versioned=False) as shelf:
        shelf.put("data/run/1.txt", b"one")
        shelf.put("data/run/deep/2.txt", b"two, and more")
        with app.app_context():
            yield shelf


def test_adopt_one(app: Any, api: Api, shelf: Shelf) -> None:
    """An object becomes a file of its own name, or of another."""
    draft = api.new_draft()
    url = shelf.url("data/run/1.txt")
    code, output = run(app, "adopt", draft.id, url)
    assert (code, output) == (0, f"{3:>18}  1.txt\n1 linked.\n")
    code, output = run(app, "adopt", draft.id, url, "--as", "a/b.txt", "--json")
    assert code == 0, output
    made = json.loads(output)
    assert (made["key"], made["origin"]["url"]) == ("a/b.txt", url)
    assert draft.api.get(draft.file("a/b.txt")).json["status"] == "completed"


def test_adopt_a_folder(app: Any, api: Api, shelf: Shelf) -> None:
    """All objects below a folder keep their places below it."""
    draft = api.new_draft()
    code, output = run(app, "adopt", draft.id, shelf.url("data/run/"), "--as", "x/")
    assert code == 0, output
    assert output.splitlines() == [
        f"{3:>18}  x/1.txt",
        f"{13:>18}  x/deep/2.txt",
        "2 linked.",
    ]


@pytest.mark.parametrize("rest", ["nothing.txt", "nothing/"])
def test_adopt_what_is_not_there(app: Any, api: Api, shelf: Shelf, rest: str) -> None:
    """One line says what is wrong, and the draft has no file of it."""
    draft = api.new_draft()
    code, output = run(app, "adopt", draft.id, shelf.url(f"data/{rest}"))
    assert (code, len(output.splitlines())) == (1, 1)
    assert shelf.bucket in output
    assert api.get(f"{draft.path}/files").json["entries"] == []


def test_adopt_into_nothing(app: Any, shelf: Shelf) -> None:
    """A draft that is not there is named."""
    code, output = run(app, "adopt", "zzzzz-zzzzz", shelf.url("data/run/1.txt"))
    assert (code, output) == (1, "There is no draft zzzzz-zzzzz.\n")
