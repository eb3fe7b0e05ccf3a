# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Rows, locks and quota under many hands at once."""

from __future__ import annotations

import threading
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from invenio_db import db
from invenio_files_rest.models import Bucket, Location

from invenio_multipart.core.ledger import RegisteredPart
from invenio_multipart.core.states import UploadState
from invenio_multipart.errors import QuotaExceeded, StateConflict
from invenio_multipart.records import leftovers, quota, uploads
from invenio_multipart.records.models import Part, Upload, utc_now

HANDS = 20


@pytest.fixture(autouse=True)
def context(app):
    """A database session for the test itself."""
    with app.app_context():
        yield


@pytest.fixture
def bucket(context):
    """A bucket of its own."""
    made = Bucket.create(Location.query.first(), quota_size=1000)
    db.session.commit()
    return made.id


def new_upload(bucket_id=None, **changes) -> uuid.UUID:
    """An upload row, committed."""
    values = {
        "record_id": uuid.uuid4(),
        "service_id": "draft-files",
        "key": "a.txt",
        "bucket_id": bucket_id or uuid.uuid4(),
        "file_id": uuid.uuid4(),
        "uri": "memory://none",
        "size": 70,
        "part_size": 10,
        "parts": 7,
    }
    upload = Upload(**{**values, **changes})
    db.session.add(upload)
    db.session.commit()
    return upload.id


def at_once(app, action, count: int = HANDS) -> list:
    """Run ``action(i)`` in threads, each with a session and start at one moment."""
    barrier = threading.Barrier(count)

    def run(index):
        with app.app_context():
            barrier.wait(20)
            try:
                result = action(index)
                db.session.commit()
            except Exception as error:  # noqa: BLE001 - whatever it is gets compared
                db.session.rollback()
                return error
            return result

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def part(number: int, size: int, letter: str = "a") -> RegisteredPart:
    """An announced part."""
    return RegisteredPart(number, size, letter * 32)


def registered(upload_id) -> dict:
    """As another transaction sees them."""
    db.session.rollback()
    return uploads.registered_parts(upload_id)


def test_registration_replaces():
    """A part announced again has its new size and digest; others stay."""
    upload_id = new_upload()
    uploads.register_parts(upload_id, [part(1, 10), part(3, 30)])
    uploads.register_parts(upload_id, [part(3, 31, "b"), RegisteredPart(2, 20)])
    db.session.commit()
    assert registered(upload_id) == {
        1: part(1, 10),
        2: RegisteredPart(2, 20),
        3: part(3, 31, "b"),
    }


def test_duplicates_in_one_call():
    """Of two announcements of one number the later counts."""
    upload_id = new_upload()
    uploads.register_parts(upload_id, [part(1, 10), part(2, 20), part(1, 11, "b")])
    db.session.commit()
    assert registered(upload_id) == {1: part(1, 11, "b"), 2: part(2, 20)}


def test_ten_thousand_parts_in_one_call():
    """More rows than fit one statement; the uploads beside are not touched."""
    upload_id, other = new_upload(), new_upload()
    uploads.register_parts(other, [part(1, 5)])
    uploads.register_parts(upload_id, (part(n, n) for n in range(10_000, 0, -1)))
    db.session.commit()
    found = registered(upload_id)
    assert list(found) == list(range(1, 10_001))
    assert all(found[number].size == number for number in found)
    uploads.drop_parts([upload_id])
    uploads.drop_parts([])
    db.session.commit()
    assert registered(upload_id) == {}
    assert registered(other) == {1: part(1, 5)}


