# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Addresses of a batch's link entries: each names both of its ends.

An end is ``<PID>:<key>``, as base64 for URLs without padding: keys hold slashes.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable

from flask import current_app

from ...core.grants import Verb
from ...core.states import UploadState
from ...records.batch_links import EntryToLink
from ...records.models import Batch
from .rights import PARAMETER, grant


def ends_of(batch: Batch, entry: EntryToLink) -> tuple[str, str]:
    """Source (in the draft) and target, as they stand in the address."""
    source = _encoded(batch.pid_value, entry.key)
    return source, _encoded(entry.target_record, entry.target_key)


def subject_of(source: str, target: str) -> str:
    """What the grant of a link's address is bound to."""
    # Neither end has a slash in it.
    return f"{source}/{target}"


def key_of(batch: Batch, source: str) -> str | None:
    """Key of a source in this batch's draft; None for what is no such source.

    There are several spellings: who needs to be sure compares with :func:`ends_of`.
    """
    try:
        text = urlsafe_b64decode(source + "=" * (-len(source) % 4)).decode()
    except ValueError:
        return None
    prefix = f"{batch.pid_value}:"
    if not text.startswith(prefix) or "\x00" in text:
        return None
    return text.removeprefix(prefix)


def link_urls(batch: Batch, entries: Iterable[EntryToLink]) -> dict[str, str]:
    """By key, the address that makes each link which is not made yet."""
    site = f"{current_app.config['SITE_API_URL']}/uploads/{batch.id}/link"
    urls = {}
    for entry in entries:
        if entry.state != UploadState.INITIATED:
            continue
        source, target = ends_of(batch, entry)
        token = grant(batch, Verb.LINK, subject=subject_of(source, target))
        urls[entry.key] = f"{site}/{source}/to/{target}?{PARAMETER}={token}"
    return urls


def _encoded(record: str, key: str) -> str:
    return urlsafe_b64encode(f"{record}:{key}".encode()).decode().rstrip("=")
