# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Uploads that only the store knows, and objects that come back."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.backdoor import s3_client, setting, uploads_of
from tests.batching import open_batch, open_with, pass_deadline, row
from tests.driver import PART, Api, Draft
from tests.faults.proxy import Answered, FaultProxy, running
from tests.reaping import audited, change, preview, reap


@pytest.fixture
def bucket(app: Any) -> Iterator[str]:
    """A bucket with a location of its own, the only one there is meanwhile."""
    from invenio_db import db
    from invenio_files_rest.models import Location

    name = f"reaped-{uuid.uuid4().hex[:12]}"
    client = s3_client(app)
    client.create_bucket(Bucket=name)
    with app.app_context():
        before = {one.id: (one.uri, one.default) for one in Location.query}
        for one in Location.query:
            # What others have in the common bucket is not known here: it looks lost.
            one.uri, one.default = f"/not-here/{one.id}", False
        db.session.add(Location(name=name, uri=f"s3://{name}/site", default=True))
        db.session.commit()
    with setting(app, MULTIPART_STRAY_GRACE_SECONDS=0):
        yield name
    with app.app_context():
        # The new one stays: buckets refer to it.
        for one in Location.query:
            uri, default = before.get(one.id, (f"/not-here/{one.id}", False))
            one.uri, one.default = uri, default
        db.session.commit()
    _empty(client, name)
    client.delete_bucket(Bucket=name)


def _empty(client: Any, name: str) -> None:
    for entry in begun(client, name):
        client.abort_multipart_upload(Bucket=name, Key=entry[0], UploadId=entry[1])
    try:
        listed = client.list_object_versions(Bucket=name)
    except ClientError:
        listed = {"Versions": client.list_objects_v2(Bucket=name).get("Contents", [])}
    for entry in [*listed.get("Versions", []), *listed.get("DeleteMarkers", [])]:
        version = {"VersionId": entry["VersionId"]} if "VersionId" in entry else {}
        client.delete_object(Bucket=name, Key=entry["Key"], **version)


def begun(client: Any, bucket: str) -> set[tuple[str, str]]:
    """Key and id of the uploads that are open in a bucket."""
    found = client.list_multipart_uploads(Bucket=bucket).get("Uploads", [])
    return {(entry["Key"], entry["UploadId"]) for entry in found}


def begin(client: Any, bucket: str, key: str) -> str:
    """Open an upload behind the database's back; its id."""
    reply = client.create_multipart_upload(Bucket=bucket, Key=key)
    return str(reply["UploadId"])


def file_path(prefix: str = "site/") -> str:
    """Where invenio-files-rest would put a new file."""
    text = str(uuid.uuid4())
    return f"{prefix}{text[:2]}/{text[2:4]}/{text[4:]}/data"


def test_strays_and_only_strays(app: Any, api: Api, bucket: str) -> None:
    """What has our layout and no row goes; what is known, or another's, stays."""
    client = s3_client(app)
    draft = api.new_draft()
    draft.begin("known.bin", 2 * PART, transfer={"parts": 2})
    batch = open_batch(api.new_draft(), [{"key": "in-batch", "size": 300 * 2**20}])
    prefix = row(batch).prefix.partition(f"{bucket}/")[2]
    lost = {
        file_path(),
        f"site/batches/{uuid.uuid4()}/files/{uuid.uuid4()}",
    }
    kept = {
        f"{prefix}incoming/by-a-session",
        file_path("other-site/"),
        file_path(""),
        "site/reports/2026.pdf",
        "site/batches/readme",
        "zzz",
    }
    known = begun(client, bucket)
    assert len(known) == 2
    for key in lost | kept:
        begin(client, bucket, key)
    told = {one.key for one in preview(app) if one.what == "stray"}
    assert told == {key.removeprefix("site/") for key in lost}
    report = reap(app)
    assert (report.done["strays"], report.failed, report.notes) == (2, 0, [])
    left = begun(client, bucket)
    assert known <= left
    assert {key for key, _ in left - known} == kept
    assert reap(app).done["strays"] == 0


