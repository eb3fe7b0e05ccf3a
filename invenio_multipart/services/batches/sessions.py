# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Temporary S3 credentials of a batch: given out, given anew, and taken back."""

from __future__ import annotations

import uuid
from typing import Any

from flask import current_app
from invenio_db import db
from invenio_db.uow import UnitOfWork

from ...errors import BatchNotFound, StorageError
from ...records import batches, locks
from ...records.models import Batch, utc_now
from ...storage.revoke import lift, revoke
from ...storage.s3_client import connection
from ...storage.sts import provider_for
from .found import require_uploading
from .reply import iso, seconds_left
from .rows import INCOMING


def open_session(batch_id: uuid.UUID) -> dict[str, Any]:
    """New credentials that can write below the batch's prefix until its deadline.

    The batch's row is locked meanwhile, so none is given to one that has just ended.

    :returns: the reply's ``sts`` member; its keys fit boto3's arguments.
    :raises NoTemporaryCredentials: this location or site has none.
    :raises StateConflict: the batch is not open.
    """
    with UnitOfWork() as uow:
        batch = batches.locked(batch_id)
        if batch is None:
            raise BatchNotFound("There is no such batch.")
        require_uploading(batch)
        bucket, prefix = place(batch)
        name = f"batch-{batch.id.hex[:20]}-{len(batch.sessions)}"
        provider = provider_for(batch.prefix)
        keys = provider.issue(bucket, prefix, seconds_left(batch), name)
        session = {
            "name": keys.session_name,
            "access_key": keys.access_key,
            "expiration": iso(keys.expires_at),
        }
        batch.sessions = [*batch.sessions, session]
        uow.commit()
    return {
        "credentials": {
            "aws_access_key_id": keys.access_key,
            "aws_secret_access_key": keys.secret_key,
            "aws_session_token": keys.token,
        },
        "session_name": keys.session_name,
        "expiration": iso(keys.expires_at),
        "bucket": bucket,
        "prefix": prefix,
        "endpoint_url": connection().public_client.meta.endpoint_url,
        "region": connection().region,
    }


def place(batch: Batch) -> tuple[str, str]:
    """Bucket and prefix that the batch's sessions can write."""
    bucket, _, path = batch.prefix.removeprefix("s3://").partition("/")
    return bucket, f"{path}{INCOMING}"


def revoke_sessions(batch: Batch) -> None:
    """Have the store refuse what sessions of an ended batch still try.

    Where it cannot, nothing is lost: no file lies where a session can write, and
    what is written there is removed when the last session has ended.

    :raises StorageUnavailable: to be tried again.
    """
    if not batch.sessions or utc_now() >= batch.complete_before:
        return
    bucket, prefix = place(batch)
    names = [session["access_key"] for session in batch.sessions]
    with locks.held("bucket-policy"):
        done = revoke(bucket, prefix, names)
    db.session.commit()
    if not done:
        current_app.logger.warning(
            "Sessions of batch %s live on until %s: the store cannot revoke them.",
            batch.id,
            iso(batch.complete_before),
        )


def forget_sessions(batch: Batch) -> None:
    """Undo what revoking has left in the store, once every session has ended."""
    if not batch.sessions or utc_now() < batch.complete_before:
        return
    bucket, prefix = place(batch)
    try:
        with locks.held("bucket-policy"):
            lift(bucket, [prefix])
        db.session.commit()
    except StorageError:
        current_app.logger.warning("Batch %s left a policy.", batch.id, exc_info=True)
