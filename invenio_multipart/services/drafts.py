# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What must hold before files are put into a draft, many at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from flask import current_app
from invenio_db import db
from invenio_db.uow import UnitOfWork
from sqlalchemy import select

from ..core.about import check_about
from ..errors import (
    BadRequest,
    KeysTaken,
    NotAllowedHere,
    StateConflict,
    TooManyFiles,
)
from ..records import entries, uploads
from .free import end_entries
from .uploads.abort import abort_all
from .uploads.initiate import checked_key


def require_writable(draft: Any) -> None:
    """:raises NotAllowedHere: the draft takes no files (any more)."""
    if not draft.files.enabled:
        raise NotAllowedHere("Files are switched off in this draft.", field="files")
    if draft.files.bucket is None or draft.files.bucket.locked:
        raise NotAllowedHere(
            "The files of a published record cannot change; make a new version.",
            field="files",
        )


def require_there(draft: Any) -> None:
    """:raises StateConflict: deleted or published since it was read."""
    model = type(draft.model)
    deleted = db.session.execute(
        select(model.is_deleted).where(model.id == draft.id)
    ).scalar_one_or_none()
    if deleted is None or deleted:
        raise StateConflict("The draft has just been published or deleted.", "gone")


def require_keys(keys: Sequence[str]) -> None:
    """Check the keys of new files, in the order in which they came.

    :raises TooManyFiles: none, or more than one call takes.
    :raises InvalidKey: an unsafe one; names its place.
    :raises KeysTaken: one comes twice.
    """
    require_count(len(keys))
    for index, key in enumerate(keys):
        try:
            checked_key(key)
        except BadRequest as error:
            raise at_place(index, error) from None
    twice = [key for key, count in Counter(keys).items() if count > 1]
    if twice:
        raise KeysTaken("Keys were announced twice:", twice)


def require_metadata(found: Iterable[Any]) -> None:
    """Check what is said about new files, in the order in which they came.

    :raises InvalidMetadata: what pages cannot show; names its place.
    """
    for index, metadata in enumerate(found):
        try:
            check_about(metadata)
        except BadRequest as error:
            raise at_place(index, error) from None


def require_count(files: int) -> None:
    """:raises TooManyFiles: none, or more than one call takes."""
    limit = current_app.config["MULTIPART_BATCH_MAX_FILES"]
    if not 1 <= files <= limit:
        raise TooManyFiles(
            f"One call takes 1 to {limit} files, not {files}.",
            limit=limit,
            files=files,
        )


def at_place(index: int, error: BadRequest) -> BadRequest:
    """The error, with the place of its file in the request."""
    error.field = f"files.{index}.{error.field or 'key'}"
    return error


def make_room(service: Any, draft: Any, keys: Collection[str], uow: UnitOfWork) -> None:
    """Check what the draft has; uploads that are begun again make way.

    :param service: file service of the draft.
    :raises KeysTaken: the draft has files of these keys, or expects them of a batch.
    :raises TooManyFiles: for a record.
    """
    model = draft.files.file_cls.model_cls
    present = entries.present(model, draft.id, keys)
    taken = [entry.key for entry in present if not _is_pending_upload(entry)]
    begun = []
    if present and not taken:
        begun = [u for u in uploads.open_of_record(draft.id) if u.key in keys]
        taken = [upload.key for upload in begun if upload.batch_id is not None]
    if taken:
        raise KeysTaken("The draft has these files already:", sorted(taken))
    if present:
        abort_all(begun, uow)
        entries.drop_pending(model, draft.id, [entry.key for entry in present])
    check_count(service, draft, len(keys))
    # What a request that came too late has left there.
    end_entries(draft.files, uow, keys)


def check_count(service: Any, draft: Any, more: int) -> None:
    """:raises TooManyFiles: when the draft would hold more than the site allows."""
    limit = service.config.max_files_count
    present = entries.count(draft.files.file_cls.model_cls, draft.id)
    # As upstream has it: what is beyond the limit already may stay so.
    if limit and present <= limit < present + more:
        raise TooManyFiles(
            f"A record may have {limit} files; this one would have {present + more}.",
            limit=limit,
            files=present + more,
        )


def _is_pending_upload(entry: Any) -> bool:
    if entry.json is None:
        return True
    transfer = entry.json.get("transfer") or {}
    return entry.object_version_id is None and "upload_id" in transfer
