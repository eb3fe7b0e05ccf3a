# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The files of a batch, page by page: what is there, and where the rest goes."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

from invenio_db import db

from ...core.states import OPEN, BatchState
from ...records import batch_links, batches
from ...records.batches import SentFile
from ...records.models import SENT_AS_OBJECT, Batch, Upload
from ...storage.factory import multipart_storage
from ..uploads.parts import Seen, last_known
from . import reply
from .inspect import list_objects, name_of
from .link_urls import link_urls
from .opening import open_uploads


def page_of_files(batch: Batch, after: str, size: int) -> dict[str, Any]:
    """Files with keys above ``after``, in order, and where to send those missing.

    Links are among them, with the addresses that make those which are not made.

    Of a file in parts these are the parts that are not there; all of them once all
    are there, and a completion has found the file wrong.

    When a completion has failed, there is a place for all that can be sent again.

    The store is asked once for all whole objects, and once for each upload in parts
    of the page.

    :param size: files in the page, 1 or more.
    :raises StorageUnavailable: the store does not answer.
    """
    keys = batches.page_of_keys(batch.id, after, size + 1)
    keys, more = keys[:size], keys[size:]
    page = batches.of_keys(batch.id, keys)
    entries = batch_links.of_keys(batch.id, keys)
    listing = list_objects(batch) if batch.status is BatchState.UPLOADING else {}
    seen = {upload.id: _seen(upload, batch) for upload in page}
    arrived = {
        upload.id: _arrived(upload, batch, listing, seen[upload.id]) for upload in page
    }
    # After a completion that failed, what is there may be what was wrong.
    anew = batch.error_on is not None
    missing = [
        upload
        for upload in page
        if not upload.made and (anew or arrived[upload.id] != upload.size)
    ]
    urls, headers, links = {}, {}, {}
    if batch.status is BatchState.UPLOADING:
        # Whoever announced it may have died before all of them were opened.
        open_uploads(batch)
        there = {upload.id: _stays(upload, seen[upload.id]) for upload in missing}
        urls, headers = reply.sending_urls(batch, missing, there)
        links = link_urls(batch, entries)
    shown = {
        upload.key: reply.file_entry(upload, arrived[upload.id]) for upload in page
    }
    shown.update((entry.key, reply.link_entry(entry)) for entry in entries)
    return {
        "files": [shown[key] for key in keys],
        "presigned_urls": urls,
        "headers": headers,
        "links": links,
        "next": keys[-1] if more else None,
    }


def _seen(upload: SentFile, batch: Batch) -> Seen | None:
    """What is there of an upload in parts that is open in the store."""
    if upload.made or upload.status not in OPEN or upload.sent_as == SENT_AS_OBJECT:
        return None
    if upload.upload_ref is None:
        return None
    row = db.session.get(Upload, upload.id)
    return last_known(row, multipart_storage(upload.uri, upload.size))


def _arrived(
    upload: SentFile, batch: Batch, listing: Any, seen: Seen | None
) -> int | None:
    if upload.made or upload.status not in OPEN:
        return None
    if upload.sent_as == SENT_AS_OBJECT:
        entry = listing.get(name_of(upload, batch))
        return None if entry is None else int(entry.size)
    return seen.size if seen is not None and seen.count else None


def _stays(upload: SentFile, seen: Seen | None) -> Container[int]:
    """The parts that need no link; none when all are there and yet it is not right."""
    return seen if seen is not None and seen.count < upload.parts else ()
