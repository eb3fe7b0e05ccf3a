# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What clients are told about a batch, with every URL they need."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from flask import current_app
from invenio_db import db

from ...core.bindings import PutBinding
from ...core.grants import Verb
from ...core.ledger import PartLedger
from ...core.sigv4 import MAX_EXPIRES_SECONDS
from ...core.states import BatchState, UploadState
from ...proxies import current_multipart
from ...records import batch_links, batches, uploads
from ...records.batch_links import EntryToLink
from ...records.batches import SentFile
from ...records.models import SENT_AS_OBJECT, Batch, Upload, utc_now
from ...storage.factory import object_prefix
from ..uploads.parts import link_entries
from ..uploads.whole import as_base64, md5_of
from .inspect import name_of
from .link_urls import link_urls
from .rights import PARAMETER, grant
from .schema import CREDENTIALS, AnnouncedFile

_SENDING = frozenset({UploadState.INITIATED, UploadState.UPLOADING})


def announcement(
    batch: Batch, draft: Any, files: Sequence[AnnouncedFile]
) -> dict[str, Any]:
    """The reply to an announcement, see DESIGN's wire contract in ``docs/``.

    :param draft: the batch's draft, for its version and revision.
    :param files: as they were announced.
    """
    urls, headers = sending_urls(
        batch, batches.sent_files(batch.id), announced_as=files
    )
    links = link_urls(batch, batch_links.open_links(batch.id))
    return {
        "id": str(batch.id),
        "record_id": batch.pid_value,
        "version": str(draft.versions.index),
        "revision_id": draft.revision_id,
        "mode": batch.mode,
        "state": batch.state,
        "presigned_urls": urls,
        "headers": headers,
        "sts": None,
        "links": links,
        "links_url": _url(batch, "/links", Verb.LINK) if links else None,
        "complete_before": iso(batch.complete_before),
        **own_urls(batch),
        "script_url": script_url(batch),
        "purge_job_id": str(batch.purge_job_id),
        "expires_in": iso(batch.expires_at),
        "expires_job_id": _text(batch.expires_job_id),
    }


def own_urls(batch: Batch) -> dict[str, Any]:
    """URLs of the batch itself; each carries a grant for just that."""
    urls = {
        "self": _url(batch, "", Verb.READ),
        "completion_url": _url(batch, "/complete", Verb.COMPLETE),
        "abort_url": _url(batch, "/abort", Verb.ABORT),
        "files_url": _url(batch, "/files", Verb.UPLOAD),
    }
    if batch.mode == CREDENTIALS:
        urls["credentials_url"] = _url(batch, "/credentials", Verb.CREDENTIALS)
    return urls


def script_url(batch: Batch) -> str | None:
    """Where the script of the batch is; none can be with temporary credentials,
    which curl and a shell make little of."""
    if batch.mode == CREDENTIALS:
        return None
    site = current_app.config["SITE_API_URL"]
    path = f"records/{quote(batch.pid_value, safe='')}/draft/uploads/{batch.id}/script"
    return f"{site}/{path}?{PARAMETER}={grant(batch, Verb.SCRIPT)}"


def sending_urls(
    batch: Batch,
    sent: Sequence[SentFile],
    there: Mapping[uuid.UUID, Container[int]] | None = None,
    announced_as: Sequence[AnnouncedFile] = (),
) -> tuple[dict[str, Any], dict[str, dict[str, str]]]:
    """Where the bytes of each file go, and which headers they need.

    :param there: by id of an upload, numbers of parts that need no link.
    :param announced_as: what has just been said of the files; nobody keeps a SHA-256.
    :returns: by key, a URL for a whole file or the list of its parts' links; and by
        key, headers that a link is bound to. Both empty in the mode of temporary
        credentials.
    """
    if batch.mode == CREDENTIALS:
        return {}, {}
    waiting = [upload for upload in sent if upload.status in _SENDING]
    urls: dict[str, Any] = {}
    headers: dict[str, dict[str, str]] = {}
    whole = [upload for upload in waiting if upload.sent_as == SENT_AS_OBJECT]
    for upload, link in zip(whole, _put_links(batch, whole, announced_as)):
        urls[upload.key] = link.url
        if link.headers:
            headers[upload.key] = link.headers
    for upload in waiting:
        if upload.sent_as != SENT_AS_OBJECT:
            urls[upload.key] = _part_urls(
                batch, upload, (there or {}).get(upload.id, ())
            )
    return urls, headers


def status(batch: Batch) -> dict[str, Any]:
    """How a batch is doing."""
    counts = Counter(batch_links.progress(batch.id))
    for state, (count, _) in batches.progress(batch.id).items():
        counts[state] += count
    over = batch.status not in (BatchState.UPLOADING, BatchState.COMPLETING)
    job = batch.complete_job_id
    return {
        "id": str(batch.id),
        "record_id": batch.pid_value,
        "mode": batch.mode,
        "state": batch.state,
        "created": iso(batch.created),
        "complete_before": iso(batch.complete_before),
        "completed_on": iso(batch.completed_on),
        "purged_on": iso(batch.purged_on),
        "expires_in": iso(batch.expires_at),
        "error_on": iso(batch.error_on),
        "error_code": batch.error_code,
        "error_message": batch.error_message,
        "files": batch.files,
        "size": batch.size,
        "states": dict(sorted(counts.items())),
        "lock": None if over else {"stage": batch.state, "batch": str(batch.id)},
        "job_id": _text(job),
        "job_url": current_multipart.jobs.url(job) if job else None,
        "purge_job_id": _text(batch.purge_job_id),
        "expires_job_id": _text(batch.expires_job_id),
    }


