# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The R transfer: upstream's letter and class, and links to bytes of the site."""

from __future__ import annotations

from typing import Any

from flask_principal import Identity
from invenio_records_resources.services.files.schema import BaseTransferSchema
from invenio_records_resources.services.files.transfer import (
    RemoteTransfer,
    TransferStatus,
)

from ..errors import NotAllowedHere
from ..services.links.schema import LinkTargetSchema
from ..services.permissions import links_content


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

        :raises NotAllowedHere: a link of another kind, in a place that has none.
        """
        if links_content(file_metadata):
            raise NotAllowedHere("Only files of records can be links.")
        return super().init_file(record, file_metadata, **kwargs)

    @property
    def status(self) -> str:
        """Completed, but for the entry of a batch that waits for its link."""
        waits = self.file_record.object_version_id is None
        status = TransferStatus.PENDING if waits else TransferStatus.COMPLETED
        return str(status)

    def expand_links(self, identity: Identity, self_url: str) -> dict[str, Any]:
        """Nothing to read while there is no link yet."""
        waits = self.file_record.object_version_id is None
        return {"content": None} if waits else {}
