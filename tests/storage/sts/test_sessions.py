# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What a session may do, and everything else that it may not."""

from __future__ import annotations

import contextlib
import hashlib
import random
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import requests
from botocore.exceptions import ClientError

from invenio_multipart.errors import NoTemporaryCredentials, StorageUnavailable
from invenio_multipart.storage.s3_client import connection
from invenio_multipart.storage.sts import (
    CredentialProvider,
    TemporaryCredentials,
    provider_for,
    session_client,
    sts_client,
)

from .servers import Batch, Server, refused

MIB = 2**20


@pytest.fixture(scope="session")
def other_bucket(site: Any, server: Server) -> str:
    """A second bucket of the same owner."""
    with site.app_context():
        client = connection().client
        with contextlib.suppress(client.exceptions.BucketAlreadyOwnedByYou):
            client.create_bucket(Bucket="multipart-other")
    return "multipart-other"


def test_upload_file_of_boto3(
    server: Server, batch: Batch, owner: Any, tmp_path: Path
) -> None:
    """boto3 sends a large file in parts, into a folder with blanks and umlauts."""
    import boto3

    data = random.randbytes(20 * MIB)
    (tmp_path / "data.bin").write_bytes(data)
    client = boto3.client(
        "s3",
        endpoint_url=server.endpoint_url,
        region_name=server.region,
        aws_access_key_id=batch.session.access_key,
        aws_secret_access_key=batch.session.secret_key,
        aws_session_token=batch.session.token,
    )
    key = f"{batch.prefix}in a/földer/data.bin"
    client.upload_file(str(tmp_path / "data.bin"), server.bucket, key)
    found = owner.get_object(Bucket=server.bucket, Key=key)
    assert found["ETag"].strip('"').endswith("-3")
    stored = hashlib.sha256(found["Body"].read()).digest()
    assert stored == hashlib.sha256(data).digest()


def test_parts_by_hand(batch: Batch, owner: Any) -> None:
    """A session lists the parts of an upload, aborts one, and ends another."""
    at = {"Bucket": batch.bucket, "Key": f"{batch.prefix}a"}
    upload = batch.client.create_multipart_upload(**at)["UploadId"]
    batch.client.abort_multipart_upload(**at, UploadId=upload)
    upload = batch.client.create_multipart_upload(**at)["UploadId"]
    sent = batch.client.upload_part(**at, UploadId=upload, PartNumber=1, Body=b"abc")
    listed = batch.client.list_parts(**at, UploadId=upload)["Parts"]
    assert [(part["PartNumber"], part["ETag"]) for part in listed] == [
        (1, sent["ETag"])
    ]
    part = {"PartNumber": 1, "ETag": sent["ETag"]}
    batch.client.complete_multipart_upload(
        **at, UploadId=upload, MultipartUpload={"Parts": [part]}
    )
    assert owner.head_object(**at)["ContentLength"] == 3


@pytest.mark.parametrize("folder", ["", "sub/"])
@pytest.mark.parametrize("delimiter", [{}, {"Delimiter": "/"}], ids=["deep", "flat"])
def test_listing_inside(batch: Batch, folder: str, delimiter: dict[str, str]) -> None:
    """A session sees what lies in its folder and below."""
    batch.put(f"{batch.prefix}sub/a")
    found = batch.client.list_objects_v2(
        Bucket=batch.bucket, Prefix=batch.prefix + folder, **delimiter
    )
    if delimiter and not folder:
        assert [one["Prefix"] for one in found["CommonPrefixes"]] == [
            f"{batch.prefix}sub/"
        ]
    else:
        assert [one["Key"] for one in found["Contents"]] == [f"{batch.prefix}sub/a"]


def test_link_signed_by_a_session(batch: Batch) -> None:
    """Links are worth what the session is: good inside, refused outside."""
    answers = [
        requests.put(
            batch.client.generate_presigned_url(
                "put_object", Params={"Bucket": batch.bucket, "Key": key}
            ),
            data=b"x",
            timeout=30,
        ).status_code
        for key in (f"{batch.prefix}a", f"{batch.folder}abc10/a")
    ]
    assert answers == [200, 403]


INSIDE: dict[str, Callable[[Any, dict[str, str]], Any]] = {
    "read": lambda s3, at: s3.get_object(**at),
    "head": lambda s3, at: s3.head_object(**at),
    "delete": lambda s3, at: s3.delete_object(**at),
    "copy": lambda s3, at: s3.copy_object(
        Bucket=at["Bucket"], Key=f"{at['Key']}2", CopySource=at
    ),
    "set its ACL": lambda s3, at: s3.put_object_acl(**at, ACL="public-read"),
    "read its ACL": lambda s3, at: s3.get_object_acl(**at),
    "set its tags": lambda s3, at: s3.put_object_tagging(
        **at, Tagging={"TagSet": [{"Key": "a", "Value": "b"}]}
    ),
}
"""Calls about an object of the session's own that it may not make."""


