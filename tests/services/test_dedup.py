# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Files whose bytes are there already: put onto them, and only when that is safe."""

from __future__ import annotations

import os
import threading
import time
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from invenio_db import db
from invenio_files_rest.models import FileInstance, ObjectVersion
from invenio_rdm_records.proxies import current_rdm_records_service as records

from invenio_multipart.proxies import current_multipart
from invenio_multipart.records.files import insert_versions
from invenio_multipart.records.models import Job, Link, utc_now

from ..backdoor import bucket_size, held_tasks, left_in_s3, setting, uploads_of
from ..batching import brought, open_batch
from ..driver import Api, Draft, md5
from ..resources.test_links import publish, put_file
from .test_races import at_once

KEY = "new.bin"

_ONE = bytes.fromhex(
    "d131dd02c5e6eec4693d9a0698aff95c2fcab58712467eab4004583eb8fb7f89"
    "55ad340609f4b30283e488832571415a085125e8f7cdc99fd91dbdf280373c5b"
    "d8823e3156348f5bae6dacd436c919c6dd53e2b487da03fd02396306d248cda0"
    "e99f33420f577ee8ce54b67080a80d1ec69821bcb6a8839396f9652b6ff72a70"
)
_DIFFER = {19, 45, 59, 83, 109, 123}
COLLIDING = [_ONE, bytes(b ^ 0x80 if n in _DIFFER else b for n, b in enumerate(_ONE))]
"""Two texts of one MD5; whatever is added to both, they have one MD5.

Source: X. Wang et al., Collisions for Hash Functions, 2004, eprint.iacr.org/2004/199
"""


def fresh() -> bytes:
    """Bytes that no other file of the site has."""
    return os.urandom(3000)


def upload(draft: Draft, key: str, data: bytes) -> uuid.UUID:
    """A finished multipart upload; its id."""
    reply = draft.upload(key, [data])
    assert reply.status == 200, reply.json
    return uuid.UUID(draft.status(key)["id"])


def work(app: Any, *upload_ids: uuid.UUID) -> int:
    """Do what the worker does; how many files were put onto others."""
    with app.app_context():
        return current_multipart.links.dedup([str(id_) for id_ in upload_ids])


def dedup(app: Any, mode: str, *upload_ids: uuid.UUID) -> int:
    """The same in this mode; not for several threads, whose settings are one."""
    with setting(app, MULTIPART_DEDUP=mode):
        return work(app, *upload_ids)


def used(app: Any, data: bytes) -> list[uuid.UUID]:
    """File instances of all files with these bytes, one for each file."""
    with app.app_context():
        query = db.session.query(ObjectVersion.file_id).join(FileInstance)
        return [row[0] for row in query.filter(FileInstance.checksum == md5(data))]


def instances(app: Any, data: bytes) -> set[uuid.UUID]:
    """File instances with these bytes, used or not."""
    with app.app_context():
        rows = FileInstance.query.filter_by(checksum=md5(data)).all()
        return {row.id for row in rows}


def free(app: Any) -> list[dict[str, Any]]:
    """Let the time pass after which second copies go; what became of each."""
    with app.app_context():
        waiting = Job.query.filter_by(kind="free_copy", status="PENDING").all()
        ids = [job.id for job in waiting]
        for job in waiting:
            job.due_at = utc_now() - timedelta(seconds=1)
        db.session.commit()
        for id_ in ids:
            current_multipart.jobs.run(id_)
        return [current_multipart.jobs.status(id_) for id_ in ids]


def entry_of(draft: Draft, key: str) -> dict[str, Any]:
    """JSON of a file's entry."""
    with draft.api.app.app_context():
        found = records.draft_cls.pid.resolve(draft.id, registered_only=False)
        return dict(found.files[key])


