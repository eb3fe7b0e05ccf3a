# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Content dedup: a new file whose bytes are there already is put onto them.

Only in drafts that are not published: what is published never changes, not even in the
id of its file instance. Whatever gets in between costs a saving and nothing else.
"""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import current_app
from flask_principal import Identity
from invenio_db import db
from invenio_db.uow import UnitOfWork
from invenio_files_rest.models import FileInstance
from invenio_records_resources.proxies import current_service_registry

from ...core.running import RunningJob
from ...core.states import UploadState
from ...errors import StateConflict, StorageError, StorageUnavailable
from ...proxies import current_multipart
from ...records import jobs, locks, sharing, uploads, uses
from ...records.contents import Bytes, Circle
from ...records.models import Batch, Upload, utc_now
from ...records.sharing import OwnCopy
from .. import audit
from ..free import free_noted
from ..identities import identity_of
from .content import LOOKED_UP, Match, find_bytes
from .same import proved_same

_SERVICE = "draft-files"

_TRIES = 5
_PAUSE_SECONDS = 0.2
"""Grows with each try, and differs: two that stop each other shall not meet again."""

_GRACE = timedelta(hours=1)
"""Time for readers that were told of the second copy's place before it was given up:
workers that read a large file, and downloads that were begun by a redirect's end."""


@dataclass(frozen=True)
class _Case:
    """A file that may be put onto other bytes.

    :param circle: whose files are looked at.
    """

    upload: Upload
    identity: Identity
    copy: OwnCopy
    circle: Circle

    @property
    def bytes(self) -> Bytes:
        return Bytes(str(self.copy.checksum), self.copy.size)


def dedup(upload_ids: Sequence[uuid.UUID]) -> int:
    """Put files of these uploads onto bytes that are there already, where it is allowed.

    Commits by itself, once per file.

    :returns: how many were.
    :raises StorageUnavailable: to be tried again; what is done is done.
    """
    return sum(_dedup(upload_id) for upload_id in upload_ids)


def _dedup(upload_id: uuid.UUID) -> bool:
    for tries in range(_TRIES):
        try:
            return _try(upload_id)
        except StateConflict:
            # Somebody else has one of the rows. Waiting here would make him wait, too.
            db.session.rollback()
            time.sleep(_PAUSE_SECONDS * (tries + random.random()))  # noqa: S311
        except StorageUnavailable:
            raise
        except StorageError:
            # One file that cannot be read is no reason to leave the others.
            db.session.rollback()
            current_app.logger.exception("Upload %s cannot be compared.", upload_id)
            return False
    current_app.logger.info("Upload %s keeps its own bytes.", upload_id)
    return False


def _try(upload_id: uuid.UUID) -> bool:
    case = _case(db.session.get(Upload, upload_id, populate_existing=True))
    match = case and _find(case)
    if case is None or match is None:
        db.session.rollback()
        return False
    kept = match.file.file_id
    if not proved_same(case.upload, case.copy, match.file):
        current_app.logger.warning(
            "Files %s and %s were not shown to be the same.", kept, case.copy.file_id
        )
        return False
    with UnitOfWork() as uow:
        put = _put_onto(upload_id, kept, uow)
        if put:
            uow.commit()
            _log(case, kept)
    return put


def _case(upload: Upload | None) -> _Case | None:
    """None where there is nothing to look for."""
    mode = current_app.config["MULTIPART_DEDUP"]
    if mode not in ("record", "readable") or not _is_settled(upload):
        return None
    drafts = current_service_registry.get(_SERVICE).record_cls
    records = current_service_registry.get("files").record_cls
    parent_id = sharing.parent_of_new(
        drafts.model_cls, records.model_cls, upload.record_id
    )
    entries = drafts.files.file_cls.model_cls
    copy = sharing.own_copy(entries, upload.record_id, upload.key, upload.file_id)
    known = f"{LOOKED_UP}:{upload.digests[LOOKED_UP]}"
    if parent_id is None or copy is None or copy.checksum != known:
        return None
    circle = Circle(parent_id=parent_id)
    if mode == "readable":
        circle = Circle(parent_id, owner_id=upload.created_by, public=True)
    return _Case(upload, identity_of(upload.created_by), copy, circle)


def _is_settled(upload: Any) -> bool:
    """Whether all that is to be known of the file is, and it is there to stay."""
    if (
        upload is None
        or upload.service_id != _SERVICE
        or upload.status is not UploadState.COMPLETED
        or upload.hash_states is not None
        or LOOKED_UP not in upload.digests
        or not upload.size
    ):
        return False
    batch = upload.batch_id and db.session.get(Batch, upload.batch_id)
    # What was announced for a limited time is found, and deleted, by its own bytes.
    return not batch or batch.expires_at is None


def _find(case: _Case, *conditions: Any) -> Match | None:
    fit = sharing.as_good_as(case.copy)
    found = find_bytes(case.identity, [case.bytes], case.circle, *fit, *conditions)
    return found.get(case.bytes)


def _put_onto(upload_id: uuid.UUID, kept: uuid.UUID, uow: UnitOfWork) -> bool:
    """Lock all that is concerned, look at it once more, and change it.

    :raises StateConflict: somebody else has locked some of it.
    """
    upload = db.session.get(Upload, upload_id)
    if upload is None:
        return False
    # Before any row: announcements and publications come one after the other by this.
    locks.await_turn(upload.record_id)
    upload = uploads.locked(upload_id, wait=False)
    entries = current_service_registry.get(_SERVICE).record_cls.files.file_cls.model_cls
    if upload is None or not sharing.lock_files(kept, upload.file_id):
        return False
    sharing.lock_entry(entries, upload.record_id, upload.key)
    case = _case(upload)
    match = case and _find(case, FileInstance.id == kept)
    if case is None or match is None or match.file.origin is None:
        return False
    sharing.share(entries, case.copy, kept, match.file.origin, upload)
    _free_later(case.copy.file_id, uow)
    return True


def _log(case: _Case, kept: uuid.UUID) -> None:
    fields = {"upload": case.upload.id, "file": case.copy.file_id}
    audit.log("dedup", {**fields, "onto": kept, "size": case.copy.size})


def _free_later(file_id: uuid.UUID, uow: UnitOfWork) -> None:
    """Give up the second copy once nobody can be on his way to it any more."""
    redirect = timedelta(seconds=current_app.config.get("S3_URL_EXPIRATION", 60))
    job = jobs.create(
        "free_copy",
        arguments={"file_id": str(file_id)},
        due_at=utc_now() + redirect + _GRACE,
    )
    current_multipart.jobs.submit(job, uow)


def free_copy(job: RunningJob) -> dict[str, Any]:
    """Free a second copy, unless somebody has begun to use it; the job's handler.

    :returns: ``files`` and ``bytes`` that are gone, and ``shared``: 1 if it is used.
    :raises StorageUnavailable: the store does not answer; the reaper goes on, too.
    """
    file_id = uuid.UUID(job.arguments["file_id"])
    uses.note([file_id])
    db.session.commit()
    freed = free_noted([file_id])
    return {"files": freed.files, "bytes": freed.size, "shared": freed.shared}