def test_many_hands_register_the_same_and_other_parts(app):
    """None is lost, none collides, and shared ones are those of one hand whole."""
    upload_id = new_upload()

    def register(index):
        own = [part(100 + index * 10 + n, index) for n in range(10)]
        shared = [part(n, 1000 + index, f"{index % 16:x}") for n in range(1, 51)]
        # Half of them come the other way round, which is how deadlocks are made.
        both = own + shared
        uploads.register_parts(upload_id, both[:: -1 if index % 2 else 1])

    assert at_once(app, register) == [None] * HANDS
    found = registered(upload_id)
    assert len(found) == 50 + HANDS * 10
    for index in range(HANDS):
        for number in range(100 + index * 10, 110 + index * 10):
            assert found[number] == part(number, index)
    assert len({(found[n].size, found[n].md5) for n in range(1, 51)}) == 1


def test_a_row_that_is_held(app):
    """Who does not wait is told; who waits sees what the other has written."""
    upload_id = new_upload()
    assert uploads.locked(upload_id) is not None

    def look(index):
        if index == 0:
            with pytest.raises(StateConflict) as caught:
                uploads.locked(upload_id, wait=False)
            db.session.rollback()
            told.set()
            return caught.value.state
        return uploads.locked(upload_id).state

    told = threading.Event()
    pool = ThreadPoolExecutor(1)
    waiting = pool.submit(at_once, app, look, 2)
    assert told.wait(20)
    uploads.locked(upload_id).move(UploadState.UPLOADING)
    db.session.commit()
    assert waiting.result(20) == ["busy", "uploading"]


def test_locking_what_is_not_there():
    """No row is no error."""
    assert uploads.locked(uuid.uuid4()) is None
    assert uploads.locked(uuid.uuid4(), wait=False) is None


def test_only_one_hand_moves_an_upload(app):
    """Twenty that would commit, one by one: the first moves, the others see it."""
    upload_id = new_upload(state="uploading")

    def commit(_index):
        upload = uploads.locked(upload_id)
        if upload.status is UploadState.UPLOADING:
            upload.move(UploadState.COMMITTING)
            return "moved"
        return upload.state

    assert Counter(at_once(app, commit)) == {"moved": 1, "committing": HANDS - 1}


def test_the_upload_of_a_file_instance():
    """The upload that made a file is found by its file instance, others are not."""
    newest = db.session.get(Upload, new_upload())
    assert uploads.by_file(newest.file_id) is newest
    assert uploads.by_file(uuid.uuid4()) is None


def test_the_reaper_skips_what_is_in_use(app):
    """Overdue open uploads are found; one whose row somebody holds is left to him."""
    past = utc_now() - timedelta(days=400)
    held, free = new_upload(expires_at=past), new_upload(expires_at=past)
    ended = new_upload(expires_at=past, state="aborted")
    later = new_upload(expires_at=utc_now() + timedelta(days=1))
    assert uploads.locked(held) is not None

    def reap(_index):
        before = utc_now() - timedelta(days=399)
        found = leftovers.overdue_uploads(before, None, 1000)
        ids = {upload.id for upload in found}
        return ids, {id_ for id_ in ids if leftovers.free_upload(id_)}

    ((found, taken),) = at_once(app, reap, 1)
    assert {free, held} <= found
    assert not {ended, later} & found
    assert free in taken
    assert held not in taken
    for upload_id in (held, free):
        uploads.locked(upload_id).move(UploadState.EXPIRED)
    db.session.commit()


def unverified(before) -> set[uuid.UUID]:
    """Ids of uploads that nobody has read until then."""
    rows = leftovers.unverified_uploads(before, utc_now(), None, 10_000)
    return {row.id for row in rows}


def unpurged(before) -> set[uuid.UUID]:
    """Ids of uploads that ended until then and are not freed."""
    return {row.id for row in leftovers.unpurged_uploads(before, None, 10_000)}


