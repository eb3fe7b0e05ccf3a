# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""How a draft is doing, and the end of what is pending in it."""

from __future__ import annotations

from typing import Any

from .api import draft_path
from .batches import Batch
from .errors import RefusedError
from .many import DraftFile
from .session import Session
from .wire import FileEntry, quote_key


def status(session: Session, draft_id: str) -> list[DraftFile]:
    """All files of a draft in the order of their keys, complete or not.

    One request for each file that is sent in parts, and one for each thousand files
    of a batch.
    """
    found = {}
    batch = _batch_of(session, draft_id)
    if batch is not None:
        for file in session.batches.files(batch):
            found[file.key] = DraftFile(
                key=file.key,
                size_bytes=file.size_bytes,
                state=file.state,
                uploaded_bytes=file.uploaded_bytes,
                checksum=f"md5:{file.md5}" if file.md5 else None,
                batch=batch.id,
                error=file.error,
            )
    entries = session.drafts.files(draft_id)
    for key, entry in entries.items():
        if key not in found or entry.status == "completed":
            found[key] = _file(session, draft_id, key, entry)
    return [found[key] for key in sorted(entries)]


def abort(session: Session, draft_id: str) -> int:
    """End what is pending in a draft; how many files that were."""
    before = session.drafts.files(draft_id)
    pending = {key for key, entry in before.items() if entry.status != "completed"}
    batch = _batch_of(session, draft_id)
    if batch is not None:
        session.batches.abort(batch)
    # A link to bytes elsewhere is not on its way, whatever its status says.
    left = session.drafts.files(draft_id) if batch else before
    for key in pending.intersection(left):
        session.drafts.delete_file(draft_id, key)
    return len(pending)


def _batch_of(session: Session, draft_id: str) -> Batch | None:
    try:
        return session.batches.of_draft(draft_id)
    except RefusedError as error:
        if error.status != 404:
            raise
        # A server without this extension has no batches.
        return None


def _file(session: Session, draft_id: str, key: str, entry: FileEntry) -> DraftFile:
    if entry.status == "completed":
        size = entry.size_bytes
        return DraftFile(key, size, "completed", size or 0, checksum=entry.checksum)
    url = f"{draft_path(draft_id)}/files/{quote_key(key)}/upload"
    try:
        seen: dict[str, Any] = session.api.call("GET", url)
    except RefusedError as error:
        if error.status not in (404, 405):
            raise
        return DraftFile(key, entry.size_bytes, entry.status, 0)
    parts, uploaded = seen.get("parts"), seen.get("uploaded_parts")
    return DraftFile(
        key=key,
        size_bytes=seen.get("size"),
        state=str(seen.get("state")),
        uploaded_bytes=int(seen.get("uploaded_bytes") or 0),
        parts_missing=None if parts is None else int(parts) - int(uploaded or 0),
        checksum=entry.checksum,
        error=seen.get("error_message"),
    )
