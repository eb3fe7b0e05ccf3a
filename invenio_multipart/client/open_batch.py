# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The one open batch of an upload: it grows, its links are renewed, it ends."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from .api import Api
from .batches import CREDENTIALS, PRESIGNED, Batch, Batches, BatchFile
from .drafts import Content, Drafts
from .errors import NetworkError, RefusedError
from .retry import StopSignal
from .sts import StsLinks
from .wire import PartLink

_PLACE = re.compile(r"files\.(\d+)(\.|$)")

_GONE = ("aborted", "expired")

OPEN_STATES = frozenset({"initiated", "uploading", "failed"})
"""States of a batch's file in which its bytes may come."""


class BatchOverError(RefusedError):
    """The batch ended while it was being filled; a new one may be begun."""


@dataclass
class Announced:
    """What became of an announcement."""

    links: dict[str, PartLink] = field(default_factory=dict)
    refused: dict[str, RefusedError] = field(default_factory=dict)
    """By key, why a file cannot be in the draft."""


class OpenBatch:
    """The batch of one draft that this run fills; safe to use from many threads.

    :param batch: an open one of an earlier run, None to begin one when needed.
    """

    def __init__(
        self,
        api: Api,
        draft_id: str,
        stop: StopSignal,
        batch: Batch | None = None,
        mode: str = PRESIGNED,
    ) -> None:
        self._api = api
        self._draft_id = draft_id
        self._stop = stop
        self._batches = Batches(api, stop)
        self._drafts = Drafts(api)
        self._lock = threading.Lock()
        self._generation = 0
        self._renewed: Mapping[str, BatchFile] = {}
        self._sts: StsLinks | None = None
        self.mode = batch.mode if batch else mode
        self.batch = batch

    def files(self) -> dict[str, BatchFile]:
        """Files of the batch that have not ended, by key; none without a batch."""
        if self.batch is None:
            return {}
        with _ended_by_others():
            listed = [*self._batches.files(self.batch)]
        found = {f.key: f for f in listed if f.state in OPEN_STATES or f.uploaded}
        if self.mode == CREDENTIALS:
            waiting = [
                Content(f.key, f.size_bytes, f.md5)
                for f in found.values()
                if not f.uploaded and f.size_bytes is not None and f.md5
            ]
            for key, link in self._sign(waiting).items():
                found[key] = replace(found[key], link=link)
        return found

    def add(self, files: Sequence[Content]) -> Announced:
        """Announce files; those that cannot be are told apart from the others.

        :raises RefusedError: the draft takes no files, or not from us.
        """
        answer = Announced()
        waiting = list(files)
        while waiting:
            try:
                answer.links.update(self._add(waiting))
                return answer
            except RefusedError as error:
                limit = error.details.get("limit")
                if error.code == "too_many_files" and _is_less(limit, len(waiting)):
                    # One call takes no more than that; a second one shows whether
                    # the record does.
                    answer.links.update(self._add(waiting[:limit]))
                    waiting = waiting[limit:]
                    continue
                at_fault = _at_fault(error, waiting)
                if not at_fault:
                    raise self._explained(error) from error
                answer.refused.update(dict.fromkeys(at_fault, error))
                waiting = [file for file in waiting if file.key not in at_fault]
        return answer

    def remove(self, key: str) -> None:
        """Take a file out of the batch, and of the draft."""
        with _ended_by_others():
            self._drafts.delete_file(self._draft_id, key)

    def renew(self, key: str, generation: int) -> tuple[PartLink | None, int]:
        """A fresh link for a file, None when its bytes are there, and its generation.

        However many threads ask at once, the server is asked once.

        :param generation: of the link that was refused.
        :raises BatchOverError: nobody waits for the bytes any more.
        """
        with self._lock:
            if generation >= self._generation:
                if self.batch is None:
                    raise BatchOverError("There is no batch.")
                now = self._batches.state(self.batch)
                if now.state in _GONE:
                    raise BatchOverError(f"The batch is {now.state}.", code=now.state)
                if self._sts is not None:
                    self._sts.renew()
                self._renewed = self.files()
                self._generation += 1
            found = self._renewed.get(key)
            if found is None:
                raise RefusedError("Somebody took the file out of the draft.")
            return found.link, self._generation

    @property
    def generation(self) -> int:
        """How often links were renewed: that of a link made now."""
        return self._generation

    def latest(self, key: str, link: PartLink, generation: int) -> tuple[PartLink, int]:
        """A fresher link for a file, where one has come with those of others."""
        with self._lock:
            found = self._renewed.get(key)
            if generation < self._generation and found and found.link:
                return found.link, self._generation
            return link, generation

    def end(self) -> None:
        """Abort the batch."""
        if self.batch is not None:
            with _ended_by_others():
                self._batches.abort(self.batch)
            self.batch = None

    def complete(self) -> str:
        """Have a job make files of all; its address.

        :raises BatchOverError: it is over, without files.
        """
        assert self.batch is not None, "only a batch is completed"  # noqa: S101
        with _ended_by_others():
            return self._batches.complete(self.batch)

    def _add(self, files: Sequence[Content]) -> dict[str, PartLink]:
        policy = self._api.policy
        for failures in range(1, policy.attempts + 1):
            try:
                if self.batch is not None:
                    with _ended_by_others():
                        links = self._batches.more(self.batch, files)
                else:
                    self.batch, links = self._batches.announce(
                        self._draft_id, files, self.mode
                    )
                return self._sign(files) if self.mode == CREDENTIALS else links
            except NetworkError as error:
                if error.permanent or failures == policy.attempts:
                    raise policy.gave_up(error, failures) from error
                asked = error.retry_after_seconds
                self._stop.sleep(policy.delay_seconds(failures, asked))
                # It may have been done although the answer did not come.
                done = self._done_already(files)
                if done is not None:
                    return done
        raise AssertionError("unreachable: attempts is 1 or more")

    def _sign(self, files: Sequence[Content]) -> dict[str, PartLink]:
        assert self.batch is not None, "credentials are a batch's"  # noqa: S101
        if self._sts is None:
            self._sts = StsLinks(self._batches, self.batch)
        return self._sts.sign(files)

    def _done_already(self, files: Sequence[Content]) -> dict[str, PartLink] | None:
        if self.batch is None:
            self.batch = self._batches.of_draft(self._draft_id)
        there = self.files()
        if any(file.key not in there for file in files):
            return None
        links = {file.key: there[file.key].link for file in files}
        return {key: link for key, link in links.items() if link is not None}

    def _explained(self, error: RefusedError) -> RefusedError:
        lock = error.details.get("lock")
        if error.code != "locked" or not isinstance(lock, dict):
            return error
        return RefusedError(
            f"Another upload into this draft is open (batch {lock.get('batch')}, "
            f"{lock.get('stage')} since {lock.get('since')}). It ends by itself at "
            f"{lock.get('until')}; whoever began it can complete or abort it before.",
            status=error.status,
            code=error.code,
            details=error.details,
        )


@contextmanager
def _ended_by_others() -> Iterator[None]:
    """Whoever completed or aborted the batch meanwhile: it is to be looked at anew."""
    try:
        yield
    except RefusedError as error:
        gone = error.details.get("state") in _GONE or error.status == 404
        if error.code != "state_conflict" and not gone:
            raise
        raise BatchOverError(error.message, code=error.code) from error


def _is_less(limit: Any, count: int) -> bool:
    return isinstance(limit, int) and 0 < limit < count


def _at_fault(error: RefusedError, files: Sequence[Content]) -> set[str]:
    """Keys of the files that an announcement was refused for; empty for all."""
    if error.status != 400:
        return set()
    announced = {file.key for file in files}
    keys = error.details.get("keys")
    if error.code == "keys_taken" and isinstance(keys, list):
        return announced.intersection(map(str, keys))
    found = set()
    for item in error.errors:
        place = _PLACE.match(str(item.get("field") or ""))
        if place and int(place[1]) < len(files):
            found.add(files[int(place[1])].key)
    return found
