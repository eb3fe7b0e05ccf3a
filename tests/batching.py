# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Drives batches as a script on a cluster would: with the URLs of the reply alone."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests

from .backdoor import bucket_size, s3_client, uploads_of
from .driver import Api, Draft, Reply

MINUTES = "in 10 minutes"


def announce(api: Api, path: str, files: Any, **body: Any) -> Reply:
    """POST an announcement; ten minutes long unless it says otherwise."""
    return api.call(
        "POST", path, json={"files": files, "completed_by": MINUTES, **body}
    )


def open_batch(draft: Draft, files: Any, **body: Any) -> Open:
    """Announce files for a draft; for tests about what comes afterwards."""
    reply = announce(draft.api, f"{draft.path}/uploads", files, **body)
    assert reply.status == 201, reply.json
    return Open(draft.api, reply.json)


def open_with(draft: Draft, contents: Mapping[str, bytes], **body: Any) -> Open:
    """Announce files of these contents, with sizes, and send all of them."""
    files = [{"key": key, "size": len(data)} for key, data in contents.items()]
    batch = open_batch(draft, files, **body)
    for key, data in contents.items():
        batch.send_ok(key, data)
    return batch


def brought(draft: Draft, contents: Mapping[str, bytes], **body: Any) -> Open:
    """A completed batch of files of these contents."""
    batch = open_with(draft, contents)
    job = batch.complete(**body)
    assert job["status"] == "SUCCESS", job
    return batch


@dataclass(frozen=True)
class Open:
    """A batch, as its reply describes it.

    :param api: whose app it is; nothing is asked with its token.
    """

    api: Api
    json: dict[str, Any]

    @property
    def id(self) -> uuid.UUID:
        """Id of the batch."""
        return uuid.UUID(self.json["id"])

    @property
    def app(self) -> Any:
        """The application."""
        return self.api.app

    @property
    def anonymous(self) -> Api:
        """Who has the URLs and no account."""
        return Api(self.app, None)

    def grant(self, name: str) -> str:
        """The credential in one of the reply's URLs."""
        return parse_qs(urlsplit(self.json[name]).query)["X-Upload-Credential"][0]

    def send(self, key: str, data: bytes, **headers: str) -> int:
        """PUT a file of one part by its URL; the status of the answer."""
        url = self.json["presigned_urls"][key]
        bound = {**self.json["headers"].get(key, {}), **headers}
        return put(self.anonymous, url, data, bound)

    def send_ok(self, key: str, data: bytes) -> None:
        """The same, and it must be taken."""
        assert self.send(key, data) == 200

    def status(self) -> dict[str, Any]:
        """The batch, as the owner of its draft sees it."""
        reply = self.api.get(f"/uploads/{self.id}")
        assert reply.status == 200, reply.json
        return dict(reply.json)

    def files(self, query: str = "") -> dict[str, Any]:
        """A page of its files, by its URL."""
        reply = self.anonymous.get(f"{self.json['files_url']}{query}")
        assert reply.status == 200, reply.json
        return dict(reply.json)

    def try_complete(self, **body: Any) -> Reply:
        """PUT the completion URL."""
        return self.anonymous.call(
            "PUT", self.json["completion_url"], json=body or None
        )

    def complete(self, **body: Any) -> dict[str, Any]:
        """Complete it; its job, which is over when there is no real queue."""
        reply = self.try_complete(**body)
        assert reply.status == 202, reply.json
        return self.job(reply)

    def job(self, reply: Reply) -> dict[str, Any]:
        """The job of an accepted completion."""
        return dict(self.anonymous.get(reply.json["job_url"]).json)

    def abort(self) -> Reply:
        """PUT the abort URL."""
        return self.anonymous.call("PUT", self.json["abort_url"])


def put(api: Api, url: str, data: bytes, headers: Mapping[str, str]) -> int:
    """PUT bytes to the store, or through the API; the status of the answer."""
    if urlsplit(url).hostname == "localhost":
        wanted = {"Content-Type": "application/octet-stream", **headers}
        return api.call("PUT", url, data=data, headers=wanted).status
    return requests.put(url, data=data, headers=dict(headers), timeout=30).status_code


def row(batch: Open) -> Any:
    """The batch's row, detached."""
    from invenio_db import db

    from invenio_multipart.records.models import Batch

    with batch.app.app_context():
        found = db.session.get(Batch, batch.id)
        db.session.expunge_all()
    return found


def objects(batch: Open) -> list[str]:
    """What the S3 server has below the batch's prefix, open uploads too."""
    bucket, _, prefix = row(batch).prefix.removeprefix("s3://").partition("/")
    client = s3_client(batch.app)
    listed = client.list_objects_v2(Bucket=bucket, Prefix=prefix)
    found = [entry["Key"] for entry in listed.get("Contents", [])]
    begun = client.list_multipart_uploads(Bucket=bucket, Prefix=prefix)
    found += [f"upload {entry['Key']}" for entry in begun.get("Uploads", [])]
    return [name.replace(prefix, "") for name in found]


def pass_deadline(batch: Open) -> None:
    """Let the batch's deadline be over; nobody has looked yet."""
    from invenio_db import db

    from invenio_multipart.records.models import Batch, Job, Upload, utc_now

    with batch.app.app_context():
        past = utc_now() - timedelta(minutes=5)
        Batch.query.filter_by(id=batch.id).update({"complete_before": past})
        Upload.query.filter_by(batch_id=batch.id).update({"expires_at": past})
        Job.query.filter(
            Job.batch_id == batch.id,
            Job.status == "PENDING",
            Job.kind.in_(["purge_batch", "sweep_batch"]),
        ).update({"due_at": past})
        db.session.commit()


def run_jobs(batch: Open, *kinds: str) -> list[dict[str, Any]]:
    """Run the batch's jobs of these kinds that are due; how each of them stands."""
    from invenio_multipart.proxies import current_multipart

    with batch.app.app_context():
        for job_id in job_ids(batch, kinds):
            current_multipart.jobs.run(job_id)
        return [current_multipart.jobs.status(id_) for id_ in job_ids(batch, kinds)]


def job_ids(batch: Open, kinds: Sequence[str]) -> list[uuid.UUID]:
    """The batch's jobs of these kinds; call inside an app context."""
    from invenio_multipart.records.models import Job

    found = Job.query.filter(Job.batch_id == batch.id, Job.kind.in_(kinds))
    return [job.id for job in found.order_by(Job.created)]


def entries(draft: Draft) -> dict[str, dict[str, Any]]:
    """The draft's files by key, as the stock API lists them."""
    reply = draft.api.get(f"{draft.path}/files")
    assert reply.status == 200, reply.json
    return {entry["key"]: entry for entry in reply.json["entries"]}


def refused(reply: Any, status: int, code: str | None, field: str | None) -> None:
    """An error in the shape of all errors, with this code and this first field."""
    assert reply.status == status, (reply.status, reply.json)
    assert reply.json["status"] == status
    assert reply.json["message"]
    if code is not None:
        assert reply.json["code"] == code, reply.json
    if field is not None:
        fields = [error["field"] for error in reply.json["errors"]]
        assert fields[0] == field, reply.json


def nothing_left(draft: Draft) -> None:
    """No batch, no file, no quota, no upload: as if nobody had asked."""
    assert draft.api.get("/uploads?size=1").status == 200
    assert entries(draft) == {}
    assert bucket_size(draft) == 0
    assert [u for u in uploads_of(draft) if u.is_open] == []
    assert announce(draft.api, f"{draft.path}/uploads", ["after"]).status == 201
