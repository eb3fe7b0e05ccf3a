# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The R transfer: upstream's letter and class, and links to bytes of the site."""

from __future__ import annotations

import uuid
from typing import Any

from flask_principal import Identity
from invenio_files_rest.models import ObjectVersion
from invenio_records_resources.services.files.schema import BaseTransferSchema
from invenio_records_resources.services.files.transfer import (
    RemoteTransfer,
    Transfer,
    TransferStatus,
)

from ..errors import InvalidLink, NotAllowedHere, StateConflict, UploadNotFound
from ..services.batches.linking import take_out
from ..services.drafts import require_writable
from ..services.links import remote
from ..services.links.schema import LinkTargetSchema
from ..services.permissions import links_content
from ..services.uploads.initiate import checked_key, checked_storage_class

_SHARED = ("size", "checksum")


class FileLinkTransferType(RemoteTransfer):  # type: ignore[misc]
    """A file whose bytes are somewhere already.

    A link to bytes that the site can read is made by our component for all files of a
    request at once, and is an ordinary L file from the start. What arrives here is an
    address elsewhere, with upstream's meaning, or the entry of a batch that waits for
    its link.
    """

    class Schema(LinkTargetSchema, BaseTransferSchema):  # type: ignore[misc]
        """Where the bytes are; none of it is told to readers."""

        class Meta:
            """Readers follow ``links.content``."""

            load_only = ("record", "url", "version_id", "checksum")

    def init_file(self, record: Any, file_metadata: Any, **kwargs: Any) -> Any:
        """An entry for an address elsewhere.

        :raises NotAllowedHere: a link of another kind, in a place that has none; among
            media files, which pages show; in a draft that takes no files.
        :raises InvalidKey: unsafe key.
        :raises InvalidLink: an address the site does not link to.
        :raises LinkConflict: known by another size or digest.
        :raises QuotaExceeded: larger than the record takes.
        """
        if links_content(file_metadata):
            raise NotAllowedHere("Only files of records can be links.")
        if "media" in self.file_service.config.permission_action_prefix:
            raise NotAllowedHere(
                "A media file has its bytes here, or in another record."
            )
        require_writable(record)
        checked_key(file_metadata["key"])
        checked_storage_class(file_metadata.get("storage_class"))
        transfer = file_metadata["transfer"]
        if transfer.get("version_id"):
            raise InvalidLink("Only objects of a bucket have one.", field="version_id")
        (url,) = remote.checked_urls([transfer["url"]])
        bucket = record.files.bucket
        instance = remote.keep_remote(
            bucket, url, file_metadata.get("size"), file_metadata.get("checksum")
        )
        # Size and digest are those of all files of the address.
        entry = {k: v for k, v in file_metadata.items() if k not in _SHARED}
        entry["transfer"] = {**transfer, "url": url}
        version = ObjectVersion.create(bucket, entry["key"], instance)
        # Past the remote transfer's own, which knows none of these checks.
        return Transfer.init_file(self, record, entry, obj=version, **kwargs)

    def set_file_content(self, stream: Any, content_length: int | None) -> None:
        """:raises NotAllowedHere: always; upstream would store what nobody reads."""
        raise NotAllowedHere("This file is elsewhere; it takes no content here.")

    def commit_file(self) -> None:
        """:raises StateConflict: it is one of a batch, which is completed as a whole."""
        if self._waits:
            raise StateConflict(
                "The file belongs to a batch; complete the batch.", "in_batch"
            )
        super().commit_file()

    def delete_file(self) -> None:
        """Take a link that waits out of its batch.

        :raises StateConflict: it is just being made.
        """
        batch_id = self.file_record.transfer.get("batch_id")
        if batch_id is not None:
            key = self.file_record.key
            take_out(uuid.UUID(batch_id), self.record.id, key, self.uow)

    def send_file(self, **kwargs: Any) -> Any:
        """Send the caller on to the address.

        :raises UploadNotFound: there is none yet.
        """
        if self._waits:
            raise UploadNotFound("The file's link is not made yet.")
        return super().send_file(**kwargs)

    @property
    def status(self) -> str:
        """Completed, but for the entry of a batch that waits for its link."""
        status = TransferStatus.PENDING if self._waits else TransferStatus.COMPLETED
        return str(status)

    def expand_links(self, identity: Identity, self_url: str) -> dict[str, Any]:
        """Nothing to read while there is no link yet."""
        return {"content": None} if self._waits else {}

    @property
    def _waits(self) -> bool:
        return self.file_record.object_version_id is None