def test_a_second_upload_of_a_known_file(app: Any, api: Api, bucket: str) -> None:
    """Only the one that the row names is kept; each removal is written down."""
    client = s3_client(app)
    draft = api.new_draft()
    draft.begin("a.bin", 2 * PART, transfer={"parts": 2})
    (upload,) = uploads_of(draft)
    key = upload.uri.partition(f"{bucket}/")[2]
    extra = begin(client, bucket, key)
    assert reap(app).done["strays"] == 1
    assert begun(client, bucket) == {(key, upload.upload_ref)}
    (removal,) = audited(app, extra)
    assert (removal.what, removal.uri) == ("stray", upload.uri)


def test_parts_of_another_provider(app: Any, api: Api, bucket: str) -> None:
    """A file that upstream's own provider is receiving is not ours to abort."""
    from invenio_db import db
    from invenio_files_rest.models import FileInstance

    client, file_id = s3_client(app), uuid.uuid4()
    text = str(file_id)
    key = f"site/{text[:2]}/{text[2:4]}/{text[4:]}/data"
    with app.app_context():
        db.session.add(FileInstance(id=file_id, uri=f"s3://{bucket}/{key}"))
        db.session.commit()
    begin(client, bucket, key)
    assert reap(app).done["strays"] == 0
    assert len(begun(client, bucket)) == 1


@pytest.mark.parametrize("grace", [3600, None], ids=["young", "switched-off"])
def test_strays_that_are_left_alone(app: Any, bucket: str, grace: int | None) -> None:
    """Young ones may be somebody's who has not committed yet; None switches it off."""
    begin(s3_client(app), bucket, file_path())
    with setting(app, MULTIPART_STRAY_GRACE_SECONDS=grace):
        assert reap(app).done["strays"] == 0


def test_what_an_ended_batch_got_late(app: Any, api: Api, bucket: str) -> None:
    """Once its links are over and it is freed, nothing below it is anybody's."""
    client = s3_client(app)
    batch = open_with(api.new_draft(), {"a": b"a"})
    prefix = row(batch).prefix.partition(f"{bucket}/")[2]
    pass_deadline(batch)
    reap(app)
    begin(client, bucket, f"{prefix}incoming/late")
    assert reap(app).done["strays"] == 1
    assert begun(client, bucket) == set()


@pytest.fixture
def short_pages(app: Any) -> Iterator[int]:
    """The store lists this many uploads at once, where it would list a thousand."""
    from invenio_multipart.storage.s3_client import connection

    with app.app_context():
        events = connection().client.meta.events
    at = ("provide-client-params.s3.ListMultipartUploads", _ask_for_less)
    events.register(*at)
    yield 20
    events.unregister(*at)


def _ask_for_less(params: dict[str, Any], **_: Any) -> dict[str, Any]:
    return {**params, "MaxUploads": 20}


