# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The signer, held to botocore's own links for the same moment."""

from __future__ import annotations

from datetime import datetime, timezone
from functools import cache
from time import process_time
from urllib.parse import quote

import pytest

botocore_auth = pytest.importorskip("botocore.auth")

import botocore.session  # noqa: E402
from botocore.config import Config  # noqa: E402
from hypothesis import given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from invenio_multipart.core.bindings import PartBinding, PutBinding  # noqa: E402
from invenio_multipart.core.keys import check_key  # noqa: E402
from invenio_multipart.core.sigv4 import Credentials, GetSigner, PartSigner, PutSigner  # noqa: E402
from invenio_multipart.errors import InvalidKey  # noqa: E402

MOMENT = datetime(2026, 2, 28, 23, 59, 58, tzinfo=timezone.utc)
EMPTY_MD5 = "1B2M2Y8AsgTpgAmY7PhCfg=="
BINDINGS = [
    PartBinding(1),
    PartBinding(2, size=5 * 2**20),
    PartBinding(3, md5=EMPTY_MD5),
    PartBinding(10_000, size=0, md5=EMPTY_MD5),
    PartBinding(4, size=5 * 2**30),
    PartBinding(5),
]
EMPTY_SHA256 = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
BOUNDS = [
    (None, None, None),
    (17, None, None),
    (0, EMPTY_MD5, None),
    (0, None, EMPTY_SHA256),
    (None, EMPTY_MD5, EMPTY_SHA256),
]
TOKEN = "FwoGZXIvYXdzEBY+/=" * 20
ODD = "a/b c+d~e*f'g(h)i!j&k$l,m;n=o:p@q%41r.s..t/ümläut/日本語/𝛂#?[x]{y}|\\^`\"<>"


@pytest.fixture(autouse=True, scope="module")
def frozen_clock():
    """Botocore signs at the same moment as we do."""
    with pytest.MonkeyPatch.context() as patch:

        def now(remove_tzinfo=True):
            return MOMENT.replace(tzinfo=None) if remove_tzinfo else MOMENT

        patch.setattr(botocore_auth, "get_current_datetime", now)
        yield


@cache
def reference(endpoint: str, region: str, style: str, token: str | None):
    """Botocore's client for these settings."""
    session = botocore.session.Session()
    session.set_credentials("AKIDEXAMPLE/+", "se+cr/et", token)
    config = Config(
        signature_version="s3v4",
        s3={"addressing_style": style},
        request_checksum_calculation="when_required",
    )
    return session.create_client(
        "s3", region_name=region, endpoint_url=endpoint, config=config
    )


def check_equal(
    key: str = ODD,
    *,
    endpoint: str = "http://127.0.0.1:9000",
    region: str = "us-east-1",
    style: str = "path",
    token: str | None = None,
    upload_id: str = "upload-1",
    expires: int = 604_800,
    bindings: list[PartBinding] = BINDINGS,
) -> list[str]:
    """Our links equal botocore's, byte by byte; returns them."""
    client = reference(endpoint, region, style, token)
    scheme, _, host = endpoint.partition("://")
    place = f"{host}/bucket" if style == "path" else f"bucket.{host}"
    signer = PartSigner(
        f"{scheme}://{place}/{quote(key, safe='/-_.~')}",
        Credentials("AKIDEXAMPLE/+", "se+cr/et", token),
        region,
        MOMENT,
        expires,
    )
    ours = list(signer.links(upload_id, bindings))
    assert [binding for binding, _ in ours] == bindings
    for binding, url in ours:
        params = {"Bucket": "bucket", "Key": key, "UploadId": upload_id}
        params["PartNumber"] = binding.number
        if binding.size is not None:
            params["ContentLength"] = binding.size
        if binding.md5 is not None:
            params["ContentMD5"] = binding.md5
        theirs = client.generate_presigned_url("upload_part", params, expires)
        assert url == theirs
    numbers = [binding.number for binding in bindings]
    unbound = [url for _, url in signer.links(upload_id, map(PartBinding, numbers))]
    assert list(signer.urls(upload_id, numbers)) == unbound
    return [url for _, url in ours]


