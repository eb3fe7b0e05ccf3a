# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Ending sessions before their time."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from invenio_multipart.core.policies import close_folders
from invenio_multipart.errors import StorageUnavailable
from invenio_multipart.storage import revoke as module
from invenio_multipart.storage.revoke import can_revoke, lift, revoke
from invenio_multipart.storage.sts import (
    TemporaryCredentials,
    session_client,
    sts_client,
)

from .servers import Batch, Server, refused

SERVICES = Path(__file__).parents[3] / "scripts" / "services.sh"


@pytest.fixture(autouse=True)
def clean(owner: Any, server: Server) -> Iterator[None]:
    """No bucket policy, before and after."""
    owner.delete_bucket_policy(Bucket=server.bucket)
    yield
    owner.delete_bucket_policy(Bucket=server.bucket)


def policy(owner: Any, bucket: str) -> Any:
    """The bucket's policy, None when it has none."""
    try:
        return json.loads(owner.get_bucket_policy(Bucket=bucket)["Policy"])
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchBucketPolicy":
            raise
        return None


def test_after_revocation_nothing_is_done(batch: Batch, owner: Any) -> None:
    """Objects, parts, completions, listings and signed links of all sessions are
    refused; neighbours and we ourselves go on."""
    at = {"Bucket": batch.bucket, "Key": f"{batch.prefix}a"}
    batch.put(f"{batch.prefix}there")
    second = batch.another_session()
    upload = batch.client.create_multipart_upload(**at)["UploadId"]
    sent = batch.client.upload_part(**at, UploadId=upload, PartNumber=1, Body=b"x")
    below = {"Bucket": batch.bucket, "Prefix": batch.prefix}
    link = batch.client.generate_presigned_url("put_object", Params=at)
    view = batch.client.generate_presigned_url("list_objects_v2", Params=below)
    assert requests.get(view, timeout=30).status_code == 200
    neighbour = Batch(batch.server)

    assert revoke(
        batch.bucket, batch.prefix, [batch.session.access_key, second.access_key]
    )

    refused(batch.put, at["Key"])
    refused(session_client(second).put_object, **at, Body=b"x")
    refused(batch.client.create_multipart_upload, **at)
    refused(batch.client.upload_part, **at, UploadId=upload, PartNumber=2, Body=b"x")
    part = {"PartNumber": 1, "ETag": sent["ETag"]}
    refused(
        batch.client.complete_multipart_upload,
        **at,
        UploadId=upload,
        MultipartUpload={"Parts": [part]},
    )
    assert requests.put(link, data=b"x", timeout=30).status_code == 403
    assert requests.get(view, timeout=30).status_code == 403
    there = {"Bucket": batch.bucket, "Key": f"{batch.prefix}there"}
    for client in (batch.client, session_client(second)):
        refused(client.get_object, **there)
        refused(client.head_object, **there)
        refused(client.delete_object, **there)
        for name in ("list_objects", "list_objects_v2", "list_object_versions"):
            refused(getattr(client, name), **below)
            deeper = {**below, "Prefix": f"{batch.prefix}sub/"}
            refused(getattr(client, name), **deeper, Delimiter="/")
    neighbour.put(f"{neighbour.prefix}a")
    beside = {"Bucket": neighbour.bucket, "Prefix": neighbour.prefix}
    assert neighbour.client.list_objects_v2(**beside)["KeyCount"] == 1
    # We can still tidy up.
    assert owner.list_objects_v2(**below)["KeyCount"] == 1
    owner.abort_multipart_upload(**at, UploadId=upload)
    owner.delete_object(**there)
    assert owner.list_objects_v2(**below)["KeyCount"] == 0


