# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The objects of a batch: listed, removed, and sent by signed links."""

from __future__ import annotations

import hashlib
import os
import socket
import time
import uuid
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from itertools import islice

import pytest
import requests
from botocore.exceptions import EndpointConnectionError

from invenio_multipart.core.bindings import PutBinding
from invenio_multipart.errors import StorageError, StorageUnavailable
from invenio_multipart.storage import s3_probe
from invenio_multipart.storage.prefix import ObjectPrefix
from invenio_multipart.storage.s3_client import connection

from .conftest import make_site
from .test_s3 import PATIENCE

BUCKET = os.environ.get("S3_BUCKET", "multipart")
ODD_NAMES = [
    "a b.txt",
    "a+b%41.txt",
    "q'\"<>&.txt",
    "ümläut/日本語/𝛂",
    "a/b/c",
    "a/b..c",
    "x\\y",
    "~t*()!;:@=,$",
    "tab%20",
    " lead",
    "trail ",
    "#?[]{}^`|",
    "line\nbreak",
]


def new_uri():
    """A prefix of nobody else, with characters that need encoding."""
    return f"s3://{BUCKET}/prefix/{uuid.uuid4()}/da ta+ü%/"


@pytest.fixture
def prefix():
    """An empty prefix, empty again afterwards."""
    prefix = ObjectPrefix(new_uri())
    yield prefix
    prefix.remove_uploads()
    prefix.remove_all()


@pytest.fixture
def odd_prefix():
    """An empty prefix with a client of its own, whose behaviour may be changed."""
    site = make_site(os.environ["S3_ENDPOINT_URL"])
    site.config["S3_CONFIG_EXTRA"] = {"user_agent_extra": str(uuid.uuid4())}
    with site.app_context():
        odd = ObjectPrefix(new_uri())
    yield odd
    ObjectPrefix(odd.uri).remove_all()


def on(prefix, event, change):
    """Change requests or replies of the prefix's client."""
    prefix._s3.client.meta.events.register(event, change)


def at(prefix, name):
    """Bucket and key arguments of an object."""
    bucket, _, path = prefix.uri.removeprefix("s3://").partition("/")
    return {"Bucket": bucket, "Key": path + name}


def put(prefix, *names, data=b"data"):
    """Make objects as somebody else would."""
    for name in names:
        connection().client.put_object(**at(prefix, name), Body=data)


def names_of(prefix):
    """Sorted names of all objects."""
    return sorted(entry.name for entry in prefix.list())


def put_many(prefix, count):
    """Make objects of one byte by signed links; their names."""
    names = [f"folder/{number:05}" for number in range(count)]
    session = requests.Session()
    adapter = requests.adapters.HTTPAdapter(pool_maxsize=8)
    session.mount("http://", adapter)
    links = list(prefix.sign_puts(map(PutBinding, names), 600))
    with ThreadPoolExecutor(8) as pool:
        replies = pool.map(
            lambda link: session.put(link.url, data=b"x", timeout=60), links
        )
        assert {reply.status_code for reply in replies} == {200}
    return names


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "s3://",
        "s3://bucket",
        "s3://bucket/",
        "s3://bucket//",
        "s3:///path/",
        "s3://bucket/path",
        "s3://bucket/path//",
        "S3://bucket/path/",
        "file:///bucket/path/",
        "/bucket/path/",
    ],
)
def test_what_is_no_prefix(uri):
    """A whole bucket is refused, and what could mean a file or other folders."""
    with pytest.raises(ValueError, match="not of the form"):
        ObjectPrefix(uri)


def test_a_listing_says_what_is_there(prefix):
    """Each object has its name below the prefix, its size, MD5 and time."""
    data = b"twelve bytes"
    before = datetime.now(timezone.utc) - timedelta(seconds=2)
    put(prefix, "a/b", data=data)
    (entry,) = prefix.list()
    assert entry.name == "a/b"
    assert entry.size == len(data)
    assert entry.etag == hashlib.md5(data).hexdigest()
    assert (
        before < entry.modified_at < datetime.now(timezone.utc) + timedelta(seconds=2)
    )
    assert entry.modified_at.utcoffset() == timedelta(0)


