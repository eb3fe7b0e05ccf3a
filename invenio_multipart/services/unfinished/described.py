# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Uploads and batches as people see them, dozens at once.

What is told of a draft, and which links there are, is for those who may read that draft
now. No store is asked; bytes are those that are known.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from flask import current_app
from flask_principal import Identity
from invenio_base import invenio_url_for
from invenio_records_resources.proxies import current_service_registry

from ...records import unfinished
from ...records.models import Batch, Upload
from ...records.unfinished import Row
from ..uploads.parts import iso

_FILES_PATHS = {"draft-files": "files", "draft-media-files": "media-files"}


def described(identity: Identity, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Plain dictionaries, ready for the wire; as many queries for any number."""
    drafts = _readable_drafts(identity, {row.record_id for row in rows})
    batches = [row.id for row in rows if isinstance(row, Batch)]
    known = unfinished.bytes_of_batches(batches)
    return [
        _batch(row, drafts.get(row.record_id), known.get(row.id, 0))
        if isinstance(row, Batch)
        else _upload(row, drafts.get(row.record_id))
        for row in rows
    ]


def _upload(upload: Upload, draft: Any) -> dict[str, Any]:
    there = upload.size if upload.completed_on else upload.uploaded_prefix_bytes
    links = {}
    files = _FILES_PATHS.get(upload.service_id)
    if draft is not None and files is not None:
        file = f"/records/{draft.pid.pid_value}/draft/{files}/{quote(upload.key)}"
        links = {"status": f"{_api()}{file}/upload", "abort": f"{_api()}{file}"}
    return {
        "kind": "upload",
        "id": str(upload.id),
        "state": upload.state,
        "key": upload.key,
        "files": 1,
        "size": upload.size if upload.size_known else None,
        "known_bytes": there,
        "begun_on": iso(upload.initiated_on),
        "deadline": iso(upload.expires_at),
        "error_message": upload.error_message,
        **_of_draft(draft, links),
    }


def _batch(batch: Batch, draft: Any, known: int) -> dict[str, Any]:
    url = f"{_api()}/uploads/{batch.id}"
    links = {"status": url, "abort": f"{url}/abort"} if draft is not None else {}
    return {
        "kind": "batch",
        "id": str(batch.id),
        "state": batch.state,
        "key": None,
        "files": batch.files,
        "size": batch.size,
        "known_bytes": known,
        "begun_on": iso(batch.created),
        "deadline": iso(batch.complete_before),
        "error_message": batch.error_message,
        **_of_draft(draft, links),
    }


def _of_draft(draft: Any, links: dict[str, str]) -> dict[str, Any]:
    """The draft, and links that lead to it; nothing for who may not read it."""
    if draft is None:
        return {"draft": None, "links": {}}
    pid = draft.pid.pid_value
    page = invenio_url_for("invenio_app_rdm_records.deposit_edit", pid_value=pid)
    title = (draft.get("metadata") or {}).get("title")
    return {
        "draft": {"id": pid, "title": title or None},
        "links": {"draft_html": page, **links},
    }


def _readable_drafts(
    identity: Identity, ids: set[uuid.UUID]
) -> Mapping[uuid.UUID, Any]:
    """The drafts of these ids that the caller may read; two queries for all."""
    service = current_service_registry.get("records")
    drafts = service.draft_cls.get_records(list(ids)) if ids else []
    parents = service.draft_cls.parent_record_cls.get_records(
        [draft.model.parent_id for draft in drafts]
    )
    by_id = {parent.id: parent for parent in parents}
    found = {}
    for draft in drafts:
        parent = by_id.get(draft.model.parent_id)
        if parent is None:
            continue
        # Each would ask for its own, one after the other. Assigned, it would be written.
        service.draft_cls.parent.field._set_cache(draft, parent)
        if service.check_permission(identity, "read_draft", record=draft):
            found[draft.id] = draft
    return found


def _api() -> str:
    url: str = current_app.config["SITE_API_URL"]
    return url