def test_a_session_that_has_dropped_its_policy(batch: Batch) -> None:
    """Where a session can get rid of its limits, a closed folder is closed to it too."""
    if batch.server.name != "ceph":
        pytest.skip("Only on Ceph a session can assume its role again.")
    keys = sts_client(batch.session).assume_role(
        RoleArn=batch.server.role_arn, RoleSessionName="again", DurationSeconds=900
    )["Credentials"]
    wider = session_client(
        TemporaryCredentials(
            keys["AccessKeyId"],
            keys["SecretAccessKey"],
            keys["SessionToken"],
            "again",
            keys["Expiration"],
        )
    )
    at = {"Bucket": batch.bucket, "Prefix": batch.prefix}
    assert wider.list_objects_v2(**at)["KeyCount"] == 0
    assert revoke(batch.bucket, batch.prefix, [batch.session.access_key])
    refused(wider.list_objects_v2, **at)
    refused(wider.put_object, Bucket=batch.bucket, Key=f"{batch.prefix}a", Body=b"x")


def test_a_request_under_way_goes_on(batch: Batch, owner: Any) -> None:
    """A PUT that began before is let through: in place, nothing is safe from it."""
    key = f"{batch.prefix}slow"
    url = f"{batch.server.endpoint_url}/{batch.bucket}/{key}"
    request = AWSRequest("PUT", url, headers={"Content-Length": "200000"})
    request.headers["x-amz-content-sha256"] = "UNSIGNED-PAYLOAD"
    session = batch.session
    keys = Credentials(session.access_key, session.secret_key, session.token)
    SigV4Auth(keys, "s3", batch.server.region).add_auth(request)
    where = urlsplit(url)
    slow = http.client.HTTPConnection(where.netloc, timeout=30)
    slow.putrequest("PUT", where.path)
    for name, value in request.headers.items():
        slow.putheader(name, value)
    slow.endheaders()
    slow.send(b"a" * 100_000)
    batch.put(f"{batch.prefix}other")  # the server has had time to let it in

    assert revoke(batch.bucket, batch.prefix, [session.access_key])

    slow.send(b"a" * 100_000)
    assert slow.getresponse().status == 200
    slow.close()
    assert owner.head_object(Bucket=batch.bucket, Key=key)["ContentLength"] == 200_000


def test_revoking_twice(batch: Batch) -> None:
    """What is revoked stays revoked."""
    for _ in range(2):
        assert revoke(batch.bucket, batch.prefix, [batch.session.access_key])
    refused(batch.put, f"{batch.prefix}a")
    refused(batch.client.list_objects_v2, Bucket=batch.bucket, Prefix=batch.prefix)


def test_without_sessions(batch: Batch, owner: Any) -> None:
    """Where nobody has credentials nothing needs to be done."""
    assert revoke(batch.bucket, batch.prefix, [])
    assert policy(owner, batch.bucket) is None
    batch.put(f"{batch.prefix}a")


def test_the_policy_of_the_site_stays(batch: Batch, owner: Any) -> None:
    """Closing and reopening folders leaves the site's own statements as they were."""
    statement = {
        "Sid": "Ours",
        "Effect": "Allow",
        "Principal": {"AWS": ["*"]},
        "Action": ["s3:GetObject"],
        "Resource": [f"arn:aws:s3:::{batch.bucket}/{batch.folder}open/*"],
    }
    document = {"Version": "2012-10-17", "Statement": [statement]}
    owner.put_bucket_policy(Bucket=batch.bucket, Policy=json.dumps(document))
    before = policy(owner, batch.bucket)
    assert revoke(batch.bucket, batch.prefix, [batch.session.access_key])
    statements = policy(owner, batch.bucket)["Statement"]
    assert before["Statement"][0] in statements
    assert len(statements) == (3 if batch.server.name == "ceph" else 1)
    lift(batch.bucket, [batch.prefix, "unknown/"])
    assert policy(owner, batch.bucket) == before


def test_lifting(batch: Batch, owner: Any) -> None:
    """Without a policy of the site's own, none is left behind."""
    other = Batch(batch.server)
    for one in (batch, other):
        assert revoke(one.bucket, one.prefix, [one.session.access_key])
    lift(batch.bucket, [batch.prefix])
    refused(other.put, f"{other.prefix}a")
    lift(batch.bucket, [other.prefix])
    assert policy(owner, batch.bucket) is None


