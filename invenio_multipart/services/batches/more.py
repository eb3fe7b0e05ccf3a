# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Further files for a batch that is open.

A client that reads its files once announces them as it comes to them, and has one
batch in the end, which is completed once.
"""

from __future__ import annotations

from typing import Any

from flask_principal import Identity
from invenio_db import db
from invenio_db.uow import UnitOfWork
from invenio_records_resources.proxies import current_service_registry

from ...core.grants import Verb
from ...errors import StateConflict
from ...records import batch_links, batches
from ...records.models import Batch
from ..uploads.schema import parse
from . import reply
from .announce import announce_more
from .checks import settle_checks
from .link_urls import link_urls
from .opening import open_uploads
from .rights import authorize, draft_of
from .schema import MoreFilesSchema


def add_to_batch(batch: Batch, identity: Identity, body: Any) -> dict[str, Any]:
    """Announce further files, and answer with the URLs of these.

    Only by the caller's own right: a grant is for what was announced.

    :raises AccessDenied: no right on the draft.
    :raises StateConflict: the batch is being completed, or over.
    """
    authorize(batch, identity, Verb.UPLOAD, None)
    files = parse(MoreFilesSchema(), body)["files"]
    draft = draft_of(batch)
    if draft is None:
        raise StateConflict("The draft has been published or deleted.", batch.state)
    service = current_service_registry.get(batch.service_id)
    with UnitOfWork() as uow:
        settled = settle_checks(identity, draft, files)
        batch = announce_more(service, draft, batch.id, settled, uow)
        uow.commit()
    open_uploads(batch)
    db.session.refresh(batch)
    keys = [file.key for file in files]
    urls, headers = reply.sending_urls(
        batch, batches.of_keys(batch.id, keys), announced_as=files
    )
    return {
        "id": str(batch.id),
        "files": batch.files,
        "size": batch.size,
        "presigned_urls": urls,
        "headers": headers,
        "links": link_urls(batch, batch_links.of_keys(batch.id, keys)),
    }
