# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What the doctor finds about places whose objects may be linked."""

from __future__ import annotations

import os
from typing import Any

import pytest

from tests.adopting import open_shelf
from tests.backdoor import setting


def findings(app: Any, *places: str) -> list[tuple[bool | None, str]]:
    """What it says when these places are configured."""
    from invenio_multipart.services.doctor_links import examine_links

    with app.app_context(), setting(app, MULTIPART_LINK_LOCATIONS=list(places)):
        found = [(finding.ok, finding.text) for finding in examine_links()]
    return [one for one in found if places and one[1].startswith("Objects of")]


@pytest.mark.parametrize("versioned", [True, False])
def test_a_place(app: Any, versioned: bool) -> None:
    """A bucket that is read is fine, with a note when it keeps no versions."""
    with open_shelf(app, "default", versioned=versioned) as shelf:
        (found,) = findings(app, shelf.url("data/"))
        (whole,) = findings(app, shelf.url("").removesuffix("/"))
    assert found[0] is (True if versioned else None)
    assert whole[0] is found[0]
    assert ("no versions" in found[1]) is not versioned


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("/srv/data", "cannot be linked"),
        ("s3://", "cannot be linked"),
        ("s3://no-such-bucket-here/a/", "cannot be listed"),
    ],
)
def test_a_place_that_is_none(app: Any, place: str, words: str) -> None:
    """What cannot be read, or is no place, is bad."""
    ((ok, text),) = findings(app, place)
    assert ok is False
    assert words in text


def test_a_place_with_our_files(app: Any) -> None:
    """A place that holds a location of the site's own files is bad."""
    bucket = f"s3://{os.environ['S3_BUCKET']}"
    ((ok, text),) = findings(app, bucket)
    assert ok is False
    assert "Keep them apart" in text
    # Beside the files, in a bucket of its own folder, it is the site's business.
    ((ok, _),) = findings(app, f"{bucket}/finished/")
    assert ok is not False


def test_changed_objects_are_counted(app: Any) -> None:
    """Files that are withdrawn are bad, as long as they are."""
    from invenio_db import db
    from invenio_files_rest.models import FileInstance

    from invenio_multipart.records.models import Adopted
    from invenio_multipart.services.doctor_links import examine_links

    with app.app_context():
        file = FileInstance(uri="s3://gone/x", size=1, storage_class="X")
        db.session.add(file)
        db.session.flush()
        db.session.add(Adopted(file_id=file.id, etag="e", problem="It is gone."))
        db.session.commit()
        texts = [finding.text for finding in examine_links() if finding.ok is False]
        assert any("have changed" in text for text in texts)
        db.session.delete(file)
        db.session.commit()
