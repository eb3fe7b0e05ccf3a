# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Make the link entries of a batch.

A link is an object version in the draft's bucket: it takes the quota and keeps the
bytes alive. It becomes a file with all others, when the batch is completed.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from flask_principal import Identity
from invenio_db.uow import UnitOfWork

from ...core.grants import Verb
from ...core.states import UploadState
from ...errors import LinkTargetUnavailable, StateConflict, UploadNotFound
from ...records import batch_links, quota
from ...records.batch_links import EntryToLink
from ...records.links import NewLink
from ...records.models import Batch, utc_now
from ..free import free_later
from ..identities import identity_of, user_id_of
from ..links.make import share
from ..links.targets import TargetName, find_targets
from .found import found, found_locked, require_uploading
from .link_urls import ends_of, key_of, subject_of
from .rights import authorize


class BatchLinkService:
    """The part of the batch service that makes links."""

    def link(
        self,
        identity: Identity,
        batch_id: uuid.UUID,
        credential: str | None,
        source: str,
        target: str,
    ) -> dict[str, Any]:
        """Make one link; may be repeated while the batch is open.

        The target is looked for anew, and must be readable now: for whoever announced
        the batch, or for the caller when it is his own right to make the link.

        :param source: end in the draft, as in the link's URL; ``target`` likewise.
        :returns: ``key``, ``size``, ``checksum`` and ``origin``.
        :raises UploadNotFound: the batch has no such link.
        :raises LinkTargetUnavailable: no such file for whom it is made, or not with
            the bytes any more that it had when it was announced.
        :raises QuotaExceeded: no room, where links count.
        :raises StateConflict: the batch is over.
        """
        batch = found(batch_id)
        subject = subject_of(source, target)
        own = authorize(batch, identity, Verb.LINK, credential, subject=subject)
        actor = _actor(batch, identity, own=own)
        key = key_of(batch, source)
        with UnitOfWork() as uow:
            batch = _open(batch_id)
            entries = (
                batch_links.open_links(batch_id, key=key, lock=True) if key else []
            )
            if [ends_of(batch, entry) for entry in entries] != [(source, target)]:
                raise UploadNotFound("The batch has no such link.")
            (answer,) = _made(batch, entries, actor, "target")
            uow.commit()
        return answer

    def link_all(
        self, identity: Identity, batch_id: uuid.UUID, credential: str | None
    ) -> dict[str, Any]:
        """Make all links of a batch that are not made yet, or none; may be repeated.

        :returns: ``files``, each as :meth:`link` returns it, and ``total``.
        :raises LinkTargetUnavailable: as for one; names all that are.
        :raises QuotaExceeded: no room for all of them, where links count.
        :raises StateConflict: the batch is over.
        """
        batch = found(batch_id)
        own = authorize(batch, identity, Verb.LINK, credential)
        actor = _actor(batch, identity, own=own)
        with UnitOfWork() as uow:
            batch = _open(batch_id)
            entries = batch_links.open_links(batch_id, lock=True)
            made = _made(batch, entries, actor, "links")
            uow.commit()
        return {"files": made, "total": len(made)}


def take_out(
    batch_id: uuid.UUID, record_id: uuid.UUID, key: str, uow: UnitOfWork
) -> None:
    """End a link entry whose file entry is deleted; does nothing without one.

    :param record_id: of the draft.
    :raises StateConflict: it is just being made.
    """
    # Upstream has deleted the file entry in this transaction. Waiting now for somebody
    # who holds this row and wants that entry would be a deadlock.
    entry = batch_links.locked(batch_id, record_id, key)
    if entry is None:
        return
    if entry.version_id is not None:
        batch = found(batch_id)
        quota.release_bytes(batch.bucket_id, entry.size)
    batch_links.end(batch_id, UploadState.ABORTED, key=key)
    free_later(uow)


def _actor(batch: Batch, identity: Identity, *, own: bool) -> Identity:
    """Whoever has only the URL acts for whoever announced the batch."""
    return identity if own else identity_of(batch.created_by)


def _open(batch_id: uuid.UUID) -> Batch:
    """:raises StateConflict: not any more."""
    batch = found_locked(batch_id)
    require_uploading(batch)
    if utc_now() >= batch.complete_before:
        raise StateConflict("The batch is past its deadline.", batch.state)
    return batch


def _made(
    batch: Batch, entries: Sequence[EntryToLink], actor: Identity, field: str
) -> list[dict[str, Any]]:
    """Make those that are not made, and tell of all.

    :param entries: of the batch, locked.
    :param field: of the request, for errors.
    """
    waiting = [entry for entry in entries if entry.version_id is None]
    new = {link.key: link for link in _resolved(waiting, actor, field)}
    if new:
        user = user_id_of(actor)
        try:
            versions = share(batch.bucket_id, list(new.values()), user)
        except LinkTargetUnavailable as error:
            # It has gone just now. That is told as of one that never was there.
            names = [str(_name(entry)) for entry in waiting]
            raise LinkTargetUnavailable(names, field) from error
        batch_links.mark_made(
            batch.id,
            [
                {
                    "key": key,
                    "version_id": versions[key],
                    "origin": link.origin.to_json(),
                }
                for key, link in new.items()
            ],
        )
    return [_shown(entry, new.get(entry.key)) for entry in entries]


def _resolved(
    waiting: Sequence[EntryToLink], actor: Identity, field: str
) -> Sequence[NewLink]:
    names = [_name(entry) for entry in waiting]
    targets = find_targets(actor, names, field=field) if names else {}
    changed = [
        str(name)
        for name, entry in zip(names, waiting)
        if not _is_same(entry, targets[name])
    ]
    if changed:
        raise LinkTargetUnavailable(changed, field)
    return [targets[name].linked_as(entry.key) for name, entry in zip(names, waiting)]


def _name(entry: EntryToLink) -> TargetName:
    return TargetName(entry.target_record, entry.target_key)


def _is_same(entry: EntryToLink, target: Any) -> bool:
    """Whether the target has the bytes that it had when the link was announced.

    A file of a draft can be deleted, and another one sent in its place.
    """
    known = entry.checksum is None or entry.checksum == target.checksum
    return bool(entry.size == target.size and known)


def _shown(entry: EntryToLink, link: NewLink | None) -> dict[str, Any]:
    return {
        "key": entry.key,
        "size": entry.size,
        "checksum": entry.checksum,
        "origin": link.origin.to_json() if link else entry.origin,
    }