@pytest.mark.parametrize(
    "key",
    [
        "k",
        "ab/cd/1234/data",
        ODD,
        *ODD.replace("/", ""),
        "x..y/...z",
        "~tilde/%2F%20%zz",
        "a=b&X-Amz-Signature=0",
        "x" * 1024,
    ],
    ids=lambda key: ascii(key)[:30],
)
def test_odd_keys(key):
    """Every character is encoded in the path as botocore does it."""
    check_equal(key)


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://127.0.0.1:9000",
        "http://s3.example.org",
        "http://s3.example.org:80",
        "http://s3.example.org:443",
        "https://s3.example.org",
        "https://s3.example.org:443",
        "https://s3.example.org:80",
        "https://s3.example.org:8443",
        "https://S3.Example.ORG",
        "http://[::1]:9000",
        "https://[2001:db8::1]",
        "https://[2001:db8::1]:443",
    ],
)
def test_hosts_and_ports(endpoint):
    """The signed host is the one a client sends: no default port, IPv6 in brackets."""
    check_equal(endpoint=endpoint)


@pytest.mark.parametrize("style", ["path", "virtual"])
@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1", "default", "garage"])
@pytest.mark.parametrize("token", [None, "t", TOKEN], ids=["none", "short", "long"])
def test_regions_styles_and_sessions(style, region, token):
    """Either addressing style, any region, with and without a session token."""
    check_equal(
        endpoint="https://s3.example.org:9000", style=style, region=region, token=token
    )


@pytest.mark.parametrize(
    "upload_id", ["2~aB-_.c", "a+b/c==", "ä ö&=?#%25", "x" * 300], ids=ascii
)
@pytest.mark.parametrize("expires", [1, 604_800])
def test_upload_ids_and_lifetimes(upload_id, expires):
    """Stores choose upload ids freely; they are encoded in the query."""
    check_equal(upload_id=upload_id, expires=expires)


def safe(key: str) -> bool:
    """Whether our uploads may have this key."""
    try:
        return bool(check_key(key))
    except InvalidKey:
        return False


@given(
    key=st.text(min_size=1, max_size=40).filter(safe),
    upload_id=st.text(st.characters(codec="utf-8"), min_size=1, max_size=40),
    token=st.sampled_from([None, TOKEN]),
    style=st.sampled_from(["path", "virtual"]),
    expires=st.integers(1, 604_800),
    bindings=st.lists(
        st.builds(
            PartBinding,
            st.integers(1, 10_000),
            st.none() | st.integers(0, 5 * 2**30),
            st.none() | st.just(EMPTY_MD5),
        ),
        min_size=1,
        max_size=3,
    ),
)
def test_any_input(key, upload_id, token, style, expires, bindings):
    """Any key, upload id, lifetime and mixture of bindings."""
    check_equal(
        key,
        upload_id=upload_id,
        token=token,
        style=style,
        expires=expires,
        bindings=bindings,
        endpoint="https://s3.example.org",
    )


def test_what_a_bound_link_tells_its_client():
    """The headers of a binding are those that the link signs."""
    bound = PartBinding(1, size=17, md5=EMPTY_MD5)
    assert bound.headers == {"Content-Length": "17", "Content-MD5": EMPTY_MD5}
    assert PartBinding(1).headers == {}
    (url,) = check_equal(bindings=[bound])
    assert "X-Amz-SignedHeaders=content-length%3Bcontent-md5%3Bhost" in url


def check_puts_equal(
    paths: list[str],
    *,
    prefix: str = "",
    endpoint: str = "https://s3.example.org",
    region: str = "us-east-1",
    style: str = "path",
    token: str | None = None,
    bounds: list[tuple[int | None, str | None, str | None]] = BOUNDS,
) -> None:
    """Our links to whole objects equal botocore's, byte by byte."""
    client = reference(endpoint, region, style, token)
    scheme, _, host = endpoint.partition("://")
    place = f"{host}/bucket" if style == "path" else f"bucket.{host}"
    signer = PutSigner(
        f"{scheme}://{place}/{quote(prefix, safe='/-_.~')}",
        Credentials("AKIDEXAMPLE/+", "se+cr/et", token),
        region,
        MOMENT,
        604_800,
    )
    bindings = [
        PutBinding(path, size, md5, sha256)
        for path in paths
        for size, md5, sha256 in bounds
    ]
    ours = list(signer.links(bindings))
    assert [binding for binding, _ in ours] == bindings
    for binding, url in ours:
        params = {"Bucket": "bucket", "Key": prefix + binding.path}
        if binding.size is not None:
            params["ContentLength"] = binding.size
        if binding.md5 is not None:
            params["ContentMD5"] = binding.md5
        if binding.sha256 is not None:
            params["ChecksumSHA256"] = binding.sha256
        assert url == client.generate_presigned_url("put_object", params, 604_800)


