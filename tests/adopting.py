# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Buckets of other people, on each kind of S3 server, and links to what is in them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import requests

from .backdoor import s3_client, setting
from .driver import Api, Draft, Reply
from .storage.sts.servers import Server

LINKERS = "multipart-linker"


@dataclass(frozen=True)
class Shelf:
    """A bucket whose folder ``data/`` the site links to.

    :param client: its owner's.
    :param versioned: whether the bucket keeps versions.
    """

    app: Any
    client: Any
    bucket: str
    versioned: bool

    def put(self, key: str, data: bytes) -> str | None:
        """An object as its owner writes it; its version."""
        reply = self.client.put_object(Bucket=self.bucket, Key=key, Body=data)
        return str(reply["VersionId"]) if "VersionId" in reply else None

    def put_in_parts(self, key: str, parts: list[bytes]) -> None:
        """An object whose ETag is no MD5."""
        at = {"Bucket": self.bucket, "Key": key}
        upload = self.client.create_multipart_upload(**at)["UploadId"]
        sent = [
            {
                "PartNumber": number,
                "ETag": self.client.upload_part(
                    **at, UploadId=upload, PartNumber=number, Body=data
                )["ETag"],
            }
            for number, data in enumerate(parts, start=1)
        ]
        self.client.complete_multipart_upload(
            **at, UploadId=upload, MultipartUpload={"Parts": sent}
        )

    def delete(self, key: str) -> None:
        """Its owner deletes an object; where versions are kept, the newest of them."""
        at = {"Bucket": self.bucket, "Key": key}
        if self.versioned:
            at["VersionId"] = self.client.head_object(**at)["VersionId"]
        self.client.delete_object(**at)

    def has(self, key: str) -> bool:
        """Whether the object is there."""
        listed = self.client.list_objects_v2(Bucket=self.bucket, Prefix=key)
        return key in [entry["Key"] for entry in listed.get("Contents", [])]

    def url(self, key: str) -> str:
        """Address of an object or folder."""
        return f"s3://{self.bucket}/{key}"


@contextmanager
def open_shelf(app: Any, server: str, *, versioned: bool) -> Iterator[Shelf]:
    """A bucket on a server, which is the site's S3 server meanwhile.

    :param server: ``default``, or one of those with temporary credentials.
    """
    name = f"shelf-{uuid.uuid4().hex[:12]}"
    with _served_by(app, server), setting(app, **_places(name)):
        client = s3_client(app)
        client.create_bucket(Bucket=name)
        if versioned:
            client.put_bucket_versioning(
                Bucket=name, VersioningConfiguration={"Status": "Enabled"}
            )
        try:
            yield Shelf(app, client, name, versioned)
        finally:
            _empty(client, name, versioned=versioned)
            client.delete_bucket(Bucket=name)
            _forget(app, name)


def _places(bucket: str) -> Mapping[str, Any]:
    return {
        "MULTIPART_LINK_LOCATIONS": [f"s3://{bucket}/data/", "/not/a/bucket"],
        "MULTIPART_LINKER_ROLES": [LINKERS],
    }


@contextmanager
def _served_by(app: Any, name: str) -> Iterator[None]:
    if name == "default":
        yield
        return
    server = Server.named(name)
    with setting(
        app,
        S3_ENDPOINT_URL=server.endpoint_url,
        S3_ACCESS_KEY_ID=server.access_key,
        S3_SECRET_ACCESS_KEY=server.secret_key,
        S3_REGION_NAME=server.region,
    ):
        # invenio-s3 reads its settings once.
        vars(app.extensions["invenio-s3"]).pop("init_s3fs_info", None)
        yield
    vars(app.extensions["invenio-s3"]).pop("init_s3fs_info", None)


def _empty(client: Any, bucket: str, *, versioned: bool) -> None:
    ask = client.list_object_versions if versioned else client.list_objects_v2
    while True:
        page = ask(Bucket=bucket)
        found = [
            *page.get("Versions", []),
            *page.get("DeleteMarkers", []),
            *page.get("Contents", []),
        ]
        if not found:
            return
        for entry in found:
            version = {"VersionId": entry["VersionId"]} if versioned else {}
            client.delete_object(Bucket=bucket, Key=entry["Key"], **version)


def _forget(app: Any, bucket: str) -> None:
    """Have nobody look for the bucket's objects any more: it is gone."""
    from invenio_db import db
    from invenio_files_rest.models import FileInstance

    from invenio_multipart.records.models import Adopted, utc_now

    below = FileInstance.uri.startswith(f"s3://{bucket}/")
    with app.app_context():
        files = db.select(FileInstance.id).where(below)
        rows = Adopted.query.filter(Adopted.file_id.in_(files))
        never = utc_now() + timedelta(days=3650)
        rows.update({"checked_on": never}, synchronize_session=False)
        db.session.commit()


def give_role(app: Any, account: str, role: str, *, taken: bool = False) -> None:
    """Give one of the accounts a role, or take it away."""
    from invenio_accounts.proxies import current_datastore
    from invenio_db import db

    with app.app_context():
        found = current_datastore.find_role(role)
        found = found or current_datastore.create_role(id=role, name=role)
        user = current_datastore.get_user(f"{account}@multipart.example.org")
        change = current_datastore.remove_role_from_user
        if not taken:
            change = current_datastore.add_role_to_user
        change(user, found)
        db.session.commit()


def link(draft: Draft, *files: Mapping[str, Any]) -> Reply:
    """Ask for links in one call."""
    return draft.api.call("POST", f"{draft.path}/links", json={"files": list(files)})


def linked(draft: Draft, *files: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Links that must be made, as the reply tells them."""
    reply = link(draft, *files)
    assert reply.status == 201, reply.json
    return list(reply.json["files"])


def download(api: Api, path: str, **headers: str) -> tuple[int, bytes]:
    """Status and bytes of a file, from wherever one is sent to."""
    wanted = {"Authorization": f"Bearer {api._token}"} if api._token else {}
    with api.app.test_client().get(path, headers={**wanted, **headers}) as reply:
        if reply.status_code != 302:
            return reply.status_code, reply.data
        found = requests.get(reply.headers["Location"], headers=headers, timeout=30)
        return found.status_code, found.content
