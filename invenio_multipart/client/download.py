# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Whole records, or files of them, from the server to a folder."""

from __future__ import annotations

import os
from collections.abc import Sequence

from .downloads import (
    DownloadCallback,
    DownloadedCallback,
    DownloadResult,
    DownloadSummary,
)
from .errors import UsageError
from .many import NoticeCallback
from .retry import RetryPolicy


class Downloader:
    """Downloads files of records of one InvenioRDM.

    :param base_url: address of the instance, with or without ``/api``.
    :param token: personal access token; None for what everybody may read. Never
        leaves for another address.
    :param jobs: requests under way at the same time, 1 or more.
    :param policy: when to try again.
    :param memory_bytes: bound on what waits in memory for its turn to be written.
        A run that is killed has to ask again for that much at most.
    :raises UsageError: for fewer than one job.
    """

    def __init__(
        self,
        base_url: str,
        token: str | None = None,
        jobs: int = 4,
        *,
        policy: RetryPolicy | None = None,
        memory_bytes: int = 64 * 2**20,
    ) -> None:
        if jobs < 1:
            raise UsageError("The number of jobs must be 1 or more.")
        self._base_url = base_url
        self._token = token
        self._jobs = jobs
        self._policy = policy or RetryPolicy()
        self._memory_bytes = memory_bytes

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
        :param dry_run: change nothing; every result is ``planned`` or ``kept``.
        :param progress: at most ten times a second; one call at a time.
        :param on_file: once for each file.
        :param on_notice: for what a person may want to know.
        :raises UsageError: when address, token, folder or patterns cannot be used.
        :raises RefusedError: when the server refuses the record.
        :raises ProtocolError: when the server is no such server.
        :raises NetworkError: when all attempts are used up.
        :raises PartialDownloadError: when some files failed.
        """
        raise UsageError("Downloads are not there yet.")

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

        :raises ClientError: as ``download``; but the file's own error, when it
            fails.
        """
        raise UsageError("Downloads are not there yet.")
