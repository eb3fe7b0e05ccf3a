# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The batch service: permission, then flow."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flask_principal import Identity
from invenio_db import db
from invenio_db.uow import UnitOfWork
from invenio_rdm_records.services.errors import RDMRecordsException
from invenio_records_resources.proxies import current_service_registry

from ...core.digests import Digest
from ...core.grants import Verb
from ...core.states import BATCH_OPEN, BatchState
from ...errors import (
    AccessDenied,
    BadRequest,
    MultipartError,
    NotAllowedHere,
    StateConflict,
)
from ...proxies import current_multipart
from ...records import batches, jobs, locks
from ...records.models import Batch
from ..identities import identity_of
from ..permissions import is_creator, may_upload
from ..uploads.schema import parse
from . import reply
from .access import check
from .announce import Announcement, announce
from .asking import ask_for_completion
from .checks import settle_checks
from .content import take_content
from .end import close
from .extend import extend
from .files import page_of_files
from .found import found, found_locked
from .linking import BatchLinkService
from .lock import take_over_dead_lock
from .more import add_to_batch
from .opening import open_uploads
from .rights import authorize, draft_of
from .schema import CREDENTIALS, PageOfBatchesSchema, PageOfFilesSchema
from .wanted import require_sessions, wanted_completion, wanted_files, wanted_record

_SERVICE = "draft-files"


