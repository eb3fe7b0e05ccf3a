# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""``status`` and ``abort``: a draft as the server sees it."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict

from ..credentials import TokenStore, find_token
from ..many import DraftFile
from ..text import format_bytes, format_share, plural
from ..uploader import Uploader
from .address import Target, target_of
from .connect import uploader_for
from .output import table, tell


def status(options: argparse.Namespace) -> int:
    """The files of a draft, and what is missing."""
    target, uploader = _open(options)
    files = uploader.status(target.identifier)
    if options.json:
        tell(json.dumps([asdict(file) for file in files], indent=1))
        return 0
    if files:
        tell(table([_row(file) for file in files]))
    tell(f"{_in_all(files)}  {target.draft_page}")
    return 0


def abort(options: argparse.Namespace) -> int:
    """What is pending in a draft is over, and its room is free again."""
    target, uploader = _open(options)
    ended = uploader.abort(target.identifier)
    left = uploader.status(target.identifier)
    if options.json:
        tell(json.dumps([asdict(file) for file in left], indent=1))
        return 0
    tell(f"{plural(ended, 'pending file')} ended. {_in_all(left)}  {target.draft_page}")
    return 0


def _open(options: argparse.Namespace) -> tuple[Target, Uploader]:
    store = TokenStore()
    target = target_of(options.draft, options.url, store)
    token = find_token(target.site, store)
    return target, uploader_for(options, target.site, token)


def _row(file: DraftFile) -> tuple[str, ...]:
    if file.size_bytes is None:
        size = "?"
    elif file.state == "completed":
        size = format_bytes(file.size_bytes)
    else:
        size = format_share(file.uploaded_bytes, file.size_bytes)
    more = ""
    if file.error:
        more = f" - {file.error}"
    elif file.parts_missing:
        more = f" - {plural(file.parts_missing, 'part')} missing"
    return file.state, f"{size:>17}", f"{file.key}{more}"


def _in_all(files: Sequence[DraftFile]) -> str:
    if not files:
        return "The draft has no files."
    states = Counter(file.state for file in files)
    shown = ", ".join(f"{count:,} {state}" for state, count in states.most_common())
    size = format_bytes(sum(file.size_bytes or 0 for file in files))
    return f"{plural(len(files), 'file')}, {size}: {shown}."
