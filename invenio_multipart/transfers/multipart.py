# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The M transfer: upstream's letter and class, our flow."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask_principal import Identity
from invenio_records_resources.proxies import current_service_registry
from invenio_records_resources.services.files.schema import BaseTransferSchema
from invenio_records_resources.services.files.transfer import (
    MultipartTransfer,
    TransferStatus,
)
from invenio_records_resources.services.files.transfer.base import Transfer
from sqlalchemy.exc import IntegrityError

from ..core.states import UploadState
from ..errors import NotAllowedHere, StateConflict
from ..proxies import current_multipart
from ..records import uploads
from ..records.models import Upload
from ..services.uploads import intake
from ..services.uploads.abort import abort
from ..services.uploads.commit import commit
from ..services.uploads.finalize import FileTarget
from ..services.uploads.initiate import OpenUploadOp, initiate
from ..services.uploads.service import required, upload_of
from .incoming import content_md5, declared_checksum, user_id
from .links import MultipartUploadLinks, show_part_links, shows_part_links


class MultipartTransferType(MultipartTransfer):  # type: ignore[misc]
    """Parts straight to the store, proved at the commit."""

    class Schema(BaseTransferSchema):  # type: ignore[misc]
        """What a client may say of the plan; the server fills in the rest."""

        part_size = ma.fields.Integer(strict=True)
        parts = ma.fields.Integer(strict=True)

    def init_file(self, record: Any, file_metadata: Any, **kwargs: Any) -> Any:
        """Plan, reserve quota and record the upload; open it after the commit.

        :raises MultipartError: for anything the store or the site would refuse.
        """
        key = file_metadata["key"]
        upload = initiate(
            record.files.bucket,
            record.id,
            _service_id(self.file_service),
            file_metadata,
            created_by=user_id(),
        )
        entry = {**file_metadata, "transfer": dict(file_metadata["transfer"])}
        entry["transfer"] |= {
            "parts": upload.parts,
            "part_size": upload.part_size,
            "upload_id": str(upload.id),
        }
        try:
            file_record = Transfer.init_file(self, record, entry, **kwargs)
        except IntegrityError as error:
            # The quota went back with the transaction.
            raise StateConflict(
                f"Another request has just begun {key}.", UploadState.INITIATED.value
            ) from error
        show_part_links(file_record)

        def undo() -> None:
            if key in record.files:
                record.files.delete(key, remove_obj=False, remove_rf=True)

        self.uow.register(OpenUploadOp(upload.id, undo))
        return file_record

    def set_file_content(self, stream: Any, content_length: int | None) -> None:
        """Refuse; upstream's own error would delete the file and its parts."""
        raise NotAllowedHere("This file takes its content in parts.")

    def set_file_multipart_content(
        self, part: int, stream: Any, content_length: int | None
    ) -> None:
        """Take one part through the server, where the storage works that way."""
        upload = required(current_multipart.uploads.heal(self.file_record))
        intake.take_part(upload, part, stream, content_length, content_md5())

    def commit_file(self) -> None:
        """Prove the parts, make the file, turn M into L.

        :raises StateConflict: the file is one of a batch, which is completed as a
            whole.
        """
        upload = self._upload()
        if upload.batch_id is not None and upload.is_open:
            raise StateConflict(
                "The file belongs to a batch; complete the batch.", "in_batch"
            )
        target = FileTarget(self.file_record)
        commit(upload.id, target, declared_checksum(), self.uow)

    def delete_file(self) -> None:
        """Give up the upload; the store is freed by a task.

        :raises StateConflict: a commit is under way.
        """
        upload = upload_of(self.file_record)
        if upload is None:
            return
        # Upstream has deleted the entry in this transaction. Waiting now for a
        # commit that holds the upload and wants the entry would be a deadlock.
        locked = uploads.locked(upload.id, wait=False)
        if locked is not None:
            abort(locked, self.uow)

    @property
    def status(self) -> str:
        """Pending until proved; the fine states are in the status resource."""
        failed = self.file_record.transfer.get("failed")
        return str(TransferStatus.FAILED if failed else TransferStatus.PENDING)

    def expand_links(self, identity: Identity, self_url: str) -> dict[str, Any]:
        """Where to go on; part links only when asked for and allowed."""
        links = MultipartUploadLinks(self_url)
        if not shows_part_links(self.file_record):
            return links.without_parts()
        if not self.file_service.check_permission(
            identity, "set_content_files", record=self.record, file_key=self.key
        ):
            return links.without_parts()
        upload = current_multipart.uploads.heal(self.file_record)
        if upload is None or not upload.is_open:
            return links.without_parts()
        return links.with_parts(upload)

    def _upload(self) -> Upload:
        return required(upload_of(self.file_record))


def _service_id(file_service: Any) -> str:
    return str(current_service_registry.get_service_id(file_service))
