# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Calls about batches: announce, ask what has arrived, complete, abort."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from .api import TRANSIENT, Api, draft_path, items_of
from .drafts import Content
from .errors import ProtocolError, RefusedError
from .retry import POLL_GROWTH, StopSignal
from .wire import PartLink

POLL_SECONDS = (0.05, 3.0)
"""First and longest pause between two looks at a job."""

PATIENCE_SECONDS = 60.0
"""How long a job may wait for a worker before that is worth telling."""

DEADLINE = "in 7 days"
"""How long a batch may take. As long as links of S3 live, and longer than a laptop
sleeps."""

PRESIGNED = "s3-presigned-url"
CREDENTIALS = "sts-credentials"


@dataclass(frozen=True)
class Batch:
    """A batch of a draft."""

    id: str
    draft_id: str
    mode: str
    state: str
    """``uploading``, ``completing``, ``completed``, ``aborted`` or ``expired``."""
    job_url: str | None = None
    """The job of its completion."""


@dataclass(frozen=True)
class BatchFile:
    """A file of a batch, as far as the store has it."""

    key: str
    size_bytes: int | None
    md5: str | None
    """Declared one, hex."""
    uploaded: bool
    state: str
    link: PartLink | None
    """Where its bytes go; None when they are there, and of parts."""
    error: str | None
    uploaded_bytes: int = 0


@dataclass(frozen=True)
class Sts:
    """Temporary credentials, as the server gave them."""

    access_key: str
    secret_key: str
    token: str | None
    bucket: str
    prefix: str
    endpoint_url: str
    region: str
    expiration: str


@dataclass(frozen=True)
class JobEnd:
    """How a job ended."""

    code: str | None
    """None when all went well."""
    message: str
    result: Mapping[str, Any]


class Batches:
    """Batches of one account."""

    def __init__(self, api: Api, stop: StopSignal) -> None:
        self._api = api
        self._stop = stop

    def are_known(self) -> bool:
        """Whether the server has batches, and so this extension."""
        try:
            self._api.call("GET", "/uploads?size=1")
        except RefusedError as error:
            if error.status != 404:
                raise
            return False
        return True

    def of_draft(self, draft_id: str) -> Batch | None:
        """Our open batch of this draft.

        :raises RefusedError: status 404 when the server knows no batches.
        """
        for state in ("uploading", "completing"):
            for found in self._mine(state):
                if found.draft_id == draft_id:
                    return found
        return None

    def announce(
        self, draft_id: str, files: Sequence[Content], mode: str = PRESIGNED
    ) -> tuple[Batch, dict[str, PartLink]]:
        """A new batch, and where its files go, by key. Never repeated here.

        :raises RefusedError: code ``locked`` when another batch is open.
        :raises NetworkError: when it is not known whether the batch exists.
        """
        body = {
            "files": [file.as_announced() for file in files],
            "completed_by": DEADLINE,
            "mode": mode,
        }
        url = f"{draft_path(draft_id)}/uploads"
        try:
            reply = self._api.call_once("POST", url, body)
        except RefusedError as error:
            if error.code != "invalid_time":
                raise
            # A site that wants it shorter has a time of its own.
            del body["completed_by"]
            reply = self._api.call_once("POST", url, body)
        return _batch(reply), _links(reply)

    def more(self, batch: Batch, files: Sequence[Content]) -> dict[str, PartLink]:
        """Announce further files; where they go, by key. Never repeated here."""
        body = {"files": [file.as_announced() for file in files]}
        url = f"/uploads/{batch.id}/files"
        return _links(self._api.call_once("POST", url, body))

    def files(self, batch: Batch) -> Iterator[BatchFile]:
        """All files of a batch in the order of their keys, with fresh links."""
        after = ""
        while True:
            # By our own right: grants end with the deadline, and so does their help.
            query = f"?after={quote(after, safe='')}" if after else ""
            page = self._api.call("GET", f"/uploads/{batch.id}/files{query}")
            links = _links(page)
            for item in items_of(page, "files"):
                yield _file(item, links)
            after = page.get("next")
            if not after:
                return

    def state(self, batch: Batch) -> Batch:
        """The batch as it is now."""
        return _batch(self._api.call("GET", f"/uploads/{batch.id}"))

    def credentials(self, batch: Batch) -> Sts:
        """New temporary credentials."""
        url = f"/uploads/{batch.id}/credentials"
        return _sts(self._api.call("POST", url))

    def complete(self, batch: Batch) -> str:
        """Address of the job that makes files of all that was sent."""
        reply = self._api.call(
            "PUT", f"/uploads/{batch.id}/complete", {}, TRANSIENT | {423}
        )
        url = reply.get("job_url") if isinstance(reply, dict) else None
        if not isinstance(url, str):
            raise ProtocolError("The server's completion has no job.")
        return url

    def wait(
        self, job_url: str, on_waiting: Callable[[float], None] | None = None
    ) -> JobEnd:
        """How the job ended; waits for that, however long it takes.

        :param on_waiting: called once, with seconds, when nobody has begun with it
            for a minute: the site may have no worker.
        """
        pause, longest = POLL_SECONDS
        asked = time.monotonic()
        while True:
            job = self._api.call("GET", job_url)
            if not isinstance(job, dict):
                raise ProtocolError("The server's job cannot be read.")
            status = job.get("status")
            if status == "SUCCESS":
                return JobEnd(None, "", job.get("result") or {})
            if status in ("FAILURE", "REVOKED"):
                error = job.get("error") or {}
                message = str(error.get("message") or f"The job has status {status}.")
                code = str(error.get("code") or "job_failed")
                return JobEnd(code, message, job.get("result") or {})
            waited = time.monotonic() - asked
            if on_waiting and status == "PENDING" and waited > PATIENCE_SECONDS:
                on_waiting(waited)
                on_waiting = None
            begun = time.monotonic()
            self._stop.sleep(pause)
            # A laptop that slept has waited long enough.
            slept = time.monotonic() - begun > 10 * longest
            pause = POLL_SECONDS[0] if slept else min(pause * POLL_GROWTH, longest)

    def abort(self, batch: Batch) -> None:
        """The batch is over, without files."""
        self._api.call("PUT", f"/uploads/{batch.id}/abort")

    def _mine(self, state: str) -> Iterator[Batch]:
        page, seen = 1, 0
        while True:
            query = f"?state={state}&page={page}&size=100"
            reply = self._api.call("GET", f"/uploads{query}")
            hits = items_of(reply.get("hits"), "hits")
            yield from map(_batch, hits)
            seen += len(hits)
            if not hits or seen >= int(reply["hits"].get("total") or 0):
                return
            page += 1


