# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Batches with temporary credentials, on real servers that issue some."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.conftest import use_storage
from tests.driver import Api, Draft, Reply, md5
from tests.storage.sts.servers import NAMES, Server, hindrance

MIB = 2**20


@pytest.fixture(params=NAMES)
def server(request: pytest.FixtureRequest, app: Any) -> Iterator[Server]:
    """The application's store for one test: a server that issues credentials."""
    why_not = hindrance(request.param)
    if why_not:
        pytest.skip(f"{request.param}: {why_not}")
    running = Server.named(request.param)
    settings = running.settings
    before = {name: app.config[name] for name in settings}
    app.config.update(settings)
    app.extensions["invenio-s3"].__dict__.pop("init_s3fs_info", None)
    use_storage(app, running.location(app))
    yield running
    app.config.update(before)
    app.extensions["invenio-s3"].__dict__.pop("init_s3fs_info", None)
    use_storage(app, "s3")


@pytest.fixture
def sts_draft(api: Api, server: Server) -> Draft:
    """A draft whose files go to that server."""
    return api.new_draft()


def _announce(draft: Draft, files: list[Any], **body: Any) -> Reply:
    body = {
        "files": files,
        "completed_by": "in 20 minutes",
        "mode": "sts-credentials",
        **body,
    }
    return draft.api.call("POST", f"{draft.path}/uploads", json=body)


