# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Where the contents of a record's files are, for a thousand files in one reply.

Upstream redirects one file after the other, and looks at all files of the record each
time: what a file costs grows with their number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import current_app
from flask_principal import Identity
from invenio_records_resources.proxies import current_service_registry
from invenio_records_resources.services.files.transfer.constants import (
    LOCAL_TRANSFER_TYPE,
)
from marshmallow import EXCLUDE, Schema, fields, validate

from ..core.adopted import STORAGE_CLASS
from ..records.contained import Contained, page_of_files
from ..storage.factory import sign_reads
from .counting import count_downloads
from .links.readable import readable_keys
from .uploads.parts import iso
from .uploads.schema import parse

MOST = 1000
"""Files of one reply."""

_S3 = "s3://"


class PageOfLinksSchema(Schema):
    """Query of the content links."""

    class Meta:
        """Other parameters are not ours to refuse."""

        unknown = EXCLUDE

    after = fields.String(load_default=None, validate=validate.ContainsNoneOf("\x00"))
    size = fields.Integer(load_default=MOST, validate=validate.Range(1, MOST))
    links = fields.Boolean(load_default=True)


def content_links(
    service_id: str, identity: Identity, id_: str, query: Mapping[str, Any]
) -> dict[str, Any]:
    """A page of a record's files, with links to what the caller may read.

    A file without one (``url`` is None) has to be asked for by itself: it is on the
    server's own disk, is somebody else's object, or is not for the caller.

    :param query: ``after``, ``size`` and ``links`` as they came.
    :returns: ``files``, and the key after which the ``next`` page begins, or None.
    :raises PermissionDeniedError: may not read the files.
    """
    service = current_service_registry.get(service_id)
    record = service._get_record(id_, identity, "read_files")
    page = parse(PageOfLinksSchema(), query)
    model = record.files.file_cls.model_cls
    found = page_of_files(model, record.id, page["after"], page["size"] + 1)
    files, rest = found[: page["size"]], found[page["size"] :]
    links = _links(service, identity, record, files) if page["links"] else {}
    return {
        "enabled": record.files.enabled,
        "files": [_entry(file, links.get(file.key)) for file in files],
        "next": files[-1].key if rest else None,
    }


def _links(
    service: Any, identity: Identity, record: Any, files: Sequence[Contained]
) -> Mapping[str, tuple[str, str]]:
    """URL and end of each link, by key."""
    direct = {file.key: file for file in files if _is_direct(file)}
    if not direct:
        return {}
    readable = readable_keys(service, identity, record, direct)
    given = [direct[key] for key in direct if key in readable]
    # Each link is a download to the statistics, as each redirect is.
    count_downloads(record, [file.version_id for file in given])
    expires = current_app.config["MULTIPART_CONTENT_LINK_EXPIRES_SECONDS"]
    urls, end = sign_reads([str(file.uri) for file in given], expires)
    return {file.key: (urls[str(file.uri)], str(iso(end))) for file in given}


def _is_direct(file: Contained) -> bool:
    """Whether the object is ours to link to as it is."""
    return (
        file.readable
        and file.transfer == LOCAL_TRANSFER_TYPE
        and file.storage_class != STORAGE_CLASS
        and (file.uri or "").startswith(_S3)
    )


def _entry(file: Contained, link: tuple[str, str] | None) -> dict[str, Any]:
    return {
        "key": file.key,
        "size": file.size,
        "checksum": file.checksum,
        "status": "pending" if file.version_id is None else "completed",
        "transfer": {"type": file.transfer},
        "url": link and link[0],
        "expiration": link and link[1],
    }
