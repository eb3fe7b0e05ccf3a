# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The service of what is on its way: lists, and what may be done from a list."""

from __future__ import annotations

import uuid
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask_principal import Identity
from marshmallow import Schema, fields, validate

from ...core.states import BATCH_OPEN, OPEN
from ...errors import AccessDenied, BadRequest
from ...proxies import current_multipart
from ...records import unfinished
from ...records.unfinished import Place
from ..permissions import require_admin
from ..uploads.schema import parse
from .acts import discard, more_time
from .described import described
from .owners import owners_of

_STATES = sorted({str(state) for state in (*OPEN, *BATCH_OPEN)})


class _PageSchema(Schema):
    after = fields.String(load_default="", validate=validate.Length(0, 200))
    size = fields.Integer(load_default=25, validate=validate.Range(1, 100))


class _PageOfAllSchema(_PageSchema):
    state = fields.String(load_default="", validate=validate.OneOf(["", *_STATES]))


class UnfinishedService:
    """Uploads and batches that are not over.

    The list goes by who began: that is one index, and whoever may upload to a draft sees
    all of its uploads there.
    """

    def mine(self, identity: Identity, query: Mapping[str, Any]) -> dict[str, Any]:
        """A page of what the caller has begun, the next deadline first.

        :param query: ``after``, as ``next`` of a page before, and ``size``.
        :returns: ``hits`` with ``hits`` and ``total``; and ``next``, None at the end.
        :raises AccessDenied: nobody is logged in.
        :raises BadRequest: no page ends there.
        """
        if identity.id is None:
            raise AccessDenied("Log in to see your uploads.")
        wanted = parse(_PageSchema(), query)
        return _page(identity, str(identity.id), "", wanted)

    def of_all(self, identity: Identity, query: Mapping[str, Any]) -> dict[str, Any]:
        """The same of all accounts, for administrators.

        :param query: ``state`` besides.
        :returns: each of the hits has ``owner`` as well: ``id`` and ``email`` of an
            account, None for the system.
        :raises PermissionDeniedError: for all others.
        """
        require_admin(identity)
        wanted = parse(_PageOfAllSchema(), query)
        page = _page(identity, None, wanted["state"], wanted)
        owners_of(page["hits"]["hits"])
        return page

    def abort(self, identity: Identity, id_: uuid.UUID) -> str:
        """End any upload or batch, for administrators; ``upload`` or ``batch``.

        :raises PermissionDeniedError: for all others.
        :raises UploadNotFound: nothing has this id.
        :raises StateConflict: it is over, being completed, or a batch's file.
        """
        require_admin(identity)
        by = f"administrator {identity.id}"
        what: str = current_multipart.overview.abort(id_, by)
        return what

    def discard(self, identity: Identity, kind: str, id_: uuid.UUID) -> None:
        """End an upload or a batch without files, as whoever may do so at the draft.

        :param kind: ``upload`` or ``batch``.
        :raises UploadNotFound: there is none.
        """
        discard(identity, kind, id_)

    def more_time(self, identity: Identity, kind: str, id_: uuid.UUID) -> None:
        """Put the deadline off by as much as a new one would have.

        :raises UploadNotFound: there is none.
        :raises StateConflict: it is over.
        :raises InvalidTime: it is as far ahead as the site allows already.
        """
        more_time(identity, kind, id_)


def _page(
    identity: Identity, user_id: str | None, state: str, wanted: Mapping[str, Any]
) -> dict[str, Any]:
    size, after = wanted["size"], _place(wanted["after"])
    rows = unfinished.page(user_id, state, after, size + 1)
    shown, rest = rows[:size], rows[size:]
    return {
        "hits": {
            "hits": described(identity, shown),
            "total": unfinished.count(user_id, state),
        },
        "next": _text(unfinished.place_of(shown[-1])) if rest else None,
    }


def _place(text: str) -> Place | None:
    if not text:
        return None
    try:
        moment, _, id_ = urlsafe_b64decode(text.encode()).decode().partition(" ")
        place = Place(datetime.fromisoformat(moment), uuid.UUID(id_))
    except ValueError as error:
        raise BadRequest("No page ends there.", field="after") from error
    if place.deadline.tzinfo is None:
        raise BadRequest("No page ends there.", field="after")
    return place


def _text(place: Place) -> str:
    return urlsafe_b64encode(
        f"{place.deadline.isoformat()} {place.id}".encode()
    ).decode()
