# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What operators see of uploads, batches and jobs, and what they may end.

Operators have the command line of the site: nobody's permissions are asked.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from invenio_db import db
from invenio_db.uow import UnitOfWork

from ..core.states import BatchState
from ..errors import MultipartError, StateConflict, UploadNotFound
from ..proxies import current_multipart
from ..records import batches as batch_rows
from ..records import jobs as job_rows
from ..records import overview
from ..records import uploads as upload_rows
from ..records.audit import removals_of
from ..records.models import Batch, Job, Upload
from ..storage.factory import multipart_storage
from . import audit
from .batches.end import close
from .batches.found import require_uploading
from .batches.inspect import list_objects
from .links.users import describe_users
from .reaper.of_uploads import remove_entry
from .uploads.abort import abort

_PARTS = 10_000
"""Parts that are counted for a person; S3 has no more."""


class OverviewService:
    """Plain dictionaries, ready to be printed; moments are aware."""

    def list(self, state: str | None, limit: int) -> Sequence[dict[str, Any]]:
        """Batches and uploads of their own, the next deadline first.

        :param state: of either; None for all that still hold something.
        :param limit: most of each kind.
        """
        found: list[dict[str, Any]] = []
        if state is None or state in overview.BATCH_STATES:
            found += map(_batch, overview.batches(state, limit))
        if state is None or state in overview.UPLOAD_STATES:
            found += map(_upload, overview.uploads(state, limit))
        return found

    def jobs(self, status: str | None, limit: int) -> Sequence[dict[str, Any]]:
        """Jobs: open ones, the next due first; or of one status, the newest first."""
        return [_job(job) for job in overview.jobs(status, limit)]

    def links(self, name: str, limit: int) -> Sequence[dict[str, Any]]:
        """The file, or files, of a name, each with all that use its bytes.

        :param name: ``recid/key``, the id of a file instance, or a URI.
        :param limit: most uses of a file that are named.
        :raises UploadNotFound: there is no such file.
        """
        return describe_users(name, limit)

    def show(self, id_: uuid.UUID, limit: int) -> dict[str, Any]:
        """Everything about an upload, a batch or a job, and what the store holds.

        :param limit: files of a batch that are named, and links.
        :raises UploadNotFound: nothing has this id.
        """
        if (batch := db.session.get(Batch, id_)) is not None:
            return _whole_batch(batch, limit)
        if (upload := db.session.get(Upload, id_)) is not None:
            return _whole_upload(upload)
        if (job := db.session.get(Job, id_)) is not None:
            children = [str(child.id) for child in job_rows.children(job.id)]
            return {**_job(job), "result": job.result, "children": children}
        raise _nothing(id_)

    def abort(self, id_: uuid.UUID, by: str = "invenio multipart abort") -> str:
        """End an upload or a batch; ``upload`` or ``batch``.

        :param by: who does it, for the audit.

        :raises UploadNotFound: nothing has this id.
        :raises StateConflict: a batch that is completed, or being completed; an upload
            that has ended, or is a batch's.
        """
        with UnitOfWork() as uow, audit.acting(by):
            what = "batch"
            if (batch := batch_rows.locked(id_)) is not None:
                _end_batch(batch, uow)
            elif (upload := upload_rows.locked(id_)) is not None:
                what = "upload"
                _end_upload(upload, uow)
            else:
                raise _nothing(id_)
            uow.commit()
        return what

    def verify(self, id_: uuid.UUID) -> dict[str, Any]:
        """Read the file of an upload here and now; the upload afterwards.

        :raises UploadNotFound: no upload has this id.
        :raises StateConflict: there is nothing to read, or nothing left to prove.
        """
        upload = db.session.get(Upload, id_)
        if upload is None:
            raise _nothing(id_)
        if upload.hash_states is None:
            proved = ", ".join(sorted(upload.digests)) or "nothing"
            raise StateConflict(
                f"The upload is {upload.state}; {proved} is proved, and no digest is "
                "waited for.",
                upload.state,
            )
        current_multipart.uploads.verify(str(id_))
        db.session.expire_all()
        return _whole_upload(db.session.get(Upload, id_))


def _end_batch(batch: Batch, uow: UnitOfWork) -> None:
    require_uploading(batch)
    close(batch, BatchState.ABORTED, uow)
    audit.batch_removed(batch, audit.OPERATOR, uow)


