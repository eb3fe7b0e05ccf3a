# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The upload service: permission, then flow.

Permissions are those of the file service the draft belongs to: who may read the
draft's files may see how an upload goes, who may set their content may send parts.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from flask_principal import Identity
from invenio_db import db
from invenio_db.uow import UnitOfWork, unit_of_work
from invenio_records_resources.proxies import (
    current_service_registry,
    current_transfer_registry,
)

from ...core.plan import S3_LIMITS
from ...errors import InvalidPart, UploadNotFound
from ...proxies import current_multipart
from ...records import uploads
from ...records.models import SENT_AS_PARTS, Upload
from . import intake
from . import parts as part_flow
from .abort import purge
from .extend import extend
from .initiate import deadline, ensure_open
from .schema import PageOfPartsSchema, PartSchema, parse
from .status import status_of_file, status_of_upload
from .verify import verify, verify_some


class UploadService:
    """Uploads of the files of drafts, for one application."""

    def status(
        self, service_id: str, identity: Identity, id_: str, key: str
    ) -> dict[str, Any]:
        """How the file ``key`` of draft or record ``id_`` is doing.

        :raises FileKeyNotFoundError: no such file.
        :raises PermissionDeniedError: may not read the files.
        """
        service = current_service_registry.get(service_id)
        record = service._get_record(id_, identity, "read_files", file_key=key)
        file_record = record.files[key]
        transfer = current_transfer_registry.get_transfer(
            record=record, file_record=file_record, file_service=service
        )
        upload = upload_of(file_record)
        if upload is None:
            origin = None
            if file_record.transfer.get("origin"):
                origin = current_multipart.links.origin(identity, file_record)
            return {**status_of_file(file_record, transfer), "origin": origin}
        status = status_of_upload(upload, transfer.transfer_type)
        return {**status, "origin": None}

    def list_parts(
        self,
        service_id: str,
        identity: Identity,
        id_: str,
        key: str,
        query: dict[str, Any],
        self_url: str,
    ) -> dict[str, Any]:
        """A page of parts; links only for those who may upload.

        :param query: ``status``, ``from`` and ``size`` as they came.
        :raises UploadNotFound: the file did not come by a multipart upload.
        """
        service = current_service_registry.get(service_id)
        record = service._get_record(id_, identity, "read_files", file_key=key)
        upload = required(upload_of(record.files[key]))
        may_upload = service.check_permission(
            identity, "set_content_files", record=record, file_key=key
        )
        page = parse(PageOfPartsSchema(), query)
        if may_upload and needs_opening(upload):
            upload = self._heal(upload.id)
        return part_flow.page_of_parts(
            upload,
            self_url,
            page["status"],
            page["from"],
            page["size"],
            links=may_upload,
        )

    @unit_of_work()  # type: ignore[misc]
    def register_parts(
        self,
        service_id: str,
        identity: Identity,
        id_: str,
        key: str,
        announced: Any,
        self_url: str,
        uow: UnitOfWork | None = None,
    ) -> list[dict[str, Any]]:
        """Announce parts; returns a link for each, bound to its size and MD5.

        :param announced: list of ``{"part", "size", "checksum"}``.
        """
        service = current_service_registry.get(service_id)
        record = service._get_record(id_, identity, "set_content_files", file_key=key)
        upload = required(upload_of(record.files[key]))
        if not isinstance(announced, list):
            raise InvalidPart("Announce parts as a list.", field="part")
        entries = parse(PartSchema(many=True), announced)
        if not 1 <= len(entries) <= S3_LIMITS.max_parts:
            raise InvalidPart("Announce 1 to 10,000 parts at a time.", field="part")
        # Not to wait for a commit only to hear that it is too late.
        intake.require_parts_welcome(upload)
        # Commit and abort drop what is registered: one after the other, in one order.
        upload = required(uploads.locked(upload.id))
        if needs_opening(upload):
            ensure_open(upload)
        intake.register(upload, entries)
        if upload.batch_id is None:
            # Files of a batch have its deadline.
            upload.expires_at = deadline()
        ledger = uploads.ledger_of(upload)
        numbers = [entry["part"] for entry in entries]
        links = part_flow.part_links(upload, self_url, ledger, numbers)
        sizes = {entry["part"]: entry for entry in entries}
        return [
            {**part_flow.link_entry(link), **_echo(sizes[link.part])} for link in links
        ]

    def extend(
        self, service_id: str, identity: Identity, id_: str, key: str, body: Any
    ) -> dict[str, Any]:
        """Put off the deadline of a file's upload; its status afterwards.

        :param body: ``{"expires_at": a moment}``.
        :raises StateConflict: it has ended, or is a batch's.
        """
        service = current_service_registry.get(service_id)
        record = service._get_record(id_, identity, "set_content_files", file_key=key)
        with UnitOfWork() as uow:
            upload = required(upload_of(record.files[key]))
            upload = required(uploads.locked(upload.id))
            extend(upload, body)
            uow.commit()
        return self.status(service_id, identity, id_, key)

    def heal(self, file_record: Any) -> Upload | None:
        """The upload of a pending file, opened in the store if a crash prevented it."""
        upload = upload_of(file_record)
        if upload is not None and needs_opening(upload):
            return self._heal(upload.id)
        return upload

    def _heal(self, upload_id: uuid.UUID) -> Upload:
        with UnitOfWork() as uow:
            upload = required(uploads.locked(upload_id))
            ensure_open(upload)
            uow.commit()
        return upload

    def purge(self, upload_id: str) -> None:
        """Free what an ended upload holds in the store."""
        with UnitOfWork() as uow:
            purge(uuid.UUID(upload_id))
            uow.commit()

    def verify(self, upload_id: str) -> None:
        """Prove or find the digest of a committed file."""
        verify(uuid.UUID(upload_id))

    def verify_some(self, upload_ids: Sequence[str]) -> None:
        """Prove or find the digests of committed files, one after the other."""
        verify_some([uuid.UUID(upload_id) for upload_id in upload_ids])


def needs_opening(upload: Upload) -> bool:
    """Whether a crash prevented that the store opened it."""
    in_parts = upload.sent_as == SENT_AS_PARTS
    return in_parts and upload.upload_ref is None and upload.is_open


def upload_of(file_record: Any) -> Upload | None:
    """The upload that fills or made this file, None for files of other ways.

    A pending file names it; a finished one is found by its file instance.
    """
    upload_id = file_record.transfer.get("upload_id")
    if upload_id:
        found: Upload | None = db.session.get(Upload, uuid.UUID(upload_id))
        return found
    if file_record.object_version_id is None or file_record.transfer.get("origin"):
        # The upload that brought a linked file's bytes is another record's affair.
        return None
    file_id = file_record.object_version.file_id
    return uploads.by_file(file_id) if file_id else None


def required(upload: Upload | None) -> Upload:
    """The upload itself.

    :raises UploadNotFound: for a file that came another way.
    """
    if upload is None:
        raise UploadNotFound("This file has no multipart upload.")
    return upload


def _echo(entry: dict[str, Any]) -> dict[str, Any]:
    return {"size": entry["size"], "checksum": entry.get("checksum")}
