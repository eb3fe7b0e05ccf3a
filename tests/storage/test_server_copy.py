# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Copies within the store: exactly what was listed, or nothing."""

from __future__ import annotations

import os
import random
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from urllib.parse import unquote

import pytest
import requests
from botocore.exceptions import ReadTimeoutError

from invenio_multipart.core.digests import composite_etag
from invenio_multipart.errors import ObjectMissing, PartsMismatch, StorageUnavailable
from invenio_multipart.storage.prefix import ObjectPrefix
from invenio_multipart.storage.s3 import S3Storage
from invenio_multipart.storage.s3_client import connection

from .conftest import make_site
from .places import md5_of

BUCKET = os.environ.get("S3_BUCKET", "multipart")
MIB = 2**20
PART = 5 * MIB
BIG = random.Random(4).randbytes(12 * MIB)
NAMES = ["a", "folder/ü +%41'\"&#?.txt"]


@pytest.fixture
def place():
    """A folder for sources and targets of one test, empty afterwards."""
    place = ObjectPrefix(f"s3://{BUCKET}/copies/{uuid.uuid4()}/")
    yield place
    place.remove_uploads()
    place.remove_all()


@pytest.fixture
def prefix(place):
    """Where sources lie; above 10 MiB they are copied in parts.

    With a client of its own, whose behaviour may be changed.
    """
    site = make_site(os.environ["S3_ENDPOINT_URL"])
    site.config["S3_CONFIG_EXTRA"] = {"user_agent_extra": str(uuid.uuid4())}
    with site.app_context():
        return ObjectPrefix(f"{place.uri}in/", copy_limit=10 * MIB, copy_part_size=PART)


@pytest.fixture
def target(place):
    """Where copies go."""
    return S3Storage(f"{place.uri}out/da ta+ü~1")


@pytest.fixture(params=["minds", "ignores"])
def prefix_either(request, prefix):
    """Of a store that minds the ETag it is given, and of one that ignores it."""
    if request.param == "ignores":

        def ignore(request, **_):
            del request.headers["x-amz-copy-source-if-match"]

        for operation in ("CopyObject", "UploadPartCopy"):
            on(prefix, f"before-sign.s3.{operation}", ignore)
    return prefix


def on(prefix, event, change):
    """Change requests or replies of the prefix's client."""
    prefix._s3.client.meta.events.register(event, change)


def put(prefix, name, data, content_type="text/x-odd"):
    """Make an object as somebody else would, and list it."""
    bucket, _, path = prefix.uri.removeprefix("s3://").partition("/")
    connection().client.put_object(
        Bucket=bucket, Key=path + name, Body=data, ContentType=content_type
    )
    return next(entry for entry in prefix.list() if entry.name == name)


def bytes_of(storage):
    """All of an object."""
    return b"".join(storage.read_from())


