# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What becomes of objects that nobody announced.

Whoever has temporary credentials can write names of his own. Three things can be
meant by that, so the completion says which: an error (nothing is lost, and the
batch is open again), something to be left behind, or more files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from invenio_db.uow import UnitOfWork
from invenio_files_rest.models import Bucket
from invenio_records_resources.proxies import current_service_registry

from ...errors import BadRequest
from ...records import batches, entries
from ...records.batches import SentFile
from ...records.models import Batch
from ..drafts import check_count
from ..uploads.initiate import checked_key
from .announce import add_files, reserve
from .rows import INCOMING, upload_rows
from .schema import AnnouncedFile

if TYPE_CHECKING:
    from ...storage.prefix import ListedObject
    from .inspect import Findings

REFUSE, IGNORE, ADD = "refuse", "ignore", "add"
CHOICES = (REFUSE, IGNORE, ADD)


def settle_extra(
    batch: Batch,
    sent: Sequence[SentFile],
    findings: Findings,
    listing: Mapping[str, ListedObject],
) -> Sequence[SentFile]:
    """Do with what was not announced as the completion says.

    :param findings: what is settled is taken out of it.
    :returns: all open uploads, those of added files among them.
    :raises TooManyFiles: with them the record would have more than it may.
    :raises QuotaExceeded: no room for them.
    """
    choice = (batch.access or {}).get("extra", REFUSE)
    if choice == IGNORE:
        findings.extra = []
    problems = findings.missing or findings.wrong
    if choice != ADD or not findings.extra or problems:
        return sent
    added = []
    for key in findings.extra:
        try:
            checked_key(key)
        except BadRequest as error:
            findings.wrong.append((key, error.message))
        else:
            added.append(AnnouncedFile(key, listing[f"{INCOMING}{key}"].size))
    findings.extra = []
    if findings.wrong:
        return sent
    _add(batch, added)
    return batches.sent_files(batch.id)


def _add(batch: Batch, files: Sequence[AnnouncedFile]) -> None:
    service = current_service_registry.get(batch.service_id)
    with UnitOfWork() as uow:
        locked = batches.locked(batch.id)
        draft = service.record_cls.get_record(batch.record_id)
        check_count(service, draft, len(files))
        model = draft.files.file_cls.model_cls
        keys = [file.key for file in files]
        present = entries.present(model, draft.id, keys)
        if present:
            taken = ", ".join(sorted(entry.key for entry in present)[:5])
            raise BadRequest(f"The draft has these files already: {taken}.")
        bucket = Bucket.get(batch.bucket_id)
        rows = upload_rows(locked, bucket, files)
        reserve(locked, bucket, rows)
        add_files(locked, service, rows, files)
        locked.files += len(rows)
        uow.commit()
