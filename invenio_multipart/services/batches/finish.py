# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The end of a completion: one transaction in which all uploads become files.

Nothing in it waits for the store. Whatever happens, the draft has all files of the
batch or none, and quota, entries, batch and publication agree.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from typing import Any

from flask import current_app
from invenio_access.permissions import system_identity
from invenio_db import db
from invenio_db.uow import UnitOfWork
from invenio_files_rest.models import Bucket
from invenio_rdm_records.services.errors import (
    CommunityRequiredError,
    RDMRecordsException,
    ValidationErrorWithMessageAsList,
)
from invenio_records_resources.errors import validation_error_to_list_errors
from invenio_records_resources.proxies import current_service_registry
from invenio_records_resources.services.uow import RecordCommitOp
from invenio_records_resources.tasks import extract_file_metadata
from marshmallow import ValidationError

from ...core.digests import COMPUTABLE
from ...core.states import BatchState, UploadState
from ...errors import NotPublishable, StateConflict
from ...records import batch_links, batches, files, jobs, quota, uploads
from ...records.batch_links import EntryToLink
from ...records.batches import SentFile
from ...records.models import Batch, utc_now
from ...records.on_demand import hold
from ...tasks import verify_uploads
from ..identities import identity_of
from ..uploads.abort import QueueOp
from ..uploads.finalize import dedup_later
from .access import apply
from .access_schema import AccessChange
from .end import entries_model, sweep_later
from .inspect import Findings, inspect_links

_READ_AT_ONCE = 100
"""Files whose digests one task finds."""

_NOT_PUBLISHABLE = (
    ValidationError,
    ValidationErrorWithMessageAsList,
    CommunityRequiredError,
    RDMRecordsException,
)
"""What upstream raises for a record that is not fit yet."""

_PROVED = (UploadState.COMMITTING, UploadState.VERIFYING)


def finish(batch_id: uuid.UUID) -> Batch:
    """Make files of all, save and index the draft once, publish when asked to.

    :raises StateConflict: the batch was ended meanwhile.
    :raises FilesDiffer: a file was taken out of the draft meanwhile, or the bytes of a
        link were withdrawn.
    :raises NotPublishable: the record lacks something.
    """
    with UnitOfWork() as uow:
        batch = batches.locked(batch_id)
        if batch is None or batch.status is not BatchState.COMPLETING:
            state = batch.state if batch else "gone"
            raise StateConflict(f"The batch is {state}.", state)
        proved = batches.sent_files(batch_id, lock=True)
        links = batch_links.open_links(batch_id, lock=True)
        _require_proved(proved, links)
        _make_files(batch, proved)
        _fill_links(batch, links)
        _close(batch, proved, links, uow)
        _save_draft(batch, [file.key for file in (*proved, *links)], uow)
        uow.commit()
    return batch


def _require_proved(proved: Sequence[SentFile], links: Sequence[EntryToLink]) -> None:
    unproved = [
        upload.key
        for upload in proved
        if upload.status not in _PROVED or not upload.made or upload.unread
    ]
    findings = Findings(missing=unproved)
    inspect_links(links, findings)
    findings.check()


def _make_files(batch: Batch, proved: Sequence[SentFile]) -> None:
    bucket = db.session.get(Bucket, batch.bucket_id)
    files.add_instances(
        [
            files.NewFile(
                key=upload.key,
                file_id=upload.file_id,
                uri=upload.uri,
                size=upload.size,
                checksum=_checksum(upload),
            )
            for upload in proved
        ],
        bucket,
        entries_model(batch),
        batch.record_id,
    )
    # What was reserved is now what the files have: the sum in the bucket stays.
    unreserved = sum(upload.size for upload in proved if not upload.reserved)
    if unreserved:
        quota.reserve_bytes(batch.bucket_id, unreserved)


