# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What is left to read of a version that was transient."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import current_app
from invenio_access.permissions import system_identity
from invenio_pidstore.errors import PIDDoesNotExistError
from invenio_vocabularies.proxies import current_service as vocabularies
from sqlalchemy.exc import NoResultFound


def tombstone(expired_at: datetime) -> dict[str, Any]:
    """Tombstone as InvenioRDM takes it; it adds the citation and who, the system.

    :param expired_at: when the version was to be deleted.
    """
    moment = f"{expired_at:%Y-%m-%d %H:%M} UTC"
    data: dict[str, Any] = {
        "note": f"This version was announced as transient, to be deleted on {moment}.",
        "is_visible": True,
    }
    reason = current_app.config["MULTIPART_TRANSIENT_REMOVAL_REASON"]
    if reason and _is_known(reason):
        data["removal_reason"] = {"id": reason}
    return data


def _is_known(reason: str) -> bool:
    try:
        vocabularies.read(system_identity, ("removalreasons", reason))
    except (PIDDoesNotExistError, NoResultFound):
        # A site's vocabularies are its own; the note says it, too.
        current_app.logger.info("There is no removal reason %r.", reason)
        return False
    return True
