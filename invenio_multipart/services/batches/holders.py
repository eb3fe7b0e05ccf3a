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


def buckets(holder: Any) -> list[uuid.UUID]:
    """Ids of the buckets of its files and of its media files."""
    if holder is None:
        return []
    return [b for b in (holder.bucket_id, holder.media_bucket_id) if b is not None]