@pytest.mark.parametrize("call", INSIDE.values(), ids=INSIDE)
def test_refused_inside(shared_batch: Batch, owner: Any, call: Any) -> None:
    """A session cannot read, delete or open to others what it has written."""
    at = {"Bucket": shared_batch.bucket, "Key": f"{shared_batch.prefix}a"}
    shared_batch.put(at["Key"])
    refused(call, shared_batch.client, at)
    assert owner.head_object(**at)["ContentLength"] == 1


def test_deleting_many(batch: Batch, owner: Any) -> None:
    """A deletion of many objects deletes none of them."""
    at = {"Bucket": batch.bucket, "Key": f"{batch.prefix}a"}
    batch.put(at["Key"])
    # Ceph refuses the request, MinIO each object in it.
    with contextlib.suppress(ClientError):
        reply = batch.client.delete_objects(
            Bucket=batch.bucket, Delete={"Objects": [{"Key": at["Key"]}]}
        )
        assert [error["Code"] for error in reply["Errors"]] == ["AccessDenied"]
    assert owner.head_object(**at)["ContentLength"] == 1


OUTSIDE: dict[str, Callable[[Any, str, str], Any]] = {
    "write": lambda s3, bucket, key: s3.put_object(Bucket=bucket, Key=key, Body=b"x"),
    "open an upload": lambda s3, bucket, key: s3.create_multipart_upload(
        Bucket=bucket, Key=key
    ),
    "read": lambda s3, bucket, key: s3.get_object(Bucket=bucket, Key=key),
    "delete": lambda s3, bucket, key: s3.delete_object(Bucket=bucket, Key=key),
    "list": lambda s3, bucket, key: s3.list_objects_v2(
        Bucket=bucket, Prefix=key.rpartition("/")[0] + "/"
    ),
    "list (1)": lambda s3, bucket, key: s3.list_objects(
        Bucket=bucket, Prefix=key.rpartition("/")[0] + "/"
    ),
}
"""Calls about a place that is not the session's."""


@pytest.mark.parametrize("call", OUTSIDE.values(), ids=OUTSIDE)
@pytest.mark.parametrize("place", ["abc10/a", "abc/a", "a", "other bucket"])
def test_refused_outside(
    shared_batch: Batch, owner: Any, other_bucket: str, place: str, call: Any
) -> None:
    """A session has no right on siblings, parents and other buckets."""
    bucket, key = shared_batch.bucket, f"{shared_batch.folder}{place}"
    if place == "other bucket":
        bucket, key = other_bucket, f"{shared_batch.prefix}a"
    owner.put_object(Bucket=bucket, Key=key, Body=b"before")
    refused(call, shared_batch.client, bucket, key)
    assert owner.get_object(Bucket=bucket, Key=key)["Body"].read() == b"before"


def test_no_way_out_by_dots(batch: Batch, owner: Any) -> None:
    """A key with ".." is either refused or an odd name inside, never a place outside."""
    outside = f"{batch.folder}abc2/a"
    owner.put_object(Bucket=batch.bucket, Key=outside, Body=b"before")
    with contextlib.suppress(ClientError):
        batch.put(f"{batch.prefix}../abc2/a", b"after")
    found = owner.get_object(Bucket=batch.bucket, Key=outside)
    assert found["Body"].read() == b"before"


BUCKET: dict[str, Callable[[Any, str], Any]] = {
    "list all": lambda s3, bucket: s3.list_objects_v2(Bucket=bucket),
    "list uploads": lambda s3, bucket: s3.list_multipart_uploads(Bucket=bucket),
    "list buckets": lambda s3, _: s3.list_buckets(),
    "make a bucket": lambda s3, _: s3.create_bucket(Bucket="multipart-third"),
    "read its policy": lambda s3, bucket: s3.get_bucket_policy(Bucket=bucket),
    "remove its policy": lambda s3, bucket: s3.delete_bucket_policy(Bucket=bucket),
    "read its CORS": lambda s3, bucket: s3.get_bucket_cors(Bucket=bucket),
}
"""Calls about buckets."""


@pytest.mark.parametrize("call", BUCKET.values(), ids=BUCKET)
def test_refused_about_buckets(shared_batch: Batch, call: Any) -> None:
    """A session has no right on any bucket as a whole."""
    refused(call, shared_batch.client, shared_batch.bucket)


@pytest.mark.parametrize("role", ["role_arn", "other_role_arn"])
def test_assuming_a_role_where_clients_are(batch: Batch, role: str) -> None:
    """At the address that clients know, a session cannot become another one."""
    client = sts_client(batch.session, batch.server.endpoint_url)
    refused(
        client.assume_role,
        RoleArn=getattr(batch.server, role),
        RoleSessionName="again",
        DurationSeconds=900,
    )


