# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Files into one draft, by one batch and single uploads: what is not there yet."""

from __future__ import annotations

from collections.abc import Sequence

from .batches import CREDENTIALS, PRESIGNED, Batch, BatchFile
from .counter import ManyCounter
from .deliver import Delivery, Item
from .errors import RefusedError
from .known import KnownBytes
from .large import LargeFiles
from .limits import Jobs
from .many import ManyOptions, Notice, NoticeCallback
from .open_batch import OpenBatch
from .present import Present, Work, foreign
from .reading import planned
from .session import Session
from .small import SmallFiles
from .tree import Found

PASSES = 3
"""Over one batch, before it is believed that it does not work."""


class Transfer:
    """One try; when the batch ends meanwhile, the next one begins anew.

    :param jobs: files sent at the same time at most.
    :param large: sends files that are too large for memory.
    :param known: asked before anything is sent; None not to ask.
    """

    def __init__(
        self,
        session: Session,
        draft_id: str,
        options: ManyOptions,
        counter: ManyCounter,
        notice: NoticeCallback,
        *,
        jobs: int,
        large: LargeFiles,
        known: KnownBytes | None,
    ) -> None:
        self._session = session
        self._draft_id = draft_id
        self._options = options
        self._counter = counter
        self._notice = notice
        self._jobs = Jobs(jobs)
        self._known = known
        self.large = large
        self._whole_requests = 0

    @property
    def storage_requests(self) -> int:
        """Requests that carried bytes."""
        return self._whole_requests + self.large.storage_requests

    def run(self, files: Sequence[Found]) -> None:
        """All files are in the draft, or were reported as failed.

        :raises BatchOverError: the batch ended; files of it have to be sent again.
        :raises ClientError: what ended the upload as a whole.
        """
        batch = self._own_batch()
        entries = self._session.drafts.files(self._draft_id)
        mode = CREDENTIALS if self._options.sts else PRESIGNED
        session = self._session
        opened = OpenBatch(session.api, self._draft_id, session.stop, batch, mode)
        there = opened.files()
        present = Present(self._options, entries, there, self._counter, self._notice)
        work = present.settle(files)
        if self._options.dry_run:
            for found in (*work.small, *work.large):
                self._counter.settle(planned(found))
            return
        foreign(there, files, opened.remove, self._notice)
        for found in work.large:
            if found.key in there:
                # Announced with others by another client; parts go by themselves.
                opened.remove(found.key)
        self._send(opened, work, there)

    def _send(self, opened: OpenBatch, work: Work, there: dict[str, BatchFile]) -> None:
        self._counter.enter("uploading")
        in_parts = self._send_small(opened, work.small, there)
        job_url = opened.complete() if opened.batch else None
        if self._options.sts and work.large:
            text = "Large files go by links of the server, not by the credentials."
            self._notice(Notice("large_by_links", text))
        # The server completes the batch meanwhile.
        for found in (*work.large, *in_parts):
            self.large.send(found)
        if job_url is not None:
            self._finish(opened, job_url, work.small)

    def _own_batch(self) -> Batch | None:
        """Our open batch, after a completion that is under way has ended."""
        batches = self._session.batches
        batch = batches.of_draft(self._draft_id)
        if batch is not None and batch.state == "completing" and batch.job_url:
            batches.wait(batch.job_url, self._tell_of_waiting)
            batch = batches.of_draft(self._draft_id)
        return batch

    def _send_small(
        self,
        opened: OpenBatch,
        files: Sequence[Found],
        there: dict[str, BatchFile],
    ) -> list[Found]:
        """Send them, and leave in the batch only what is in the store.

        :returns: those that the server wants in parts.
        """
        session = self._session
        delivery = Delivery(
            session.api,
            session.transport,
            session.stop,
            batch=opened,
            counter=self._counter,
            jobs=self._jobs,
            notice=self._notice,
        )
        small = SmallFiles(
            batch=opened,
            known=there,
            delivery=delivery,
            transport=session.transport,
            counter=self._counter,
            jobs=self._jobs,
            stop=session.stop,
            linker=None if self._known is None else self._link,
            sha256=self._options.sha256,
        )
        try:
            small.run(files)
        finally:
            self._whole_requests += delivery.requests.value
        for key in small.lost:
            opened.remove(key)
        if opened.batch and not small.delivered and not there.keys() - small.lost:
            opened.end()
        return small.in_parts

    def _link(self, items: Sequence[Item]) -> set[str]:
        assert self._known is not None, "only asked when wanted"  # noqa: S101
        return self._known.link([item.content for item in items])

    def _finish(self, opened: OpenBatch, job_url: str, files: Sequence[Found]) -> None:
        """Wait for the completion; what it finds missing or wrong is sent again."""
        by_key = {found.key: found for found in files}
        self._counter.enter("completing")
        for passes_left in reversed(range(PASSES)):
            end = self._session.batches.wait(job_url, self._tell_of_waiting)
            if end.code is None:
                return
            errors = end.result.get("errors") or {}
            again = [*errors.get("missing", ())]
            again += [item["key"] for item in errors.get("wrong", ())]
            if end.code != "files_differ" or not again or not passes_left:
                raise RefusedError(end.message, code=end.code)
            self._notice(Notice("sent_again", end.message))
            for key in again:
                opened.remove(key)
            mine = [by_key[key] for key in again if key in by_key]
            self._send_small(opened, mine, opened.files())
            if opened.batch is None:
                return
            job_url = opened.complete()

    def _tell_of_waiting(self, seconds: float) -> None:
        text = (
            f"No worker of the repository has begun with the files for {seconds:.0f} "
            "seconds. They are safe there; this command may be ended and run again."
        )
        self._notice(Notice("no_worker", text))
