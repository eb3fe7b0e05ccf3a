# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""One download from start to end: list, look around, fetch with many threads."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from .arrival import Arrival, conclude
from .board import PIECE_BYTES, Board
from .downloads import (
    DownloadCallback,
    DownloadedCallback,
    DownloadResult,
    DownloadSummary,
)
from .errors import ClientError, NetworkError, TargetError, UsageError
from .fetching import Shared
from .flow import TICK_SECONDS
from .limits import Bandwidth, Jobs
from .many import Notice, NoticeCallback
from .part_file import part_name
from .record_files import RecordFiles, RemoteFile
from .retry import RetryPolicy, Stopped, StopSignal
from .tally import Tally
from .target import Folder, keep_names
from .transport import Transport

LOST_IN_A_ROW = 3
"""Files that the network failed for before the others are not tried any more."""

Failures = list[tuple[DownloadResult, ClientError]]


@dataclass(frozen=True)
class Callbacks:
    """Who wants to hear what."""

    progress: DownloadCallback | None = None
    on_file: DownloadedCallback | None = None
    on_notice: NoticeCallback | None = None


@dataclass(frozen=True)
class Wanted:
    """What is to come, and where to.

    :param name: name of a single file in the folder, whose key is ``key``.
    """

    folder: Path
    patterns: Sequence[str] | None
    name: str | None = None
    key: str | None = None
    overwrite: bool = False
    dry_run: bool = False


