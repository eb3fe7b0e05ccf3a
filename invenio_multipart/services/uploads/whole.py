# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Files of a batch that come as one whole object: there is one part, or none."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator

from invenio_db import db

from ...core.bindings import PutBinding
from ...core.digests import parse_digest
from ...core.ledger import StoredPart
from ...records.models import Batch, Upload
from ...storage.base import PartLink
from ...storage.factory import multipart_storage, object_prefix


def whole_part(upload: Upload) -> StoredPart | None:
    """The object, as the only part; None while the store has none."""
    stored = multipart_storage(upload.sent_to, upload.size).head()
    return None if stored is None else StoredPart(1, stored.size, stored.etag)


def whole_link(upload: Upload, expires: int) -> Iterator[PartLink]:
    """Where the client puts it; nowhere for who was given credentials instead.

    :param expires: seconds, 1..604800.
    """
    batch = db.session.get(Batch, upload.batch_id)
    if batch is None or batch.mode != "s3-presigned-url":
        return
    binding = PutBinding(
        upload.sent_to.removeprefix(batch.prefix),
        upload.size if upload.size_known else None,
        md5_of(upload.declared),
    )
    for link in object_prefix(batch.prefix).sign_puts([binding], expires):
        yield PartLink(1, link.url, link.expires_at, link.headers)


def as_base64(digest: str | None) -> str | None:
    """A hex digest in the form of S3's headers; None stays None."""
    return digest and b64encode(bytes.fromhex(digest)).decode("ascii")


def md5_of(declared: str | None) -> str | None:
    """What the bytes are held to, in the form of Content-MD5; None without an MD5."""
    digest = parse_digest(declared) if declared else None
    return digest.base64 if digest and digest.algorithm == "md5" else None
