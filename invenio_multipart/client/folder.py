# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Many files, from the look at the disk to the published record."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from .batches import Batch, BatchFile
from .counter import ManyCounter
from .deliver import Delivery, Item
from .drafts import Content
from .engine import Uploader
from .errors import (
    ClientError,
    IntegrityError,
    PartialError,
    RefusedError,
    UsageError,
)
from .limits import Jobs
from .many import FileResult, ManyOptions, ManySummary, Notice, NoticeCallback, Source
from .open_batch import BatchOverError, OpenBatch
from .present import Present, foreign
from .session import Session
from .small import SmallFiles, failed
from .source import SourceFile
from .tree import Found, Tree

BATCH_TRIES = 3
"""Batches, and passes over one, before it is believed that it does not work."""

FATAL_CODES = frozenset(
    {"quota_exceeded", "too_many_files", "locked", "no_draft", "files_disabled"}
)
"""Refusals that are about the draft, not about one file of it."""


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
        batch = self._own_batch(session)
        entries = session.drafts.files(self._draft_id)
        opened = OpenBatch(session.api, self._draft_id, session.stop, batch)
        known = opened.files()
        present = Present(self._options, entries, known, self._counter, self._notice)
        work = present.settle(files)
        if self._options.dry_run:
            for found in (*work.small, *work.large):
                self._counter.settle(_planned(found))
            return
        foreign(known, files, opened.remove, self._notice)
        for found in work.large:
            if found.key in known:
                # Announced with others by some other client; parts go by themselves.
                opened.remove(found.key)
        self._counter.enter("uploading")
        in_parts = self._send_small(session, opened, work.small, known)
        job_url = opened.complete() if opened.batch else None
        for found in (*work.large, *in_parts):
            self._send_large(session, found)
        if job_url is not None:
            self._finish(session, opened, job_url, work.small)

    def _own_batch(self, session: Session) -> Batch | None:
        """Our open batch, after a completion that is under way has ended."""
        batch = session.batches.of_draft(self._draft_id)
        if batch is not None and batch.state == "completing" and batch.job_url:
            session.batches.wait(batch.job_url)
            batch = session.batches.of_draft(self._draft_id)
        return batch

    def _send_small(
        self,
        session: Session,
        opened: OpenBatch,
        files: Sequence[Found],
        known: dict[str, BatchFile],
    ) -> list[Found]:
        """Send them, and leave in the batch only what is in the store."""
        jobs = Jobs(self._uploader.limits.jobs.most)
        delivery = Delivery(
            session.api,
            session.transport,
            session.stop,
            batch=opened,
            counter=self._counter,
            jobs=jobs,
            notice=self._notice,
        )
        small = SmallFiles(
            batch=opened,
            known=known,
            delivery=delivery,
            transport=session.transport,
            counter=self._counter,
            jobs=jobs,
            stop=session.stop,
            linker=self._linker(session) if self._options.link_known else None,
        )
        try:
            small.run(files)
        finally:
            self._storage_requests += delivery.requests.value
        for key in small.lost:
            opened.remove(key)
        if opened.batch and not small.delivered and not known.keys() - small.lost:
            opened.end()
        return small.in_parts

    def _linker(self, session: Session) -> Any:
        def link(items: Sequence[Item]) -> set[str]:
            return self._link(session, [item.content for item in items])

        return link

    def _link(self, session: Session, contents: Sequence[Content]) -> set[str]:
        known = session.drafts.known(self._draft_id, contents)
        if not known:
            return set()
        try:
            session.drafts.link(
                self._draft_id, [file for file in contents if file.key in known]
            )
        except RefusedError as error:
            if error.code not in ("link_target_unavailable", "keys_taken"):
                raise
            # One of them is gone since: all are sent, which is slower and no error.
            return set()
        return known

    def _finish(
        self,
        session: Session,
        opened: OpenBatch,
        job_url: str,
        files: Sequence[Found],
    ) -> None:
        """Wait for the completion; what it finds missing or wrong is sent again."""
        by_key = {found.key: found for found in files}
        self._counter.enter("completing")
        for tries_left in reversed(range(BATCH_TRIES)):
            end = session.batches.wait(job_url)
            if end.code is None:
                return
            errors = end.result.get("errors") or {}
            again = [*errors.get("missing", ())]
            again += [item["key"] for item in errors.get("wrong", ())]
            if end.code != "files_differ" or not again or not tries_left:
                raise RefusedError(end.message, code=end.code)
            self._notice(Notice("sent_again", end.message))
            for key in again:
                opened.remove(key)
            known = opened.files()
            mine = [by_key[key] for key in again if key in by_key]
            self._send_small(session, opened, mine, known)
            if opened.batch is None:
                return
            job_url = opened.complete()

    def _send_large(self, session: Session, found: Found) -> None:
        try:
            if self._options.link_known and self._is_linked(session, found):
                return
            summary = self._uploader.upload(
                self._draft_id,
                found.path,
                found.key,
                self._counter.follow(found.key),
            )
        except (UsageError, IntegrityError) as error:
            self._counter.settle(failed(found, error))
        except RefusedError as error:
            if is_fatal(error):
                raise
            self._counter.settle(failed(found, error))
        else:
            self._api_requests += summary.api_requests
            self._storage_requests += summary.storage_requests
            self._counter.settle(
                FileResult(
                    found.key,
                    found.path,
                    found.size_bytes,
                    "sent" if summary.bytes_sent else "reused",
                    summary.md5,
                    summary.sha256,
                )
            )

    def _is_linked(self, session: Session, found: Found) -> bool:
        with SourceFile(found.path) as source:
            digests = source.digest()
            content = Content(found.key, source.size_bytes, digests.md5)
        if not self._link(session, [content]):
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


def is_fatal(error: ClientError) -> bool:
    """Whether no other file would fare better."""
    if isinstance(error, RefusedError):
        return error.status in (401, 403, 404, 410, 423) or error.code in FATAL_CODES
    return not isinstance(error, (UsageError, IntegrityError))


def _unusable(found: Found) -> FileResult:
    return FileResult(
        found.key,
        found.path,
        found.size_bytes,
        "failed",
        error=found.problem,
        code=found.code,
    )


def _planned(found: Found) -> FileResult:
    return FileResult(found.key, found.path, found.size_bytes, "planned")
