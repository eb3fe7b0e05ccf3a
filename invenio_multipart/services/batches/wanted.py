# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What a request asks for, checked before anything is done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from flask_principal import Identity
from marshmallow import Schema, fields, validate

from ...core.expiry import check_times, parse_moment
from ...errors import NoTemporaryCredentials
from ...records.models import utc_now
from ..identities import user_id_of
from ..uploads.schema import parse
from .access_schema import AccessChange, parse_completion
from .announce import Announcement
from .extra import CHOICES, REFUSE
from .schema import CREDENTIALS, AnnouncementSchema, ProvisioningSchema


class _ExtraSchema(Schema):
    extra = fields.String(load_default=REFUSE, validate=validate.OneOf(CHOICES))


def wanted_completion(body: Any) -> tuple[str, AccessChange]:
    """What becomes of extra objects, and of access and publication."""
    rest = dict(body) if isinstance(body, Mapping) else body
    extra = REFUSE
    if isinstance(rest, dict) and "extra" in rest:
        extra = parse(_ExtraSchema(), {"extra": rest.pop("extra")})["extra"]
    return extra, parse_completion(rest)


def wanted_files(body: Any, identity: Identity) -> Announcement:
    """What a body announces for a draft.

    :raises marshmallow.ValidationError: with the fields at fault.
    :raises InvalidTime: likewise.
    """
    return _announcement(parse(AnnouncementSchema(), body), identity)


def wanted_record(
    body: Any, identity: Identity
) -> tuple[Announcement, Mapping[str, Any]]:
    """The same for a record that is to be made, and its metadata."""
    loaded = parse(ProvisioningSchema(), body)
    announcement = _announcement(loaded, identity)
    return replace(announcement, provisioned=True), loaded["record"]


def _announcement(loaded: Mapping[str, Any], identity: Identity) -> Announcement:
    """:raises InvalidTime: with the field at fault."""
    now = utc_now()
    complete_before = _moment(loaded, "completed_by", now)
    if complete_before is None:
        seconds = current_app.config["MULTIPART_BATCH_OPEN_SECONDS"]
        complete_before = now + timedelta(seconds=seconds)
    expires_at = _moment(loaded, "expires_in", now)
    longest = current_app.config["MULTIPART_BATCH_MAX_TRANSIENT_SECONDS"]
    check_times(
        complete_before,
        expires_at,
        now,
        max_open=timedelta(
            seconds=current_app.config["MULTIPART_BATCH_MAX_OPEN_SECONDS"]
        ),
        max_transient=None if longest is None else timedelta(seconds=longest),
    )
    return Announcement(
        files=loaded["files"],
        mode=loaded["mode"],
        complete_before=complete_before,
        expires_at=expires_at,
        created_by=user_id_of(identity),
    )


def require_sessions(draft: Any, wanted: Announcement) -> None:
    """:raises NoTemporaryCredentials: the draft's location has none."""
    if wanted.mode != CREDENTIALS:
        return
    uri = draft.files.bucket.location.uri
    if not uri.startswith("s3://"):
        raise NoTemporaryCredentials("Files of this record are not stored in S3.")
    from ...storage.sts import provider_for

    provider_for(uri)


def _moment(loaded: Mapping[str, Any], name: str, now: datetime) -> datetime | None:
    text = loaded[name]
    return None if text is None else parse_moment(text, now, field=name)