def _client(sts: dict[str, Any]) -> Any:
    """As the documentation has it: the credentials are boto3's own arguments."""
    return boto3.client(
        "s3",
        endpoint_url=sts["endpoint_url"],
        region_name=sts["region"],
        config=Config(
            retries={"total_max_attempts": 1},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
        **sts["credentials"],
    )


def _put(sts: dict[str, Any], name: str, data: bytes) -> None:
    at = {"Bucket": sts["bucket"], "Key": f"{sts['prefix']}{name}"}
    _client(sts).put_object(**at, Body=data)


def _complete(api: Api, batch: dict[str, Any], **body: Any) -> dict[str, Any]:
    reply = api.call("PUT", batch["completion_url"], json=body)
    assert reply.status == 202, reply.json
    return dict(api.get(reply.json["job_url"]).json)


def _refused(call: Any, **arguments: Any) -> None:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def _assert_ended(client: Any, bucket: str, prefix: str, name: str) -> None:
    """The credentials neither write nor list any more, nor delete."""
    at = {"Bucket": bucket, "Key": f"{prefix}{name}"}
    _refused(client.put_object, **at, Body=b"late")
    _refused(client.list_objects_v2, Bucket=bucket, Prefix=prefix)
    _refused(client.delete_object, **at)


def test_a_folder_goes_by_credentials(
    anonymous: Api, server: Server, sts_draft: Draft, tmp_path: Any
) -> None:
    """What boto3 sends by the credentials becomes the files of the draft, in folders
    and in parts, and the credentials are worth nothing afterwards."""
    big = bytes(range(256)) * (MIB // 256) * 12
    (tmp_path / "big.bin").write_bytes(big)
    files = [
        {"key": "run 1/big.bin", "size": len(big), "checksum": md5(big)},
        {"key": "run 1/notes.txt", "size": 5, "checksum": md5(b"notes")},
        "empty",
    ]
    batch = _announce(sts_draft, files).json
    sts = batch["sts"]
    assert batch["presigned_urls"] == {}
    assert sts["bucket"] == server.bucket
    assert sts["expiration"] <= batch["complete_before"]
    client, bucket, prefix = _client(sts), sts["bucket"], sts["prefix"]
    client.upload_file(
        str(tmp_path / "big.bin"),
        bucket,
        f"{prefix}run 1/big.bin",
        Config=TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB),
    )
    client.put_object(Bucket=bucket, Key=f"{prefix}run 1/notes.txt", Body=b"notes")
    client.put_object(Bucket=bucket, Key=f"{prefix}empty", Body=b"")
    job = _complete(anonymous, batch)
    assert job["status"] == "SUCCESS", job
    assert sts_draft.content("run 1/big.bin") == big
    assert sts_draft.content("run 1/notes.txt") == b"notes"
    assert sts_draft.content("empty") == b""
    _assert_ended(client, bucket, prefix, "empty")
    files_now = sts_draft.api.get(f"{sts_draft.path}/files").json["entries"]
    assert {e["key"]: e["checksum"] for e in files_now}["run 1/big.bin"] == md5(big)


def test_links_beside_credentials(
    anonymous: Api, server: Server, sts_draft: Draft
) -> None:
    """A batch with credentials may hold link entries, and nothing else but these."""
    first = _announce(sts_draft, ["a"]).json
    _put(first["sts"], "a", b"bytes")
    assert _complete(anonymous, first)["status"] == "SUCCESS"
    value = {"id": sts_draft.id, "key": "a"}
    links = [{"key": key, "check": "link", "value": value} for key in ("b", "c")]
    only = _announce(sts_draft, links[:1]).json
    assert anonymous.call("PUT", only["links_url"]).status == 200
    assert _complete(anonymous, only)["status"] == "SUCCESS"
    mixed = _announce(sts_draft, [*links[1:], "d"]).json
    assert set(mixed["links"]) == {"c"}
    _put(mixed["sts"], "d", b"sent")
    assert anonymous.call("PUT", mixed["links"]["c"]).status == 200
    assert _complete(anonymous, mixed)["result"]["files"] == 2
    assert sts_draft.content("b") == b"bytes"
    assert sts_draft.content("c") == b"bytes"


def test_credentials_write_below_their_prefix_only(
    server: Server, sts_draft: Draft
) -> None:
    """The finished objects of the same batch, and everything else, are out of reach."""
    sts = _announce(sts_draft, ["a"]).json["sts"]
    client, bucket, prefix = _client(sts), sts["bucket"], sts["prefix"]
    assert prefix.endswith("/in/")
    files = prefix.removesuffix("in/") + "files/x"
    _refused(client.put_object, Bucket=bucket, Key=files, Body=b"x")
    _refused(client.put_object, Bucket=bucket, Key="x", Body=b"x")
    _refused(client.list_objects_v2, Bucket=bucket)
    client.put_object(Bucket=bucket, Key=f"{prefix}a", Body=b"x")
    _refused(client.get_object, Bucket=bucket, Key=f"{prefix}a")
    _refused(client.delete_object, Bucket=bucket, Key=f"{prefix}a")
    listed = client.list_objects_v2(Bucket=bucket, Prefix=prefix)
    assert [entry["Key"] for entry in listed["Contents"]] == [f"{prefix}a"]


def test_what_differs_is_named(
    anonymous: Api, server: Server, sts_draft: Draft
) -> None:
    """Missing, extra and wrong files are named; sent again, the batch completes."""
    files = [
        "missing.txt",
        {"key": "short.txt", "size": 10},
        {"key": "other.txt", "size": 5, "checksum": md5(b"right")},
    ]
    batch = _announce(sts_draft, files).json
    sts = batch["sts"]
    client, bucket, prefix = _client(sts), sts["bucket"], sts["prefix"]

    def put(name: str, data: bytes) -> None:
        client.put_object(Bucket=bucket, Key=f"{prefix}{name}", Body=data)

    put("short.txt", b"short")
    put("other.txt", b"wrong")
    put("dir/extra.txt", b"extra")
    job = _complete(anonymous, batch)
    assert job["error"]["code"] == "files_differ"
    errors = job["result"]["errors"]
    assert errors["missing"] == ["missing.txt"]
    assert errors["extra"] == ["dir/extra.txt"]
    assert {found["key"] for found in errors["wrong"]} == {"short.txt", "other.txt"}
    put("missing.txt", b"found")
    put("short.txt", b"0123456789")
    put("other.txt", b"right")
    assert _complete(anonymous, batch)["result"]["errors"]["extra"]
    job = _complete(anonymous, batch, extra="add")
    assert job["status"] == "SUCCESS", job
    assert job["result"]["files"] == 4
    assert sts_draft.content("dir/extra.txt") == b"extra"
    assert sts_draft.content("other.txt") == b"right"


def test_extra_objects_may_be_left_behind(
    anonymous: Api, server: Server, sts_draft: Draft
) -> None:
    """Asked to, a completion takes what was announced and removes the rest."""
    batch = _announce(sts_draft, ["a"]).json
    sts = batch["sts"]
    client, bucket, prefix = _client(sts), sts["bucket"], sts["prefix"]
    client.put_object(Bucket=bucket, Key=f"{prefix}a", Body=b"a")
    client.put_object(Bucket=bucket, Key=f"{prefix}b", Body=b"b")
    job = _complete(anonymous, batch, extra="ignore")
    assert job["status"] == "SUCCESS", job
    entries = sts_draft.api.get(f"{sts_draft.path}/files").json["entries"]
    assert [entry["key"] for entry in entries] == ["a"]
    assert _below(server, prefix) == []


def test_an_abort_ends_the_credentials(
    anonymous: Api, server: Server, sts_draft: Draft
) -> None:
    """After an abort they are good for nothing, nothing is left, and no new ones are
    given out."""
    batch = _announce(sts_draft, ["a"]).json
    sts = batch["sts"]
    client, bucket, prefix = _client(sts), sts["bucket"], sts["prefix"]
    client.put_object(Bucket=bucket, Key=f"{prefix}a", Body=b"a")
    again = anonymous.call("POST", batch["credentials_url"])
    assert again.status == 200, again.json
    second = _client(again.json)
    second.put_object(Bucket=bucket, Key=f"{prefix}b", Body=b"b")
    assert anonymous.call("PUT", batch["abort_url"]).status == 200
    for one in (client, second):
        _assert_ended(one, bucket, prefix, "a")
        _refused(one.create_multipart_upload, Bucket=bucket, Key=f"{prefix}c")
    assert _below(server, prefix) == []
    refused = anonymous.call("POST", batch["credentials_url"])
    assert (refused.status, refused.json["code"]) == (403, "grant_revoked")


def test_a_file_replaced_after_the_listing_is_no_part_of_it(
    app: Any, anonymous: Api, server: Server, sts_draft: Draft
) -> None:
    """An object that changes between the check and the adoption fails the job."""
    from invenio_multipart.services.batches import complete

    batch = _announce(sts_draft, [{"key": "a", "size": 5}]).json
    sts = batch["sts"]
    client, bucket, prefix = _client(sts), sts["bucket"], sts["prefix"]
    client.put_object(Bucket=bucket, Key=f"{prefix}a", Body=b"first")
    inspect = complete.inspect

    def replaced(*arguments: Any) -> Any:
        found = inspect(*arguments)
        client.put_object(Bucket=bucket, Key=f"{prefix}a", Body=b"other")
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(complete, "inspect", replaced)
        job = _complete(anonymous, batch)
    assert job["error"]["code"] == "parts_mismatch", job
    assert _complete(anonymous, batch)["status"] == "SUCCESS"
    assert sts_draft.content("a") == b"other"


def _below(server: Server, prefix: str) -> list[str]:
    owner = boto3.client(
        "s3",
        endpoint_url=server.endpoint_url,
        region_name=server.region,
        aws_access_key_id=server.access_key,
        aws_secret_access_key=server.secret_key,
    )
    found = owner.list_objects_v2(Bucket=server.bucket, Prefix=prefix)
    return [entry["Key"] for entry in found.get("Contents", [])]
