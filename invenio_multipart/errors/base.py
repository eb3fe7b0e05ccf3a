# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The base of all errors, and those that fit everywhere."""

from __future__ import annotations

from collections.abc import Mapping


class MultipartError(Exception):
    """Base of all errors of this package.

    :param message: one plain English sentence for a person.
    :param field: the request field at fault, None when no single one is.
    """

    code = "multipart_error"
    """Stable machine readable name; part of the wire contract."""

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field

    @property
    def details(self) -> Mapping[str, object]:
        """Numbers a program may want, merged into the error body."""
        return {}


class BadRequest(MultipartError):
    """The request cannot be carried out as it stands."""

    code = "bad_request"


class NotAllowedHere(BadRequest):
    """An operation that this kind of file or storage does not have."""

    code = "not_allowed_here"


class InvalidTime(BadRequest):
    """A moment that cannot be read, or lies where it may not."""

    code = "invalid_time"


class AccessDenied(MultipartError):
    """The caller has not the right, and brought no credential that gives it."""

    code = "access_denied"


class StateConflict(MultipartError):
    """The upload is in a state that does not allow the operation.

    :param state: the state the upload is in.
    """

    code = "state_conflict"

    def __init__(self, message: str, state: str) -> None:
        super().__init__(message)
        self.state = state

    @property
    def details(self) -> Mapping[str, object]:
        """The current state."""
        return {"state": self.state}


class Locked(MultipartError):
    """Something is under way that excludes the request until it has ended.

    :param lock: what a client may know of it: always ``stage`` and ``since`` (ISO,
        UTC), and the id of the ``batch`` or of the job that holds the lock.
    """

    code = "locked"

    def __init__(self, message: str, lock: Mapping[str, object]) -> None:
        super().__init__(message)
        self.lock = dict(lock)

    @property
    def details(self) -> Mapping[str, object]:
        """The lock."""
        return {"lock": self.lock}