def test_odd_names(prefix):
    """Every name is listed as it was given, and removed by it."""
    put(prefix, *ODD_NAMES)
    assert names_of(prefix) == sorted(ODD_NAMES)
    for number, name in enumerate(ODD_NAMES, start=1):
        prefix.remove([name])
        assert names_of(prefix) == sorted(ODD_NAMES[number:])


def test_only_what_lies_below(prefix):
    """Names that begin like the prefix but are outside are neither seen nor removed."""
    beside = ObjectPrefix(prefix.uri[:-1] + "-beside/")
    put(prefix, "in")
    put(beside, "out")
    assert names_of(prefix) == ["in"]
    assert prefix.remove_all() == 1
    assert names_of(beside) == ["out"]
    assert beside.remove_all() == 1


def test_nothing_there(prefix):
    """An empty prefix lists nothing, and removing nothing is no error."""
    assert list(prefix.list()) == []
    assert prefix.remove_all() == 0
    assert prefix.remove_uploads() == 0
    prefix.remove([])
    prefix.remove(["gone", "gone too"])


def test_thousands(prefix):
    """2,500 objects are listed by pages without a gap, and removed by the thousand."""
    names = put_many(prefix, 2500)
    assert names_of(prefix) == names
    prefix.remove(name for name in names[:1001])
    assert names_of(prefix) == names[1001:]
    assert prefix.remove_all() == 1499
    assert prefix.remove_all() == 0


@pytest.mark.parametrize("size", [1, 7, 30])
def test_pages_of_any_size(odd_prefix, size):
    """Short pages are not taken for the last one."""

    def shorten(params, **_):
        params["MaxKeys"] = size

    on(odd_prefix, "before-parameter-build.s3.ListObjectsV2", shorten)
    names = put_many(odd_prefix, 30)
    assert names_of(odd_prefix) == names
    assert odd_prefix.remove_all() == 30
    assert names_of(odd_prefix) == []


def test_pages_are_asked_for_when_needed(odd_prefix):
    """Whoever looks at the first objects only pays for the first page."""
    calls = []

    def shorten(params, **_):
        params["MaxKeys"] = 5
        calls.append(params)

    on(odd_prefix, "before-parameter-build.s3.ListObjectsV2", shorten)
    put_many(odd_prefix, 12)
    listing = odd_prefix.list()
    assert calls == []
    assert len(list(islice(listing, 5))) == 5
    assert len(calls) == 1
    assert len(list(listing)) == 7
    assert len(calls) == 3


@pytest.mark.parametrize("token", [None, "same"])
def test_a_listing_that_ends_in_the_middle(odd_prefix, token):
    """Half a listing, or one that never ends, is an error and not a result."""

    def spoil(parsed, **_):
        parsed["IsTruncated"] = True
        parsed["NextContinuationToken"] = token

    def begin_again(params, **_):
        params.pop("ContinuationToken", None)

    put(odd_prefix, "a")
    on(odd_prefix, "after-call.s3.ListObjectsV2", spoil)
    on(odd_prefix, "before-parameter-build.s3.ListObjectsV2", begin_again)
    with pytest.raises(StorageError, match="did not finish"):
        list(odd_prefix.list())


def test_a_listing_of_something_else(odd_prefix):
    """A store that ignores the prefix is not believed: its list might be deleted."""

    def spoil(parsed, **_):
        for entry in parsed.get("Contents", []):
            entry["Key"] = "somebody's/" + entry["Key"]

    put(odd_prefix, "a")
    on(odd_prefix, "after-call.s3.ListObjectsV2", spoil)
    with pytest.raises(StorageError, match="elsewhere"):
        odd_prefix.remove_all()
    assert names_of(ObjectPrefix(odd_prefix.uri)) == ["a"]


def test_names_that_no_request_can_spell(prefix):
    """A name that XML cannot hold is removed too, and does not keep the others."""
    names = ["a\x01b", "c\x1fd", "e\uffff", "plain", "line\nbreak"]
    put(prefix, *names)
    prefix.remove(names)
    assert list(prefix.list()) == []