def test_life_of_a_second_copy(app: Any, draft: Draft) -> None:
    """It is a file like any other, and its own bytes go when no reader can want them."""
    data = fresh()
    upload(draft, "old.bin", data)
    own = upload(draft, KEY, data)
    before = draft.api.get(draft.file(KEY)).json
    (row,) = [row for row in uploads_of(draft) if row.id == own]
    assert dedup(app, "record", own) == 1
    assert len(set(used(app, data))) == 1
    assert len(used(app, data)) == 2
    after = draft.api.get(draft.file(KEY)).json
    same = ("key", "size", "checksum", "status", "mimetype", "metadata", "version_id")
    assert {name: after[name] for name in same} == {name: before[name] for name in same}
    assert bucket_size(draft) == 2 * len(data)
    origin = entry_of(draft, KEY)["transfer"]["origin"]
    assert (origin["record"], origin["key"]) == (draft.id, "old.bin")
    with app.app_context():
        version = ObjectVersion.query.filter_by(key=KEY, version_id=after["version_id"])
        assert db.session.get(Link, version.one().version_id).size == len(data)
        job = Job.query.filter_by(kind="free_copy", status="PENDING").one()
        assert job.arguments == {"file_id": str(row.file_id)}
        assert job.due_at > utc_now() + timedelta(minutes=60)
    # It is still its own upload's, and what may be repeated still may.
    assert draft.status(KEY)["id"] == str(own)
    assert draft.commit(KEY, md5(data)).status == 200
    assert draft.commit(KEY, md5(fresh())).status == 400
    assert dedup(app, "record", own) == 0
    assert instances(app, data) > set(used(app, data))
    (freed,) = free(app)
    assert freed["result"] == {"files": 1, "bytes": len(data), "shared": 0}
    assert instances(app, data) == set(used(app, data))
    if row.uri.startswith("s3:"):
        assert left_in_s3(app, [row]) == []
    else:
        assert not Path(row.uri.removeprefix("file://")).exists()
    assert draft.content(KEY) == data
    # The first one goes, and its bytes stay for the second.
    assert draft.delete("old.bin").status == 204
    assert draft.content(KEY) == data
    publish(draft)


@pytest.mark.parametrize(("mode", "put"), [("off", 0), ("record", 1), ("readable", 1)])
def test_by_itself(app: Any, local_draft: Draft, mode: str, put: int) -> None:
    """Whoever commits a file need not ask for it; a site that is silent has none."""
    data = fresh()
    with setting(app, MULTIPART_DEDUP=mode):
        for key in ("old.bin", KEY):
            assert local_draft.upload(key, [data]).status == 200
    assert len(set(used(app, data))) == 2 - put
    assert local_draft.content(KEY) == data
    assert len(free(app)) == put


def test_off_is_the_default(app: Any) -> None:
    """Nothing is put onto anything before a site says so."""
    assert app.config["MULTIPART_DEDUP"] == "off"


def test_a_digest_that_is_found_late(app: Any, local_draft: Draft) -> None:
    """A worker that finds the digest of a large file looks, too."""
    data = fresh()
    upload(local_draft, "old.bin", data)
    late = {"MULTIPART_DEDUP": "record", "MULTIPART_VERIFY_INLINE_MAX": 0}
    with setting(app, **late), held_tasks(app) as held:
        link = local_draft.begin(KEY, len(data))["links"]["parts"][0]
        local_draft.send_ok(link, data)
        assert local_draft.commit(KEY).status == 200
        assert entry_of(local_draft, KEY)["transfer"] == {"type": "L"}
        held.run()
    assert len(set(used(app, data))) == 1
    assert local_draft.content(KEY) == data
    free(app)


def test_what_is_published_stays(app: Any, local_draft: Draft) -> None:
    """A digest found after the publication changes nothing of the published record."""
    data = fresh()
    upload(local_draft, "old.bin", data)
    own = upload(local_draft, KEY, data)
    record = publish(local_draft)
    path = f"/records/{record}/files"
    before = local_draft.api.get(path).json
    assert dedup(app, "readable", own) == 0
    assert local_draft.api.get(path).json == before
    # Nor does an edit, whose files are those of the record.
    assert local_draft.api.call("POST", local_draft.path).status == 201
    assert dedup(app, "readable", own) == 0
    assert len(set(used(app, data))) == 2