class BatchService(BatchLinkService):
    """Batches of drafts, for one application."""

    def announce_for_draft(
        self, identity: Identity, pid_value: str, body: Any
    ) -> dict[str, Any]:
        """Announce files for a draft that there is.

        :raises PIDDoesNotExistError: no such draft.
        :raises AccessDenied: may not set the content of its files.
        """
        draft = _service().record_cls.pid.resolve(pid_value, registered_only=False)
        self._require_upload(identity, draft)
        wanted = wanted_files(body, identity)
        take_over_dead_lock(draft)
        with UnitOfWork() as uow:
            batch = self._begin(identity, draft, wanted, uow)
            uow.commit()
        return self._answer(batch, draft, wanted)

    def announce_for_new_version(
        self, identity: Identity, pid_value: str, body: Any
    ) -> dict[str, Any]:
        """Announce files for the next version of a record, whose draft is made now.

        A draft of the next version that is there already is used.
        """
        wanted = wanted_files(body, identity)
        records = _records()
        record = records.record_cls.pid.resolve(pid_value)
        present = record.versions.next_draft_id
        # First: whoever may not is not told of locks either.
        records.require_permission(identity, "new_version", record=record)
        if present:
            take_over_dead_lock(records.draft_cls.get_record(present))
        with UnitOfWork() as uow:
            # Upstream makes one draft for each of several who ask at once.
            locks.await_turn(record.parent.id)
            db.session.expire_all()
            record = records.record_cls.pid.resolve(pid_value)
            present = record.versions.next_draft_id
            item = records.new_version(identity, pid_value, uow=uow)
            draft = item._record
            wanted = replace(wanted, provisioned=not present)
            batch = self._begin(identity, draft, wanted, uow)
            uow.commit()
        return self._answer(batch, draft, wanted)

    def announce_for_new_record(self, identity: Identity, body: Any) -> dict[str, Any]:
        """Make a draft of the given metadata and announce its files.

        :raises AccessDenied: the site lets only some roles do it.
        """
        if not is_creator(identity):
            raise AccessDenied("You may not make new records this way.")
        wanted, record = wanted_record(body, identity)
        data = {**record, "files": {"enabled": True}}
        with UnitOfWork() as uow:
            try:
                item = _records().create(identity, data, uow=uow)
            except RDMRecordsException as error:
                raise BadRequest(str(error), field="record") from error
            draft = item._record
            batch = self._begin(identity, draft, wanted, uow)
            uow.commit()
        # What is wrong with the metadata does not keep files from coming.
        return {**self._answer(batch, draft, wanted), "errors": item.errors or []}

    def read(
        self, identity: Identity, batch_id: uuid.UUID, credential: str | None
    ) -> dict[str, Any]:
        """How a batch is doing."""
        batch = found(batch_id)
        authorize(batch, identity, Verb.READ, credential)
        return reply.status(batch)

    def search(self, identity: Identity, query: Mapping[str, Any]) -> dict[str, Any]:
        """A page of the caller's own batches, the newest first.

        :raises AccessDenied: nobody is logged in.
        """
        if identity.id is None:
            raise AccessDenied("Log in to see your batches.")
        page = parse(PageOfBatchesSchema(), query)
        states = [page["state"]] if page["state"] else []
        found, total = batches.mine(
            str(identity.id), states, page["page"], page["size"]
        )
        hits = [reply.status(batch) for batch in found]
        return {"hits": {"hits": hits, "total": total}, **page}

    def files(
        self,
        identity: Identity,
        batch_id: uuid.UUID,
        credential: str | None,
        query: Mapping[str, Any],
    ) -> dict[str, Any]:
        """A page of a batch's files, with fresh URLs for those still missing.

        This is how a client goes on on another machine, or when links have ended.
        """
        batch = found(batch_id)
        authorize(batch, identity, Verb.UPLOAD, credential)
        page = parse(PageOfFilesSchema(), query)
        return page_of_files(batch, page["after"], page["size"])

    def announce_more(self, identity: Identity, batch_id: uuid.UUID, body: Any) -> Any:
        """Announce further files of an open batch; see :mod:`.more`."""
        return add_to_batch(found(batch_id), identity, body)

    def extend(self, identity: Identity, batch_id: uuid.UUID, body: Any) -> Any:
        """Put off the deadline of an open batch; see :mod:`.extend`."""
        return extend(identity, batch_id, body)

    def complete(
        self,
        identity: Identity,
        batch_id: uuid.UUID,
        credential: str | None,
        body: Any,
    ) -> dict[str, Any]:
        """Have a job make files of all that was sent; may be repeated.

        :param body: what becomes of access and publication, None for nothing.
        :raises StateConflict: the batch was ended without files.
        """
        batch = found(batch_id)
        own = authorize(batch, identity, Verb.COMPLETE, credential)
        extra, change = wanted_completion(body)
        draft = draft_of(batch)
        # Whoever has the URL acts for whoever announced the batch.
        actor_id = str(identity.id) if own and identity.id else batch.created_by
        # Also while another completion is under way: it may fail in a moment.
        if batch.status in BATCH_OPEN and draft is not None:
            check(change, identity_of(actor_id), draft)
        wanted = {"change": change.to_json(), "actor": actor_id, "extra": extra}
        return ask_for_completion(batch_id, wanted)

    def abort(
        self, identity: Identity, batch_id: uuid.UUID, credential: str | None
    ) -> dict[str, Any]:
        """End a batch without files; may be repeated by who has the right.

        :raises StateConflict: it is completed, or being completed.
        """
        batch = found(batch_id)
        authorize(batch, identity, Verb.ABORT, credential)
        with UnitOfWork() as uow:
            batch = found_locked(batch_id)
            if batch.status in (BatchState.COMPLETING, BatchState.COMPLETED):
                raise StateConflict(f"The batch is {batch.state}.", batch.state)
            close(batch, BatchState.ABORTED, uow)
            answer = reply.status(batch)
            uow.commit()
        return answer

    def take_content(
        self,
        identity: Identity,
        batch_id: uuid.UUID,
        credential: str | None,
        key: str,
        part: int,
        stream: Any,
        size: int | None,
        md5: Digest | None,
    ) -> dict[str, Any]:
        """Take a part of a file through the server, on local storage."""
        batch = found(batch_id)
        authorize(batch, identity, Verb.UPLOAD, credential)
        return take_content(batch, key, part, stream, size, md5)

    def credentials(
        self, identity: Identity, batch_id: uuid.UUID, credential: str | None
    ) -> dict[str, Any]:
        """New temporary credentials for a batch, when the first come to their end.

        :raises NotAllowedHere: the batch is in the other mode.
        """
        batch = found(batch_id)
        authorize(batch, identity, Verb.CREDENTIALS, credential)
        if batch.mode != CREDENTIALS:
            raise NotAllowedHere("This batch has links, not credentials.")
        return _open_session(batch)

    def close(self, batch_id: uuid.UUID) -> None:
        """End a batch without files, for operators.

        :raises StateConflict: it is completed, or being completed.
        """
        with UnitOfWork() as uow:
            batch = found_locked(batch_id)
            if batch.status in (BatchState.COMPLETING, BatchState.COMPLETED):
                raise StateConflict(f"The batch is {batch.state}.", batch.state)
            close(batch, BatchState.ABORTED, uow)
            uow.commit()

    def _require_upload(self, identity: Identity, draft: Any) -> None:
        if not may_upload(_service(), identity, draft):
            raise AccessDenied("You may not upload files to this draft.")

    def _begin(
        self, identity: Identity, draft: Any, wanted: Announcement, uow: UnitOfWork
    ) -> Batch:
        """Find what is to be linked, record the batch, schedule its end."""
        require_sessions(draft, wanted)
        files = settle_checks(identity, draft, wanted.files)
        wanted = replace(wanted, files=files)
        batch = announce(_service(), _SERVICE, draft, wanted, uow)
        # What is due so soon that the periodic task would be late.
        for job_id in (batch.purge_job_id, batch.expires_job_id):
            job = jobs.locked(job_id) if job_id else None
            if job is not None:
                current_multipart.jobs.submit(job, uow)
        return batch

    def _answer(self, batch: Batch, draft: Any, wanted: Announcement) -> dict[str, Any]:
        """Open in the store what has to be, and answer with every URL."""
        try:
            open_uploads(batch)
            answer = reply.announcement(batch, draft, wanted.files)
            if batch.mode == CREDENTIALS:
                answer["sts"] = _open_session(batch)
        except MultipartError:
            # Nobody hears of this batch, so nobody could complete or abort it.
            db.session.rollback()
            self.close(batch.id)
            raise
        return answer


def _service() -> Any:
    return current_service_registry.get(_SERVICE)


def _records() -> Any:
    return current_service_registry.get("records")


def _open_session(batch: Batch) -> dict[str, Any]:
    # Sites without S3 do not install what it needs.
    from .sessions import open_session

    return open_session(batch.id)
