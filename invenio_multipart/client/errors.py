# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Everything that can go wrong in the uploader.

.. code-block:: text

    ClientError
    +-- UsageError          what was asked for cannot be done from here
    |   +-- TargetError     a downloaded file cannot be put where it belongs
    |       +-- DiskError   nor can any other: disk full, not writable
    +-- RefusedError        a server said no, and would say so again
    +-- ProtocolError       a server said something we do not understand
    +-- NetworkError        no useful answer; all attempts are used up
    +-- IntegrityError      the bytes are not the ones they should be
    |   +-- FileChangedError
    +-- PartialError        some files of many failed, the others are in the draft
    +-- PartialDownloadError    some files failed, the others are here
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .downloads import DownloadResult, DownloadSummary
    from .many import FileResult, ManySummary


class ClientError(Exception):
    """Base of all errors of the uploader.

    :param message: one plain English sentence or two for a person.
    """

    code = "client_error"
    """Stable machine readable name."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class UsageError(ClientError):
    """The file, key, address or token given cannot be used."""

    code = "usage"


class TargetError(UsageError):
    """A downloaded file cannot be put where it belongs.

    :param code: ``unsafe_key``, ``exists``, ``busy``, ``path_conflict``,
        ``name_too_long`` or ``disk``.
    """

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


class DiskError(TargetError):
    """Nothing can be written: the disk is full, or must not be written to."""


class RefusedError(ClientError):
    """A server refused for good; asking again would not help.

    :param status: HTTP status of the answer, None when the refusal follows
        from what the server told us (such as a file of another size).
    :param code: the server's own name for the reason.
    :param errors: the server's list of ``{"field", "messages"}``.
    :param details: what else the server told, such as ``lock`` or ``limit``.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        code: str = "refused",
        errors: Sequence[Mapping[str, Any]] = (),
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.errors = tuple(errors)
        self.details = details or {}


class ProtocolError(ClientError):
    """An answer that does not follow the upload API."""

    code = "protocol"


class NetworkError(ClientError):
    """No useful answer came: connection trouble, 429 or 5xx.

    :param retry_after_seconds: how long the server asked us to wait.
    :param permanent: True when another attempt must fail the same way (a TLS
        certificate that cannot be verified).
    """

    code = "network"

    def __init__(
        self,
        message: str,
        *,
        retry_after_seconds: float | None = None,
        permanent: bool = False,
    ) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds
        self.permanent = permanent


class IntegrityError(ClientError):
    """The server holds, or received, other bytes than the file has."""

    code = "integrity"


class FileChangedError(IntegrityError):
    """The file was modified while it was being read.

    :param path: the file, as it was given to us.
    """

    code = "file_changed"

    def __init__(self, path: str) -> None:
        super().__init__(
            f"{path} changed while it was being uploaded. "
            "Nothing was committed; run again when the file is complete."
        )
        self.path = path


class PartialError(ClientError):
    """Some files failed; the others are in the draft.

    :param summary: what was done.
    :param results: one for each file that failed.
    """

    code = "partial"

    def __init__(self, summary: ManySummary, results: Sequence[FileResult]) -> None:
        first = results[0]
        super().__init__(
            f"{len(results)} of {summary.files} files could not be uploaded. "
            f"The first is {first.key}: {first.error}"
        )
        self.summary = summary
        self.results = tuple(results)


class PartialDownloadError(ClientError):
    """Some files could not be downloaded; the others are here.

    :param summary: what was done.
    :param results: one for each file that failed.
    """

    code = "partial"

    def __init__(
        self, summary: DownloadSummary, results: Sequence[DownloadResult]
    ) -> None:
        first = results[0]
        super().__init__(
            f"{len(results)} of {summary.files} files could not be downloaded. "
            f"The first is {first.key}: {first.error}"
        )
        self.summary = summary
        self.results = tuple(results)
