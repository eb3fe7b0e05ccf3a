# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Everything that can go wrong, as types with a stable code.

.. code-block:: text

    MultipartError
    +-- BadRequest            the request cannot be right, whoever sends it
    |   +-- InvalidKey
    |   +-- InvalidPlan
    |   +-- InvalidDigest
    |   +-- InvalidPart
    |   +-- PartRefused
    |   +-- MissingParts
    |   +-- PartsMismatch
    |   +-- ChecksumMismatch
    |   +-- QuotaExceeded
    |   +-- UploadsUnfinished
    |   +-- NotAllowedHere
    |   +-- NoTemporaryCredentials
    |   +-- InvalidTime
    |   +-- TooManyFiles
    |   +-- KeysTaken
    |   +-- FilesDiffer
    |   +-- BatchOpen
    +-- GrantError            the credential of a batch does not do
    |   +-- GrantInvalid
    |   +-- GrantExpired
    |   +-- GrantRefused
    |   +-- GrantRevoked
    +-- UploadNotFound
    +-- UploadForbidden
    +-- BatchNotFound
    +-- AccessDenied
    +-- JobNotFound
    +-- StateConflict         right request, wrong moment
    +-- Locked                somebody else is at it; wait or look who
    +-- IndexIncomplete
    +-- StorageError          the store, not the client
        +-- StorageUnavailable
        +-- UploadGone
        +-- ObjectMissing

The HTTP status of each stands in one table, ``resources/errors.py``.
This module imports nothing: the client reads the codes too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence


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


class InvalidKey(BadRequest):
    """A file key that no store or download could keep safely."""

    code = "invalid_key"


class InvalidPlan(BadRequest):
    """Size, number of parts and part size do not make a legal upload."""

    code = "invalid_plan"


class InvalidDigest(BadRequest):
    """A digest that is malformed or of an algorithm we cannot prove."""

    code = "invalid_digest"


class InvalidPart(BadRequest):
    """A part number, size or range outside the upload's plan."""

    code = "invalid_part"


class PartRefused(BadRequest):
    """The bytes of a part are not those that were announced."""

    code = "part_refused"


class MissingParts(BadRequest):
    """A commit came before all parts were there.

    :param parts: missing part numbers, ascending, from 1.
    :param size: declared size of the file in bytes.
    :param uploaded: bytes that are in the store.
    """

    code = "missing_parts"

    def __init__(self, parts: Sequence[int], size: int, uploaded: int) -> None:
        shown = ", ".join(str(part) for part in parts[:20])
        more = f" and {len(parts) - 20} more" if len(parts) > 20 else ""
        super().__init__(
            f"Parts are missing: {shown}{more}. "
            f"{uploaded} of {size} bytes have been uploaded.",
            field="parts",
        )
        self.parts = tuple(parts)
        self.size = size
        self.uploaded = uploaded

    @property
    def details(self) -> Mapping[str, object]:
        """Missing numbers and both sizes in bytes."""
        return {
            "missing_parts": list(self.parts),
            "size": self.size,
            "uploaded_bytes": self.uploaded,
        }


class PartsMismatch(BadRequest):
    """Parts in the store differ from the plan or from what was registered.

    :param problems: one sentence per part at fault.
    """

    code = "parts_mismatch"

    def __init__(self, problems: Sequence[str]) -> None:
        more = f" ({len(problems) - 5} more)" if len(problems) > 5 else ""
        super().__init__(" ".join(problems[:5]) + more, field="parts")
        self.problems = tuple(problems)

    @property
    def details(self) -> Mapping[str, object]:
        """All problems."""
        return {"problems": list(self.problems)}


class ChecksumMismatch(BadRequest):
    """The stored bytes do not have the digest that was declared.

    :param declared: digest the client gave, ``algorithm:hex``.
    :param computed: digest of the stored bytes, same form.
    """

    code = "checksum_mismatch"

    def __init__(self, declared: str, computed: str) -> None:
        super().__init__(
            f"The declared checksum {declared} is not the checksum of the "
            f"uploaded file, {computed}.",
            field="checksum",
        )
        self.declared = declared
        self.computed = computed

    @property
    def details(self) -> Mapping[str, object]:
        """Both digests."""
        return {"declared": self.declared, "computed": self.computed}


class QuotaExceeded(BadRequest):
    """The file does not fit into what the record may still hold."""

    code = "quota_exceeded"


class UploadsUnfinished(BadRequest):
    """A record cannot be published while files are still on their way.

    :param uploads: (key, state) of each.
    """

    code = "uploads_unfinished"

    def __init__(self, uploads: Sequence[tuple[str, str]]) -> None:
        shown = ", ".join(f"{key} ({state})" for key, state in uploads[:5])
        more = f" and {len(uploads) - 5} more" if len(uploads) > 5 else ""
        super().__init__(f"Files are not complete yet: {shown}{more}.", field="files")
        self.uploads = tuple(uploads)

    @property
    def details(self) -> Mapping[str, object]:
        """Each unfinished file with its state."""
        return {"uploads": [{"key": k, "state": s} for k, s in self.uploads]}


class NotAllowedHere(BadRequest):
    """An operation that this kind of file or storage does not have."""

    code = "not_allowed_here"


class NoTemporaryCredentials(BadRequest):
    """This location or site gives no temporary credentials of its store."""

    code = "sts_unavailable"


class InvalidTime(BadRequest):
    """A moment that cannot be read, or lies where it may not."""

    code = "invalid_time"


