# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The administrators' reverse look-up: who uses the bytes of a file."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from ..driver import Api
from ..lives import Bytes, begin, import_files, linked, new_version, publish, put
from ..test_cli import run
from .test_lifetime import data


@pytest.fixture
def shared(api: Api, local: str) -> tuple[Bytes, str, str]:
    """A published file, its record, and the draft of somebody's link to it."""
    source = api.new_draft()
    file = put(source, "data/a.txt", data())
    record = publish(source)
    draft = api.new_draft()
    linked(draft, "mine.txt", record, "data/a.txt")
    return file, record, draft.id


@pytest.mark.parametrize("name", ["key", "id", "uri", "link"])
def test_all_users_are_named(
    app: Any, shared: tuple[Bytes, str, str], name: str
) -> None:
    """By key, id or URI, of the first file or of a link: the same file and users."""
    file, record, draft = shared
    names = {
        "key": f"{record}/data/a.txt",
        "id": str(file.file_id),
        "uri": file.uri,
        "link": f"{draft}/mine.txt",
    }
    code, output = run(app, "links", names[name])
    assert code == 0
    for text in (
        f"file               {file.file_id}",
        file.uri,
        "adopted            no",
        "used               2",
        f"record {record}, version 1, file data/a.txt",
        "uploaded or copied",
        f"draft {draft}, version 1, file mine.txt",
        "linked by user",
    ):
        assert text in output


def test_for_programs(app: Any, api: Api, shared: tuple[Bytes, str, str]) -> None:
    """One object a file; versions are told apart, and what is cut off is counted."""
    file, record, _ = shared
    version = new_version(api, record)
    import_files(version)
    code, output = run(app, "links", file.uri, "--json", "--limit", "2")
    found = json.loads(output)
    assert (code, found["used"], len(found["by"]), found["more"]) == (0, 3, 2, 1)
    assert found["size"] == f"{len(file.data)}" or found["size"] == len(file.data)
    _, output = run(app, "links", file.uri, "--json")
    assert f"draft {version.id}, version 2" in output


def test_what_has_no_entry_is_named_too(app: Any, api: Api, local: str) -> None:
    """Content that was sent and not committed is found by its bucket."""
    from ..lives import bytes_of

    draft = api.new_draft()
    begin(draft, "a.txt", data())
    _, output = run(app, "links", str(bytes_of(draft, "a.txt").file_id))
    assert f"draft {draft.id}, version 1, no file (any more): a.txt" in output


def test_an_adopted_file_says_so(app: Any, shared: tuple[Bytes, str, str]) -> None:
    """Since when, by whom, and what was found the last time."""
    from invenio_db import db

    from invenio_multipart.records.models import Adopted

    file = shared[0]
    with app.app_context():
        problem = "It has another size."
        adopted = Adopted(file_id=file.file_id, etag="0", adopted_by="7")
        adopted.problem = problem
        db.session.add(adopted)
        db.session.commit()
    _, output = run(app, "links", str(file.file_id))
    assert problem in output and "user" in output


@pytest.mark.parametrize(
    "name", [str(uuid.UUID(int=1)), "s3://none/none", "nobody/none.txt", "none", "/"]
)
def test_a_file_that_does_not_exist(app: Any, name: str) -> None:
    """One line and the exit code 1."""
    code, output = run(app, "links", name)
    assert (code, output) == (1, f"No file {name}.\n")