def test_what_the_store_keeps(odd_prefix):
    """Failures name the objects, after everything else has been removed."""

    def spoil(parsed, **_):
        parsed.setdefault("Errors", []).extend(
            [
                {"Key": "kept", "Code": "AccessDenied"},
                {"Key": "gone", "Code": "NoSuchKey"},
            ]
        )

    put(odd_prefix, "a", "b")
    on(odd_prefix, "after-call.s3.DeleteObjects", spoil)
    with pytest.raises(StorageError, match=r"kept 1 objects: 'kept' \(AccessDenied\)"):
        odd_prefix.remove(["a", "b"])
    assert names_of(odd_prefix) == []


@pytest.mark.parametrize("name", ODD_NAMES)
def test_links_send_whole_objects(prefix, name):
    """A bound link stores exactly the announced bytes under its name."""
    data = b"the whole object"
    md5 = b64encode(hashlib.md5(data).digest()).decode()
    before = datetime.now(timezone.utc)
    (link,) = prefix.sign_puts([PutBinding(name, len(data), md5)], 600)
    assert link.name == name
    assert timedelta(seconds=598) < link.expires_at - before < timedelta(seconds=602)
    assert link.headers == {"Content-Length": str(len(data)), "Content-MD5": md5}
    for wrong in (data[:-1], data.upper()):
        reply = requests.put(
            link.url, data=wrong, headers={"Content-MD5": md5}, timeout=10
        )
        assert reply.status_code in (400, 403)
    assert list(prefix.list()) == []
    reply = requests.put(link.url, data=data, headers={"Content-MD5": md5}, timeout=10)
    assert reply.status_code == 200
    (entry,) = prefix.list()
    assert (entry.name, entry.size) == (name, len(data))


def with_both(data):
    """A binding by both digests, as they are announced."""
    md5, sha256 = (
        b64encode(hashlib.new(name, data).digest()).decode()
        for name in ("md5", "sha256")
    )
    return PutBinding("a", len(data), md5, sha256)


def test_links_bound_by_sha256(prefix):
    """Where the store proves it; it takes these bytes only, and only with the header."""
    data = b"the whole object"
    binding = with_both(data)
    (link,) = prefix.sign_puts([binding], 600)
    header = {"x-amz-checksum-sha256": binding.sha256}
    assert link.headers == {"Content-Length": str(len(data)), **header}
    other = {"x-amz-checksum-sha256": with_both(data.upper()).sha256}
    for wrong, headers in ((data.upper(), header), (data.upper(), other), (data, {})):
        reply = requests.put(link.url, data=wrong, headers=headers, timeout=10)
        assert reply.status_code in (400, 403)
    assert list(prefix.list()) == []
    reply = requests.put(link.url, data=data, headers=header, timeout=10)
    assert reply.status_code == 200
    (entry,) = prefix.list()
    assert entry.etag == hashlib.md5(data).hexdigest()


def test_a_sha256_alone_binds_nothing(prefix):
    """What is in the store is compared with the MD5, which has to be known."""
    binding = with_both(b"data")._replace(md5=None)
    (link,) = prefix.sign_puts([binding], 600)
    assert link.headers == {"Content-Length": "4"}


@pytest.mark.parametrize("ignored", ["accepts", "refuses"])
def test_a_store_that_proves_no_sha256(odd_prefix, ignored):
    """It takes wrong ones, or refuses the right one as well: then MD5 binds."""

    def change(params, **_):
        if ignored == "accepts":
            params["headers"].pop("x-amz-checksum-sha256")
        else:
            params["headers"]["x-amz-checksum-sha256"] = "no-digest"

    on(odd_prefix, "before-call.s3.PutObject", change)
    s3_probe._refuses.clear()
    s3_probe._asked_at.clear()
    binding = with_both(b"data")
    (link,) = odd_prefix.sign_puts([binding], 600)
    assert link.headers == {"Content-Length": "4", "Content-MD5": binding.md5}
    s3_probe._refuses.clear()
    s3_probe._asked_at.clear()


