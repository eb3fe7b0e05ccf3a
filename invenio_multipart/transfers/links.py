# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Links of a multipart file entry."""

from __future__ import annotations

from typing import Any

from ..core.states import TAKES_PARTS
from ..records import uploads
from ..records.models import Upload
from ..services.uploads import parts as part_flow

_SHOW = "_multipart_show_part_links"


def show_part_links(file_record: Any) -> None:
    """Have the next reply about this file hold all its part links.

    Only the reply to an initiation and the read of a single file do: lists and
    part replies would sign thousands of links that nobody reads.
    """
    setattr(file_record, _SHOW, True)


def shows_part_links(file_record: Any) -> bool:
    """Whether :func:`show_part_links` was called for it."""
    return bool(getattr(file_record, _SHOW, False))


class MultipartUploadLinks:
    """The template of an M entry's links, beside upstream's self and commit.

    :param self_url: address of the file entry.
    """

    def __init__(self, self_url: str) -> None:
        self._self_url = self_url

    def without_parts(self) -> dict[str, Any]:
        """Addresses only: no query, no signing. None removes upstream's link."""
        return {
            "content": None,
            "uploaded_parts": f"{self._self_url}/parts",
            "upload": f"{self._self_url}/upload",
        }

    def with_parts(self, upload: Upload) -> dict[str, Any]:
        """All parts with their links, as the stock deposit UI reads them."""
        links = self.without_parts()
        if upload.status not in TAKES_PARTS:
            return links
        ledger = uploads.ledger_of(upload)
        numbers = range(1, ledger.count + 1)
        links["parts"] = part_flow.link_entries(upload, self._self_url, ledger, numbers)
        return links