def test_a_finished_verification_is_forgotten():
    """Once its hash state is cleared a completed upload is nobody's work any more."""
    made_on = utc_now()
    upload_id = new_upload(state="completed", hash_states={}, completed_on=made_on)
    later = utc_now() + timedelta(days=1)
    assert upload_id in unverified(later)
    uploads.save_progress(upload_id, made_on, 17, {"md5": "00"})
    db.session.commit()
    db.session.expire_all()
    assert db.session.get(Upload, upload_id).hash_states == {"md5": "00"}
    assert upload_id in unverified(later)
    uploads.save_progress(upload_id, later, 50, {"md5": "ff"})
    db.session.expire_all()
    assert db.session.get(Upload, upload_id).hash_states == {"md5": "00"}, (
        "of another object"
    )
    uploads.save_progress(upload_id, made_on, 70, None)
    db.session.commit()
    assert upload_id not in unverified(later)
    second = new_upload(state="completed", hash_states={})
    db.session.get(Upload, second).hash_states = None
    db.session.commit()
    assert second not in unverified(later)


def test_what_was_not_freed_yet():
    """Ended uploads are listed until the store was freed, and not before their time."""
    ended = new_upload(state="aborted")
    freed = new_upload(state="expired", purged_on=utc_now())
    pending = new_upload(state="uploading")
    later = utc_now() + timedelta(days=1)
    found = unpurged(later)
    assert ended in found
    assert freed not in found
    assert pending not in found
    assert ended not in unpurged(utc_now() - timedelta(hours=1))


def bucket_size(bucket_id) -> int:
    """As another transaction sees it."""
    db.session.rollback()
    return db.session.get(Bucket, bucket_id).size


def test_twenty_reserve_and_fourteen_fit(app, bucket):
    """Never over quota, and exactly full at the end."""
    ids = [new_upload(bucket) for _ in range(HANDS)]

    def reserve(index):
        quota.reserve(db.session.get(Upload, ids[index]))

    outcome = Counter(type(result) for result in at_once(app, reserve))
    assert outcome == {type(None): 14, QuotaExceeded: 6}
    assert bucket_size(bucket) == 14 * 70
    reserved = [i for i in ids if db.session.get(Upload, i).reserved]
    assert len(reserved) == 14
    last = new_upload(bucket, size=20)
    quota.reserve(db.session.get(Upload, last))
    db.session.commit()
    assert bucket_size(bucket) == 1000


def test_reserving_and_releasing_at_once(app, bucket):
    """What goes in comes out again, to the byte, however the hands are mixed."""
    ids = [new_upload(bucket, size=50) for _ in range(HANDS)]
    for upload_id in ids[::2]:
        quota.reserve(db.session.get(Upload, upload_id))
    db.session.commit()

    def change(index):
        upload = uploads.locked(ids[index])
        (quota.reserve if index % 2 else quota.release)(upload)

    assert at_once(app, change) == [None] * HANDS
    assert bucket_size(bucket) == 50 * HANDS // 2
    for _ in range(2):
        for upload_id in ids:
            quota.release(db.session.get(Upload, upload_id))
        db.session.commit()
        assert bucket_size(bucket) == 0


def test_a_refused_reservation_takes_nothing(bucket):
    """One byte too many changes neither the bucket nor the upload."""
    upload = db.session.get(Upload, new_upload(bucket, size=1001))
    with pytest.raises(QuotaExceeded) as caught:
        quota.reserve(upload)
    assert caught.value.field == "size"
    assert upload.reserved is False
    quota.release(upload)
    db.session.commit()
    assert bucket_size(bucket) == 0


@pytest.mark.parametrize("limit", [None, 0], ids=["none", "zero"])
def test_a_bucket_without_quota(bucket, limit):
    """Both ways of saying that there is no limit are understood."""
    db.session.get(Bucket, bucket).quota_size = limit
    upload = db.session.get(Upload, new_upload(bucket, size=5 * 2**40))
    quota.reserve(upload)
    db.session.commit()
    assert bucket_size(bucket) == 5 * 2**40


def test_parts_belong_to_their_upload():
    """The same numbers of two uploads are different rows."""
    first, second = new_upload(), new_upload()
    uploads.register_parts(first, [part(1, 1)])
    uploads.register_parts(second, [part(1, 2)])
    db.session.commit()
    assert registered(first)[1].size == 1
    assert db.session.get(Part, (second, 1)).size == 2
