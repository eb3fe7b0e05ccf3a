# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Who has begun what is on its way, for administrators."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from invenio_accounts.models import User
from invenio_db import db
from sqlalchemy import select

from ...records.models import Batch, Upload


def owners_of(hits: Sequence[dict[str, Any]]) -> None:
    """Give each of the hits its ``owner``; three queries for all.

    ``id`` and ``email`` of the account, without an address where it is gone; None where
    the system did it.
    """
    begun_by: dict[str, str | None] = {}
    for model in (Upload, Batch):
        ids = [uuid.UUID(hit["id"]) for hit in hits if hit["kind"] == _kind(model)]
        query = select(model.id, model.created_by).where(model.id.in_(ids))
        begun_by |= {str(id_): user for id_, user in db.session.execute(query)}
    numbers = [int(user) for user in begun_by.values() if user and user.isdigit()]
    query = select(User.id, User.email).where(User.id.in_(numbers))
    emails = {str(id_): email for id_, email in db.session.execute(query)}
    for hit in hits:
        user = begun_by.get(hit["id"])
        known = {"id": user, "email": emails.get(user or "")}
        hit["owner"] = known if user is not None else None


def _kind(model: Any) -> str:
    return "batch" if model is Batch else "upload"
