# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What can be wrong with one file on its way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .base import BadRequest, MultipartError


class InvalidKey(BadRequest):
    """A file key that no store or download could keep safely."""

    code = "invalid_key"


class InvalidPlan(BadRequest):
    """Size, number of parts and part size do not make a legal upload."""

    code = "invalid_plan"


class InvalidDigest(BadRequest):
    """A digest that is malformed or of an algorithm we cannot prove."""

    code = "invalid_digest"


class InvalidMetadata(BadRequest):
    """What is said about a file is too much, or not of the form that pages show."""

    code = "invalid_metadata"


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


class UploadNotFound(MultipartError):
    """No multipart upload belongs to this file."""

    code = "upload_not_found"


class UploadForbidden(MultipartError):
    """The caller could begin this upload but never finish it."""

    code = "upload_forbidden"
