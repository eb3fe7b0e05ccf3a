# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Which HTTP status each error has: the only place that knows."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from flask import Response, jsonify, request
from sqlalchemy.orm.exc import ObjectDeletedError, StaleDataError

from .. import errors

STATUS: dict[type[errors.MultipartError], int] = {
    errors.MultipartError: 400,
    errors.BadRequest: 400,
    errors.InvalidKey: 400,
    errors.InvalidPlan: 400,
    errors.InvalidDigest: 400,
    errors.InvalidMetadata: 400,
    errors.InvalidPart: 400,
    errors.PartRefused: 400,
    errors.MissingParts: 400,
    errors.PartsMismatch: 400,
    errors.ChecksumMismatch: 400,
    errors.QuotaExceeded: 400,
    errors.UploadsUnfinished: 400,
    errors.NotAllowedHere: 400,
    errors.NoTemporaryCredentials: 400,
    errors.InvalidTime: 400,
    errors.GrantError: 401,
    errors.GrantInvalid: 401,
    errors.GrantExpired: 401,
    errors.GrantRefused: 403,
    errors.GrantRevoked: 403,
    errors.TooManyFiles: 400,
    errors.KeysTaken: 400,
    errors.FilesDiffer: 400,
    errors.NotPublishable: 400,
    errors.BatchOpen: 400,
    errors.LinkTargetUnavailable: 400,
    errors.LinkConflict: 400,
    errors.InvalidLink: 400,
    errors.ObjectChanged: 409,
    errors.BatchNotFound: 404,
    errors.AccessDenied: 403,
    errors.UploadNotFound: 404,
    errors.UploadForbidden: 403,
    errors.JobNotFound: 404,
    errors.StateConflict: 409,
    errors.Locked: 423,
    # Of a command; no reply has it.
    errors.NothingToRestore: 404,
    # Of jobs; no reply has it.
    errors.IndexIncomplete: 502,
    errors.StorageError: 502,
    errors.StorageUnavailable: 503,
    errors.UploadGone: 409,
    errors.ObjectMissing: 409,
}
"""Complete: a test fails when an error has no row of its own."""

RETRY_AFTER_SECONDS = 5
"""What a client is told to wait when the store is down."""


def lost_race_response(error: StaleDataError | ObjectDeletedError) -> Response:
    """For a request whose file or draft another one changed or deleted first.

    Other routes of the site are not ours to explain: there it stays an error.
    """
    if "/draft" not in request.path:
        raise error
    message = "Another request has just changed this; read it again."
    return error_response(errors.StateConflict(message, "changed"))


def error_response(error: errors.MultipartError) -> Response:
    """The error on the wire, in the shape of all Invenio errors plus ``code``."""
    status = STATUS[type(error)]
    body = {
        "status": status,
        "message": error.message,
        "code": error.code,
        "errors": [{"field": error.field, "messages": [error.message]}]
        if error.field
        else [],
        **error.details,
    }
    response = jsonify(body)
    response.status_code = status
    if status == 503:
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


def answers_of_files() -> dict[type[Exception], Any]:
    """What a record's files answer: of one that was deleted, with its tombstone."""
    if find_spec("invenio_rdm_records") is None:
        return {}
    from invenio_rdm_records.resources.config import RDMRecordFilesResourceConfig

    handlers: dict[type[Exception], Any] = RDMRecordFilesResourceConfig.error_handlers
    return handlers