@pytest.mark.parametrize("mode", ["record", "readable"])
def test_whose_files_are_looked_at(app: Any, api: Api, local: str, mode: str) -> None:
    """Those of other versions in either mode; one's own and open ones where it says so."""
    wide = int(mode == "readable")
    other = Api(app, app.tokens["other"])
    own, open_, hidden, older = fresh(), fresh(), fresh(), fresh()
    put_file(api.new_draft(), "x", own)
    for data, access in ((open_, "public"), (hidden, "restricted")):
        theirs = other.new_draft(access={"record": "public", "files": access})
        put_file(theirs, "x", data)
        publish(theirs)
    first = api.new_draft(access={"record": "restricted", "files": "restricted"})
    put_file(first, "x", older)
    record = publish(first)
    draft = Draft(api, api.call("POST", f"/records/{record}/versions").json["id"])
    found = [
        dedup(app, mode, upload(draft, f"{n}", data))
        for n, data in enumerate([own, open_, hidden, older])
    ]
    assert found == [wide, wide, 0, 1]
    contents = [draft.content(f"{n}") for n in range(4)]
    assert contents == [own, open_, hidden, older]
    free(app)


@pytest.mark.parametrize("strong", [False, True], ids=["bytes", "sha256"])
def test_two_files_of_one_md5(app: Any, api: Api, storage: str, strong: bool) -> None:
    """Nobody gets another's bytes for his own because he was given a file to match."""
    other = Api(app, app.tokens["other"])
    salt = os.urandom(1000)
    evil, good = (text + salt for text in COLLIDING)
    assert evil != good
    assert md5(evil) == md5(good)
    digests = ["md5", "sha256"] if strong else ["md5"]
    with setting(app, MULTIPART_DIGESTS=digests):
        theirs = other.new_draft()
        upload(theirs, "evil.bin", evil)
        publish(theirs)
        draft = api.new_draft()
        own = upload(draft, KEY, good)
        assert dedup(app, "readable", own) == 0
        assert draft.content(KEY) == good
        # The same bytes as those of the other account are found to be the same.
        again = upload(draft, "evil.bin", evil)
        draft.delete(KEY)
        assert dedup(app, "readable", again) == 1
        assert draft.content("evil.bin") == evil
    free(app)


def test_bytes_that_are_not_there(app: Any, api: Api, storage: str) -> None:
    """A file is not put onto one that the store has lost, whatever the database says."""
    data = fresh()
    first, draft = api.new_draft(), api.new_draft()
    old, own = upload(first, "old.bin", data), upload(draft, KEY, data)
    (row,) = [row for row in uploads_of(first) if row.id == old]
    with app.app_context():
        storage_of = FileInstance.get(row.file_id).storage()
        storage_of.remove_object()
    assert dedup(app, "readable", own) == 0
    assert draft.content(KEY) == data


def test_files_of_a_batch(app: Any, api: Api, storage: str) -> None:
    """Those of a batch are looked at together; those with an end of life never."""
    data, short = fresh(), fresh()
    with setting(app, MULTIPART_DEDUP="readable"):
        for body in ({}, {"expires_in": "in 2 days"}):
            one = short if body else data
            draft = api.new_draft()
            files = [
                {"key": "a", "size": len(one), "checksum": md5(one)},
                {"key": "b", "size": len(one)},
            ]
            batch = open_batch(draft, files, **body)
            for key in ("a", "b"):
                batch.send_ok(key, one)
            assert batch.complete()["status"] == "SUCCESS"
            assert [draft.content(key) for key in ("a", "b")] == [one, one]
    assert len(set(used(app, data))) == 1
    assert len(set(used(app, short))) == 2
    free(app)


