# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Open a batch's large files in the store, once its rows are committed."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from flask import current_app
from invenio_db import db
from invenio_db.uow import UnitOfWork

from ...records import batches, uploads
from ...records.models import Batch, Upload
from ..uploads.initiate import ensure_open

_THREADS = 4
"""Database connections that one announcement takes besides its own."""


def open_uploads(batch: Batch) -> None:
    """Have the store open every upload that comes in parts, several at a time.

    :raises StorageUnavailable: some may be open by then.
    """
    waiting = batches.unopened(batch.id)
    if not waiting:
        return
    app: Any = current_app._get_current_object()  # type: ignore[attr-defined]

    def open_one(upload_id: uuid.UUID) -> None:
        with app.app_context(), UnitOfWork() as uow:
            upload: Upload | None = uploads.locked(upload_id)
            # Whoever reads a file's links meanwhile opens it, too.
            if upload is not None and upload.is_open:
                ensure_open(upload)
            uow.commit()

    db.session.commit()
    with ThreadPoolExecutor(min(_THREADS, len(waiting))) as pool:
        for _ in pool.map(open_one, waiting):
            pass
    db.session.expire_all()
