# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""``upload``."""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import asdict
from pathlib import Path

from ...core.keys import check_key
from ...errors import InvalidKey
from ..credentials import TokenStore, default_url, find_token, site_of
from ..errors import ClientError, PartialError, UsageError
from ..many import FileResult, ManyProgress, ManySummary, Named, Source, Stdin
from ..screen import Display
from ..text import format_bytes
from ..uploader import Uploader
from .address import Target, target_of
from .connect import many_options, uploader_for
from .outcome import exit_code, exit_code_of
from .output import JsonDisplay, display_for, tell
from .running import execute
from .summary import describe_upload
from .tracking import Tracker, in_background, track


def upload(options: argparse.Namespace) -> int:
    """Files and folders are in the draft."""
    store = TokenStore()
    sources = sources_of(options)
    if options.new:
        site = site_of(options.url or default_url(store))
        uploader = uploader_for(options, site, find_token(site, store))
        target = Target(site, _new_draft(options, uploader))
    else:
        target = target_of(options.to or options.draft, options.url, store)
        uploader = uploader_for(options, target.site, find_token(target.site, store))
    run = _Upload(options, target, uploader, sources)
    if options.dry_run or any(isinstance(source, Stdin) for source in sources):
        # What came in by standard input is gone: there is nothing to go on with.
        return run.run(None)
    tracker = track(options, target)
    if options.detach:
        return in_background(
            tracker, lambda: execute(options, lambda _: run.run(tracker))
        )
    return run.run(tracker)


def sources_of(options: argparse.Namespace) -> list[Source]:
    """What is to be uploaded; it is there.

    :raises UsageError: when it is not, or the options contradict each other.
    """
    paths: list[str] = options.paths
    if options.dry_run and (options.new or options.detach):
        raise UsageError("A dry run changes nothing: leave out --new and --detach.")
    if options.key is not None and len(paths) != 1:
        raise UsageError("--key names one file; for several there is --prefix.")
    if options.key is not None:
        try:
            check_key(options.key)
        except InvalidKey as error:
            raise UsageError(f"{options.key!r} is no name: {error.message}") from error
    if "-" in paths:
        if len(paths) != 1 or options.key is None:
            raise UsageError("Standard input goes alone, and needs a name: --key.")
        if options.detach:
            raise UsageError("Standard input cannot be detached.")
        return [Stdin(options.key)]
    for path in paths:
        try:
            Path(path).stat()
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise UsageError(f"Cannot open {path}: {reason}.") from error
    if options.key is not None:
        if Path(paths[0]).is_dir():
            raise UsageError("--key names one file; for a folder there is --prefix.")
        return [Named(paths[0], options.key)]
    return list(paths)


def _new_draft(options: argparse.Namespace, uploader: Uploader) -> str:
    first = options.key or os.path.basename(os.path.abspath(options.paths[0]))  # noqa: PTH100, PTH119 - of "." as well
    return uploader.new_draft(title=options.title or first)


class _Upload:
    """One run, and what is told about it."""

    def __init__(
        self,
        options: argparse.Namespace,
        target: Target,
        uploader: Uploader,
        sources: list[Source],
    ) -> None:
        self._options = options
        self._target = target
        self._uploader = uploader
        self._sources = sources
        self._failed: list[FileResult] = []
        self._results: list[FileResult] = []

    def run(self, tracker: Tracker | None) -> int:
        """Exit code; everything is told.

        :raises ClientError: when it could not be carried out.
        """
        options = self._options
        tracker = tracker or Tracker.none()
        options.how_to_go_on = tracker.how_to_go_on
        with display_for(options, self._name()) as display:
            options.display = display
            self._announce(display, tracker)
            try:
                summary = self._send(display, tracker)
            except PartialError as error:
                summary = error.summary
                self._failed = list(error.results)
            except (ClientError, KeyboardInterrupt) as error:
                message = getattr(error, "message", "interrupted")
                tracker.end(exit_code(error), message, display.last)
                raise
        code = exit_code_of(self._failed, summary.files)
        tracker.end(code, "", display.last)
        self._tell(summary, display, code)
        return code

    def _announce(self, display: Display, tracker: Tracker) -> None:
        number = tracker.run.number if tracker.run else None
        if isinstance(display, JsonDisplay):
            draft = self._target.identifier
            page = self._target.draft_page
            display.event("start", draft_id=draft, url=page, run=number)
        elif self._options.new and not self._options.quiet:
            display.say(f"New draft: {self._target.draft_page}", "dim")

    def _send(self, display: Display, tracker: Tracker) -> ManySummary:
        def progress(progress: ManyProgress) -> None:
            display.progress(progress)
            tracker.progress(progress)

        def file(result: FileResult) -> None:
            display.file(result)
            # Of many files only those are kept that will be told of.
            if result.outcome == "planned" or len(self._results) < 2:
                self._results.append(result)

        return self._uploader.upload_many(
            self._target.identifier,
            self._sources,
            many_options(self._options),
            progress=progress,
            on_file=file,
            on_notice=display.notice,
        )

    def _name(self) -> str:
        (first, *others) = self._sources
        if others:
            return ""
        if isinstance(first, (Stdin, Named)):
            return first.key
        return Path(first).name

    def _tell(self, summary: ManySummary, display: Display, code: int) -> None:
        options = self._options
        if options.summary is not None:
            write_summary(options.summary, summary)
        if isinstance(display, JsonDisplay):
            display.event("done", exit_code=code, **asdict(summary))
        elif options.dry_run:
            # In the order of a listing, not in that of the sending.
            for result in sorted(self._results, key=lambda result: result.key):
                if result.outcome == "planned":
                    tell(f"{format_bytes(result.size_bytes):>9}  {result.key}")
            tell(f"{summary.files - summary.reused:,} files would be sent.")
        elif not options.quiet:
            tell(describe_upload(summary, self._failed, self._target.draft_page))
            if summary.files == 1 and self._results and self._results[0].md5:
                tell(f"md5 {self._results[0].md5}")
                if self._results[0].sha256:
                    tell(f"sha256 {self._results[0].sha256}")
                if self._results[0].crc64nvme:
                    tell(
                        f"crc64nvme {self._results[0].crc64nvme} (proved by the store)"
                    )


def write_summary(path: Path, summary: ManySummary) -> None:
    """The outcome is in a file of its own.

    :raises UsageError: when it cannot be written.
    """
    try:
        path.write_text(f"{json.dumps(asdict(summary))}\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"The upload is over, but its summary cannot be written to {path}: "
            f"{error.strerror}."
        ) from error
