# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What can happen to files on a disk: killed writers, races, no room."""

from __future__ import annotations

import io
import multiprocessing
import os
import resource
import signal
import threading
import time

import pytest

from invenio_multipart.errors import MultipartError, StorageUnavailable
from invenio_multipart.storage.local import LocalStorage

from .places import md5_of

FORK = multiprocessing.get_context("fork")
MIB = 2**20


class Stalled(io.RawIOBase):
    """A sender that sends half of its part, says so, and then nothing more."""

    def __init__(self, data: bytes, stalled: object) -> None:
        self._data = io.BytesIO(data)
        self._stalled = stalled

    def read(self, size: int = -1) -> bytes:
        """Half of the bytes in small pieces."""
        piece = self._data.read(min(size, 1000))
        if not piece:
            self._stalled.set()
            time.sleep(60)
        return piece


class Slow(io.BytesIO):
    """A sender of small pieces, between which others get their turn."""

    def read(self, size: int = -1) -> bytes:
        """At most 4 KiB."""
        time.sleep(0)
        return super().read(min(size, 4096))


@pytest.fixture
def opened(local_place):
    """A file with an open upload."""
    storage = local_place.file()
    return storage, storage.create_upload().ref


def spawn(target, *args):
    """Run in a process of its own."""
    process = FORK.Process(target=target, args=args, daemon=True)
    process.start()
    return process


def read(storage) -> bytes:
    """The whole file."""
    return b"".join(storage.read_from())


@pytest.mark.parametrize("offset", [None, 0], ids=["loose", "in-place"])
@pytest.mark.parametrize("earlier", [False, True], ids=["first", "sent-again"])
def test_a_writer_killed_in_mid_part(opened, offset, earlier):
    """Half a part is never listed, an earlier one stays, and the next is taken."""
    storage, ref = opened
    old, new = os.urandom(50_000), os.urandom(50_000)
    if earlier:
        storage.put_part(ref, 1, io.BytesIO(old), len(old), offset=offset)
    stalled = FORK.Event()

    def send_half():
        stream = Stalled(new[:25_000], stalled)
        storage.put_part(ref, 1, stream, len(new), offset=offset)

    process = spawn(send_half)
    assert stalled.wait(10)
    process.kill()
    process.join(10)
    assert process.exitcode == -signal.SIGKILL
    assert [p.etag for p in storage.list_parts(ref)] == [md5_of(old)] * earlier
    if earlier:
        storage.complete_upload(ref, list(storage.list_parts(ref)))
        assert read(storage) == old
        return
    storage.put_part(ref, 1, io.BytesIO(new), len(new), offset=offset)
    storage.complete_upload(ref, list(storage.list_parts(ref)))
    assert read(storage) == new


@pytest.mark.parametrize("offset", [None, 0], ids=["loose", "in-place"])
@pytest.mark.parametrize("times", [1, 4])
def test_two_processes_send_the_same_part(opened, offset, times):
    """What is stored in the end are the bytes of one of them, with their MD5."""
    storage, ref = opened
    size = MIB + 17
    sent = [bytes([number]) * size for number in (1, 2)]
    ready = FORK.Barrier(2)

    def send(data):
        ready.wait(20)
        for _ in range(times):
            storage.put_part(ref, 1, Slow(data), size, offset=offset)

    processes = [spawn(send, data) for data in sent]
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    (part,) = storage.list_parts(ref)
    storage.complete_upload(ref, [part])
    stored = read(storage)
    assert stored in sent
    assert part.etag == md5_of(stored)


def test_two_processes_send_neighbours(opened):
    """Parts that touch each other do not spill over, whoever is first."""
    storage, ref = opened
    size = MIB + 1
    parts = [bytes([number]) * size for number in (1, 2)]

    def send(index):
        for _ in range(3):
            stream = Slow(parts[index])
            storage.put_part(ref, index + 1, stream, size, offset=index * size)

    processes = [spawn(send, index) for index in (0, 1)]
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    storage.complete_upload(ref, list(storage.list_parts(ref)))
    assert read(storage) == parts[0] + parts[1]