def _batch(item: Any) -> Batch:
    try:
        return Batch(
            id=str(item["id"]),
            draft_id=str(item["record_id"]),
            mode=str(item["mode"]),
            state=str(item["state"]),
            job_url=item.get("job_url"),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ProtocolError("The server's batch cannot be read.") from error


def _links(reply: Any) -> dict[str, PartLink]:
    try:
        headers = reply["headers"]
        return {
            key: PartLink(url, headers.get(key, {}))
            for key, url in reply["presigned_urls"].items()
            if isinstance(url, str)
        }
    except (KeyError, TypeError, AttributeError) as error:
        raise ProtocolError("The server's links of a batch cannot be read.") from error


def _file(item: Mapping[str, Any], links: Mapping[str, PartLink]) -> BatchFile:
    name, _, value = str(item.get("checksum") or "").partition(":")
    try:
        return BatchFile(
            key=item["key"],
            size_bytes=item.get("size"),
            md5=value if name == "md5" else None,
            uploaded=bool(item.get("uploaded")),
            state=str(item.get("state")),
            link=links.get(item["key"]),
            error=item.get("error_message"),
            uploaded_bytes=int(item.get("uploaded_bytes") or 0),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ProtocolError("The server's files of a batch cannot be read.") from error


def _sts(item: Any) -> Sts:
    try:
        keys = item["credentials"]
        return Sts(
            access_key=keys["aws_access_key_id"],
            secret_key=keys["aws_secret_access_key"],
            token=keys.get("aws_session_token"),
            bucket=item["bucket"],
            prefix=item["prefix"],
            endpoint_url=item["endpoint_url"],
            region=item.get("region") or "us-east-1",
            expiration=item["expiration"],
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ProtocolError("The server's credentials cannot be read.") from error
