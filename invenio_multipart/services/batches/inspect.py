# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Hold what has arrived against what was announced, before anything is changed.

One listing of the batch's prefix tells of all objects, however many there are. Only
uploads in parts are asked for one by one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from invenio_db import db

from ...core.digests import is_md5, parse_digest
from ...core.states import UploadState
from ...errors import FilesDiffer, MissingParts, PartsMismatch, UploadGone
from ...records import uploads
from ...records.batch_links import EntryToLink
from ...records.batches import SentFile
from ...records.models import SENT_AS_OBJECT, Batch, Upload, staged_uri
from ...storage.factory import multipart_storage, object_prefix
from .rows import INCOMING
from .schema import CREDENTIALS

if TYPE_CHECKING:
    from ...storage.prefix import ListedObject

_SENT = frozenset({UploadState.INITIATED, UploadState.UPLOADING})


@dataclass
class Findings:
    """What differs, file by file.

    :param missing: keys of which nothing has arrived.
    :param wrong: (key, one sentence), files of which parts are missing among them.
    :param extra: names that nobody announced.
    """

    missing: list[str] = field(default_factory=list)
    wrong: list[tuple[str, str]] = field(default_factory=list)
    extra: list[str] = field(default_factory=list)

    def check(self) -> None:
        """:raises FilesDiffer: when anything does."""
        if self.missing or self.wrong or self.extra:
            raise FilesDiffer(self.missing, self.wrong, self.extra)


def list_objects(batch: Batch) -> Mapping[str, ListedObject]:
    """All objects of the batch by name below its prefix; none on local storage."""
    if not batch.prefix.startswith("s3://"):
        return {}
    return {entry.name: entry for entry in object_prefix(batch.prefix).list()}


def name_of(upload: SentFile, batch: Batch) -> str:
    """Where the client puts an object, below the batch's prefix."""
    return upload.staged or upload.uri.removeprefix(batch.prefix)


def etag_of(found: ListedObject) -> str:
    """The ETag in the form of a digest; some stores write capitals."""
    return found.etag.lower()


def inspect(
    batch: Batch,
    sent: Sequence[SentFile],
    listing: Mapping[str, ListedObject],
) -> Findings:
    """What is missing, wrong, or was not announced; nothing is changed.

    :param sent: all open uploads of the batch.
    """
    findings = Findings()
    for upload in sent:
        if upload.status is UploadState.FAILED:
            problem = upload.error_message or "It could not be proved."
            findings.wrong.append((upload.key, problem))
        elif upload.status not in _SENT:
            # An earlier try has seen to it.
            continue
        elif upload.sent_as == SENT_AS_OBJECT:
            _inspect_object(upload, listing.get(name_of(upload, batch)), findings)
        else:
            _inspect_parts(upload, findings)
    findings.extra = _extra(batch, sent, listing)
    return findings


def inspect_links(links: Sequence[EntryToLink], findings: Findings) -> None:
    """The same for link entries: those not made are missing.

    :param links: all that have not ended.
    """
    for link in links:
        if link.readable is None:
            findings.missing.append(link.key)
        elif not link.readable:
            # By an administrator, or because its bytes are damaged.
            findings.wrong.append((link.key, "The linked file has been withdrawn."))


def _inspect_object(
    upload: SentFile, found: ListedObject | None, findings: Findings
) -> None:
    if found is None:
        findings.missing.append(upload.key)
    elif upload.size_known and found.size != upload.size:
        text = f"It has {found.size} bytes, not {upload.size}."
        findings.wrong.append((upload.key, text))
    elif _differs(upload, found):
        text = f"Its MD5 is {etag_of(found)}, not {upload.declared}."
        findings.wrong.append((upload.key, text))


def _differs(upload: SentFile, found: ListedObject) -> bool:
    """Whether the ETag proves that the bytes are not those that were declared."""
    declared = parse_digest(upload.declared) if upload.declared else None
    etag = etag_of(found)
    if declared is None or declared.algorithm != "md5" or not is_md5(etag):
        return False
    if etag == declared.hex:
        return False
    # The rare case: only now is it worth asking whether the ETag is an MD5 at all.
    uri = staged_uri(upload.uri, upload.staged)
    stored = multipart_storage(uri, upload.size).head()
    return stored is not None and stored.md5_etag and stored.etag == etag


def _inspect_parts(file: SentFile, findings: Findings) -> None:
    upload = db.session.get(Upload, file.id)
    if upload is None or upload.upload_ref is None or not upload.size_known:
        findings.missing.append(file.key)
        return
    storage = multipart_storage(upload.uri, upload.size)
    try:
        parts = storage.list_parts(upload.upload_ref)
        uploads.ledger_of(upload).check(parts, etag_is_md5=upload.md5_etags)
    except MissingParts as error:
        if error.uploaded:
            findings.wrong.append((upload.key, error.message))
        else:
            findings.missing.append(upload.key)
    except PartsMismatch as error:
        findings.wrong.append((upload.key, error.message))
    except UploadGone:
        findings.missing.append(upload.key)


def _extra(
    batch: Batch, sent: Sequence[SentFile], listing: Mapping[str, ListedObject]
) -> list[str]:
    """Keys a holder of credentials has put there beside those announced.

    By links only what was announced can come. Marks of folders are no files.
    """
    if batch.mode != CREDENTIALS:
        return []
    announced = {upload.staged for upload in sent}
    return sorted(
        name.removeprefix(INCOMING)
        for name in listing
        if name.startswith(INCOMING)
        and not name.endswith("/")
        and name not in announced
    )