def test_a_store_that_does_not_answer_is_asked_later(odd_prefix, monkeypatch):
    """Links are signed all the same, and it is not asked for each of them."""
    s3_probe._refuses.clear()
    s3_probe._asked_at.clear()
    asked = []

    def fail(**_):
        asked.append(1)
        if len(asked) == 1:
            raise EndpointConnectionError(endpoint_url="http://127.0.0.1:9")

    on(odd_prefix, "before-call.s3.PutObject", fail)
    bindings = [with_both(b"data")] * 3
    assert all(
        "Content-MD5" in link.headers for link in odd_prefix.sign_puts(bindings, 9)
    )
    assert len(asked) == 1
    monkeypatch.setattr(s3_probe, "_AGAIN_SECONDS", 0.0)
    assert not any(
        "Content-MD5" in link.headers for link in odd_prefix.sign_puts(bindings, 9)
    )
    assert (
        list(ObjectPrefix("s3://" + at(odd_prefix, "")["Bucket"] + PROBES).list()) == []
    )


PROBES = "/.invenio-multipart-probe/"


def test_links_need_no_store():
    """Signing asks nobody and carries the address that clients see."""
    site = make_site("http://127.0.0.1:9")
    site.config["MULTIPART_S3_PUBLIC_ENDPOINT_URL"] = "https://files.example.org"
    with site.app_context():
        prefix = ObjectPrefix("s3://bucket/a b/")
    links = list(prefix.sign_puts(map(PutBinding, ["c d", "e"]), 60))
    assert [link.name for link in links] == ["c d", "e"]
    assert links[0].url.startswith("https://files.example.org/bucket/a%20b/c%20d?")


def open_upload(prefix, name):
    """An upload that a client began; its name."""
    return connection().client.create_multipart_upload(**at(prefix, name))["UploadId"]


@pytest.mark.parametrize("size", [1000, 2])
def test_open_uploads_are_ended(odd_prefix, size):
    """All uploads below the prefix end, several of one key too, and no others."""

    def shorten(params, **_):
        params["MaxUploads"] = size

    on(odd_prefix, "before-parameter-build.s3.ListMultipartUploads", shorten)
    beside = ObjectPrefix(odd_prefix.uri[:-1] + "-beside/")
    open_upload(beside, "out")
    names = ["a", "b", "b", "b", "folder/ü +%"]
    uploads = [(name, open_upload(odd_prefix, name)) for name in names]
    assert odd_prefix.remove_uploads() == len(names)
    assert odd_prefix.remove_uploads() == 0
    client = connection().client
    for name, upload in uploads:
        with pytest.raises(client.exceptions.ClientError):
            client.list_parts(**at(odd_prefix, name), UploadId=upload)
    assert beside.remove_uploads() == 1


def test_threads_need_no_application(prefix):
    """What has been made in an application works on in threads without one."""
    with ThreadPoolExecutor(2) as pool:
        assert pool.submit(names_of, prefix).result() == []
        links = pool.submit(list, prefix.sign_puts([PutBinding("a")], 60)).result()
        requests.put(links[0].url, data=b"x", timeout=10)
        assert pool.submit(prefix.remove_uploads).result() == 0
        assert pool.submit(prefix.remove_all).result() == 1


OPERATIONS = {
    "list": lambda prefix: list(prefix.list()),
    "remove": lambda prefix: prefix.remove(["a"]),
    "remove_unspeakable": lambda prefix: prefix.remove(["\x01"]),
    "remove_all": lambda prefix: prefix.remove_all(),
    "remove_uploads": lambda prefix: prefix.remove_uploads(),
    "adopt": lambda prefix: prefix.adopt("a", "s3://bucket/b", "0" * 32, 1),
    "adopt_in_parts": lambda prefix: prefix.adopt(
        "a", "s3://bucket/b", "0" * 32, 6 * 2**30
    ),
}


def test_a_store_that_is_down():
    """Every operation says so, in our words and in bounded time."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with make_site(f"http://127.0.0.1:{unused.getsockname()[1]}").app_context():
            prefix = ObjectPrefix("s3://bucket/path/")

        def attempt(operation):
            begun = time.monotonic()
            with pytest.raises(StorageUnavailable):
                operation(prefix)
            return time.monotonic() - begun

        with ThreadPoolExecutor(len(OPERATIONS)) as pool:
            seconds = dict(zip(OPERATIONS, pool.map(attempt, OPERATIONS.values())))
    assert {name: t for name, t in seconds.items() if t > PATIENCE} == {}
