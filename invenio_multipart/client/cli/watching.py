# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""``watch``: an instrument writes, the draft fills."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ..credentials import TokenStore, find_token
from ..errors import ClientError, NetworkError, PartialError, RefusedError, UsageError
from ..many import FileResult, Named, Notice
from ..screen import Display
from ..text import format_bytes, plural
from ..tree import Found, Tree
from ..uploader import Uploader
from ..watch import Watcher
from .address import Target, target_of
from .connect import many_options, uploader_for
from .outcome import exit_code
from .output import JsonDisplay, display_for, tell
from .running import execute
from .tracking import Tracker, in_background, track

LOOK_SECONDS = (0.2, 5.0)
"""Shortest and longest pause between two looks at the folder."""

TROUBLE_SECONDS = (5.0, 300.0)
"""First and longest pause after trouble with the server."""

FATAL = frozenset({401, 403, 404, 410})
"""Refusals that only a person can do something about."""


def watch(options: argparse.Namespace) -> int:
    """What appears in the folder is in the draft."""
    if not options.folder.is_dir():
        raise UsageError(f"{options.folder} is no folder.")
    store = TokenStore()
    target = target_of(options.to or options.draft, options.url, store)
    uploader = uploader_for(options, target.site, find_token(target.site, store))
    run = _Watch(options, target, uploader)
    tracker = track(options, target)
    if options.detach:
        return in_background(
            tracker, lambda: execute(options, lambda _: run.run(tracker))
        )
    return run.run(tracker)


class _Watch:
    def __init__(
        self, options: argparse.Namespace, target: Target, uploader: Uploader
    ) -> None:
        self._options = options
        self._target = target
        self._uploader = uploader
        self._many = many_options(options)
        self._watcher = Watcher(self._find, options.settle)
        self._told: set[str] = set()
        self._files = 0
        self._bytes = 0

    def run(self, tracker: Tracker) -> int:
        """Exit code; 0 only with --once.

        :raises ClientError: when nothing can be sent any more.
        """
        options = self._options
        options.how_to_go_on = tracker.how_to_go_on
        try:
            with display_for(options) as display:
                options.display = display
                self._begin(display, tracker)
                self._watch(display, tracker)
        except (ClientError, KeyboardInterrupt) as error:
            message = getattr(error, "message", "interrupted")
            tracker.end(exit_code(error), message, None)
            raise
        tracker.end(0, "", None)
        self._end(display)
        return 0

    def _begin(self, display: Display, tracker: Tracker) -> None:
        if isinstance(display, JsonDisplay):
            number = tracker.run.number if tracker.run else None
            draft, page = self._target.identifier, self._target.draft_page
            display.event("start", draft_id=draft, url=page, run=number)
        elif not self._options.quiet:
            display.say(
                f"Watching {self._options.folder}, for {self._target.draft_page}", ""
            )

    def _watch(self, display: Display, tracker: Tracker) -> None:
        pause = min(max(self._options.settle / 3, LOOK_SECONDS[0]), LOOK_SECONDS[1])
        troubles = 0
        while True:
            trouble = False
            sight = self._watcher.look()
            self._display = display
            if sight.ready:
                trouble = not self._send(sight.ready, display)
            elif self._options.once and not sight.waiting:
                return
            troubles = troubles + 1 if trouble else 0
            first, longest = TROUBLE_SECONDS
            again = min(first * 2 ** (troubles - 1), longest) if trouble else pause
            time.sleep(again)

    def _find(self) -> Iterator[Found]:
        # What is in the folder, without its own name.
        folder = f"{self._options.folder}/"
        tree = Tree(self._many, self._once_each)
        for found in tree.find([folder]):
            if found.problem is None:
                yield found
            else:
                self._once_each(Notice(found.code or "problem", found.problem))

    def _once_each(self, notice: Notice) -> None:
        # The folder is looked at again and again.
        if notice.message not in self._told:
            self._told.add(notice.message)
            self._display.notice(notice)

    def _send(self, ready: Sequence[Found], display: Display) -> bool:
        try:
            self._upload([Named(found.path, found.key) for found in ready], display)
        except PartialError:
            # Each was named; they are tried again when they change, or later.
            return True
        except (RefusedError, NetworkError, UsageError) as error:
            if _is_fatal(error):
                raise
            display.notice(Notice(error.code, f"{_now()}  {error.message}"))
            return False
        return True

    def _upload(self, sources: Sequence[Named], display: Display) -> None:
        def file(result: FileResult) -> None:
            self._watcher.note(result)
            display.file(result)
            if result.outcome in ("sent", "linked"):
                self._files += 1
                self._bytes += result.size_bytes
                if not self._options.json and not self._options.quiet:
                    size = format_bytes(result.size_bytes)
                    display.say(f"{_now()}  {result.outcome}  {result.key}  {size}", "")

        self._uploader.upload_many(
            self._target.identifier,
            sources,
            # The keys have it already.
            replace(self._many, prefix=""),
            progress=display.progress,
            on_file=file,
            on_notice=display.notice,
        )

    def _end(self, display: Display) -> None:
        if isinstance(display, JsonDisplay):
            display.event("done", exit_code=0, sent=self._files, bytes=self._bytes)
        elif not self._options.quiet:
            tell(f"{plural(self._files, 'file')} sent, {format_bytes(self._bytes)}")


def _now() -> str:
    return time.strftime("%H:%M:%S")


def _is_fatal(error: ClientError) -> bool:
    """A file that went away, or a disk that cannot be read for now, is not."""
    if isinstance(error, RefusedError):
        return error.status in FATAL
    return isinstance(error, NetworkError) and error.permanent
