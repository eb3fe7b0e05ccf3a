# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Link objects that others have put into a bucket: they stay where and whose they are.

A single object is looked at (HEAD); of a folder the listing is enough. What a listing
does not tell, whether an ETag is an MD5, a job finds out afterwards.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from itertools import islice

from flask import current_app
from flask_principal import Identity
from invenio_db.uow import UnitOfWork
from invenio_files_rest.proxies import current_files_rest

from ...core.adopted import FoundObject, ObjectAddress, is_below, parse_address
from ...core.origin import Origin
from ...errors import (
    AccessDenied,
    InvalidKey,
    InvalidLink,
    LinkTargetUnavailable,
    NotAllowedHere,
    StorageError,
    StorageUnavailable,
    TooManyFiles,
)
from ...proxies import current_multipart
from ...records import adopted, jobs
from ...records.adopted import AdoptedFile
from ...records.links import NewLink
from ...records.models import utc_now
from ...storage.factory import storage_factory
from ..identities import user_id_of
from ..permissions import is_linker
from .schema import ObjectName, WantedLink

DIGEST_JOB = "digest_adopted"


def adopt_objects(
    identity: Identity,
    wanted: Sequence[WantedLink],
    record_id: uuid.UUID,
    uow: UnitOfWork,
) -> Sequence[Sequence[NewLink]]:
    """What is to be linked, for each that was asked for; a folder gives many.

    :param wanted: targets are object names.
    :param record_id: UUID of the draft, which is indexed again once digests are known.
    :raises AccessDenied: the caller has none of the roles.
    :raises InvalidLink: an address that is none, that is not below one of the
        ``MULTIPART_LINK_LOCATIONS``, or that names a file of the repository.
    :raises InvalidKey: of a folder; it is empty or ends in a slash.
    :raises LinkTargetUnavailable: there is no such object, or nothing in the folder.
    :raises LinkConflict: linked before, and changed since.
    :raises TooManyFiles: more than one call takes.
    :raises StorageUnavailable: the store cannot be reached.
    """
    if not is_linker(identity):
        raise AccessDenied("You may not link objects of buckets.")
    if current_files_rest.storage_factory is not storage_factory:
        raise NotAllowedHere(
            "This site's own storage factory does not know objects of others."
        )
    addresses = [_address(link) for link in wanted]
    found = _look(addresses)
    user = user_id_of(identity)
    files = adopted.adopt([one for objects in found for one in objects], user)
    unread = [file.file_id for file in files.values() if file.checksum is None]
    if unread:
        _read_later(unread, record_id, uow)
    # Whatever was wrong before is right now: it has just been seen.
    adopted.record_look({f.file_id: None for f in files.values() if f.problem})
    return [
        [_new(link, address, one, files[one.address.uri]) for one in objects]
        for link, address, objects in zip(wanted, addresses, found)
    ]


def _address(link: WantedLink) -> ObjectAddress:
    """:raises InvalidLink: see above; the same for all that is not allowed."""
    name = link.target
    assert isinstance(name, ObjectName)  # noqa: S101 - the caller has sorted them
    address = parse_address(name.url, name.version_ref)
    if not is_below(address, current_app.config["MULTIPART_LINK_LOCATIONS"]):
        raise InvalidLink("This site does not link to that place.", field="url")
    if address.is_folder and link.key and not link.key.endswith("/"):
        raise InvalidKey(
            "The key of a folder is the folder that its objects go to: it ends in a "
            "slash, or is empty for none.",
            field="key",
        )
    return address


def _look(addresses: Sequence[ObjectAddress]) -> Sequence[Sequence[FoundObject]]:
    """The objects of each, no more in all than one call takes."""
    # Sites with local files only do not install what it needs.
    from ...storage.found import look_at

    limit = current_app.config["MULTIPART_BATCH_MAX_FILES"]
    _require_few(len(addresses), limit)
    single = [address for address in addresses if not address.is_folder]
    seen = dict(zip(single, look_at(single)))
    missing = [address.url for address in single if seen[address] is None]
    if missing:
        raise LinkTargetUnavailable(missing, "files")
    left, result = limit - len(single), []
    for address in addresses:
        one = seen.get(address)
        result.append(_below(address, left, limit) if one is None else [one])
        left -= len(result[-1]) if one is None else 0
    return result


def _below(folder: ObjectAddress, left: int, limit: int) -> Sequence[FoundObject]:
    # One more tells that there are too many; the rest of a huge bucket is not read.
    found = list(islice(_listed(folder), left + 1))
    _require_few(limit - left + len(found), limit)
    if not found:
        raise LinkTargetUnavailable([folder.url], "files")
    return found


def _listed(folder: ObjectAddress) -> Iterator[FoundObject]:
    from ...storage.found import list_folder

    try:
        yield from list_folder(folder)
    except StorageUnavailable:
        raise
    except StorageError as error:
        raise LinkTargetUnavailable([folder.url], "files") from error


def _require_few(count: int, limit: int) -> None:
    if count > limit:
        raise TooManyFiles(
            f"One call takes {limit} files; this one has more.",
            limit=limit,
            files=count,
        )


def _new(
    link: WantedLink, address: ObjectAddress, found: FoundObject, file: AdoptedFile
) -> NewLink:
    below = found.address.key.removeprefix(address.key) if address.is_folder else ""
    return NewLink(
        key=link.key + below,
        file_id=file.file_id,
        size=found.size,
        origin=Origin(
            linked_on=utc_now(),
            url=found.address.url,
            version_ref=found.address.version_ref,
        ),
        checksum=file.checksum,
        metadata=link.metadata,
    )


def _read_later(
    file_ids: Sequence[uuid.UUID], record_id: uuid.UUID, uow: UnitOfWork
) -> None:
    """Have a job find the digests; it is made with the links or not at all."""
    job = jobs.create(
        DIGEST_JOB,
        arguments={"files": sorted(map(str, file_ids)), "record": str(record_id)},
        total=len(file_ids),
    )
    current_multipart.jobs.submit(job, uow)
