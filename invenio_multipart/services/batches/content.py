# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Bytes of a batch's files that come through the server: local storage only."""

from __future__ import annotations

from typing import Any

from invenio_db import db
from invenio_db.uow import UnitOfWork
from invenio_files_rest.models import Bucket
from sqlalchemy import select

from ...core.digests import Digest
from ...core.plan import make_plan
from ...errors import InvalidPart, NotAllowedHere, UploadNotFound
from ...records import quota, uploads
from ...records.models import Batch, Upload
from ...storage.base import Ability
from ...storage.factory import multipart_storage
from ..uploads.initiate import ensure_open
from ..uploads.intake import take_part
from .found import require_uploading


def take_content(
    batch: Batch, key: str, part: int, stream: Any, size: int | None, md5: Digest | None
) -> dict[str, Any]:
    """Take one part, or a small file as its only one.

    :param size: Content-Length.
    :param md5: Content-MD5, None without one.
    :raises UploadNotFound: the batch has no such file.
    :raises NotAllowedHere: the store takes the bytes itself.
    :raises PartRefused: other bytes than announced.
    """
    require_uploading(batch)
    query = select(Upload).where(Upload.batch_id == batch.id, Upload.key == key)
    # One that was announced again after its end has a row for either.
    found = db.session.execute(query).scalars()
    upload = next((row for row in found if row.is_open), None)
    if upload is None:
        raise UploadNotFound("The batch has no such file.")
    storage = multipart_storage(upload.uri, upload.size)
    if Ability.SERVER_PARTS not in storage.abilities:
        raise NotAllowedHere("This storage takes files by its own links.")
    with UnitOfWork() as uow:
        upload = uploads.locked(upload.id)
        if not upload.size_known:
            _learn_size(upload, size)
        ensure_open(upload)
        uow.commit()
    declared = _declared_md5(upload)
    if md5 is None and declared is not None and upload.parts == 1:
        md5 = declared
    take_part(upload, part, stream, size, md5)
    return {"key": key, "part": part}


def _learn_size(upload: Upload, size: int | None) -> None:
    """A file announced without a size has that of the first request for it."""
    if size is None:
        raise InvalidPart("A file needs a Content-Length.", field="part")
    storage = multipart_storage(upload.uri, size)
    plan = make_plan(size, 1, limits=storage.limits)
    quota.check_limits(db.session.get(Bucket, upload.bucket_id), size)
    quota.reserve_bytes(upload.bucket_id, size)
    upload.size, upload.size_known = size, True
    upload.part_size, upload.parts = plan.part_size, plan.parts


def _declared_md5(upload: Upload) -> Digest | None:
    algorithm, _, value = (upload.declared or "").partition(":")
    return Digest("md5", value) if algorithm == "md5" else None
