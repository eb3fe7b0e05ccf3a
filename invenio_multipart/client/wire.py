# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What travels between the uploader and the servers, as values.

Readers are strict about what we use and blind to everything else, so that a
server may add fields.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote

from .errors import ProtocolError, RefusedError, UsageError
from .transport import Response

LINK_MARGIN_SECONDS = 30.0
"""A link is good if a request begins before it expires; this is for the way."""

_MD5 = re.compile(r"[0-9a-f]{32}")
_S3_ERROR = re.compile(r"<(Code|Message)>([^<]*)</")


@dataclass(frozen=True)
class FileEntry:
    """A file of a draft, as the server knows it."""

    size_bytes: int | None
    status: str
    checksum: str | None
    """Digest ``algorithm:hex``, None while the server has none."""
    transfer_type: str
    parts: int | None
    """Number of parts; None once the file is complete."""
    part_size_bytes: int | None
    links: Mapping[int, PartLink] = field(default_factory=dict)
    """One for each part (from 1) of an upload in parts that we may send to. They
    are good for any bytes, unlike those of a registration."""


@dataclass(frozen=True)
class StoredPart:
    """A part the server already has."""

    size_bytes: int
    md5: str | None
    """Hex; None when the server cannot vouch for one."""


@dataclass(frozen=True)
class PartLink:
    """Where to put one part, and what has to be said with it."""

    url: str
    headers: Mapping[str, str]
    expires_at: float | None = None
    """Unix time by the server's clock; None when it named none."""

    @property
    def is_good(self) -> bool:
        """It does not expire right now, as far as our clock can tell."""
        margin = time.time() + LINK_MARGIN_SECONDS
        return self.expires_at is None or self.expires_at > margin


@dataclass(frozen=True)
class UploadStatus:
    """How far the server is with an upload."""

    state: str
    error_message: str | None
    digests: Mapping[str, str] = field(default_factory=dict)
    """Hex digests by algorithm that the stored bytes are proved to have."""


def quote_key(key: str) -> str:
    """A file key as part of a URL; its directories stay directories.

    :raises UsageError: for a key that would point elsewhere in the API.
    """
    segments = key.split("/")
    if any(segment in ("", ".", "..") for segment in segments):
        raise UsageError(f"{key!r} is not a usable key: a folder name is missing.")
    try:
        return "/".join(quote(segment, safe="") for segment in segments)
    except UnicodeEncodeError as error:
        raise UsageError(f"{key!r} is not a usable key: not Unicode.") from error


def read_json(response: Response) -> Any:
    """The body of a successful answer.

    :raises ProtocolError: when it is no JSON, as from a login page.
    """
    try:
        return json.loads(response.body)
    except ValueError as error:
        raise ProtocolError(
            "The answer is not JSON. Is the base URL that of an InvenioRDM instance?"
        ) from error


def read_entry(item: Any) -> FileEntry:
    """A file entry of ``GET …/files/{key}`` or of the reply to a new one."""
    try:
        transfer = item.get("transfer") or {}
        links = item.get("links") or {}
        return FileEntry(
            size_bytes=item.get("size"),
            status=str(item.get("status", "")),
            checksum=item.get("checksum"),
            transfer_type=str(transfer.get("type", "")),
            parts=transfer.get("parts"),
            part_size_bytes=transfer.get("part_size"),
            links=read_links(links.get("parts") or ()),
        )
    except AttributeError as error:
        raise ProtocolError("The server's file entry cannot be read.") from error


def read_status(data: Any) -> UploadStatus:
    """The reply of ``GET …/upload``."""
    if not isinstance(data, dict) or not isinstance(data.get("state"), str):
        raise ProtocolError("The server's upload status cannot be read.")
    message, digests = data.get("error_message"), data.get("digests")
    return UploadStatus(
        data["state"],
        str(message) if message else None,
        digests if isinstance(digests, dict) else {},
    )


def read_stored_parts(items: Any) -> dict[int, StoredPart]:
    """Uploaded parts by number (from 1) of one page of ``GET …/parts``."""
    try:
        return {
            int(item["part"]): StoredPart(int(item["size"]), _trusted_md5(item))
            for item in items
            if item["status"] == "uploaded"
        }
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ProtocolError("The server's list of parts cannot be read.") from error


def read_links(items: Any) -> dict[int, PartLink]:
    """Links by part number (from 1) of a file entry or of a registration."""
    try:
        return {
            int(item["part"]): PartLink(
                str(item["url"]),
                {str(k): str(v) for k, v in (item.get("headers") or {}).items()},
                _unix_time(item.get("expiration")),
            )
            for item in items
        }
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ProtocolError("The server's part links cannot be read.") from error


def _unix_time(moment: str | None) -> float | None:
    # Python before 3.11 knows no "Z".
    if not moment:
        return None
    return datetime.fromisoformat(moment.replace("Z", "+00:00")).timestamp()


def read_refusal(response: Response) -> RefusedError:
    """The reason in an error answer of Invenio (JSON) or of S3 (XML)."""
    body = response.body.decode("utf-8", "replace")
    try:
        data = json.loads(body)
    except ValueError:
        data = None
    if not isinstance(data, dict):
        found = dict(_S3_ERROR.findall(body))
        data = {"code": found.get("Code"), "message": found.get("Message")}
    errors = [item for item in data.get("errors") or () if isinstance(item, dict)]
    message = str(data.get("message") or f"HTTP status {response.status}.")
    for item in errors:
        reasons = " ".join(str(text) for text in item.get("messages") or ())
        # The server's message often is its first error: say it once.
        if reasons and reasons not in message:
            message += f" {item.get('field', '')}: {reasons}"
    return RefusedError(
        message,
        status=response.status,
        code=str(data.get("code") or "refused"),
        errors=errors,
        details=data,
    )


def _trusted_md5(item: Mapping[str, Any]) -> str | None:
    # `checksum` is what was announced for the part, `etag` what the store got.
    # They differ when a part was announced anew and its bytes never came: then
    # neither is proof.
    name, _, declared = (item.get("checksum") or "").lower().partition(":")
    if name != "md5":
        declared = ""
    etag = (item.get("etag") or "").strip('"').lower()
    if not _MD5.fullmatch(etag):
        etag = ""
    if declared and etag and declared != etag:
        return None
    return declared or etag or None