def _end_upload(upload: Upload, uow: UnitOfWork) -> None:
    if not upload.is_open:
        raise StateConflict(f"The upload is {upload.state}.", upload.state)
    if upload.batch_id is not None:
        message = f"The upload is one of the batch {upload.batch_id}; abort that."
        raise StateConflict(message, upload.state)
    abort(upload, uow)
    audit.upload_removed(upload, audit.OPERATOR, uow)
    remove_entry(upload)


def _nothing(id_: uuid.UUID) -> UploadNotFound:
    return UploadNotFound(f"No upload, batch or job has the id {id_}.")


def _upload(upload: Upload) -> dict[str, Any]:
    return {
        "kind": "upload",
        "id": str(upload.id),
        "state": upload.state,
        "key": upload.key,
        "files": 1,
        "size": upload.size,
        "begun_on": upload.initiated_on,
        "deadline": upload.expires_at,
        "purged_on": upload.purged_on,
        "uri": upload.uri,
    }


def _batch(batch: Batch) -> dict[str, Any]:
    return {
        "kind": "batch",
        "id": str(batch.id),
        "state": batch.state,
        "key": batch.pid_value,
        "files": batch.files,
        "size": batch.size,
        "begun_on": batch.created,
        "deadline": batch.complete_before,
        "purged_on": batch.purged_on,
        "uri": batch.prefix,
    }


def _job(job: Job) -> dict[str, Any]:
    return {
        "kind": "job",
        "id": str(job.id),
        "does": job.kind,
        "status": job.status,
        "stage": job.stage,
        "done": job.done,
        "total": job.total,
        "attempts": job.attempts,
        "due_at": job.due_at,
        "created": job.created,
        "date_done": job.date_done,
        "batch": str(job.batch_id) if job.batch_id else None,
        "error": job.error_message,
    }


def _whole_upload(upload: Upload) -> dict[str, Any]:
    return {
        **_upload(upload),
        "record": str(upload.record_id),
        "batch": str(upload.batch_id) if upload.batch_id else None,
        "by": upload.created_by,
        "declared": upload.declared,
        "digests": upload.digests,
        "waits_for_reading": upload.hash_states is not None,
        "error": upload.error_message,
        "store": _asked(lambda: _held(upload)),
        "removed": _removed(upload.id),
    }


def _whole_batch(batch: Batch, limit: int) -> dict[str, Any]:
    files = batch_rows.page_of_files(batch.id, "", limit)
    jobs = {
        "complete": batch.complete_job_id,
        "purge": batch.purge_job_id,
        "expire": batch.expires_job_id,
    }
    return {
        **_batch(batch),
        "record": str(batch.record_id),
        "mode": batch.mode,
        "by": batch.created_by,
        "completed_on": batch.completed_on,
        "expires_at": batch.expires_at,
        "error": batch.error_message,
        "jobs": {name: str(id_) for name, id_ in jobs.items() if id_},
        "contents": [
            {"key": file.key, "state": file.state, "size": file.size} for file in files
        ],
        "links": [
            {
                "key": link.key,
                "state": link.state,
                "size": link.size,
                "to": f"{link.target_record}/{link.target_key}",
            }
            for link in overview.links_of_batch(batch.id, limit)
        ],
        "store": _asked(lambda: _held_of_batch(batch)),
        "removed": _removed(batch.id),
    }


def _removed(id_: uuid.UUID) -> Sequence[dict[str, Any]]:
    return [
        {"on": row.removed_on, "by": row.removed_by, "reason": row.reason}
        for row in removals_of(str(id_))
    ]


def _asked(question: Any) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = question()
    except MultipartError as error:
        return {"error": error.message}
    return answer


def _held(upload: Upload) -> dict[str, Any]:
    """Parts and object of an upload, as the store tells."""
    storage = multipart_storage(upload.uri, upload.size)
    stored = storage.head()
    parts: Iterable[Any] = ()
    opened = storage.find_uploads()
    if upload.upload_ref in opened:
        parts = islice(storage.list_parts(upload.upload_ref), _PARTS)
    sizes = [part.size for part in parts]
    return {
        "object_bytes": stored.size if stored else None,
        "open_uploads": len(opened),
        "parts": len(sizes),
        "part_bytes": sum(sizes),
    }


def _held_of_batch(batch: Batch) -> dict[str, Any]:
    if not batch.prefix.startswith("s3://"):
        return {"error": "local files lie in a folder each; see the uploads"}
    sizes = [entry.size for entry in list_objects(batch).values()]
    return {"objects": len(sizes), "object_bytes": sum(sizes)}
