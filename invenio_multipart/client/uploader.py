# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The uploader: one file, or many, into drafts of one InvenioRDM."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from . import engine
from .counter import ManyCounter
from .folder import FolderRun
from .many import (
    DraftFile,
    FileCallback,
    ManyCallback,
    ManyOptions,
    ManySummary,
    NoticeCallback,
    Source,
)
from .session import Session
from .state import abort, status


class Uploader(engine.Uploader):
    """Uploads files to drafts of one InvenioRDM; parameters as of its base."""

    def session(self) -> Session:
        """Connections for one run."""
        return Session(
            self._base_url, self._token or "", self._policy, self.limits.bandwidth
        )

    def upload_many(
        self,
        draft_id: str,
        sources: Sequence[Source],
        options: ManyOptions | None = None,
        *,
        progress: ManyCallback | None = None,
        on_file: FileCallback | None = None,
        on_notice: NoticeCallback | None = None,
    ) -> ManySummary:
        """All files are in the draft, complete and verified.

        Call again after any failure: what is there is not sent again.

        :param sources: files, folders, standard input; see :data:`.many.Source`.
        :param progress: called from several threads, one at a time, at most ten
            times a second.
        :param on_file: called once for each file, when it is over with. One that
            the server finds wrong in the end is told again, as failed.
        :param on_notice: told what a person may want to know.
        :raises PartialError: some files failed, the others are in the draft.
        :raises UsageError: when sources, address or token cannot be used.
        :raises RefusedError: when the server refuses: quota, rights, another upload.
        :raises ProtocolError: when the server is no such server.
        :raises NetworkError: when all attempts are used up.
        """
        counter = ManyCounter(progress, on_file)
        notice = on_notice or (lambda _: None)
        wanted = options or ManyOptions()
        run = FolderRun(self, self.session, draft_id, wanted, counter, notice)
        return run.run(sources)

    def new_draft(
        self, title: str = "", metadata: Mapping[str, Any] | None = None
    ) -> str:
        """Id of a new draft.

        :param metadata: metadata of the record, with precedence over ``title``.
        """
        with self.session() as session:
            return session.drafts.create(title, metadata)

    def publish(self, draft_id: str) -> str | None:
        """Publish a draft; address of the record's page, None when unknown.

        :raises RefusedError: naming what the record lacks.
        """
        with self.session() as session:
            return session.drafts.publish(draft_id)

    def status(self, draft_id: str) -> list[DraftFile]:
        """All files of a draft in the order of their keys, complete or not."""
        with self.session() as session:
            return status(session, draft_id)

    def abort(self, draft_id: str) -> int:
        """End what is pending in a draft; how many files that were.

        Files that are complete stay.
        """
        with self.session() as session:
            return abort(session, draft_id)
