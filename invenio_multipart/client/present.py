# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What of the files is in the draft already, and so need not be sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from .batches import BatchFile
from .counter import ManyCounter
from .errors import ClientError, RefusedError
from .many import FileResult, ManyOptions, Notice, NoticeCallback
from .reading import SMALL_BYTES, failed
from .source import SourceFile
from .tree import Found
from .wire import FileEntry


@dataclass
class Work:
    """What is left to be done."""

    small: list[Found] = field(default_factory=list)
    large: list[Found] = field(default_factory=list)


class Present:
    """Compares files with those of a draft.

    :param batch: files of the open batch, by key.
    """

    def __init__(
        self,
        options: ManyOptions,
        entries: Mapping[str, FileEntry],
        batch: Mapping[str, BatchFile],
        counter: ManyCounter,
        notice: NoticeCallback,
    ) -> None:
        self._options = options
        self._entries = entries
        self._batch = batch
        self._counter = counter
        self._notice = notice

    def settle(self, files: Sequence[Found]) -> Work:
        """Settle what is there, or is in the way; the rest is what is to be done."""
        work = Work()
        for found in files:
            entry = self._entries.get(found.key)
            if entry is None or found.key in self._batch:
                self._add(work, found)
            elif entry.status == "completed":
                self._compare(found, entry)
            elif entry.transfer_type == "M":
                self._add(work, found)
            else:
                self._fail(
                    found,
                    "The draft has a pending file of this name that was begun in "
                    f"another way (transfer type {entry.transfer_type!r}). Delete it "
                    "first.",
                )
        return work

    def _add(self, work: Work, found: Found) -> None:
        (work.small if found.size_bytes <= SMALL_BYTES else work.large).append(found)

    def _compare(self, found: Found, entry: FileEntry) -> None:
        if entry.size_bytes != found.size_bytes:
            self._fail(
                found,
                f"The draft already has a file of this name with {entry.size_bytes} "
                f"bytes; {found.path} has {found.size_bytes}. Delete the one in the "
                "draft first.",
            )
            return
        md5 = None
        if self._options.verify:
            try:
                with SourceFile(found.path) as source:
                    digests = source.digest()
            except ClientError as error:
                self._counter.settle(failed(found, error))
                return
            md5 = digests.md5
            if entry.checksum is None:
                text = (
                    f"The server has no digest of {found.key} yet; it was not compared."
                )
                self._notice(Notice("not_compared", text))
            elif entry.checksum not in (f"md5:{md5}", f"sha256:{digests.sha256}"):
                self._fail(
                    found,
                    "The draft already has a complete file of this name, with checksum "
                    f"{entry.checksum}; {found.path} has md5:{md5}. Delete the one in "
                    "the draft first.",
                )
                return
        self._counter.settle(
            FileResult(found.key, found.path, found.size_bytes, "reused", md5)
        )

    def _fail(self, found: Found, reason: str) -> None:
        self._counter.settle(failed(found, RefusedError(reason, code="exists")))


def foreign(
    batch: Mapping[str, BatchFile],
    files: Sequence[Found],
    remove: Callable[[str], None],
    notice: NoticeCallback,
) -> None:
    """Take out of an earlier run's batch what is not among the files any more.

    :raises RefusedError: nothing in it is ours: somebody else is filling it.
    """
    ours = {found.key for found in files}
    left = [file for file in batch.values() if file.key not in ours]
    waiting = [file.key for file in left if not file.uploaded]
    if not waiting:
        return
    if len(left) == len(batch):
        raise RefusedError(
            f"Another upload of yours into this draft is open, with {len(batch)} files "
            f"of which {waiting[0]} is missing. Finish it by running its command again, "
            "or abort it.",
            code="locked",
        )
    for key in waiting:
        remove(key)
    text = f"{len(waiting)} files of an earlier run are gone, such as {waiting[0]}."
    notice(Notice("files_gone", text))