def test_assuming_the_role_where_sts_is(batch: Batch) -> None:
    """Ceph's STS lets a session drop its policy: why its address is kept to us."""
    asked = {
        "RoleArn": batch.server.role_arn,
        "RoleSessionName": "again",
        "DurationSeconds": 900,
    }
    client = sts_client(batch.session)
    if batch.server.name != "ceph":
        refused(client.assume_role, **asked)
        return
    keys = client.assume_role(**asked)["Credentials"]
    wider = TemporaryCredentials(
        keys["AccessKeyId"],
        keys["SecretAccessKey"],
        keys["SessionToken"],
        "again",
        keys["Expiration"],
    )
    key = f"{batch.folder}outside"
    session_client(wider).put_object(Bucket=batch.bucket, Key=key, Body=b"x")
    # Not even then more than the role allows.
    refused(session_client(wider).get_object, Bucket=batch.bucket, Key=key)


def test_the_end_of_a_session(server: Server, owner: Any) -> None:
    """A session ends with its batch, though STS knows none under 15 minutes."""
    before = datetime.now(timezone.utc)
    batch = Batch(server, seconds=4)
    ends = batch.session.expires_at
    assert ends.utcoffset() == timedelta(0)
    assert before + timedelta(seconds=2) < ends < before + timedelta(seconds=6)
    batch.put(f"{batch.prefix}a")
    time.sleep(max(0.0, (ends - datetime.now(timezone.utc)).total_seconds()) + 1)
    refused(batch.put, f"{batch.prefix}a")
    refused(batch.client.list_objects_v2, Bucket=batch.bucket, Prefix=batch.prefix)


def test_a_session_longer_than_the_role_allows(server: Server, owner: Any) -> None:
    """It is cut to one hour, where roles have a limit."""
    hours = {"ceph": 1, "minio": 12}[server.name]
    ends = Batch(server, seconds=12 * 3600).session.expires_at
    left = ends - datetime.now(timezone.utc)
    assert timedelta(minutes=-1) < left - timedelta(hours=hours) <= timedelta(seconds=5)


def test_a_session_longer_than_the_site_allows(server: Server) -> None:
    """The site's own limit is kept too."""
    with server.site(MULTIPART_STS_MAX_SECONDS=1000).app_context():
        ends = Batch(server, seconds=7200).session.expires_at
    assert ends - datetime.now(timezone.utc) <= timedelta(seconds=1000)


def test_secrets_are_not_shown(batch: Batch) -> None:
    """What a log would show of credentials is not what they are worth."""
    shown = repr(batch.session)
    assert batch.session.access_key in shown
    assert batch.session.secret_key not in shown
    assert batch.session.token not in shown


def test_wrong_keys(server: Server) -> None:
    """Credentials the store does not issue are a clear error, not a crash."""
    with (
        server.site(S3_SECRET_ACCESS_KEY="wrong-wrong").app_context(),
        pytest.raises(NoTemporaryCredentials, match="issues no temporary") as caught,
    ):
        Batch(server)
    assert caught.value.code == "sts_unavailable"


def test_a_prefix_that_cannot_be_held(server: Server) -> None:
    """Credentials for a prefix that matches other keys are never asked for."""
    with pytest.raises(NoTemporaryCredentials, match="meaning in policies"):
        provider_for(server.uri).issue(server.bucket, "a*/", 900, "test")


def test_an_address_where_nobody_is(server: Server) -> None:
    """An STS service that is down is the store's trouble, not the client's."""
    with (
        server.site(MULTIPART_STS_ENDPOINT_URL="http://127.0.0.1:9").app_context(),
        pytest.raises(StorageUnavailable),
    ):
        Batch(server)


class FixedProvider(CredentialProvider):
    """A site's own."""

    def issue(
        self, bucket: str, prefix: str, seconds: int, session_name: str
    ) -> TemporaryCredentials:
        """See the contract."""
        ends = datetime(2030, 1, 1, tzinfo=timezone.utc)
        return TemporaryCredentials(f"{bucket}/{prefix}", "", "", session_name, ends)


def test_a_provider_of_the_site(server: Server) -> None:
    """A site may issue credentials in its own way."""
    name = f"{__name__}:FixedProvider"
    with server.site(MULTIPART_STS_PROVIDER=name).app_context():
        issued = provider_for(server.uri).issue("data", "a/", 900, "test")
    assert issued.access_key == "data/a/"


def test_a_site_without_roles(server: Server, owner: Any) -> None:
    """MinIO has no roles and needs none named; Ceph does."""
    with server.site(MULTIPART_STS_ROLE_ARN=None).app_context():
        if server.name == "ceph":
            with pytest.raises(NoTemporaryCredentials):
                Batch(server)
        else:
            batch = Batch(server)
            batch.put(f"{batch.prefix}a")


def test_locations_without_credentials(server: Server) -> None:
    """Local locations, and sites that have set no STS up, say so."""
    with pytest.raises(NoTemporaryCredentials, match="not stored in S3"):
        provider_for("/data/files")
    with (
        server.site(MULTIPART_STS_ENDPOINT_URL=None).app_context(),
        pytest.raises(NoTemporaryCredentials, match="no temporary credentials"),
    ):
        provider_for(server.uri)
