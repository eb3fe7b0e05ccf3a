# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What every storage must do, whatever it is made of."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace

import pytest
from flask import current_app

from invenio_multipart.core.digests import composite_etag
from invenio_multipart.core.ledger import StoredPart
from invenio_multipart.errors import (
    ObjectMissing,
    PartRefused,
    PartsMismatch,
    UploadGone,
)

from .places import md5_of

ZERO = "0" * 32


def content(storage, offset: int = 0) -> bytes:
    """All bytes of the object from there on."""
    return b"".join(storage.read_from(offset))


def test_a_whole_life(place):
    """Open, send, list, complete, look, read, remove: each shows what was done."""
    parts = [place.data(), place.data(), place.data(10)]
    storage, ref, listed = place.upload(parts)
    assert [part.number for part in listed] == [1, 2, 3]
    assert [part.size for part in listed] == [len(part) for part in parts]
    assert [part.etag for part in listed] == [md5_of(part) for part in parts]
    assert all(part.uploaded_at.tzinfo for part in listed)
    storage.complete_upload(ref, listed)
    other = place.again(storage)
    stored = other.head()
    assert stored.size == sum(map(len, parts))
    assert stored.etag in ("", composite_etag(part.etag for part in listed))
    assert content(other) == b"".join(parts)
    assert other.find_uploads() == []
    other.remove_object()
    assert storage.head() is None


def test_nothing_is_at_the_final_place_before(place):
    """An open upload with parts is no object."""
    storage, ref, _ = place.upload([place.data(10)])
    assert storage.head() is None
    with pytest.raises(ObjectMissing):
        content(storage)
    storage.abort_upload(ref)
    assert storage.head() is None


def test_parts_in_any_order(place):
    """The number of a part says its place, not when it came."""
    parts = {number: place.data() for number in (1, 2, 3)}
    storage = place.file()
    ref = storage.create_upload().ref
    for number in (3, 1, 2):
        place.send(storage, ref, number, parts[number])
    storage.complete_upload(ref, list(storage.list_parts(ref)))
    assert content(storage) == parts[1] + parts[2] + parts[3]


def test_parts_in_parallel(place):
    """Eight senders at once, positions known for half of them."""
    parts = [place.data() for _ in range(8)]
    storage = place.file()
    ref = storage.create_upload().ref
    site = current_app._get_current_object()

    def send(index: int) -> None:
        with site.app_context():
            offset = index * place.unit if index % 2 else None
            place.send(storage, ref, index + 1, parts[index], offset=offset)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(send, range(8)))
    storage.complete_upload(ref, list(storage.list_parts(ref)))
    assert content(storage) == b"".join(parts)


@pytest.mark.parametrize("offset", [None, 0], ids=["loose", "in-place"])
@pytest.mark.parametrize("size", [None, 7], ids=["same-size", "shorter"])
def test_a_part_sent_again_replaces_the_first(place, offset, size):
    """The last one that arrived whole is the part."""
    first, second = place.data(), place.data(size)
    storage = place.file()
    ref = storage.create_upload().ref
    for data in (first, second):
        place.send(storage, ref, 1, data, offset=offset)
    (part,) = storage.list_parts(ref)
    assert (part.size, part.etag) == (len(second), md5_of(second))
    storage.complete_upload(ref, [part])
    assert content(storage) == second


@pytest.mark.parametrize("offset", [None, 0], ids=["loose", "in-place"])
@pytest.mark.parametrize("wrong", ["md5", "short", "short-and-md5"])
def test_a_refused_part_leaves_the_earlier_one(place, offset, wrong):
    """Other bytes than announced, or too few, change nothing."""
    good, bad = place.data(), place.data()
    storage = place.file()
    ref = storage.create_upload().ref
    place.send(storage, ref, 1, good, md5=md5_of(good), offset=offset)
    announced = {
        "md5": {"md5": ZERO},
        "short": {"size": place.unit + 1},
        "short-and-md5": {"size": place.unit + 1, "md5": md5_of(bad)},
    }[wrong]
    with pytest.raises(PartRefused):
        place.send(storage, ref, 1, bad, offset=offset, **announced)
    (part,) = storage.list_parts(ref)
    assert part.etag == md5_of(good)
    storage.complete_upload(ref, [part])
    assert content(storage) == good


