# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Where the files of a batch are: a draft, a published record, or both."""

from __future__ import annotations

import uuid
from typing import Any

from invenio_records_resources.proxies import current_service_registry
from sqlalchemy.exc import NoResultFound

from ...records.models import Batch


def holders(batch: Batch) -> tuple[Any, Any]:
    """Published record and draft; InvenioRDM gives both the same id."""
    service = current_service_registry.get("records")
    found = []
    for cls in (service.record_cls, service.draft_cls):
        try:
            found.append(cls.get_record(batch.record_id))
        except NoResultFound:
            found.append(None)
    return found[0], found[1]


def is_as_made(batch: Batch, draft: Any) -> bool:
    """Whether the draft was made for the batch and nobody has used it since.

    The batch's own files, and whether there are others, are not looked at.
    """
    if not batch.provisioned or draft.revision_id != batch.draft_revision:
        return False
    # Neither of these changes the draft itself.
    media = draft.media_files.enabled and len(draft.media_files.entries)
    return draft.get_review() is None and not media


def buckets(holder: Any) -> list[uuid.UUID]:
    """Ids of the buckets of its files and of its media files."""
    if holder is None:
        return []
    return [b for b in (holder.bucket_id, holder.media_bucket_id) if b is not None]
