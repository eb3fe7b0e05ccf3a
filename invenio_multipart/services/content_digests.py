# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Replies with a file's content say what its digest is (RFC 9530, ``Repr-Digest``).

Whoever downloads can prove what came, whatever the program. Upstream answers with the
content, or with a redirect to the store, in many places; what they have in common is
the service call that permits it. There the file is remembered, and the header is added
to whatever the reply turns out to be.
"""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from flask import Response, current_app, g, request
from flask_principal import Identity
from invenio_records_resources.services.files.components import FileServiceComponent
from invenio_records_resources.services.files.transfer.constants import (
    LOCAL_TRANSFER_TYPE,
)

from ..core.digests import HEX_LENGTHS
from ..records import uploads

ENDPOINTS = frozenset(
    {
        "record_files.read_content",
        "record_media_files.read_content",
        "draft_files.read_content",
        "draft_media_files.read_content",
        # The download buttons of InvenioRDM's pages.
        "invenio_app_rdm_records.record_file_download",
        "invenio_app_rdm_records.record_media_file_download",
    }
)
"""Where a reply is the file itself; images that are made of one have other bytes."""

_NAMES = {"md5": "md5", "sha256": "sha-256", "sha512": "sha-512"}
"""Our names of algorithms, and those that RFC 9530 registers."""

_STATUS = frozenset({200, 206, 301, 302, 303, 307, 308})
"""The whole file, a range of it, or where it is; the digest is always the whole's."""

_REMEMBERED = "multipart_content"


class ContentDigestComponent(FileServiceComponent):  # type: ignore[misc]
    """Remembers whose content a request has been permitted to read."""

    def get_file_content(
        self, identity: Identity, id_: str, file_key: str, record: Any
    ) -> None:
        """The file is read."""
        # A file that is not there is upstream's to answer for, right after us.
        g.multipart_content = record.files.get(file_key)


def tell_digest(response: Response) -> Response:
    """Run after each request: add ``Repr-Digest`` where a file's content is sent.

    Costs no query as a rule: file and checksum have been read to send them. Other
    digests than InvenioRDM's own are looked up where the site computes them, or the
    client asks for them (``Want-Repr-Digest``).
    """
    if request.endpoint not in ENDPOINTS or response.status_code not in _STATUS:
        return response
    file_record = g.get(_REMEMBERED)
    if file_record is not None and "Repr-Digest" not in response.headers:
        value = _header(_digests(file_record))
        if value:
            response.headers["Repr-Digest"] = value
    return response


def _digests(file_record: Any) -> dict[str, str]:
    """What is known of a file that is here; of one elsewhere it is somebody's word."""
    transfer = getattr(file_record.transfer, "transfer_type", None)
    stored = file_record.file
    if transfer != LOCAL_TRANSFER_TYPE or stored is None:
        return {}
    # Upstream's wrapper has no attribute for what is not known.
    algorithm, _, value = getattr(stored, "checksum", "").partition(":")
    found = {algorithm: value}
    if _wants_more():
        upload = uploads.by_file(stored.file_id)
        found = {**(upload.digests if upload else {}), **found}
    return found


def _wants_more() -> bool:
    wanted = request.headers.get("Want-Repr-Digest", "")
    return "sha-" in wanted or set(current_app.config["MULTIPART_DIGESTS"]) != {"md5"}


def _header(digests: dict[str, str]) -> str:
    """A dictionary of structured fields (RFC 8941), the usual algorithm first."""
    members = []
    for algorithm, name in _NAMES.items():
        value = digests.get(algorithm, "")
        # Stock multipart uploads have an ETag in the place of a digest.
        if len(value) == HEX_LENGTHS[algorithm] and _is_hex(value):
            encoded = b64encode(bytes.fromhex(value)).decode("ascii")
            members.append(f"{name}=:{encoded}:")
    return ", ".join(members)


def _is_hex(text: str) -> bool:
    return all(digit in "0123456789abcdefABCDEF" for digit in text)