class TooManyFiles(BadRequest):
    """More files than a batch or a record may have.

    :param limit: how many are allowed.
    :param files: how many there would be.
    """

    code = "too_many_files"

    def __init__(self, message: str, *, limit: int, files: int) -> None:
        super().__init__(message, field="files")
        self.limit = limit
        self.files = files

    @property
    def details(self) -> Mapping[str, object]:
        """Both numbers."""
        return {"limit": self.limit, "files": self.files}


class KeysTaken(BadRequest):
    """Keys that the draft has already, or that were announced twice.

    :param keys: the keys.
    """

    code = "keys_taken"

    def __init__(self, message: str, keys: Sequence[str]) -> None:
        more = f" and {len(keys) - 5} more" if len(keys) > 5 else ""
        super().__init__(f"{message} {', '.join(keys[:5])}{more}.", field="files")
        self.keys = tuple(keys)

    @property
    def details(self) -> Mapping[str, object]:
        """All of the keys."""
        return {"keys": list(self.keys)}


class FilesDiffer(BadRequest):
    """What is in the store is not what was announced.

    :param missing: keys of files of which nothing has arrived.
    :param wrong: (key, one sentence) of files that are not what was announced.
    :param extra: names in the store that nobody announced.
    """

    code = "files_differ"

    def __init__(
        self,
        missing: Sequence[str],
        wrong: Sequence[tuple[str, str]],
        extra: Sequence[str] = (),
    ) -> None:
        counts = [
            f"{len(found)} {what}"
            for found, what in (
                (missing, "missing"),
                (wrong, "wrong"),
                (extra, "not announced"),
            )
            if found
        ]
        first = [*missing, *(key for key, _ in wrong), *extra][0]
        super().__init__(
            f"The files differ from the announcement: {', '.join(counts)}. "
            f"The first is {first}.",
            field="files",
        )
        self.missing = tuple(missing)
        self.wrong = tuple(wrong)
        self.extra = tuple(extra)

    @property
    def details(self) -> Mapping[str, object]:
        """Every file by name."""
        return {
            "missing": list(self.missing),
            "wrong": [{"key": key, "problem": text} for key, text in self.wrong],
            "extra": list(self.extra),
        }


class BatchOpen(BadRequest):
    """Not while a batch of files is on its way into the draft.

    :param batch_id: the batch that has to be completed or aborted first.
    """

    code = "batch_open"

    def __init__(self, message: str, batch_id: str) -> None:
        super().__init__(message, field="files")
        self.batch_id = batch_id

    @property
    def details(self) -> Mapping[str, object]:
        """Which batch."""
        return {"batch": self.batch_id}


class GrantError(MultipartError):
    """The credential of a batch does not allow the request."""

    code = "grant_error"


class GrantInvalid(GrantError):
    """The credential of a batch is malformed, forged, or for another address."""

    code = "grant_invalid"


class GrantExpired(GrantError):
    """The credential of a batch was good until its deadline."""

    code = "grant_expired"


class GrantRefused(GrantError):
    """The credential is for another batch, or does not allow this operation."""

    code = "grant_refused"


class GrantRevoked(GrantError):
    """The credential ended with its batch, which was completed or aborted.

    :param state: how the batch ended, None when that is not told.
    :param job_id: the job that completes the batch, None when there is none.
    :param job_url: where to ask for that job.
    """

    code = "grant_revoked"

    def __init__(
        self,
        message: str,
        *,
        state: str | None = None,
        job_id: str | None = None,
        job_url: str | None = None,
    ) -> None:
        super().__init__(message)
        self.state = state
        self.job_id = job_id
        self.job_url = job_url

    @property
    def details(self) -> Mapping[str, object]:
        """What is known of the batch's end; unknown things are left out."""
        known = {"state": self.state, "job_id": self.job_id, "job_url": self.job_url}
        return {name: value for name, value in known.items() if value is not None}


class UploadNotFound(MultipartError):
    """No multipart upload belongs to this file."""

    code = "upload_not_found"


class UploadForbidden(MultipartError):
    """The caller could begin this upload but never finish it."""

    code = "upload_forbidden"


class BatchNotFound(MultipartError):
    """There is no such batch."""

    code = "batch_not_found"


class AccessDenied(MultipartError):
    """The caller has not the right, and brought no credential that gives it."""

    code = "access_denied"


class JobNotFound(MultipartError):
    """No job has this id."""

    code = "job_not_found"


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


class IndexIncomplete(MultipartError):
    """The search index was rebuilt, but not every record could be put into it.

    :param indexed: records that are in it.
    :param failed: records that are not; the site's log names them.
    """

    code = "index_incomplete"

    def __init__(self, indexed: int, failed: int) -> None:
        super().__init__(
            f"{failed} of {indexed + failed} records could not be indexed; the "
            "site's log names them."
        )
        self.indexed = indexed
        self.failed = failed

    @property
    def details(self) -> Mapping[str, object]:
        """Both numbers."""
        return {"indexed": self.indexed, "failed": self.failed}


class StorageError(MultipartError):
    """The store did not do what was asked."""

    code = "storage_error"


class StorageUnavailable(StorageError):
    """The store cannot be reached or is overloaded; try again later."""

    code = "storage_unavailable"


class UploadGone(StorageError):
    """The store does not know this multipart upload (any more)."""

    code = "upload_gone"


class ObjectMissing(StorageError):
    """The store has no object where a finished file should be."""

    code = "object_missing"
