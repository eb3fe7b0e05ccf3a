# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Turn the parts in the store into a proved file.

The order makes every crash repairable. What the object must look like is written
down and committed before the store is asked to make it; the row lock is held while
it is made, and a process that dies drops the lock. A retry then either asks again
or finds the object there and compares it with what was written down.
"""

from __future__ import annotations

from collections.abc import Sequence

from flask import current_app
from invenio_db import db
from invenio_db.uow import UnitOfWork

from ...core.digests import Digest, is_md5, parse_digest
from ...core.ledger import StoredPart, expected_crc, expected_etag
from ...core.states import UploadState
from ...errors import (
    ChecksumMismatch,
    InvalidDigest,
    MultipartError,
    ObjectMissing,
    PartsMismatch,
    StateConflict,
    StorageError,
    UploadGone,
    UploadNotFound,
)
from ...records import uploads
from ...records.folding import fold, unfold
from ...records.models import Upload, utc_now
from ...storage.base import MultipartUploadMixin, StoredObject
from ...storage.factory import multipart_storage
from ...tasks import verify_upload
from .abort import QueueOp
from .finalize import FileTarget, dedup_later, finalize, mark_failed, refresh
from .initiate import ensure_open, provable
from .verify import hash_object, needs_part_proof, wanted_algorithms

_S = UploadState


def commit(
    upload_id: object, target: FileTarget, checksum: str | None, uow: UnitOfWork
) -> Upload:
    """Complete the upload, or say exactly what is wrong and change nothing.

    May be repeated: an upload that is complete stays so. Of parallel calls the
    first does the work and the others wait for it.

    :param target: the file entry that becomes the file.
    :param checksum: whole-file digest, which replaces one declared earlier.
    :returns: the upload, ``completed`` or ``verifying``.
    :raises InvalidDigest: malformed; nothing has happened.
    :raises MissingParts: with the numbers; the upload goes on.
    :raises PartsMismatch: sizes, numbers or part digests differ; it goes on.
    :raises ChecksumMismatch: the upload has failed; a commit with the right digest
        still succeeds without sending a byte again.
    :raises StateConflict: aborted or expired meanwhile.
    :raises UploadNotFound: the file entry has gone meanwhile.
    """
    upload = _locked(upload_id)
    storage = multipart_storage(upload.uri, upload.size)
    declared = provable(checksum, storage)
    parts: Sequence[StoredPart] | None = None
    while not _is_over(upload, target, declared):
        if upload.status not in (_S.INITIATED, _S.UPLOADING):
            break
        # The lock is lost in between, and another commit may have ended it all.
        upload, parts = _prove_parts(upload, storage, target)
    else:
        return upload
    if upload.status is _S.FAILED:
        upload.move(_S.COMMITTING)
        upload.forget_error()
    if upload.completed_on is None:
        _complete(upload, storage, target, parts)
    _settle(upload, storage, target, uow)
    return upload


def make_object(upload_id: object, target: FileTarget) -> Upload:
    """The first half of a commit: prove the parts and have the object made.

    May be repeated. What is declared of the whole is not looked at, and the upload
    does not become a file.

    :returns: the upload, row-locked, ``committing`` or beyond.
    :raises: as :func:`commit`.
    """
    upload = _locked(upload_id)
    storage = multipart_storage(upload.uri, upload.size)
    parts: Sequence[StoredPart] | None = None
    if upload.status in (_S.INITIATED, _S.UPLOADING):
        upload, parts = _prove_parts(upload, storage, target)
    if upload.status in (_S.ABORTED, _S.EXPIRED):
        raise StateConflict(f"The upload is {upload.state}.", upload.state)
    if upload.status is _S.COMMITTING and upload.completed_on is None:
        _complete(upload, storage, target, parts)
        digest_of_single_part(upload)
    return upload


def _is_over(upload: Upload, target: FileTarget, declared: Digest | None) -> bool:
    """Whether earlier commits have done all that a commit does; keeps the digest."""
    if upload.status in (_S.ABORTED, _S.EXPIRED):
        raise StateConflict(f"The upload is {upload.state}.", upload.state)
    # The entry was read before the wait for the lock.
    refresh(target)
    if upload.status is _S.COMPLETED:
        compare_declared(upload, declared)
        return True
    if declared is not None:
        upload.declared = str(declared)
    return upload.status is _S.VERIFYING


def compare_declared(upload: Upload, declared: Digest | None) -> None:
    """Hold a digest against what is known of a finished file.

    :raises ChecksumMismatch: when it differs; the file stays as it is.
    """
    known = upload.digests.get(declared.algorithm) if declared else None
    if declared and known and known != declared.hex:
        raise ChecksumMismatch(str(declared), f"{declared.algorithm}:{known}")


def _locked(upload_id: object) -> Upload:
    upload = uploads.locked(upload_id)  # type: ignore[arg-type]
    if upload is None:
        raise UploadNotFound("The upload does not exist.")
    return upload


def _prove_parts(
    upload: Upload, storage: MultipartUploadMixin, target: FileTarget
) -> tuple[Upload, Sequence[StoredPart]]:
    """Check what the store lists and write down what must come of it."""
    ref = ensure_open(upload)
    try:
        parts = list(storage.list_parts(ref))
    except UploadGone as error:
        raise _lost(upload, target) from error
    uploads.ledger_of(upload).check(parts, etag_is_md5=upload.md5_etags)
    upload.move(_S.COMMITTING)
    upload.folded = fold(parts)
    upload.etag = expected_etag(parts) if upload.md5_etags else None
    upload.crc64nvme = expected_crc(parts)
    upload_id = upload.id
    # The checkpoint: from here on a retry knows what the object must be. Only our
    # own columns have been changed so far.
    db.session.commit()
    return _locked(upload_id), parts


def _complete(
    upload: Upload,
    storage: MultipartUploadMixin,
    target: FileTarget,
    parts: Sequence[StoredPart] | None,
) -> None:
    """Have the store make the object, unless an earlier try did; prove it.

    :param parts: as just listed; None to list them, after an earlier try.
    """
    unheard = False
    try:
        if parts is None:
            parts = list(storage.list_parts(upload.upload_ref))
        if fold(parts) != upload.folded:
            # Goes the way of a refusal by the store itself, below.
            changed = "Parts were sent again during the commit."
            raise PartsMismatch([changed])  # noqa: TRY301
        storage.complete_upload(upload.upload_ref, parts if upload.size else ())
    except UploadGone:
        # An earlier try was cut off after the store had done its part.
        unheard = True
    except PartsMismatch:
        upload.move(_S.UPLOADING)
        db.session.commit()
        raise
    stored = storage.head()
    if stored is None:
        raise _lost(upload, target)
    problem = _difference(upload, stored)
    if problem:
        raise _fail(upload, target, StorageError(problem))
    if unheard:
        # The try that was cut off may have had some tidying left to do.
        storage.abort_upload(upload.upload_ref)
    upload.completed_on = utc_now()
    if stored.crc64nvme and stored.crc64nvme == upload.crc64nvme:
        know(upload, "crc64nvme", stored.crc64nvme)


def _difference(upload: Upload, stored: StoredObject) -> str | None:
    """What the object has other than what was proved of its parts."""
    if stored.size != upload.size:
        return f"The stored object has {stored.size} bytes, not {upload.size}."
    comparable = upload.etag and stored.etag and "-" in stored.etag
    if comparable and stored.etag != upload.etag:
        return f"The stored object has the ETag {stored.etag}, not {upload.etag}."
    if stored.crc64nvme and upload.crc64nvme and stored.crc64nvme != upload.crc64nvme:
        return (
            f"The stored object has the CRC {stored.crc64nvme}, not {upload.crc64nvme}."
        )
    return None


def _settle(
    upload: Upload, storage: MultipartUploadMixin, target: FileTarget, uow: UnitOfWork
) -> None:
    """Prove the digest now, or hand it to a worker; make the file when due."""
    declared = parse_digest(upload.declared) if upload.declared else None
    digest_of_single_part(upload)
    missing = wanted_algorithms(upload)
    part_proof = needs_part_proof(upload)
    inline = upload.size <= current_app.config["MULTIPART_VERIFY_INLINE_MAX"]
    if (missing or part_proof) and inline:
        try:
            found = hash_object(upload, storage)
        except (PartsMismatch, ObjectMissing) as error:
            raise _fail(upload, target, error) from error
        for algorithm, value in found.items():
            know(upload, algorithm, value)
        missing, part_proof = set(), False
    if declared and declared.algorithm in upload.digests:
        computed = Digest(declared.algorithm, upload.digests[declared.algorithm])
        if computed != declared:
            raise _fail(upload, target, ChecksumMismatch(str(declared), str(computed)))
    elif declared and declared.algorithm not in missing:
        # The store could prove it, but did not for this object.
        raise InvalidDigest(
            f"The store has no {declared.algorithm} of this file.", field="checksum"
        )
    unproved = part_proof or (declared and declared.algorithm in missing)
    if not unproved:
        upload.move(_S.COMPLETED)
        finalize(upload, target, uow)
    else:
        upload.move(_S.VERIFYING)
        if current_app.config["MULTIPART_PUBLISH_REQUIRES"] == "committed":
            finalize(upload, target, uow)
    if missing or part_proof:
        # An empty dictionary, not None, says that a worker has something to do.
        upload.hash_states = {}
        upload.hash_offset = 0
        uow.register(QueueOp(verify_upload, str(upload.id)))
    elif upload.status is _S.COMPLETED:
        dedup_later([upload.id], uow)


def digest_of_single_part(upload: Upload) -> None:
    """The MD5 of an only part is the MD5 of the file: proved without a read.

    Only where the sender named it. versitygw 1.8.0 takes a part whose sender dies
    half-way for a whole one, with the MD5 of the half.
    """
    parts = unfold(upload.folded)
    if not (upload.md5_etags and len(parts) == 1 and is_md5(parts[0].etag)):
        return
    announced = uploads.registered_parts(upload.id).get(1)
    if announced is not None and announced.md5 == parts[0].etag:
        know(upload, "md5", parts[0].etag)


def know(upload: Upload, algorithm: str, value: str) -> None:
    """Write down a digest of the stored bytes that was proved."""
    # A new dictionary: changes inside a JSON value are not noticed.
    upload.digests = {**upload.digests, algorithm: value}


def _lost(upload: Upload, target: FileTarget) -> MultipartError:
    return _fail(
        upload,
        target,
        UploadGone("The store has lost the uploaded parts; begin the upload again."),
    )


def _fail(upload: Upload, target: FileTarget, error: MultipartError) -> MultipartError:
    """Keep the failure, whatever becomes of the request; returns the error."""
    upload.fail(error.code, error.message)
    mark_failed(target)
    db.session.commit()
    return error