@pytest.mark.parametrize("offset", [None, 0], ids=["loose", "in-place"])
def test_a_refused_first_part_is_not_there(place, offset):
    """Nothing is listed, and the right bytes are taken after that."""
    storage = place.file()
    ref = storage.create_upload().ref
    with pytest.raises(PartRefused):
        place.send(storage, ref, 1, place.data(), md5=ZERO, offset=offset)
    assert list(storage.list_parts(ref)) == []
    data = place.data()
    place.send(storage, ref, 1, data, md5=md5_of(data), offset=offset)
    storage.complete_upload(ref, list(storage.list_parts(ref)))
    assert content(storage) == data


def test_gaps_are_listed_as_they_are(place):
    """Missing numbers are not made up, and ``after`` skips what is known."""
    storage = place.file()
    ref = storage.create_upload().ref
    for number in (2, 5, 9_999, 10_000):
        place.send(storage, ref, number, b"x" * 10)
    numbers = [part.number for part in storage.list_parts(ref)]
    assert numbers == [2, 5, 9_999, 10_000]
    for after, rest in ((1, 4), (2, 3), (5, 2), (9_999, 1), (10_000, 0)):
        assert [p.number for p in storage.list_parts(ref, after)] == numbers[4 - rest :]
    storage.abort_upload(ref)


def test_stale_etags_are_refused(place):
    """A part replaced after it was listed stops the commit, which can be repeated."""
    storage, ref, stale = place.upload([place.data(), place.data(10)])
    newer = place.data()
    place.send(storage, ref, 1, newer)
    with pytest.raises(PartsMismatch):
        storage.complete_upload(ref, stale)
    assert storage.head() is None
    fresh = list(storage.list_parts(ref))
    assert fresh[0].etag == md5_of(newer)
    storage.complete_upload(ref, fresh)
    assert content(storage)[: place.unit] == newer


def test_parts_that_are_not_there_are_refused(place):
    """A part the store never had stops the commit; the upload stays usable."""
    storage, ref, listed = place.upload([place.data()])
    with pytest.raises(PartsMismatch):
        storage.complete_upload(ref, [*listed, replace(listed[0], number=2)])
    assert storage.head() is None
    storage.complete_upload(ref, listed)
    assert storage.head().size == place.unit


def test_completing_twice(place):
    """The second call does nothing or says that the upload is gone."""
    data = place.data()
    storage, ref, listed = place.upload([data])
    storage.complete_upload(ref, listed)
    before = storage.head()
    with suppress(UploadGone):
        place.again(storage).complete_upload(ref, listed)
    assert storage.head() == before
    assert content(storage) == data
    assert storage.find_uploads() == []


def test_aborting_twice(place):
    """An upload that is gone is no error for abort, nor is one that never was."""
    storage, ref, _ = place.upload([place.data(10)])
    for _ in range(2):
        storage.abort_upload(ref)
        assert storage.find_uploads() == []
    place.file().abort_upload(place.file().create_upload().ref)


def test_aborting_one_of_two(place):
    """Another upload at the same place is left alone."""
    storage, ref, _ = place.upload([place.data(10)])
    data = place.data(20)
    _, second, listed = place.upload([data], storage)
    assert sorted(storage.find_uploads()) == sorted([ref, second])
    storage.abort_upload(ref)
    assert storage.find_uploads() == [second]
    storage.complete_upload(second, listed)
    assert content(storage) == data


def test_uploads_of_other_files_are_not_found(place):
    """Only the file's own uploads, although another name begins the same way."""
    storage = place.file()
    longer = place.again(storage)
    longer.fileurl = f"{storage.fileurl}.2"
    ref, other = storage.create_upload().ref, longer.create_upload().ref
    assert storage.find_uploads() == [ref]
    assert longer.find_uploads() == [other]
    storage.abort_upload(ref)
    assert longer.find_uploads() == [other]
    longer.abort_upload(other)


@pytest.mark.parametrize("sent", [False, True], ids=["no-part", "empty-part"])
def test_an_empty_file(place, sent):
    """It is completed from no parts, whether an empty one was sent or not."""
    storage = place.file()
    ref = storage.create_upload().ref
    if sent:
        place.send(storage, ref, 1, b"")
        (part,) = storage.list_parts(ref)
        assert part == replace(part, number=1, size=0, etag=md5_of(b""))
    storage.complete_upload(ref, ())
    assert storage.head().size == 0
    assert content(storage) == b""
    assert storage.find_uploads() == []


def test_reading_from_an_offset(place):
    """Any offset, the end and beyond it included, gives exactly the rest."""
    data = place.data(2 * 2**20 + 17)
    storage, ref, listed = place.upload([data])
    storage.complete_upload(ref, listed)
    for offset in (0, 1, 2**20 - 1, 2**20, 2 * 2**20 + 16, len(data), len(data) + 5):
        assert content(storage, offset) == data[offset:]
    assert max(map(len, storage.read_from())) <= 2**20


