# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What people do with an entry of a list: what they may do at its draft, no more."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from flask import current_app
from flask_principal import Identity
from invenio_db import db
from invenio_records_resources.proxies import current_service_registry
from sqlalchemy.orm.exc import NoResultFound

from ...errors import StateConflict, UploadNotFound
from ...proxies import current_multipart
from ...records.models import Upload, utc_now
from ..batches.found import found

BATCH, UPLOAD = "batch", "upload"

_SLACK = timedelta(seconds=5)
"""The farthest deadline is judged a moment after it is chosen here."""


def discard(identity: Identity, kind: str, id_: uuid.UUID) -> None:
    """End it without files.

    :raises UploadNotFound: there is none.
    :raises AccessDenied: of a batch.
    :raises PermissionDeniedError: of a file.
    """
    if kind == BATCH:
        current_multipart.batches.abort(identity, id_, None)
        return
    upload, service, pid = _at_its_draft(id_)
    service.delete_file(identity, pid, upload.key)


def more_time(identity: Identity, kind: str, id_: uuid.UUID) -> None:
    """Put off its deadline.

    A batch gets as much again as one has that says nothing, up to what the site allows.

    :raises UploadNotFound: there is none.
    """
    now = utc_now()
    if kind == BATCH:
        site = current_app.config
        more = timedelta(seconds=site["MULTIPART_BATCH_OPEN_SECONDS"])
        longest = timedelta(seconds=site["MULTIPART_BATCH_MAX_OPEN_SECONDS"])
        moment = min(found(id_).complete_before + more, now + longest - _SLACK)
        body = {"completed_by": moment.isoformat()}
        current_multipart.batches.extend(identity, id_, body)
        return
    upload, _, pid = _at_its_draft(id_)
    lifetime = timedelta(seconds=current_app.config["MULTIPART_UPLOAD_LIFETIME"])
    body = {"expires_at": (now + lifetime).isoformat()}
    current_multipart.uploads.extend(upload.service_id, identity, pid, upload.key, body)


def _at_its_draft(id_: uuid.UUID) -> tuple[Upload, Any, str]:
    """An open upload of no batch, the file service of its draft, and the draft's PID.

    :raises StateConflict: it is over: its key may be another file's by now.
    """
    upload = db.session.get(Upload, id_, populate_existing=True)
    if upload is None:
        raise UploadNotFound("There is no such upload.")
    if not upload.is_open or upload.batch_id is not None:
        raise StateConflict(f"The upload is {upload.state}.", upload.state)
    service = current_service_registry.get(upload.service_id)
    try:
        draft = service.record_cls.get_record(upload.record_id)
    except NoResultFound:
        raise UploadNotFound("The draft of this upload is gone.") from None
    return upload, service, draft.pid.pid_value
