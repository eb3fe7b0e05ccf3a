# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Who may do what with a batch.

Rights come from the draft: whoever may set the content of its files may do all with
its batches. A grant promotes whoever holds it, for one batch, until its deadline,
and for the one thing its URL is for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import current_app
from flask_principal import Identity
from invenio_records_resources.proxies import current_service_registry
from sqlalchemy.orm.exc import NoResultFound

from ...core.grants import Verb, check, issue
from ...core.states import BatchState
from ...errors import AccessDenied, GrantRevoked
from ...proxies import current_multipart
from ...records.models import Batch, utc_now
from ..permissions import is_admin, is_uploader, may_upload

PARAMETER = "X-Upload-Credential"
"""Query parameter that carries a grant."""


def authorize(
    batch: Batch,
    identity: Identity,
    verb: Verb,
    credential: str | None,
    *,
    subject: str = "",
) -> bool:
    """Let pass who has the right, or brings a grant that gives it.

    :param credential: the grant of the request, None without one.
    :param subject: what a grant must be bound to beside the batch.
    :returns: whether it was the caller's own right, not a grant's.
    :raises GrantInvalid: forged or malformed.
    :raises GrantExpired: the deadline has passed.
    :raises GrantRefused: for another batch or another thing.
    :raises GrantRevoked: the batch is over.
    :raises AccessDenied: neither right nor grant.
    """
    if _has_right(batch, identity, verb):
        return True
    if credential is None:
        raise AccessDenied("You have no right on this batch.")
    check(secrets(), credential, batch.id, verb, utc_now(), subject=subject)
    open_for = {BatchState.UPLOADING}
    if verb in (Verb.COMPLETE, Verb.READ):
        # Whoever did not hear the answer asks once more.
        open_for.add(BatchState.COMPLETING)
    if batch.status not in open_for:
        job = batch.complete_job_id if verb is Verb.COMPLETE else None
        raise GrantRevoked(
            f"The batch is {batch.state}; its credentials have ended.",
            state=batch.state,
            job_id=str(job) if job else None,
            job_url=current_multipart.jobs.url(job) if job else None,
        )
    return False


def grant(batch: Batch, *verbs: Verb, subject: str = "") -> str:
    """A credential for one thing, or these, until the batch's deadline."""
    return issue(
        secrets()[0],
        batch.id,
        frozenset(verbs),
        batch.complete_before,
        subject=subject,
    )


def secrets() -> Sequence[bytes]:
    """What signs grants, and what did before (Flask's own setting for that)."""
    every = [
        current_app.secret_key,
        *(current_app.config.get("SECRET_KEY_FALLBACKS") or ()),
    ]
    return [key.encode() if isinstance(key, str) else key for key in every if key]


def draft_of(batch: Batch) -> Any:
    """The draft a batch is for; None when it is published or gone."""
    service = current_service_registry.get(batch.service_id)
    try:
        return service.record_cls.get_record(batch.record_id)
    except NoResultFound:
        return None


def _has_right(batch: Batch, identity: Identity, verb: Verb) -> bool:
    if is_admin(identity) or is_uploader(identity):
        return True
    draft = draft_of(batch)
    if draft is None:
        # What has become of it, its maker may know.
        return batch.created_by is not None and str(identity.id) == batch.created_by
    return may_upload(current_service_registry.get(batch.service_id), identity, draft)