def test_a_missing_object(place):
    """No object: head says None, reading is an error, removing is not."""
    storage = place.file()
    assert storage.head() is None
    with pytest.raises(ObjectMissing):
        content(storage)
    storage.remove_object()


@pytest.mark.parametrize("ended", ["aborted", "completed"])
def test_an_upload_that_is_gone(place, ended):
    """Everything but abort says so; nothing appears where it was aborted."""
    storage, ref, listed = place.upload([place.data(10)])
    if ended == "aborted":
        storage.abort_upload(ref)
    else:
        storage.complete_upload(ref, listed)
    with pytest.raises(UploadGone):
        list(storage.list_parts(ref))
    with pytest.raises(UploadGone):
        place.send(storage, ref, 1, b"x" * 10)
    if ended == "aborted":
        for parts in (listed, ()):
            with pytest.raises(UploadGone):
                storage.complete_upload(ref, parts)
        assert storage.head() is None
    assert storage.find_uploads() == []


def test_a_file_completed_again(place):
    """A new upload at the place of an object replaces it, once it completes."""
    old, new = place.data(10), place.data(20)
    storage, ref, listed = place.upload([old])
    storage.complete_upload(ref, listed)
    _, ref, listed = place.upload([new], storage)
    assert content(storage) == old
    storage.complete_upload(ref, listed)
    assert content(storage) == new


@pytest.mark.parametrize("placed", ["loose", "in-place", "mixed"])
def test_uneven_parts(tiny_place, placed):
    """Sizes of the client's own, where they lie known, unknown or both."""
    parts = [tiny_place.data(size) for size in (5, 3, 2, 5, 1000, 1)]
    storage = tiny_place.file()
    ref = storage.create_upload().ref
    known = {"loose": set(), "in-place": {*range(6)}, "mixed": {0, 3, 4}}[placed]
    for index in (5, 0, 4, 2, 3, 1):
        offset = len(b"".join(parts[:index])) if index in known else None
        tiny_place.send(storage, ref, index + 1, parts[index], offset=offset)
    storage.complete_upload(ref, list(storage.list_parts(ref)))
    assert content(storage) == b"".join(parts)


def test_parts_sent_where_they_do_not_lie_in_the_end(tiny_place):
    """A first part replaced by a shorter one moves all that come after."""
    parts = [tiny_place.data(1000) for _ in range(3)]
    storage = tiny_place.file()
    ref = storage.create_upload().ref
    for index in range(3):
        tiny_place.send(storage, ref, index + 1, parts[index], offset=index * 1000)
    shorter = tiny_place.data(400)
    tiny_place.send(storage, ref, 1, shorter, offset=0)
    storage.complete_upload(ref, list(storage.list_parts(ref)))
    assert content(storage) == shorter + parts[1] + parts[2]


def test_uneven_parts_on_s3(s3_place):
    """S3 too takes parts of different sizes, from 5 MiB on."""
    parts = [s3_place.data(size) for size in (5 * 2**20, 6 * 2**20 + 1, 3)]
    storage, ref, listed = s3_place.upload(parts)
    storage.complete_upload(ref, listed)
    assert content(storage) == b"".join(parts)


def test_more_parts_than_a_page(place):
    """1,001 parts are listed without a gap, whole or from the middle."""
    storage = place.file()
    ref = storage.create_upload().ref
    site = current_app._get_current_object()

    def send(number: int) -> None:
        with site.app_context():
            place.send(storage, ref, number, b"%d" % number)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(send, range(1, 1002)))
    listed = list(storage.list_parts(ref))
    assert [part.number for part in listed] == list(range(1, 1002))
    assert [p.number for p in storage.list_parts(ref, 999)] == [1000, 1001]
    if place.unit < 2**20:
        storage.complete_upload(ref, listed)
        assert content(storage) == b"".join(b"%d" % n for n in range(1, 1002))
    else:
        with pytest.raises(PartsMismatch):
            storage.complete_upload(ref, listed)
        assert storage.head() is None
        storage.abort_upload(ref)


def test_an_object_is_what_was_proved(place):
    """Listed parts are plain values: a made-up ETag is never taken for a part."""
    storage, ref, listed = place.upload([place.data()])
    forged = [StoredPart(1, listed[0].size, ZERO)]
    with pytest.raises(PartsMismatch):
        storage.complete_upload(ref, forged)
    storage.complete_upload(ref, listed)
