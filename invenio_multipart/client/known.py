# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Bytes that the repository has: linked, not sent."""

from __future__ import annotations

from collections.abc import Sequence

from .drafts import Content, Drafts
from .errors import RefusedError


class KnownBytes:
    """What may be linked into one draft."""

    def __init__(self, drafts: Drafts, draft_id: str) -> None:
        self._drafts = drafts
        self._draft_id = draft_id

    def link(self, contents: Sequence[Content]) -> set[str]:
        """Keys of those files that the draft has now, without a byte being sent."""
        known = self._drafts.known(self._draft_id, contents)
        if not known:
            return set()
        wanted = [file for file in contents if file.key in known]
        try:
            self._drafts.link(self._draft_id, wanted)
        except RefusedError as error:
            if error.code not in ("link_target_unavailable", "keys_taken"):
                raise
            # One of them is gone since: all are sent, which is slower and no error.
            return set()
        return known
