# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Content dedup beside others who are at the same rows at the same moment."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from invenio_db import db
from invenio_files_rest.models import ObjectVersion
from invenio_rdm_records.proxies import current_rdm_records_service as records
from sqlalchemy import text

from invenio_multipart.services.links import dedup as module
from invenio_multipart.transfers import components

from ..backdoor import setting
from ..driver import Draft
from ..resources.test_links import publish
from .test_dedup import KEY, free, fresh, upload, used, work

PATIENCE_SECONDS = 30
"""Far more than all tries take when none of them waits."""

LOCKS = {
    "entry": ("rdm_drafts_files", "id", "FOR UPDATE"),
    "version": ("files_object", "version_id", "FOR UPDATE"),
    # Somebody is just deleting what the file would be put onto.
    "kept": ("files_files", "id", "FOR UPDATE"),
    # Somebody is just beginning to use the second copy, as a foreign key has it.
    "copy": ("files_files", "id", "FOR KEY SHARE"),
}


def rows_of(app: Any, draft: Draft) -> dict[str, uuid.UUID]:
    """Ids of the rows that a fold of the new file concerns."""
    with app.app_context():
        found = records.draft_cls.pid.resolve(draft.id, registered_only=False)
        entry, kept = found.files[KEY], found.files["old.bin"]
        version = db.session.get(ObjectVersion, entry.object_version_id)
        return {
            "entry": entry.model.id,
            "version": version.version_id,
            "kept": kept.object_version.file_id,
            "copy": version.file_id,
        }


@contextmanager
def held(app: Any, what: str, id_: uuid.UUID) -> Iterator[None]:
    """While it lasts, another connection has locked the row."""
    table, column, strength = LOCKS[what]
    with app.app_context():
        engine = db.engine
    with engine.connect() as connection, connection.begin():
        query = f"SELECT 1 FROM {table} WHERE {column} = :id {strength}"  # noqa: S608
        assert connection.execute(text(query), {"id": id_}).scalar() == 1
        yield


@pytest.mark.parametrize("what", LOCKS)
def test_what_somebody_is_at_is_left_alone(
    app: Any, local_draft: Draft, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """Nothing waits and nothing fails: the file keeps its bytes, until the next time.

    Foreign keys keep the bytes by themselves. Without these locks the fold would wait
    with locks of its own, or end with an error of the database.
    """
    monkeypatch.setattr(module, "_PAUSE_SECONDS", 0.01)
    data, done = fresh(), list[Any]()
    upload(local_draft, "old.bin", data)
    own = upload(local_draft, KEY, data)
    before = sorted(used(app, data))

    def fold() -> None:
        try:
            done.append(work(app, own))
        except Exception as error:  # noqa: BLE001
            done.append(error)

    with setting(app, MULTIPART_DEDUP="record"):
        with held(app, what, rows_of(app, local_draft)[what]):
            thread = threading.Thread(target=fold)
            thread.start()
            thread.join(PATIENCE_SECONDS)
            waited = thread.is_alive()
        thread.join()
        assert (waited, done) == (False, [0])
        assert sorted(used(app, data)) == before
        assert work(app, own) == 1
    assert len(set(used(app, data))) == 1
    assert local_draft.content(KEY) == data
    free(app)


def test_while_it_is_published(
    app: Any, local_draft: Draft, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is folded after a publication has read it still tells its origin."""
    data, done = fresh(), list[int]()
    upload(local_draft, "old.bin", data)
    own = upload(local_draft, KEY, data)
    ask = components.require_unlocked

    def fold_first(draft: Any) -> None:
        assert "origin" not in draft.files[KEY]["transfer"]
        thread = threading.Thread(target=lambda: done.append(work(app, own)))
        thread.start()
        thread.join(PATIENCE_SECONDS)
        ask(draft)

    monkeypatch.setattr(components, "require_unlocked", fold_first)
    with setting(app, MULTIPART_DEDUP="record"):
        record = publish(local_draft)
    assert done == [1]
    assert len(set(used(app, data))) == 1
    with app.app_context():
        entry = records.record_cls.pid.resolve(record).files[KEY]
        assert entry["transfer"]["origin"]["key"] == "old.bin"
    with app.test_client().get(f"/records/{record}/files/{KEY}/content") as reply:
        assert (reply.status_code, reply.data) == (200, data)
    monkeypatch.undo()
    shown = local_draft.api.get(f"/records/{record}/files/{KEY}").json
    assert shown["links"]["origin"].endswith(f"/records/{record}/files/old.bin")
    free(app)
