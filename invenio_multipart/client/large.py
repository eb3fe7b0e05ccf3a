# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Large files among many: each through the engine for one file."""

from __future__ import annotations

from .counter import ManyCounter
from .drafts import Content
from .engine import Uploader
from .errors import ClientError, IntegrityError, RefusedError, UsageError
from .known import KnownBytes
from .many import FileResult
from .reading import failed
from .source import SourceFile
from .tree import Found

FATAL_CODES = frozenset(
    {"quota_exceeded", "too_many_files", "locked", "no_draft", "files_disabled"}
)
"""Refusals that are about the draft, not about one file of it."""


class LargeFiles:
    """Sends files one after another, each with all connections.

    :param known: asked first; None not to ask.
    """

    def __init__(
        self,
        uploader: Uploader,
        draft_id: str,
        counter: ManyCounter,
        known: KnownBytes | None = None,
    ) -> None:
        self._uploader = uploader
        self._draft_id = draft_id
        self._counter = counter
        self._known = known
        self.api_requests = 0
        self.storage_requests = 0

    def send(self, found: Found) -> None:
        """The file is in the draft, or was reported as failed.

        :raises ClientError: no other file would fare better.
        """
        try:
            if self._known is not None and self._is_linked(self._known, found):
                return
            summary = self._uploader.upload(
                self._draft_id,
                found.path,
                found.key,
                self._counter.follow(found.key),
            )
        except ClientError as error:
            if is_fatal(error):
                raise
            self._counter.settle(failed(found, error))
            return
        self.api_requests += summary.api_requests
        self.storage_requests += summary.storage_requests
        self._counter.settle(
            FileResult(
                found.key,
                found.path,
                found.size_bytes,
                "sent" if summary.bytes_sent else "reused",
                summary.md5,
                summary.sha256,
                summary.crc64nvme,
            )
        )

    def _is_linked(self, known: KnownBytes, found: Found) -> bool:
        # The one case in which a file is read twice, and only when asked for.
        with SourceFile(found.path) as source:
            digests = source.digest()
            content = Content(found.key, source.size_bytes, digests.md5)
        if not known.link([content]):
            return False
        self._counter.settle(
            FileResult(
                found.key,
                found.path,
                content.size_bytes,
                "linked",
                digests.md5,
                digests.sha256,
            )
        )
        return True


def is_fatal(error: ClientError) -> bool:
    """Whether no other file would fare better."""
    if isinstance(error, RefusedError):
        return error.status in (401, 403, 404, 410, 423) or error.code in FATAL_CODES
    return not isinstance(error, (UsageError, IntegrityError))
