# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What only an S3 server does: checksums of its own, signed links, being down."""

from __future__ import annotations

import os
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

import pytest
import requests

from invenio_multipart.core.bindings import PartBinding
from invenio_multipart.core.digests import composite_etag
from invenio_multipart.core.ledger import StoredPart, expected_crc
from invenio_multipart.errors import NotAllowedHere, StorageUnavailable
from invenio_multipart.storage.base import MultipartUploadMixin
from invenio_multipart.storage.s3 import S3Storage
from invenio_multipart.storage.s3_client import connection

from .conftest import make_site

PATIENCE = 25
"""Seconds in which each operation must have given up on a store that is down."""


def test_the_store_proves_the_whole_by_itself(s3_place):
    """The CRC it reports of the object is the one that its parts' CRCs give."""
    parts = [s3_place.data(), s3_place.data(), s3_place.data(17)]
    storage, ref, listed = s3_place.upload(parts)
    storage.complete_upload(ref, listed)
    server = requests.head(os.environ["S3_ENDPOINT_URL"], timeout=10).headers
    stored = storage.head()
    assert stored.etag == composite_etag(part.etag for part in listed)
    assert stored.crc64nvme == expected_crc(listed)
    if server.get("Server", "").upper().startswith("VERSITYGW"):
        assert stored.crc64nvme is not None


def test_links_tell_what_they_need(s3_place):
    """Each link has its number, its headers and the moment when it ends."""
    storage = s3_place.file()
    ref = storage.create_upload().ref
    bindings = [PartBinding(3), PartBinding(1, 10, "1B2M2Y8AsgTpgAmY7PhCfg==")]
    before = datetime.now(timezone.utc)
    links = list(storage.sign_parts(ref, bindings, 600))
    assert [link.part for link in links] == [3, 1]
    assert links[0].headers == {}
    assert set(links[1].headers) == {"Content-Length", "Content-MD5"}
    for link in links:
        left = link.expires_at - before
        assert timedelta(seconds=598) < left < timedelta(seconds=602)
        assert link.url.startswith(os.environ["S3_ENDPOINT_URL"])
    storage.abort_upload(ref)


def test_links_without_anything_bound(s3_place, monkeypatch):
    """Made without an object for each, they are the same links."""
    now = datetime.now(timezone.utc)
    monkeypatch.setattr("invenio_multipart.storage.s3.datetime", Stopped(now))
    storage = s3_place.file()
    links = storage.sign_parts("ref", [PartBinding(7), PartBinding(1)], 600)
    expected = [(link.url, link.expires_at) for link in links]
    for sign in (S3Storage.sign_unbound, MultipartUploadMixin.sign_unbound):
        expires_at, urls = sign(storage, "ref", [7, 1], 600)
        assert [(url, expires_at) for url in urls] == expected


@dataclass
class Stopped:
    """A clock that stands still."""

    moment: datetime

    def now(self, zone):
        """The moment it shows."""
        return self.moment.astimezone(zone)


def test_a_link_serves_one_part_for_its_time(s3_place):
    """Another number is refused, and so is the link once it has expired."""
    storage = s3_place.file()
    ref = storage.create_upload().ref
    (link,) = storage.sign_parts(ref, [PartBinding(1)], 1)
    other = link.url.replace("partNumber=1", "partNumber=2")
    assert requests.put(other, data=b"x", timeout=10).status_code == 403
    time.sleep(2.1)
    assert requests.put(link.url, data=b"x", timeout=10).status_code in (400, 403)
    assert list(storage.list_parts(ref)) == []
    storage.abort_upload(ref)


def test_the_server_takes_no_bytes(s3_place, local_place):
    """Neither way of sending parts pretends to be the other."""
    with pytest.raises(NotAllowedHere):
        s3_place.file().put_part("ref", 1, None, 1)
    with pytest.raises(NotAllowedHere):
        local_place.file().sign_parts("ref", [], 600)
    with pytest.raises(NotAllowedHere):
        local_place.file().sign_unbound("ref", [1], 600)


PART = StoredPart(1, 1, "0" * 32)
OPERATIONS = {
    "create_upload": lambda storage: storage.create_upload(),
    "find_uploads": lambda storage: storage.find_uploads(),
    "list_parts": lambda storage: list(storage.list_parts("ref")),
    "complete_upload": lambda storage: storage.complete_upload("ref", [PART]),
    "complete_empty": lambda storage: storage.complete_upload("ref", ()),
    "head": lambda storage: storage.head(),
    "abort_upload": lambda storage: storage.abort_upload("ref"),
    "remove_object": lambda storage: storage.remove_object(),
    "read_from": lambda storage: list(storage.read_from()),
}


def test_a_store_that_is_down():
    """Every operation says so, in our words and in bounded time."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        site = make_site(f"http://127.0.0.1:{unused.getsockname()[1]}")

        def attempt(operation):
            begun = time.monotonic()
            with site.app_context(), pytest.raises(StorageUnavailable):
                operation(S3Storage("s3://bucket/key"))
            return time.monotonic() - begun

        # All at once: most of the time goes into waiting before a second try.
        with ThreadPoolExecutor(len(OPERATIONS)) as pool:
            seconds = dict(zip(OPERATIONS, pool.map(attempt, OPERATIONS.values())))
    assert {name: t for name, t in seconds.items() if t > PATIENCE} == {}


def test_links_need_no_store():
    """Signing asks nobody, so a store that is down does not hold up a reply."""
    with make_site("http://127.0.0.1:9").app_context():
        storage = S3Storage("s3://bucket/key")
        links = list(storage.sign_parts("ref", [PartBinding(1)], 60))
    assert links[0].url.startswith("http://127.0.0.1:9/bucket/key?uploadId=ref")


@pytest.mark.parametrize("key", ["k", "a/b c/~ü%+.h5", "folder/", "k/k"])
@pytest.mark.parametrize("style", ["path", "virtual"])
def test_addresses_are_those_of_the_client(key, style):
    """An object's URL is the one that botocore would use, for every key."""
    site = make_site("http://s3.example.org:9000")
    site.config["S3_CONFIG_EXTRA"] = {"s3": {"addressing_style": style}}
    with site.app_context():
        s3 = connection()
        for _ in range(2):
            theirs = s3.public_client.generate_presigned_url(
                "put_object", {"Bucket": "bucket", "Key": key}
            )
            assert s3.object_url("bucket", key) == theirs.partition("?")[0]
    assert ("//bucket." in theirs) == (style == "virtual")


def test_the_address_that_clients_see():
    """Links carry the public address where a site has set one."""
    site = make_site("http://127.0.0.1:9")
    site.config["MULTIPART_S3_PUBLIC_ENDPOINT_URL"] = "https://files.example.org"
    with site.app_context():
        storage = S3Storage("s3://bucket/key")
        (link,) = storage.sign_parts("ref", [PartBinding(1)], 60)
    assert link.url.startswith("https://files.example.org/bucket/key?")
