# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What a client should know before it sends anything: where to, and how much."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from flask import current_app
from flask_principal import Identity
from invenio_db import db
from invenio_files_rest.models import Location
from invenio_rdm_records.records.api import get_files_quota
from invenio_records_resources.proxies import current_service_registry
from sqlalchemy import select

from ..core.digests import COMPUTABLE
from ..errors import AccessDenied, NotAllowedHere, NoTemporaryCredentials
from ..records import entries
from ..records.links import linked_bytes
from ..records.quota import links_are_free
from ..storage.factory import multipart_storage, new_uri
from .drafts import require_writable
from .permissions import may_upload

_SERVICE = "draft-files"


class SettingsService:
    """Limits of a draft, or of one that is still to be made."""

    def of_new_draft(self, identity: Identity) -> dict[str, Any]:
        """What holds for a draft that the caller makes now.

        :raises AccessDenied: nobody is logged in.
        :raises NotAllowedHere: the site has no default location.
        """
        if identity.id is None:
            raise AccessDenied("Log in to upload files.")
        room = {**get_files_quota(), "used": 0}
        return {"writable": True, **_settings(_default_uri(), room, 0)}

    def of_draft(self, identity: Identity, pid_value: str) -> dict[str, Any]:
        """What holds for a draft that there is, and how much of it is used.

        :raises PIDDoesNotExistError: no such draft.
        :raises AccessDenied: the caller may not upload to it.
        """
        service = current_service_registry.get(_SERVICE)
        draft = service.record_cls.pid.resolve(pid_value, registered_only=False)
        if not may_upload(service, identity, draft):
            raise AccessDenied("You may not upload files to this draft.")
        bucket = draft.files.bucket
        if bucket is None:
            # Files are switched off; what would hold if they were not.
            uri, used, room = _default_uri(), 0, get_files_quota(draft)
        else:
            uri, used = bucket.location.uri, _used(bucket)
            room = {
                "quota_size": bucket.quota_size,
                "max_file_size": bucket.max_file_size,
            }
        present = entries.count(draft.files.file_cls.model_cls, draft.id)
        writable = _is_writable(draft)
        return {"writable": writable, **_settings(uri, {**room, "used": used}, present)}


def _default_uri() -> str:
    location = Location.get_default()
    if location is None:
        raise NotAllowedHere("This site has no default location for files.")
    uri: str = location.uri
    return uri


def _settings(uri: str, room: dict[str, Any], present: int) -> dict[str, Any]:
    """:param uri: of the location.
    :param room: ``quota_size``, ``max_file_size`` and ``used``, bytes.
    :param present: files that are there.
    """
    site = current_app.config
    limits = multipart_storage(new_uri(uri, "0" * 36), 0).limits
    largest = [size for size in (room["max_file_size"], limits.max_size) if size]
    return {
        "storage": _place(uri),
        "files": {
            "max": current_service_registry.get(_SERVICE).config.max_files_count,
            "present": present,
        },
        "bytes": {
            "max_file": min(largest),
            "quota": room["quota_size"] or None,
            "used": room["used"],
        },
        "parts": {
            "max": limits.max_parts,
            "min_size": limits.min_part_size,
            "max_size": limits.max_part_size,
        },
        "digests": sorted(COMPUTABLE),
        "upload": {
            "lifetime_seconds": site["MULTIPART_UPLOAD_LIFETIME"],
            "link_seconds": site["MULTIPART_LINK_EXPIRES_SECONDS"],
        },
        "batch": {
            "max_files": site["MULTIPART_BATCH_MAX_FILES"],
            "open_seconds": site["MULTIPART_BATCH_OPEN_SECONDS"],
            "max_open_seconds": site["MULTIPART_BATCH_MAX_OPEN_SECONDS"],
            "credentials": _has_sessions(uri),
        },
        "publish_requires": site["MULTIPART_PUBLISH_REQUIRES"],
    }


def _place(uri: str) -> dict[str, Any]:
    """Where bytes are sent, as clients reach it; no address where that is here."""
    if not uri.startswith("s3://"):
        return {"kind": "local", "origin": None, "url": None}
    # Sites with local files only do not install what it needs.
    from ..storage.s3_client import connection

    bucket = uri.removeprefix("s3://").partition("/")[0]
    url = connection().object_url(bucket, "")
    there = urlsplit(url)
    return {"kind": "s3", "origin": f"{there.scheme}://{there.netloc}", "url": url}


def _has_sessions(uri: str) -> bool:
    """Whether there are temporary credentials, as far as settings tell."""
    if not uri.startswith("s3://"):
        return False
    from ..storage.sts import provider_for

    try:
        provider_for(uri)
    except NoTemporaryCredentials:
        return False
    return True


def _used(bucket: Any) -> int:
    """Bytes that count against the quota, reserved ones included."""
    free = 0
    if links_are_free():
        free = db.session.execute(select(linked_bytes(bucket.id))).scalar_one()
    return int(bucket.size - free)


def _is_writable(draft: Any) -> bool:
    try:
        require_writable(draft)
    except NotAllowedHere:
        return False
    return True
