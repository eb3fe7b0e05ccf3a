# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Rows of a batch's files, as they are written thousands at once."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from invenio_files_rest.models import Bucket

from ...core.digests import Digest
from ...core.plan import make_plan
from ...core.states import UploadState
from ...errors import BadRequest
from ...records import quota
from ...records.models import SENT_AS_OBJECT, SENT_AS_PARTS, Batch, utc_now
from ...storage.base import Ability, MultipartUploadMixin
from ...storage.factory import multipart_storage, new_uri
from ..drafts import at_place
from ..uploads.initiate import provable
from .schema import CREDENTIALS, AnnouncedFile

FILES, INCOMING = "files/", "in/"
"""Below a batch's prefix: finished objects, and what is still to be adopted."""


def upload_rows(
    batch: Batch, bucket: Bucket, files: Sequence[AnnouncedFile]
) -> list[dict[str, Any]]:
    """Rows of the uploads, in the order of the files; nothing is written.

    :param files: those to be linked are passed by.
    :raises BadRequest: of any kind, with the place of the file at fault.
    """
    storage = multipart_storage(new_uri(bucket.location.uri, "0" * 36), 0)
    limit = bucket.size_limit
    largest = None if limit is None else limit.limit
    now = utc_now()
    rows = []
    for index, file in enumerate(files):
        if file.target is not None:
            continue
        try:
            if largest is not None and (file.size or 0) > largest:
                quota.check_limits(bucket, file.size or 0)
            rows.append(_row(batch, bucket, storage, file, now))
        except BadRequest as error:
            error.message = f"{file.key}: {error.message}"
            raise at_place(index, error) from None
    return rows


def _row(
    batch: Batch,
    bucket: Bucket,
    storage: MultipartUploadMixin,
    file: AnnouncedFile,
    now: datetime,
) -> dict[str, Any]:
    file_id, declared = uuid.uuid4(), provable(file.checksum, storage)
    direct = Ability.PRESIGNED_PARTS in storage.abilities
    plan = make_plan(file.size or 0, limits=storage.limits)
    whole = direct and (plan.parts == 1 or batch.mode == CREDENTIALS)
    return {
        "id": uuid.uuid4(),
        "batch_id": batch.id,
        "sent_as": SENT_AS_OBJECT if whole else SENT_AS_PARTS,
        "staged": _staged(batch, file, file_id, declared) if whole else None,
        "record_id": batch.record_id,
        "service_id": batch.service_id,
        "key": file.key,
        "bucket_id": batch.bucket_id,
        "file_id": file_id,
        "uri": f"{batch.prefix}{FILES}{file_id}"
        if direct
        else new_uri(bucket.location.uri, str(file_id)),
        # A link is all that an object needs; an upload in parts is still to open.
        "state": (UploadState.UPLOADING if whole else UploadState.INITIATED).value,
        "size": plan.size,
        "size_known": file.size is not None,
        "part_size": plan.part_size,
        "parts": plan.parts,
        "reserved": True,
        "declared": str(declared) if declared else None,
        "created_by": batch.created_by,
        "initiated_on": now,
        "updated": now,
        "expires_at": batch.complete_before,
    }


def _staged(
    batch: Batch, file: AnnouncedFile, file_id: uuid.UUID, declared: Digest | None
) -> str | None:
    """Where the client puts the object: see :attr:`.models.Upload.staged`."""
    if batch.mode == CREDENTIALS:
        return f"{INCOMING}{file.key}"
    if declared is not None and declared.algorithm == "md5":
        return None
    return f"{INCOMING}{file_id}"


def entry_of(file: AnnouncedFile, row: dict[str, Any]) -> dict[str, Any]:
    """JSON of a pending file entry, as the M transfer writes it for one file."""
    entry: dict[str, Any] = {
        "transfer": {
            "type": "M",
            "parts": row["parts"],
            "part_size": row["part_size"],
            "upload_id": str(row["id"]),
        }
    }
    if file.size is not None:
        entry["size"] = file.size
    if row["declared"]:
        entry["checksum"] = row["declared"]
    if file.metadata:
        entry["metadata"] = dict(file.metadata)
    return entry


def link_row(file: AnnouncedFile) -> dict[str, Any]:
    """Row of a file that is to be a link."""
    target = file.target
    if target is None:
        raise ValueError(f"{file.key} has no target.")
    return {
        "key": file.key,
        "target_record": target.name.record,
        "target_key": target.name.key,
        "size": target.size,
        "checksum": target.checksum,
    }


def entry_to_link(file: AnnouncedFile, batch: Batch) -> dict[str, Any]:
    """JSON of the pending entry of such a file."""
    transfer = {"type": "R", "batch_id": str(batch.id)}
    return {"metadata": dict(file.metadata or {}), "transfer": transfer}