def _fill_links(batch: Batch, links: Sequence[EntryToLink]) -> None:
    """Their object versions are there, and count in the bucket's size."""
    files.fill_entries(
        entries_model(batch),
        batch.record_id,
        {link.key: link.version_id for link in links if link.version_id is not None},
        {link.key: link.origin for link in links if link.origin is not None},
    )
    batch_links.complete(batch.id)


def _close(
    batch: Batch,
    proved: Sequence[SentFile],
    links: Sequence[EntryToLink],
    uow: UnitOfWork,
) -> None:
    wanted = {"md5", *current_app.config["MULTIPART_DIGESTS"]} & COMPUTABLE
    # Nothing waits for these digests; a worker finds them afterwards.
    unread = [upload.id for upload in proved if wanted - set(upload.digests)]
    known = {upload.id for upload in proved} - set(unread)
    state = UploadState.COMPLETED
    batches.set_state(unread, state, reserved=False, hash_states={}, hash_offset=0)
    batches.set_state(known, state, reserved=False, hash_states=None, hash_offset=0)
    dedup_later(sorted(known), uow)
    uploads.drop_parts([upload.id for upload in proved])
    for start in range(0, len(unread), _READ_AT_ONCE):
        some = unread[start : start + _READ_AT_ONCE]
        uow.register(QueueOp(verify_uploads, [str(upload_id) for upload_id in some]))
    batch.move(BatchState.COMPLETED)
    batch.completed_on = utc_now()
    batch.files = len(proved) + len(links)
    batch.size = sum(file.size for file in (*proved, *links))
    batch.error_on = batch.error_code = batch.error_message = None
    if batch.purge_job_id is not None:
        jobs.revoke(batch.purge_job_id)
    sweep_later(batch, uow)


def _save_draft(batch: Batch, keys: Sequence[str], uow: UnitOfWork) -> None:
    """One save and one index entry for all files; then the publication."""
    service = current_service_registry.get(batch.service_id)
    draft = service.record_cls.get_record(batch.record_id)
    wanted = batch.access or {}
    change = AccessChange.from_json(wanted.get("change"))
    apply(change, draft, identity_of(wanted.get("actor")), uow)
    hold(draft.files, keys)
    _extract(batch, [draft.files[key] for key in keys], service, uow)
    if not change.publish:
        records = _records()
        uow.register(RecordCommitOp(draft, indexer=records and records.indexer))
        # What we have saved ourselves is nobody's change.
        batch.draft_revision = draft.revision_id
        return
    draft.commit()
    # Whether the caller may publish was decided when he asked for it; by now the
    # record may be somebody else's.
    try:
        _records().publish(system_identity, batch.pid_value, uow=uow)
    except _NOT_PUBLISHABLE as error:
        raise NotPublishable(_problems(error)) from error
    batch.access = {**wanted, "published": True}


def _problems(error: Exception) -> list[dict[str, Any]]:
    """What upstream says of the record, in one form for all of its errors."""
    if isinstance(error, ValidationError):
        found: list[dict[str, Any]] = validation_error_to_list_errors(error)
        return json.loads(json.dumps(found, default=str))
    said = getattr(error, "messages", None) or [getattr(error, "description", error)]
    return [{"field": "", "messages": [str(message) for message in said]}]


def _extract(
    batch: Batch, entries: Sequence[Any], service: Any, uow: UnitOfWork
) -> None:
    """Queue upstream's metadata extraction for the few files it knows."""
    for entry in entries:
        known = any(
            processor.can_process(entry) for processor in service.config.file_processors
        )
        if known:
            uow.register(
                QueueOp(
                    extract_file_metadata,
                    batch.service_id,
                    batch.pid_value,
                    entry.key,
                )
            )


def _checksum(upload: SentFile) -> str | None:
    """What fixity checks will compare, None while it is not known."""
    md5 = upload.digests.get("md5")
    return f"md5:{md5}" if md5 else None


def _records() -> Any:
    registered = current_service_registry._services
    return registered.get("records")
