# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The files of a batch for programs that read lines, as a shell does.

Each line is a word and what belongs to it, with one blank between. Keys are quoted as
in URLs, so nothing in a line is anything else than it seems; ``-`` stands for what is
not known or not needed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any
from urllib.parse import quote, urlencode

from flask import current_app
from invenio_db import db

from ...core.digests import HEX_LENGTHS
from ...core.grants import Verb
from ...core.states import UploadState
from ...records.models import Batch, Job
from .files import page_of_files
from .rights import PARAMETER, grant

_NONE = "-"
_FAILED = UploadState.FAILED.value


def page_of_lines(batch: Batch, after: str, size: int) -> str:
    """A page of files, each with where to send what is still missing of it.

    ``have KEY``
        It is there.
    ``file KEY SIZE MD5``
        It is to be sent, by the lines that follow.
    ``put KEY CONTENT-MD5 URL``
        All of it goes there, with this header.
    ``part KEY OFFSET SIZE CONTENT-MD5 URL``
        So many bytes of it go there.
    ``link KEY``
        A link entry that is to be made.
    ``failed KEY``
        It has come, and is not what was announced; it cannot be sent again.
    ``next URL``
        The next page.

    :param size: files in the page, 1 or more.
    """
    page = page_of_files(batch, after, size)
    wrong = _found_wrong(batch)
    lines = [line for entry in page["files"] for line in _lines(entry, page, wrong)]
    if page["next"] is not None:
        lines.append(f"next {_address(batch, page['next'], size)}")
    return "".join(f"{line}\n" for line in lines)


def _found_wrong(batch: Batch) -> Collection[str]:
    """Keys of the files that the last completion, which failed, has found wrong."""
    if batch.complete_job_id is None or batch.error_on is None:
        return ()
    job = db.session.get(Job, batch.complete_job_id)
    if job is None:
        return ()
    errors = (job.result or {}).get("errors") or {}
    return {entry["key"] for entry in errors.get("wrong") or ()}


def _lines(
    entry: dict[str, Any], page: dict[str, Any], wrong: Collection[str]
) -> Iterator[str]:
    key = entry["key"]
    name, url = quote(key, safe="/"), page["presigned_urls"].get(key)
    if "link" in entry:
        yield f"have {name}" if entry["uploaded"] else f"link {name}"
    elif url is None:
        yield f"failed {name}" if entry["state"] == _FAILED else f"have {name}"
    elif entry["uploaded"] and key not in wrong:
        yield f"have {name}"
    else:
        size = _NONE if entry["size"] is None else entry["size"]
        yield f"file {name} {size} {_md5(entry['checksum'])}"
        if isinstance(url, str):
            bound = page["headers"].get(key, {}).get("Content-MD5", _NONE)
            yield f"put {name} {bound} {url}"
        else:
            yield from _parts(name, url)


def _parts(name: str, links: list[dict[str, Any]]) -> Iterator[str]:
    for link in links:
        # Of parts that somebody has registered otherwise, we may not know the place.
        if link["offset"] is not None and link["size"] is not None:
            bound = link.get("headers", {}).get("Content-MD5", _NONE)
            yield f"part {name} {link['offset']} {link['size']} {bound} {link['url']}"


def _md5(checksum: str | None) -> str:
    algorithm, _, value = (checksum or "").lower().partition(":")
    right = algorithm == "md5" and len(value) == HEX_LENGTHS["md5"]
    return value if right else _NONE


def _address(batch: Batch, after: str, size: int) -> str:
    query = {"format": "lines", "after": after, "size": size}
    query[PARAMETER] = grant(batch, Verb.UPLOAD)
    site = current_app.config["SITE_API_URL"]
    return f"{site}/uploads/{batch.id}/files?{urlencode(query)}"
