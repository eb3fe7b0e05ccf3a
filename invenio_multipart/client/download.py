# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Whole records, or files of them, from the server to a folder."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from .download_run import Callbacks, Failures, Run, Wanted
from .downloads import (
    DownloadCallback,
    DownloadedCallback,
    DownloadResult,
    DownloadSummary,
)
from .errors import PartialDownloadError
from .limits import Bandwidth, Jobs
from .many import NoticeCallback
from .record_files import RecordFiles
from .retry import RetryPolicy, StopSignal
from .transport import Transport


class Downloader:
    """Downloads files of records of one InvenioRDM.

    :param base_url: address of the instance, with or without ``/api``.
    :param token: personal access token; None for what everybody may read. Never
        leaves for another address.
    :param jobs: requests under way at the same time at most, 1 or more.
    :param policy: when to try again.
    :param memory_bytes: bound on what waits in memory for its turn to be written,
        64 MiB by default. A run that is killed has to ask again for that much at
        most.
    :param bytes_per_second: the line's bandwidth to use; None for all of it.
    :raises UsageError: for fewer than one job, or no bandwidth.
    """

    def __init__(
        self,
        base_url: str,
        token: str | None = None,
        jobs: int = 8,
        *,
        policy: RetryPolicy | None = None,
        memory_bytes: int = 64 * 2**20,
        bytes_per_second: float | None = None,
    ) -> None:
        # Says what is wrong with the number.
        Jobs(jobs)
        self._base_url = base_url
        self._token = token
        self._jobs = jobs
        self._policy = policy or RetryPolicy()
        self._memory_bytes = memory_bytes
        self._bandwidth = Bandwidth(bytes_per_second)

    def download(
        self,
        record_id: str,
        to: str | os.PathLike[str],
        *,
        files: Sequence[str] | None = None,
        draft: bool = False,
        overwrite: bool = False,
        dry_run: bool = False,
        progress: DownloadCallback | None = None,
        on_file: DownloadedCallback | None = None,
        on_notice: NoticeCallback | None = None,
    ) -> DownloadSummary:
        """The files are in the folder, each of them verified.

        Call again after any failure: what is here is not asked for again.

        :param to: folder, made when missing; folders of the record are kept.
        :param files: patterns, of which one must fit: ``*.csv``, or a folder
            ``raw/``; all files when None.
        :param draft: the files of the draft, not of the published record.
        :param overwrite: replace files of these names that have other bytes;
            otherwise such a file fails.
        :param dry_run: change nothing; every result is ``planned``, ``kept`` or
            ``failed``.
        :param progress: at most ten times a second; one call at a time.
        :param on_file: once for each file.
        :param on_notice: for what a person may want to know.
        :raises UsageError: when address, token, folder or patterns cannot be used.
        :raises DiskError: when the disk is full, or must not be written to.
        :raises RefusedError: when the server refuses the record.
        :raises ProtocolError: when the server is no such server.
        :raises NetworkError: when all attempts are used up.
        :raises PartialDownloadError: when some files failed.
        """
        callbacks = Callbacks(progress, on_file, on_notice)
        wanted = Wanted(Path(to), files, overwrite=overwrite, dry_run=dry_run)
        summary, failed = self._run(record_id, draft, wanted, callbacks)
        if failed:
            raise PartialDownloadError(summary, [result for result, _ in failed])
        return summary

    def download_file(
        self,
        record_id: str,
        key: str,
        to: str | os.PathLike[str],
        *,
        draft: bool = False,
        overwrite: bool = False,
        progress: DownloadCallback | None = None,
        on_notice: NoticeCallback | None = None,
    ) -> DownloadResult:
        """One file is at ``to``, or in it when that is a folder, and verified.

        :raises ClientError: as :meth:`download`; but the file's own error, when
            it fails.
        """
        results: list[DownloadResult] = []
        callbacks = Callbacks(progress, results.append, on_notice)
        path = Path(to)
        if path.is_dir() or os.fspath(to).endswith("/"):
            path /= key.rpartition("/")[2]
        wanted = Wanted(path.parent, None, path.name, key, overwrite=overwrite)
        _, failed = self._run(record_id, draft, wanted, callbacks)
        for _, error in failed:
            raise error
        return results[0]

    def _run(
        self, record_id: str, draft: bool, wanted: Wanted, callbacks: Callbacks
    ) -> tuple[DownloadSummary, Failures]:
        stop = StopSignal()
        transport = Transport(stop)
        try:
            api = RecordFiles(
                self._base_url,
                self._token,
                record_id,
                draft=draft,
                transport=transport,
                policy=self._policy,
                stop=stop,
            )
            run = Run(api, transport, stop, self._policy, wanted, callbacks)
            return run.run(
                record_id, Jobs(self._jobs), self._memory_bytes, self._bandwidth
            )
        finally:
            transport.close()