def content_type_of(storage):
    """As the store keeps it."""
    return connection().client.head_object(**storage._at)["ContentType"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("data", [b"", b"data", BIG], ids=["empty", "small", "big"])
def test_a_copy(prefix_either, target, name, data):
    """Bytes and content type arrive, the source stays, and again is the same."""
    prefix = prefix_either
    listed = put(prefix, name, data)
    for _ in range(2):
        copy = prefix.adopt(name, target.fileurl, listed.etag, listed.size)
        assert copy == target.head()
        assert copy.size == len(data)
        assert bytes_of(target) == data
        assert content_type_of(target) == "text/x-odd"
    assert list(prefix.list()) == [listed]
    assert target.find_uploads() == []


def test_a_big_copy_has_its_parts(prefix, target):
    """Parts have the size that was set, and their numbers the order of the bytes."""
    listed = put(prefix, "a", BIG)
    copy = prefix.adopt("a", target.fileurl, listed.etag, listed.size)
    pieces = [BIG[start : start + PART] for start in range(0, len(BIG), PART)]
    assert copy.etag == composite_etag(map(md5_of, pieces))


def test_a_store_that_decodes_names_twice(prefix, target):
    """A name with an encoded letter is not taken for the name with the letter."""

    def decode(params, **_):
        headers = params["headers"]
        headers["x-amz-copy-source"] = unquote(headers["x-amz-copy-source"])

    listed = put(prefix, "x%41", BIG)
    put(prefix, "xA", BIG[::-1])
    server = requests.head(os.environ["S3_ENDPOINT_URL"], timeout=10).headers
    if server.get("Server", "").upper().startswith("VERSITYGW"):
        # Ceph 16 does it by itself.
        on(prefix, "before-call.s3.UploadPartCopy", decode)
    prefix.adopt("x%41", target.fileurl, listed.etag, listed.size)
    assert bytes_of(target) == BIG


def test_to_another_bucket(prefix):
    """Source and target may lie in different buckets."""
    client, bucket = connection().client, f"copies-{uuid.uuid4()}"
    client.create_bucket(Bucket=bucket)
    target = S3Storage(f"s3://{bucket}/key")
    try:
        for data in (b"data", BIG):
            listed = put(prefix, "a", data)
            prefix.adopt("a", target.fileurl, listed.etag, listed.size)
            assert bytes_of(target) == data
    finally:
        target.remove_object()
        client.delete_bucket(Bucket=bucket)


@pytest.mark.parametrize("size", [4, len(BIG)])
def test_replaced_before(prefix_either, target, size):
    """Another object of the same size is refused, whatever the store minds."""
    listed = put(prefix_either, "a", BIG[:size])
    put(prefix_either, "a", BIG[:size][::-1])
    with pytest.raises(PartsMismatch, match="'a' is not the one that was listed"):
        prefix_either.adopt("a", target.fileurl, listed.etag, listed.size)
    assert target.head() is None
    assert target.find_uploads() == []


@pytest.mark.parametrize("before", [4, len(BIG)])
@pytest.mark.parametrize("after", [0, 3, 5, PART, len(BIG) + 1])
def test_another_size(prefix_either, target, before, after):
    """An object that grew or shrank is refused, whatever the store minds."""
    listed = put(prefix_either, "a", BIG[:before])
    put(prefix_either, "a", (BIG + b"x")[:after])
    with pytest.raises(PartsMismatch):
        prefix_either.adopt("a", target.fileurl, listed.etag, listed.size)
    assert target.head() is None
    assert target.find_uploads() == []


@pytest.mark.parametrize("size", [4, len(BIG)])
def test_a_wrong_listing(prefix, target, size):
    """The right ETag with a wrong size is refused, and no copy stays."""
    listed = put(prefix, "a", BIG[:size])
    with pytest.raises(PartsMismatch):
        prefix.adopt("a", target.fileurl, listed.etag, listed.size - 1)
    assert target.head() is None


def test_a_reply_that_is_enough(prefix, target):
    """Where the reply names the listed MD5, one call makes the copy, if so wanted."""
    listed = put(prefix, "a", b"data")
    asked = []
    on(prefix, "before-call.s3", lambda model, **_: asked.append(model.name))
    copy = prefix.adopt("a", target.fileurl, listed.etag, listed.size, confirm=False)
    assert asked == ["CopyObject"]
    assert (copy.size, copy.etag) == (4, md5_of(b"data"))
    assert bytes_of(target) == b"data"


def test_a_reply_that_is_not_enough(prefix_either, target):
    """Another object of the same size is refused without confirmation, too."""
    listed = put(prefix_either, "a", b"data")
    put(prefix_either, "a", b"atad")
    with pytest.raises(PartsMismatch, match="'a' is not the one that was listed"):
        prefix_either.adopt(
            "a", target.fileurl, listed.etag, listed.size, confirm=False
        )
    assert target.head() is None


def test_a_reply_without_an_md5(prefix, target):
    """Where ETags are no MD5s, the copy is looked at whatever was wanted."""
    listed = put(prefix, "a", b"data")
    asked = []

    def say_nothing(parsed, **_):
        parsed["CopyObjectResult"]["ETag"] = '"' + "f" * 32 + '"'

    on(prefix, "after-call.s3.CopyObject", say_nothing)
    on(prefix, "before-call.s3", lambda model, **_: asked.append(model.name))
    prefix.adopt("a", target.fileurl, listed.etag, listed.size, confirm=False)
    assert asked == ["CopyObject", "HeadObject"]


@pytest.mark.parametrize("size", [4, len(BIG)])
def test_no_source(prefix, target, size):
    """An object that is gone is called missing."""
    listed = put(prefix, "a", BIG[:size])
    prefix.remove(["a"])
    with pytest.raises(ObjectMissing, match="'a' is not in the store"):
        prefix.adopt("a", target.fileurl, listed.etag, listed.size)
    assert target.head() is None
    assert target.find_uploads() == []


@pytest.mark.parametrize("shorter", [0, PART])
def test_replaced_between_parts(prefix_either, target, shorter):
    """An object that is replaced while it is copied gives no mixture of both."""
    listed = put(prefix_either, "a", BIG)
    calls, lock = count(1), threading.Lock()
    other = BIG[::-1][: len(BIG) - shorter]
    client, at = connection().client, S3Storage(f"{prefix_either.uri}a")._at

    def replace(**_):
        # The others wait: the last part is copied after the replacement.
        with lock:
            if next(calls) == 3:
                client.put_object(**at, Body=other)

    on(prefix_either, "before-call.s3.UploadPartCopy", replace)
    with pytest.raises(PartsMismatch):
        prefix_either.adopt("a", target.fileurl, listed.etag, listed.size)
    assert target.head() is None
    assert target.find_uploads() == []


def test_the_store_fails_in_the_middle(prefix, target):
    """A part that cannot be copied ends the upload, and the next attempt succeeds."""
    listed = put(prefix, "a", BIG)
    failing = [True]

    def fail(params, **_):
        if failing and params["query_string"]["partNumber"] == 2:
            raise ReadTimeoutError(endpoint_url="http://store")

    on(prefix, "before-call.s3.UploadPartCopy", fail)
    with pytest.raises(StorageUnavailable):
        prefix.adopt("a", target.fileurl, listed.etag, listed.size)
    assert target.head() is None
    assert target.find_uploads() == []
    failing.clear()
    prefix.adopt("a", target.fileurl, listed.etag, listed.size)
    assert bytes_of(target) == BIG


def test_a_reply_that_was_lost(prefix, target):
    """A completion that is repeated because its reply was lost is a completion."""
    listed = put(prefix, "a", BIG)

    wanted = ("PartNumber", "ETag", "ChecksumCRC64NVME")

    def complete_first(params, **_):
        client = connection().client
        found = client.list_parts(**target._at, UploadId=params["UploadId"])
        parts = [
            {name: part[name] for name in wanted if name in part}
            for part in found["Parts"]
        ]
        client.complete_multipart_upload(
            **target._at,
            UploadId=params["UploadId"],
            MultipartUpload={"Parts": parts},
        )

    on(prefix, "provide-client-params.s3.CompleteMultipartUpload", complete_first)
    copy = prefix.adopt("a", target.fileurl, listed.etag, listed.size)
    assert copy.size == len(BIG)
    assert bytes_of(target) == BIG


def test_what_a_killed_worker_left(prefix, target):
    """An upload left at the target by a copy that never ended goes away."""
    listed = put(prefix, "a", BIG)
    target.create_upload()
    prefix.adopt("a", target.fileurl, listed.etag, listed.size)
    assert target.find_uploads() == []
    assert bytes_of(target) == BIG


def test_an_earlier_copy_is_kept(prefix, target):
    """Once the source is gone, asking again leaves the copy of before in place."""
    listed = put(prefix, "a", b"data")
    prefix.adopt("a", target.fileurl, listed.etag, listed.size)
    prefix.remove(["a"])
    with pytest.raises(ObjectMissing):
        prefix.adopt("a", target.fileurl, listed.etag, listed.size)
    assert bytes_of(target) == b"data"


def test_many_at_once(prefix, place):
    """Threads without an application may copy side by side."""
    sources = {f"{number}": BIG[: number * 4 * MIB] for number in range(4)}
    listed = [put(prefix, name, data) for name, data in sources.items()]

    def adopt(entry):
        target = f"{place.uri}out/{entry.name}"
        return prefix.adopt(entry.name, target, entry.etag, entry.size).size

    with ThreadPoolExecutor(4) as pool:
        sizes = list(pool.map(adopt, listed))
    assert sizes == [len(data) for data in sources.values()]
    for name, data in sources.items():
        assert bytes_of(S3Storage(f"{place.uri}out/{name}")) == data