def test_readers_on_their_way(app: Any, draft: Draft) -> None:
    """Who was sent to the second copy, or has begun to read it, gets all of it."""
    data = fresh()
    upload(draft, "old.bin", data)
    own = upload(draft, KEY, data)
    client = app.test_client()
    headers = {"Authorization": f"Bearer {app.tokens['owner']}"}
    with client.get(draft.file(KEY, "/content"), headers=headers) as reply:
        assert dedup(app, "record", own) == 1
        if reply.status_code == 302:
            # Where it points to is there until the redirect has ended.
            location = reply.headers["Location"]
            assert requests.get(location, timeout=30).content == data
            free(app)
            assert requests.get(location, timeout=30).status_code == 404
        else:
            free(app)
            assert reply.data == data
    assert draft.content(KEY) == data


def test_somebody_begins_to_use_the_copy(app: Any, local_draft: Draft) -> None:
    """A second copy that is used again before it goes does not go."""
    data = fresh()
    upload(local_draft, "old.bin", data)
    own = upload(local_draft, KEY, data)
    assert dedup(app, "record", own) == 1
    with app.app_context():
        (spare,) = instances(app, data) - set(used(app, data))
        draft = records.draft_cls.pid.resolve(local_draft.id, registered_only=False)
        insert_versions(draft.files.bucket.id, {"late": spare})
        db.session.commit()
    (freed,) = free(app)
    assert freed["result"] == {"files": 0, "bytes": 0, "shared": 1}
    assert len(instances(app, data)) == 2


def sent(draft: Draft, data: bytes, count: int) -> list[uuid.UUID]:
    """Uploads of files 0, 1, … in the draft, all of the same bytes."""
    brought(draft, {str(n): data for n in range(count)})
    return [row.id for row in sorted(uploads_of(draft), key=lambda row: int(row.key))]


def contents(draft: Draft, count: int) -> list[bytes | None]:
    """What the files are when they are read."""
    return [draft.content(str(n)) for n in range(count)]


def test_uploads_of_the_same_bytes_at_once(app: Any, api: Api, storage: str) -> None:
    """Of files that are put onto each other at once one stays, and all can be read."""
    data, count = fresh(), 4
    drafts = [api.new_draft(), api.new_draft()]
    ids = [id_ for draft in drafts for id_ in sent(draft, data, count)]
    with setting(app, MULTIPART_DEDUP="readable"):
        put = at_once([lambda id_=id_: work(app, id_) for id_ in ids])
    left = set(used(app, data))
    assert 1 <= len(left) == 2 * count - sum(put)
    assert {job["status"] for job in free(app)} <= {"SUCCESS"}
    assert instances(app, data) == left
    for draft in drafts:
        assert contents(draft, count) == [data] * count
        assert bucket_size(draft) == count * len(data)


def test_the_first_one_goes_at_once(app: Any, api: Api, storage: str) -> None:
    """A file is deleted while 19 others are put onto it: none of them loses a byte."""
    data, count = fresh(), 19
    first, draft = api.new_draft(), api.new_draft()
    upload(first, "old.bin", data)
    ids = sent(draft, data, count)

    def delete() -> int:
        # Not before the others have found it.
        time.sleep(0.2)
        return first.delete("old.bin").status

    with setting(app, MULTIPART_DEDUP="readable"):
        done = at_once([delete, *(lambda id_=id_: work(app, id_) for id_ in ids)])
    assert done[0] == 204
    assert {job["status"] for job in free(app)} <= {"SUCCESS"}
    with app.app_context():
        current_multipart.reaper.free()
    assert contents(draft, count) == [data] * count
    assert instances(app, data) == set(used(app, data))


def test_readers_all_the_while(app: Any, draft: Draft) -> None:
    """Somebody who reads again and again sees the same bytes throughout."""
    data = fresh()
    upload(draft, "old.bin", data)
    own = upload(draft, KEY, data)
    over, wrong = threading.Event(), []

    def read() -> None:
        while not over.is_set():
            if (found := draft.content(KEY)) != data:
                wrong.append(found)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    try:
        assert dedup(app, "record", own) == 1
    finally:
        over.set()
        for reader in readers:
            reader.join()
    assert wrong == []
    free(app)