def extended(batch: Batch) -> dict[str, Any]:
    """The same with URLs that are good until the deadline of now."""
    links = batch_links.open_links(batch.id)
    return {
        **status(batch),
        **own_urls(batch),
        "script_url": script_url(batch),
        "links_url": _url(batch, "/links", Verb.LINK) if links else None,
    }


def file_entry(upload: SentFile, arrived: int | None) -> dict[str, Any]:
    """One file of a batch.

    :param arrived: bytes of it in the store, None while nothing is there.
    """
    done = upload.made
    return {
        "key": upload.key,
        "size": upload.size if upload.size_known or done else None,
        "checksum": upload.declared,
        "state": upload.state,
        "uploaded": done
        or (arrived is not None and (not upload.size_known or arrived == upload.size)),
        "uploaded_bytes": upload.size if done else arrived or 0,
        "error_message": upload.error_message,
    }


def link_entry(entry: EntryToLink) -> dict[str, Any]:
    """One link entry of a batch, in the same shape, with its target."""
    made = entry.origin is not None
    return {
        "key": entry.key,
        "size": entry.size,
        "checksum": entry.checksum,
        "state": entry.state,
        "uploaded": made,
        "uploaded_bytes": entry.size if made else 0,
        "error_message": None,
        "link": {"id": entry.target_record, "key": entry.target_key},
    }


def accepted(batch: Batch) -> dict[str, Any]:
    """The reply to a completion."""
    job = batch.complete_job_id
    return {
        "status": "accepted",
        "job_url": current_multipart.jobs.url(job),
        "job_id": str(job),
    }


def iso(moment: datetime | None) -> str | None:
    """UTC, with its zone, to the second."""
    return moment.isoformat(timespec="seconds") if moment else None


def _url(batch: Batch, rest: str, verb: Verb) -> str:
    url = f"{current_app.config['SITE_API_URL']}/uploads/{batch.id}{rest}"
    return f"{url}?{PARAMETER}={grant(batch, verb)}"


def _put_links(
    batch: Batch, whole: Sequence[SentFile], announced_as: Sequence[AnnouncedFile]
) -> Iterable[Any]:
    if not whole:
        return ()
    sha256s = {file.key: file.sha256 for file in announced_as}
    bindings = (
        PutBinding(
            name_of(upload, batch),
            upload.size if upload.size_known else None,
            md5_of(upload.declared),
            as_base64(sha256s.get(upload.key)),
        )
        for upload in whole
    )
    return object_prefix(batch.prefix).sign_puts(bindings, seconds_left(batch))


def seconds_left(batch: Batch) -> int:
    """How long a link of this batch may live, 1 or more."""
    left = int((batch.complete_before - utc_now()) / timedelta(seconds=1))
    return max(1, min(left, MAX_EXPIRES_SECONDS))


def _part_urls(batch: Batch, upload: SentFile, there: Container[int]) -> Any:
    """Links of parts, with what is to be cut for each; who has only the grant asks
    for nothing else."""
    row = db.session.get(Upload, upload.id)
    if not batch.prefix.startswith("s3://"):
        return _local_urls(batch, row, there)
    ledger = uploads.ledger_of(row)
    offsets = _offsets(ledger)
    numbers = [number for number in offsets if number not in there]
    return [
        {**link, "size": ledger.size_of(link["part"]), "offset": offsets[link["part"]]}
        for link in link_entries(row, "", ledger, numbers)
    ]


def _offsets(ledger: PartLedger) -> dict[int, int | None]:
    """Where each part begins; None where only the sender of those before knows."""
    offsets: dict[int, int | None] = {}
    offset: int | None = 0
    for number in range(1, ledger.count + 1):
        offsets[number] = offset
        size = ledger.size_of(number)
        offset = None if offset is None or size is None else offset + size
    return offsets


def _local_urls(batch: Batch, upload: Upload, there: Container[int]) -> Any:
    """The same on local storage, where the links carry a grant."""
    token = grant(batch, Verb.UPLOAD)
    site = current_app.config["SITE_API_URL"]
    base = f"{site}/uploads/{batch.id}/content"
    name = quote(upload.key, safe="/")

    def url(part: int) -> str:
        return f"{base}/{part}/{name}?{PARAMETER}={token}"

    if upload.parts == 1:
        return url(1)
    expiration, plan = iso(batch.complete_before), upload.plan
    return [
        {
            "part": part,
            "url": url(part),
            "expiration": expiration,
            "size": plan.size_of(part),
            "offset": plan.offset_of(part),
        }
        for part in range(1, upload.parts + 1)
        if part not in there
    ]


def _text(value: object) -> str | None:
    return str(value) if value is not None else None
