# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Give a draft files that cost no bytes, all in one transaction or none."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from invenio_db import db
from invenio_db.uow import UnitOfWork
from invenio_records_resources.proxies import current_service_registry
from invenio_records_resources.tasks import extract_file_metadata
from sqlalchemy.exc import IntegrityError

from ...errors import LinkTargetUnavailable, StateConflict
from ...records import entries, links, locks, quota
from ...records.links import NewLink
from ..drafts import make_room, require_keys, require_there, require_writable
from ..uploads.abort import QueueOp


def make_links(
    service: Any,
    draft: Any,
    new: Sequence[NewLink],
    uow: UnitOfWork,
    *,
    created_by: str | None,
) -> None:
    """Add the files to the draft, and their sizes to its quota.

    :param service: file service of the draft.
    :raises NotAllowedHere: the draft takes no files.
    :raises TooManyFiles: for one call, or for a record.
    :raises InvalidKey: unsafe key.
    :raises KeysTaken: named twice, or in the draft already.
    :raises QuotaExceeded: no room for all of them, where links count.
    :raises LinkTargetUnavailable: a file went for good just now.
    :raises StateConflict: the draft is gone, or another request has just begun one.
    """
    require_writable(draft)
    keys = [link.key for link in new]
    require_keys(keys)
    locks.await_turn(draft.id)
    require_there(draft)
    make_room(service, draft, set(keys), uow)
    versions = share(draft.files.bucket.id, new, created_by)
    try:
        with db.session.begin_nested():
            entries.add(
                draft.files.file_cls.model_cls,
                draft.id,
                {link.key: links.entry_of(link) for link in new},
                versions,
            )
    except IntegrityError as error:
        raise StateConflict(
            "Another request has just begun a file of these.", "changed"
        ) from error


def look_into(service: Any, draft: Any, keys: Collection[str], uow: UnitOfWork) -> None:
    """Queue upstream's look into new files, for the few kinds of them that it knows.

    What it finds (the size of an image, where the contents of an archive are listed)
    is of the bytes. Nothing else of the metadata comes along with a link.

    :param service: file service of the draft.
    """
    for key in _looked_into(service.config.file_processors, draft, keys):
        service_id = current_service_registry.get_service_id(service)
        pid = draft.pid.pid_value
        uow.register(QueueOp(extract_file_metadata, service_id, pid, key))


class _Name(NamedTuple):
    """All that upstream's processors look at to say whether a file is for them."""

    key: str


def _looked_into(
    processors: Sequence[Any], draft: Any, keys: Collection[str]
) -> Iterator[str]:
    """Those for which there is a processor."""
    files: Iterable[Any]
    if all(_goes_by_name(processor) for processor in processors):
        files = (_Name(key) for key in keys)
    else:
        cls = draft.files.file_cls
        models = entries.present(cls.model_cls, draft.id, keys)
        files = (cls(model.data, model=model) for model in models)
    for file in files:
        if any(processor.can_process(file) for processor in processors):
            yield file.key


def _goes_by_name(processor: Any) -> bool:
    """Whether it is one of upstream's; a site's own may want to see the whole file."""
    return type(processor).can_process.__module__.startswith(
        "invenio_records_resources."
    )


def share(
    bucket_id: uuid.UUID, new: Sequence[NewLink], created_by: str | None
) -> Mapping[str, uuid.UUID]:
    """Take the quota, and make object versions that keep the bytes alive, by key.

    :raises QuotaExceeded: no room for all of them, where links count.
    :raises LinkTargetUnavailable: a file went for good just now.
    """
    size = sum(link.size for link in new)
    if quota.links_are_free():
        # Counted as upstream counts it everywhere; the limit is that much higher.
        quota.add_bytes(bucket_id, size)
    else:
        quota.reserve_bytes(bucket_id, size)
    try:
        with db.session.begin_nested():
            return links.add_versions(bucket_id, new, created_by)
    except IntegrityError as error:
        # Somebody else's last use of one of them has just ended.
        raise LinkTargetUnavailable([link.key for link in new]) from error
