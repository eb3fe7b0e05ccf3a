# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Many files, from the look at the disk to the published record."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from .counter import ManyCounter
from .engine import Uploader
from .errors import PartialError
from .known import KnownBytes
from .large import LargeFiles
from .many import FileResult, ManyOptions, ManySummary, Notice, NoticeCallback, Source
from .open_batch import BatchOverError
from .session import Session
from .stock import StockTransfer
from .transfer import Transfer
from .tree import Found, Tree

BATCH_TRIES = 3
"""Batches, before it is believed that it does not work."""

STOCK_JOBS = 4
"""Files at once through a server of few workers, of which others want some, too."""


class FolderRun:
    """One upload of many files.

    :param uploader: sends large files.
    :param open_session: connections to the same place.
    """

    def __init__(
        self,
        uploader: Uploader,
        open_session: Callable[[], Session],
        draft_id: str,
        options: ManyOptions,
        counter: ManyCounter,
        notice: NoticeCallback,
    ) -> None:
        self._uploader = uploader
        self._open_session = open_session
        self._draft_id = draft_id
        self._options = options
        self._counter = counter
        self._notice = notice
        self._api_requests = 0
        self._storage_requests = 0
        self._page: str | None = None
        self._published = False

    def run(self, sources: Sequence[Source]) -> ManySummary:
        """What it took.

        :raises PartialError: some files failed, the others are in the draft.
        :raises ClientError: what ended the upload as a whole.
        """
        started = time.monotonic()
        tree = Tree(self._options, self._notice)
        try:
            files = self._scan(tree, sources)
            self._upload(files)
        finally:
            tree.close()
        if self._options.publish and not self._options.dry_run:
            self._publish()
        self._counter.enter("completed")
        summary = self._summary(time.monotonic() - started)
        if self._counter.failures:
            raise PartialError(summary, self._counter.failures)
        return summary

    def _scan(self, tree: Tree, sources: Sequence[Source]) -> list[Found]:
        self._counter.enter("scanning")
        files = []
        for found in tree.find(sources):
            self._counter.found(found.size_bytes)
            if found.problem is None:
                files.append(found)
            else:
                self._counter.settle(_unusable(found))
        return files

    def _upload(self, files: Sequence[Found]) -> None:
        for tries_left in reversed(range(BATCH_TRIES)):
            with self._open_session() as session:
                try:
                    self._transfer(session, files)
                except BatchOverError as error:
                    if not tries_left:
                        raise
                    text = f"{error.message} A new one is begun."
                    self._notice(Notice("batch_over", text))
                else:
                    return
                finally:
                    self._api_requests += session.api.requests.value

    def _transfer(self, session: Session, files: Sequence[Found]) -> None:
        self._counter.enter("checking")
        links = session.drafts.read(self._draft_id).get("links") or {}
        self._page = links.get("self_html")
        if not session.batches.are_known():
            self._without_extension(session, files)
            return
        known = KnownBytes(session.drafts, self._draft_id)
        run = Transfer(
            session,
            self._draft_id,
            self._options,
            self._counter,
            self._notice,
            jobs=self._uploader.limits.jobs.most,
            large=LargeFiles(
                self._uploader,
                self._draft_id,
                self._counter,
                known if self._options.link_known else None,
            ),
            known=known if self._options.link_known else None,
        )
        try:
            run.run(files)
        finally:
            self._api_requests += run.large.api_requests
            self._storage_requests += run.storage_requests

    def _without_extension(self, session: Session, files: Sequence[Found]) -> None:
        run = StockTransfer(
            session,
            self._draft_id,
            self._options,
            self._counter,
            self._notice,
            jobs=min(self._uploader.limits.jobs.most, STOCK_JOBS),
        )
        try:
            run.run(files)
        finally:
            self._storage_requests += run.storage_requests

    def _publish(self) -> None:
        if self._counter.failures:
            text = "The record is not published, as some files are missing."
            self._notice(Notice("not_published", text))
            return
        self._counter.enter("publishing")
        with self._open_session() as session:
            try:
                page = session.drafts.publish(self._draft_id)
            finally:
                self._api_requests += session.api.requests.value
        self._page = page or self._page
        self._published = True

    def _summary(self, seconds: float) -> ManySummary:
        counter = self._counter
        return ManySummary(
            draft_id=self._draft_id,
            record_url=self._page,
            files=counter.files,
            sent=counter.outcome("sent"),
            reused=counter.outcome("reused"),
            linked=counter.outcome("linked"),
            failed=counter.outcome("failed"),
            size_bytes=counter.size_bytes,
            bytes_sent=counter.sent_bytes,
            seconds=round(seconds, 3),
            api_requests=self._api_requests,
            storage_requests=self._storage_requests,
            published=self._published,
        )


def _unusable(found: Found) -> FileResult:
    return FileResult(
        found.key,
        found.path,
        found.size_bytes,
        "failed",
        error=found.problem,
        code=found.code,
    )
