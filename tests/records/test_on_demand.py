# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Files of a record that are read when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from invenio_multipart.records.on_demand import Entries, hold, read_on_demand

from ..backdoor import counted_queries

KEYS = [f"{number:02}" for number in range(12)]


@pytest.fixture
def draft(app: Any) -> Iterator[Any]:
    """A draft with twelve files, read as a request reads it."""
    from invenio_db import db
    from invenio_rdm_records.records.api import RDMDraft, RDMFileDraft

    with app.app_context():
        made = RDMDraft.create({})
        for key in KEYS:
            RDMFileDraft.create({}, key=key, record_id=made.id)
        made.commit()
        yield RDMDraft.get_record(made.id)
        db.session.rollback()


def of_entries(statements: list[str]) -> list[str]:
    """Those that read entries by something else than a miss of upstream's."""
    return [s for s in statements if "rdm_drafts_files" in s and "false" not in s]


def test_one_is_read_alone(app: Any, draft: Any) -> None:
    """By its key, and once."""
    with counted_queries(app) as seen:
        entry = draft.files["03"]
        assert draft.files["03"] is entry
        assert "03" in draft.files
    assert entry.key == "03"
    assert len(of_entries(seen)) == 1
    assert " IN (" in of_entries(seen)[0]


def test_what_is_not_there(app: Any, draft: Any) -> None:
    """Is looked for once, and stays absent as in a dictionary."""
    from invenio_rdm_records.records.api import RDMFileDraft

    with counted_queries(app) as seen:
        assert "none" not in draft.files
        with pytest.raises(KeyError):
            draft.files["none"]
    assert len(of_entries(seen)) == 1
    RDMFileDraft.create({}, key="none", record_id=draft.id)
    assert draft.files.get("none") is None
    # Until somebody wants all.
    assert sorted(draft.files) == [*KEYS, "none"]
    assert draft.files.get("none") is not None


def test_filled_by_other_means(app: Any, draft: Any) -> None:
    """Upstream copies from table to table; what was absent before is there then."""
    from invenio_rdm_records.records.api import RDMDraft

    other = RDMDraft.create({})
    assert "03" not in other.files
    other.files.copy(draft.files)
    assert other.files["03"].key == "03"
    assert sorted(other.files) == KEYS


def test_counted_without_being_read(app: Any, draft: Any) -> None:
    """Where there are many, their number is all that a limit needs."""
    with counted_queries(app) as seen:
        assert draft.files.count == 12
        assert draft.files
    assert all("count(" in statement for statement in of_entries(seen))


def test_a_deleted_row_does_not_count(draft: Any) -> None:
    """Upstream marks rows as deleted; nobody sees them."""
    from invenio_db import db

    draft.files["03"].delete(force=False)
    db.session.flush()
    again = type(draft).get_record(draft.id)
    assert again.files.count == 11
    assert "03" not in again.files


def test_many_by_key_are_read_at_once(app: Any, draft: Any) -> None:
    """Whoever looks at one after the other does not pay for each."""
    with counted_queries(app) as seen:
        found = [draft.files[key].key for key in KEYS]
        held = draft.files["00"]
    assert found == KEYS
    assert len(of_entries(seen)) == 9
    # What was handed out before is still the entry.
    assert dict(draft.files)["00"] is held


def test_held_ones_need_no_further_query(app: Any, draft: Any) -> None:
    """Those named are read together, absent ones included."""
    with counted_queries(app) as seen:
        hold(draft.files, ["01", "02", "none"])
        assert [draft.files[key].key for key in ("01", "02")] == ["01", "02"]
        assert "none" not in draft.files
        hold(draft.files, ["01", "02"])
    assert len(of_entries(seen)) == 1


def test_created_and_deleted(draft: Any) -> None:
    """Changes are seen whether or not the others have been read."""
    draft.files.create("new")
    assert draft.files["new"].key == "new"
    assert draft.files.count == 13
    del draft.files["05"]
    draft.files.delete("new", remove_rf=True)
    assert draft.files.count == 11
    assert sorted(draft.files) == [key for key in KEYS if key != "05"]
    with pytest.raises(KeyError):
        draft.files.delete("05")
    draft.files.create("new")
    assert "new" in list(draft.files)


def test_deleted_before_the_others_are_read(draft: Any) -> None:
    """It does not come back with them."""
    entries = draft.files.entries
    del entries["05"]
    with pytest.raises(KeyError):
        del entries["none"]
    assert "05" not in entries
    assert len(entries) == 11
    assert sorted(entries) == [key for key in KEYS if key != "05"]


def test_all_at_once(app: Any, draft: Any) -> None:
    """Whoever wants all gets them by one query."""
    with counted_queries(app) as seen:
        assert sorted(draft.files) == KEYS
        assert len(draft.files.values()) == 12
        assert draft.files["07"].key == "07"
        assert "none" not in draft.files.entries
    assert len(of_entries(seen)) == 1


def test_every_class_once(app: Any) -> None:
    """Records, drafts and their media files, however many applications there are."""
    from invenio_rdm_records.proxies import current_rdm_records

    with app.app_context():
        records = current_rdm_records.records_service
        media = current_rdm_records.records_media_files_service
    for service in (records, media):
        for files in (service.files, service.draft_files):
            cls = files.config.record_cls
            before = cls.files
            read_on_demand(cls)
            assert cls.files is before
            made = cls({"files": {"enabled": True}, "media_files": {"enabled": True}})
            assert isinstance(made.files.entries, Entries)


def test_files_of_a_search_hit_are_kept(app: Any) -> None:
    """They came with it, and may be all that it has."""
    from invenio_rdm_records.records.api import RDMRecord

    with app.app_context():
        record = RDMRecord({})
        field = RDMRecord.files
        came = field.load(record, {"enabled": True, "entries": {}}, from_dump=True)
        field._set_cache(record, came)
        hold(record.files, ["01"])
        assert type(record.files.entries) is dict
