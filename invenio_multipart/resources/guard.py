# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Requests that upstream's file routes would answer with a server error."""

from __future__ import annotations

from flask import request

from ..errors import BadRequest, InvalidKey
from .wire import is_storable, require_storable

_CREATE = {"draft_files.create", "draft_media_files.create"}
_UPDATE = {"draft_files.update", "draft_media_files.update"}
_STORED = ("transfer", "metadata")
_FILES = {
    "draft_files",
    "draft_media_files",
    "multipart_batches",
    "multipart_draft_files",
    "multipart_draft_media_files",
    "record_files",
    "record_media_files",
}


def refuse_malformed() -> None:
    """Run before each request; looks only at the routes of files and batches.

    :raises InvalidKey: a key with a NUL, which no database can look up.
    :raises BadRequest: an initiation that is no list of objects, or names what no
        database takes; likewise for the metadata of one file.
    """
    if request.blueprint not in _FILES:
        return
    if "\x00" in str((request.view_args or {}).get("key", "")):
        raise InvalidKey("The key holds control characters.", field="key")
    if request.endpoint in _UPDATE and request.is_json:
        body = request.get_json(silent=True)
        if body is not None and not isinstance(body, dict):
            raise BadRequest("Send a JSON object.")
        require_storable(body or {})
    if request.endpoint in _CREATE and request.is_json:
        body = request.get_json(silent=True)
        objects = isinstance(body, list) and all(isinstance(e, dict) for e in body)
        if body is not None and not objects:
            raise BadRequest("Send a list of objects, one per file.")
        for entry in body or ():
            key = entry.get("key")
            if isinstance(key, str) and not is_storable(key):
                raise InvalidKey(
                    "The key holds a NUL or half a character.", field="key"
                )
            # The digest has checks of its own.
            require_storable({name: entry.get(name) for name in _STORED})