@pytest.mark.parametrize("offset", [None, 0], ids=["loose", "in-place"])
def test_no_room_left(opened, offset):
    """A part that does not fit is the store's failure; the earlier one stays.

    The limit on file size acts where a full disk would: in the middle of writing.
    """
    storage, ref = opened
    old = os.urandom(50_000)
    storage.put_part(ref, 1, io.BytesIO(old), len(old), offset=offset)
    outcome = FORK.SimpleQueue()

    def send_too_much():
        resource.setrlimit(resource.RLIMIT_FSIZE, (MIB, MIB))
        for number in (1, 2):
            try:
                where = None if offset is None else (number - 1) * 50_000
                stream = io.BytesIO(bytes(3 * MIB))
                storage.put_part(ref, number, stream, 3 * MIB, offset=where)
            except MultipartError as error:
                outcome.put(type(error).__name__)

    process = spawn(send_too_much)
    process.join(20)
    assert [outcome.get(), outcome.get()] == ["StorageUnavailable"] * 2
    (part,) = storage.list_parts(ref)
    assert part.etag == md5_of(old)
    storage.complete_upload(ref, [part])
    assert read(storage) == old


def test_nothing_is_left_behind(opened):
    """Neither an abort nor a commit leaves a file or a folder of the upload."""
    storage, ref = opened
    folder = storage._final.parent
    for number, offset in ((1, 0), (2, None), (1, 0)):
        storage.put_part(ref, number, io.BytesIO(b"x" * 9), 9, offset=offset)
    storage.complete_upload(ref, list(storage.list_parts(ref)))
    assert [path.name for path in folder.iterdir()] == ["data"]
    ref = storage.create_upload().ref
    storage.put_part(ref, 1, io.BytesIO(b"x" * 9), 9)
    storage.abort_upload(ref)
    assert [path.name for path in folder.iterdir()] == ["data"]
    storage.remove_object()
    assert not folder.exists()


def test_a_sender_that_hangs_up(opened):
    """A connection lost in mid-part is a refused part, not a broken store."""
    storage, ref = opened

    class Lost(io.BytesIO):
        def read(self, size=-1):
            raise ConnectionResetError

    with pytest.raises(MultipartError) as caught:
        storage.put_part(ref, 1, Lost(), 10)
    assert caught.value.code == "part_refused"
    assert list(storage.list_parts(ref)) == []


def test_a_disk_that_is_not_there(local_place, tmp_path):
    """A mount that has gone is an outage, for each operation that needs it."""
    (tmp_path / "gone").write_bytes(b"")
    storage = LocalStorage(str(tmp_path / "gone" / "data"))
    for operation in (
        storage.create_upload,
        lambda: storage.put_part("ref", 1, io.BytesIO(b"x"), 1),
        lambda: list(storage.list_parts("ref")),
        lambda: storage.complete_upload("ref", ()),
        lambda: list(storage.read_from()),
        storage.head,
    ):
        with pytest.raises(StorageUnavailable):
            operation()


def test_a_commit_that_was_cut_off(opened):
    """Files left after the rename are taken away by the abort that follows."""
    storage, ref = opened
    data = os.urandom(100)
    storage.put_part(ref, 1, io.BytesIO(data), 100, offset=0)
    listed = list(storage.list_parts(ref))
    # The state between the rename and the tidying: the map is still there.
    storage._beside(ref, "staging").rename(storage._final)
    with pytest.raises(MultipartError) as caught:
        storage.complete_upload(ref, listed)
    assert caught.value.code == "upload_gone"
    assert storage.head().size == 100
    storage.abort_upload(ref)
    assert storage.find_uploads() == []
    assert read(storage) == data


def test_readers_while_a_commit_replaces_the_file(local_place):
    """Who reads gets the old or the new bytes, never a mixture."""
    storage, ref, listed = local_place.upload([b"a" * MIB])
    storage.complete_upload(ref, listed)
    seen, done = set(), threading.Event()

    def look():
        while not done.is_set():
            seen.add(read(storage))

    thread = threading.Thread(target=look)
    thread.start()
    for letter in (b"b", b"a", b"b"):
        _, ref, listed = local_place.upload([letter * MIB], storage)
        storage.complete_upload(ref, listed)
    done.set()
    thread.join()
    assert seen <= {b"a" * MIB, b"b" * MIB}
