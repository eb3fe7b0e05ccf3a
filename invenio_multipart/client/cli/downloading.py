# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""``download``."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

from ..credentials import TokenStore, find_token
from ..downloads import DownloadProgress, DownloadResult, DownloadSummary
from ..errors import PartialDownloadError, UsageError
from ..many import FileResult, ManyProgress
from ..screen import Display
from ..text import format_bytes
from .address import target_of
from .connect import downloader_for
from .outcome import exit_code_of
from .output import JsonDisplay, display_for, tell
from .summary import describe_download


def download(options: argparse.Namespace) -> int:
    """The record's files are in a folder, verified."""
    store = TokenStore()
    target = target_of(options.record, options.url, store, what="record")
    options.how_to_go_on = lambda: (
        "Run the same command again: what is here is not asked for again."
    )
    try:
        token = find_token(target.site, store)
    except UsageError:
        # What everybody may read needs none.
        token = None
    downloader = downloader_for(options, target.site, token)
    planned: list[DownloadResult] = []
    failed: tuple[DownloadResult, ...] = ()
    with display_for(options) as display:
        options.display = display
        show = _Shown(display, planned)
        try:
            summary = downloader.download(
                target.identifier,
                options.to or Path(target.identifier),
                files=options.files,
                draft=options.draft,
                overwrite=options.overwrite,
                dry_run=options.dry_run,
                progress=show.progress,
                on_file=show.file,
                on_notice=display.notice,
            )
        except PartialDownloadError as error:
            summary, failed = error.summary, error.results
    code = exit_code_of(failed, summary.files)
    if isinstance(display, JsonDisplay):
        display.event("done", exit_code=code, **asdict(summary))
    elif options.dry_run:
        _tell_plan(summary, planned)
    elif not options.quiet:
        tell(describe_download(summary, failed))
    return code


class _Shown:
    """Turns the news of a download into what displays know."""

    def __init__(self, display: Display, planned: list[DownloadResult]) -> None:
        self._display = display
        self._planned = planned

    def progress(self, news: DownloadProgress) -> None:
        self._display.progress(
            ManyProgress(
                phase=news.phase,
                files=news.files,
                files_done=news.files_done,
                files_reused=news.files_kept,
                files_linked=0,
                files_failed=news.files_failed,
                size_bytes=news.size_bytes,
                done_bytes=news.done_bytes,
                sent_bytes=news.received_bytes,
                active=news.active,
            )
        )

    def file(self, result: DownloadResult) -> None:
        if result.outcome == "planned":
            self._planned.append(result)
        if isinstance(self._display, JsonDisplay):
            self._display.event("file", **asdict(result))
            return
        self._display.file(
            FileResult(
                key=result.key,
                path=result.path or "",
                size_bytes=result.size_bytes or 0,
                outcome=result.outcome,
                error=result.error,
                code=result.code,
            )
        )


def _tell_plan(summary: DownloadSummary, planned: list[DownloadResult]) -> None:
    for result in planned:
        size = "?" if result.size_bytes is None else format_bytes(result.size_bytes)
        tell(f"{size:>9}  {result.key}")
    tell(f"{len(planned):,} of {summary.files:,} files would be downloaded.")
