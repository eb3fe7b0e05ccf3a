# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What can be wrong with batches, their credentials, and jobs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .base import BadRequest, MultipartError


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


class NotPublishable(BadRequest):
    """The repository does not publish the record as it is.

    :param problems: its own words: ``field`` (empty where there is none) and
        ``messages`` each.
    """

    code = "not_publishable"

    def __init__(self, problems: Sequence[Mapping[str, object]]) -> None:
        fields = [str(problem["field"]) for problem in problems if problem["field"]]
        more = f": see {', '.join(fields[:5])}" if fields else ""
        super().__init__(
            f"The record cannot be published as it is{more}. No file is lost: "
            "mend that, and complete the batch once more.",
            field="publish",
        )
        self.problems = tuple(problems)

    @property
    def details(self) -> Mapping[str, object]:
        """What the repository said."""
        return {"problems": [dict(problem) for problem in self.problems]}


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


class BatchNotFound(MultipartError):
    """There is no such batch."""

    code = "batch_not_found"


class JobNotFound(MultipartError):
    """No job has this id."""

    code = "job_not_found"


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