def test_whole_objects():
    """Links to whole objects take the odd keys that links to parts take."""
    check_puts_equal(["k", "~tilde/%2F%20%zz", ODD, *ODD.replace("/", ""), "x" * 900])


@pytest.mark.parametrize("prefix", ["", "a/b c/", "ü/~+%41/", "no-slash"])
@pytest.mark.parametrize("style", ["path", "virtual"])
@pytest.mark.parametrize("region", ["us-east-1", "default"])
@pytest.mark.parametrize("token", [None, TOKEN], ids=["none", "long"])
@pytest.mark.parametrize("endpoint", ["http://h.org:9000", "https://h.org:443"])
def test_whole_objects_anywhere(prefix, style, region, token, endpoint):
    """Any prefix, addressing style, region and session, at any address."""
    check_puts_equal(
        ["a/b.h5", ODD],
        prefix=prefix,
        endpoint=endpoint,
        region=region,
        style=style,
        token=token,
    )


@given(
    paths=st.lists(
        st.text(min_size=1, max_size=40).filter(safe), min_size=1, max_size=3
    ),
    token=st.sampled_from([None, TOKEN]),
    style=st.sampled_from(["path", "virtual"]),
    bounds=st.lists(
        st.tuples(
            st.none() | st.integers(0, 5 * 2**30),
            st.sampled_from([None, "x="]),
            st.sampled_from([None, "y="]),
        ),
        min_size=1,
        max_size=3,
    ),
)
def test_any_whole_object(paths, token, style, bounds):
    """Any keys below one prefix, with any mixture of bindings."""
    check_puts_equal(paths, prefix="a/b/", token=token, style=style, bounds=bounds)


@pytest.mark.parametrize("style", ["path", "virtual"])
@pytest.mark.parametrize("token", [None, TOKEN], ids=["none", "long"])
@pytest.mark.parametrize("endpoint", ["http://h.org:9000", "https://h.org:443"])
def test_links_for_reading(style, token, endpoint):
    """Our links for reading objects equal botocore's, byte by byte."""
    client = reference(endpoint, "us-east-1", style, token)
    scheme, _, host = endpoint.partition("://")
    place = f"{host}/bucket" if style == "path" else f"bucket.{host}"
    signer = GetSigner(
        f"{scheme}://{place}/",
        Credentials("AKIDEXAMPLE/+", "se+cr/et", token),
        "us-east-1",
        MOMENT,
        3600,
    )
    keys = ["k", "a/b.h5", "~tilde/%2F%20%zz", ODD]
    expected = [
        client.generate_presigned_url(
            "get_object", {"Bucket": "bucket", "Key": key}, 3600
        )
        for key in keys
    ]
    assert list(signer.urls(keys)) == expected


def test_what_a_bound_object_link_tells_its_client():
    """The headers of a bound link to an object are those that it signs."""
    bound = PutBinding("k", 17, EMPTY_MD5)
    assert bound.headers == {"Content-Length": "17", "Content-MD5": EMPTY_MD5}
    assert PutBinding("k").headers == {}


@pytest.mark.parametrize("expires", [0, -1, 604_801])
def test_lifetimes_s3_refuses(expires):
    """A link that no store would take is never made."""
    with pytest.raises(ValueError, match="lives 1"):
        PartSigner("http://h/b/k", Credentials("a", "s"), "r", MOMENT, expires)


def test_secrets_are_not_shown():
    """Credentials in a log or traceback show the key's name only."""
    shown = repr(Credentials("AKID", "secret", "token"))
    assert "AKID" in shown
    assert "secret" not in shown
    assert "token" not in shown


def test_ten_thousand_links():
    """A full upload is signed at under 30 microseconds of CPU a link.

    Three to five are usual; the bound is loose so that a busy machine passes, and
    still far from the 300 of a general signer.
    """
    signer = PartSigner(
        "http://127.0.0.1:9000/bucket/key", Credentials("a", "s"), "r", MOMENT, 60
    )
    bindings = [PartBinding(number) for number in range(1, 10_001)]
    begun = process_time()
    assert len(set(signer.links("upload", bindings))) == 10_000
    assert process_time() - begun < 0.3


def test_ten_thousand_object_links():
    """Links to as many objects cost no more."""
    signer = PutSigner(
        "http://127.0.0.1:9000/bucket/", Credentials("a", "s"), "r", MOMENT, 60
    )
    bindings = [PutBinding(f"run {number}/Ö.h5") for number in range(10_000)]
    begun = process_time()
    assert len({url for _, url in signer.links(bindings)}) == 10_000
    assert process_time() - begun < 0.3
