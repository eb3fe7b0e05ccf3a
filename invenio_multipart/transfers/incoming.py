# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What upstream's routes do not pass on of a request.

Its parsers hand over the stream and its length; the digests clients send along
are in a header and in a body that upstream ignores.
"""

from __future__ import annotations

from flask import g, has_request_context, request

from ..core.digests import Digest, parse_content_md5
from ..services.uploads.schema import CommitSchema, parse


def declared_checksum() -> str | None:
    """``checksum`` of a commit's body, None without a body or a request."""
    if not has_request_context() or not request.is_json:
        return None
    body = request.get_json(silent=True)
    checksum: str | None = parse(CommitSchema(), body)["checksum"] if body else None
    return checksum


def content_md5() -> Digest | None:
    """The request's Content-MD5, None without one.

    :raises InvalidDigest: when it is not the base64 of 16 bytes.
    """
    text = request.headers.get("Content-MD5") if has_request_context() else None
    return parse_content_md5(text)


def user_id() -> str | None:
    """Who asks, None for the system and for background work."""
    identity = getattr(g, "identity", None) if has_request_context() else None
    return str(identity.id) if identity is not None and identity.id else None