def test_a_full_policy(batch: Batch, owner: Any) -> None:
    """Where the bucket's policy has no room left, revocation says that it failed."""
    if batch.server.name == "minio":
        pytest.skip("MinIO revokes without the bucket's policy.")
    document: str | None = None
    with contextlib.suppress(ValueError):
        for number in range(300):
            folder = f"{batch.folder}{number:060}/"
            document = close_folders(document, batch.bucket, [folder])
    owner.put_bucket_policy(Bucket=batch.bucket, Policy=document)
    before = policy(owner, batch.bucket)
    assert not revoke(batch.bucket, batch.prefix, [batch.session.access_key])
    assert policy(owner, batch.bucket) == before
    batch.put(f"{batch.prefix}a")


def test_gateways_of_one_cluster(batch: Batch) -> None:
    """What is closed at the internal gateway is closed at the public one at once."""
    internal = batch.server.site(S3_ENDPOINT_URL=batch.server.sts_endpoint_url)
    with internal.app_context():
        assert revoke(batch.bucket, batch.prefix, [batch.session.access_key])
    refused(batch.put, f"{batch.prefix}a")


def test_finding_out(server: Server, owner: Any) -> None:
    """Both servers are seen to revoke, and the probe leaves nothing behind."""
    module._known.clear()
    assert can_revoke(f"{server.uri}/some/where")
    assert policy(owner, server.bucket) is None
    listed = owner.list_objects_v2(Bucket=server.bucket, Prefix="some/where/")
    assert listed["KeyCount"] == 0
    with server.site(S3_SECRET_ACCESS_KEY="wrong-wrong").app_context():
        assert can_revoke(f"{server.uri}/some/where")  # known; nobody is asked


def test_a_store_that_ignores_policies(
    server: Server, batch: Batch, owner: Any
) -> None:
    """A policy that is stored and not heeded is taken back, and reported."""
    if server.name != "minio":
        pytest.skip("Ceph heeds its policies.")
    # MinIO does, but not for its sessions and its root account.
    assert not module._BucketPolicy().revoke(batch.bucket, batch.prefix, ["any"])
    assert policy(owner, batch.bucket) is None
    batch.put(f"{batch.prefix}a")


def test_keys_that_may_not_change_policies(server: Server, batch: Batch) -> None:
    """A site whose keys have no right to revoke is told so, by False."""
    with server.site(S3_SECRET_ACCESS_KEY="wrong-wrong").app_context():
        assert not revoke(batch.bucket, batch.prefix, [batch.session.access_key])
    batch.put(f"{batch.prefix}a")


def test_a_store_that_is_down(server: Server, batch: Batch) -> None:
    """Nothing is claimed about sessions of a store that cannot be reached."""
    nowhere = {"S3_ENDPOINT_URL": "http://127.0.0.1:9"}
    if server.name == "minio":
        nowhere = {"MULTIPART_STS_ENDPOINT_URL": "http://127.0.0.1:9"}
    with server.site(**nowhere).app_context(), pytest.raises(StorageUnavailable):
        revoke(batch.bucket, batch.prefix, [batch.session.access_key])


def test_a_restart_of_minio(server: Server, batch: Batch) -> None:
    """Sessions that MinIO has not seen since its start are revoked all the same."""
    if server.name != "minio":
        pytest.skip("Ceph keeps no list of sessions.")
    second = batch.another_session()
    for verb in ("stop", "start"):
        subprocess.run([SERVICES, verb, "minio"], env=_native(), check=True)
    assert revoke(
        batch.bucket, batch.prefix, [batch.session.access_key, second.access_key]
    )
    refused(batch.put, f"{batch.prefix}a")
    key = f"{batch.prefix}b"
    refused(session_client(second).put_object, Bucket=batch.bucket, Key=key, Body=b"")


def _native() -> dict[str, str]:
    return {**os.environ, "MULTIPART_SERVICES": "native"}