def test_more_than_a_page(
    app: Any, bucket: str, short_pages: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each run reads some pages, and the next goes on where it ended."""
    from invenio_multipart.services.reaper import of_store

    client = s3_client(app)
    for _ in range(short_pages + 5):
        begin(client, bucket, file_path())
    monkeypatch.setattr(of_store, "_PAGES", 1)
    found = len([one for one in preview(app) if one.what == "stray"])
    # MinIO gives a whole bucket in one page.
    assert found in (short_pages, short_pages + 5)
    first = reap(app).done["strays"]
    assert first == found
    assert first + reap(app).done["strays"] == short_pages + 5
    assert begun(client, bucket) == set()


def test_a_store_that_lists_no_uploads(app: Any, api: Api, bucket: str) -> None:
    """The report says so, and what the database knows is cleaned up all the same."""
    draft = api.new_draft()
    draft.begin("a.bin", 1000)
    (upload,) = uploads_of(draft)
    client = s3_client(app)
    assert len(begun(client, bucket)) == 1
    with running(app.config["S3_ENDPOINT_URL"]) as proxy, through(app, proxy):
        proxy.at("GET", r"\?uploads", refuse, hits=None)
        change(app, "Upload", upload.id, expires_at=timedelta(seconds=-1))
        report = reap(app)
    assert report.done["expired"] == 1
    assert begun(client, bucket) == set()
    assert uploads_of(draft)[0].purged_on is not None
    assert any("does not list its uploads" in note for note in report.notes)


def refuse() -> None:
    """Answer as stores do that do not know the call."""
    raise Answered(501)


class through:  # noqa: N801 - reads as a phrase in a with statement
    """The application reaches S3 by this proxy for a while."""

    def __init__(self, app: Any, proxy: FaultProxy) -> None:
        self._app, self._url = app, proxy.url

    def __enter__(self) -> None:
        self._before = self._app.config["S3_ENDPOINT_URL"]
        self._set(self._url)

    def __exit__(self, *_: object) -> None:
        self._set(self._before)

    def _set(self, url: str) -> None:
        self._app.config["S3_ENDPOINT_URL"] = url
        # invenio-s3 reads its settings once.
        vars(self._app.extensions["invenio-s3"]).pop("init_s3fs_info", None)


@pytest.fixture
def versioned(app: Any, bucket: str) -> str:
    """The same bucket, keeping versions."""
    try:
        s3_client(app).put_bucket_versioning(
            Bucket=bucket, VersioningConfiguration={"Status": "Enabled"}
        )
    except ClientError as error:
        pytest.skip(f"The S3 server keeps no versions: {error}")
    return bucket


def restore(app: Any, subject: object) -> tuple[int, str]:
    """``invenio multipart restore``; exit code and output."""
    from invenio_multipart.cli import multipart

    with app.app_context():
        done = app.test_cli_runner().invoke(multipart, ["restore", str(subject)])
    return done.exit_code, done.output


def test_an_expired_batch_comes_back(app: Any, api: Api, versioned: str) -> None:
    """All its objects are in the store again, and their addresses are told."""
    contents = {"a.txt": b"alpha", "b/c.bin": b"c" * 1000}
    batch = open_with(api.new_draft(), contents)
    other = open_with(api.new_draft(), {"other": b"other"})
    for one in (batch, other):
        pass_deadline(one)
    reap(app)
    assert row(batch).state == "expired"
    client = s3_client(app)
    assert client.list_objects_v2(Bucket=versioned)["KeyCount"] == 0
    code, output = restore(app, batch.id)
    assert code == 0, output
    uris = [line for line in output.splitlines() if line.startswith("s3://")]
    keys = [uri.partition(f"{versioned}/")[2] for uri in uris]
    found = {
        client.get_object(Bucket=versioned, Key=key)["Body"].read() for key in keys
    }
    assert found == set(contents.values())
    assert client.list_objects_v2(Bucket=versioned)["KeyCount"] == 2
    # Nothing takes them away again, and there is nothing to bring back any more.
    reap(app)
    assert client.list_objects_v2(Bucket=versioned)["KeyCount"] == 2
    code, output = restore(app, batch.id)
    assert code == 1
    assert "No object was deleted" in output


def test_an_expired_upload_comes_back(app: Any, api: Api, versioned: str) -> None:
    """Its object was made and never proved; then nobody cared."""
    draft = api.new_draft()
    reply = draft.upload("a.bin", [b"x" * 1000], checksum=f"md5:{'0' * 32}")
    assert reply.status == 400
    (upload,) = uploads_of(draft)
    change(app, "Upload", upload.id, expires_at=timedelta(seconds=-1))
    reap(app)
    code, output = restore(app, upload.id)
    assert code == 0, output
    assert upload.uri in output.splitlines()
    key = upload.uri.partition(f"{versioned}/")[2]
    body = s3_client(app).get_object(Bucket=versioned, Key=key)["Body"].read()
    assert body == b"x" * 1000


def test_without_versions(app: Any, api: Api, bucket: str) -> None:
    """One sentence says that it is gone."""
    batch = open_with(api.new_draft(), {"a": b"a"})
    pass_deadline(batch)
    reap(app)
    code, output = restore(app, batch.id)
    assert code == 1
    assert output.count("\n") == 1
    assert "keeps no versions" in output


def test_nothing_of_that_name(app: Any, api: Api, local_draft: Draft) -> None:
    """Unknown ids, and files on a disk, are told apart."""
    code, output = restore(app, uuid.uuid4())
    assert code == 1
    assert "Nothing was removed" in output
    local_draft.begin("a.bin", 10)
    (upload,) = uploads_of(local_draft)
    change(app, "Upload", upload.id, expires_at=timedelta(seconds=-1))
    reap(app)
    code, output = restore(app, upload.id)
    assert code == 1
    assert "without versions" in output
