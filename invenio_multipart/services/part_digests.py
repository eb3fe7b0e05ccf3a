# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The digests of a file's parts, by which a download is proved part by part.

One digest of a large file is computed byte after byte, and only tells that something
is wrong. Its parts are proved side by side, and the one that is wrong is named.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask_principal import Identity
from invenio_records_resources.proxies import current_service_registry
from invenio_records_resources.services.errors import FileKeyNotFoundError
from marshmallow import EXCLUDE, Schema, fields, validate

from ..core.ledger import StoredPart
from ..core.plan import S3_LIMITS
from ..core.states import UploadState
from ..records import uploads
from ..records.folding import unfold
from .uploads.schema import parse


class PageOfDigestsSchema(Schema):
    """Query of the digests of a file's parts."""

    class Meta:
        """Other parameters are not ours to refuse."""

        unknown = EXCLUDE

    key = fields.String(
        required=True,
        validate=[validate.Length(min=1), validate.ContainsNoneOf("\x00")],
    )
    start = fields.Integer(
        data_key="from", load_default=1, validate=validate.Range(min=1)
    )
    size = fields.Integer(
        load_default=S3_LIMITS.max_parts,
        validate=validate.Range(1, S3_LIMITS.max_parts),
    )


def part_digests(
    service_id: str, identity: Identity, id_: str, query: Mapping[str, Any]
) -> dict[str, Any]:
    """Sizes and MD5s of the parts that a file of a draft or record was sent in.

    There are none for a file that came another way, or is not complete, or whose
    store has other ETags than MD5s.

    :param query: ``key``, ``from`` and ``size`` as they came.
    :returns: ``parts``, their number as ``total``, and the first part of the ``next``
        page, or None.
    :raises FileKeyNotFoundError: no such file.
    :raises PermissionDeniedError: may not read the files.
    """
    service = current_service_registry.get(service_id)
    page = parse(PageOfDigestsSchema(), query)
    record = service._get_record(id_, identity, "read_files")
    file_record = record.files.get(page["key"])
    if file_record is None:
        raise FileKeyNotFoundError(id_, page["key"])
    parts = _parts_of(file_record)
    end = page["start"] - 1 + page["size"]
    return {
        "key": page["key"],
        "total": len(parts),
        "parts": [
            {"part": part.number, "size": part.size, "checksum": f"md5:{part.etag}"}
            for part in parts[page["start"] - 1 : end]
        ],
        "next": end + 1 if end < len(parts) else None,
    }


def _parts_of(file_record: Any) -> Sequence[StoredPart]:
    """All parts, each with its MD5; none where one has none."""
    if file_record.object_version_id is None:
        return ()
    file_id = file_record.object_version.file_id
    upload = uploads.by_file(file_id) if file_id else None
    if upload is None or upload.status is not UploadState.COMPLETED:
        return ()
    # ETags of a store that encrypts look like MD5s, and are none.
    parts = unfold(upload.folded) if upload.md5_etags else ()
    return parts if all(part.etag for part in parts) else ()