class Run:
    """The steps of one download."""

    def __init__(
        self,
        api: RecordFiles,
        transport: Transport,
        stop: StopSignal,
        policy: RetryPolicy,
        wanted: Wanted,
        callbacks: Callbacks,
    ) -> None:
        self._api = api
        self._transport = transport
        self._stop = stop
        self._policy = policy
        self._wanted = wanted
        self._callbacks = callbacks
        self._folder = Folder(wanted.folder)
        self._tally = Tally(callbacks.progress)
        self._lock = threading.Lock()
        self._failures: Failures = []
        self._lost = 0
        self._fatal: BaseException | None = None
        self._new_in: set[Path] = set()

    def run(
        self,
        record_id: str,
        jobs: Jobs,
        memory_bytes: int,
        bandwidth: Bandwidth,
    ) -> tuple[DownloadSummary, Failures]:
        """All that can be had is here."""
        begun = time.monotonic()
        self._tally.enter("listing")
        files = self._choose()
        self._tally.expect([file.size_bytes for file in files])
        if not self._wanted.dry_run:
            self._folder.make()
            self._look_around(files)
        self._tally.enter("downloading")
        board = Board(self._stop, max(memory_bytes // PIECE_BYTES, 2), self._conclude)
        self._fetch(files, board, jobs, bandwidth)
        keep_names(self._new_in)
        self._tally.enter("completed")
        return self._summary(record_id, time.monotonic() - begun), self._failures

    def _choose(self) -> list[RemoteFile]:
        if self._wanted.key is not None:
            found = [self._api.file(self._wanted.key)]
        else:
            found = [file for file in self._api.list() if self._is_wanted(file.key)]
            if not found and self._wanted.patterns:
                raise UsageError(
                    "No file of the record fits "
                    f"{' or '.join(map(repr, self._wanted.patterns))}."
                )
        for file in found:
            if not file.completed:
                self._say(Notice("pending", f"{file.key} is not uploaded yet."))
        completed = [file for file in found if file.completed]
        self._api.expect(file.key for file in completed)
        return completed

    def _is_wanted(self, key: str) -> bool:
        patterns = self._wanted.patterns
        if patterns is None:
            return True
        return any(
            fnmatchcase(key, pattern) or fnmatchcase(key, f"{pattern.rstrip('/')}/*")
            for pattern in patterns
        )

    def _look_around(self, files: Sequence[RemoteFile]) -> None:
        """Remove what earlier runs left for nothing; say when the disk is small."""
        parts, missing = {}, 0
        for file in files:
            with suppress(TargetError, OSError):
                path = self._folder.path_of(self._name_of(file))
                part = part_name(path.name, file.size_bytes, file.checksum)
                parts[path] = part
                if not os.path.lexists(path):
                    here = path.with_name(part)
                    missing += file.size_bytes or 0
                    missing -= here.stat().st_size if here.exists() else 0
        for stale in self._folder.stale_parts(parts):
            with suppress(OSError):
                stale.unlink()
                self._say(Notice("changed", f"{stale} is of another version: removed."))
        free = shutil.disk_usage(self._folder.path).free
        if missing > free:
            text = f"{missing:,} bytes are to come; the disk has room for {free:,}."
            self._say(Notice("disk_space", text))

    def _fetch(
        self,
        files: Sequence[RemoteFile],
        board: Board,
        jobs: Jobs,
        bandwidth: Bandwidth,
    ) -> None:
        shared = Shared(
            api=self._api,
            transport=self._transport,
            stop=self._stop,
            policy=self._policy,
            board=board,
            tally=self._tally,
            jobs=jobs,
            bandwidth=bandwidth,
            folder=self._folder,
            overwrite=self._wanted.overwrite,
            dry_run=self._wanted.dry_run,
            say=self._say,
            finish=self._finish,
        )
        arrivals = [Arrival(file, self._name_of(file), shared) for file in files]
        for arrival in arrivals:
            board.put(arrival)
        ranges = sum(-(-(file.size_bytes or 1) // PIECE_BYTES) for file in files)
        try:
            self._run_threads(board, min(jobs.most, ranges + 1))
        finally:
            for arrival in arrivals:
                arrival.close()
        if self._fatal:
            raise self._fatal

    def _run_threads(self, board: Board, count: int) -> None:
        threads = [
            threading.Thread(target=self._work, args=(board,), daemon=True)
            for _ in range(count)
        ]
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                # Some systems deliver Ctrl-C only between two waits.
                while thread.is_alive():
                    thread.join(TICK_SECONDS)
        finally:
            self._stop_threads(threads)

    def _stop_threads(self, threads: Sequence[threading.Thread]) -> None:
        self._stop.set()
        while any(thread.is_alive() for thread in threads):
            # Again, as a thread may have begun to connect meanwhile.
            self._transport.abort()
            for thread in threads:
                if thread.ident is not None:
                    thread.join(TICK_SECONDS)

    def _work(self, board: Board) -> None:
        try:
            while (errand := board.take()) is not None:
                errand()
        except Stopped:
            pass
        except BaseException as error:  # noqa: BLE001 - raised again by _fetch
            with self._lock:
                self._fatal = self._fatal or error
            self._stop.set()
            self._transport.abort()

    def _conclude(self, arrivals: Sequence[Arrival]) -> None:
        conclude(arrivals, self._stop.check)

    def _name_of(self, file: RemoteFile) -> str:
        return self._wanted.name or file.key

    def _say(self, notice: Notice) -> None:
        if self._callbacks.on_notice:
            with self._lock:
                self._callbacks.on_notice(notice)

    def _finish(self, result: DownloadResult, error: ClientError | None) -> None:
        with self._lock:
            if error:
                self._failures.append((result, error))
            if result.outcome == "received" and result.path:
                self._new_in.add(Path(result.path).parent)
            self._tally.end(result)
            if self._callbacks.on_file:
                self._callbacks.on_file(result)
            is_lost = isinstance(error, NetworkError)
            self._lost = self._lost + 1 if is_lost else 0
            if error and self._lost == LOST_IN_A_ROW:
                raise NetworkError(
                    f"{error.message} Run again later: what is here is kept."
                )

    def _summary(self, record_id: str, seconds: float) -> DownloadSummary:
        tally, counts = self._tally, self._tally.counts
        return DownloadSummary(
            record_id=record_id,
            folder=str(self._folder.path),
            files=tally.files,
            received=counts.received,
            kept=counts.kept,
            failed=counts.failed,
            size_bytes=counts.size_bytes,
            bytes_received=tally.received_bytes,
            bytes_resumed=tally.resumed_bytes,
            seconds=round(seconds, 3),
            api_requests=self._api.requests.value,
            storage_requests=self._api.storage_requests.value,
        )
