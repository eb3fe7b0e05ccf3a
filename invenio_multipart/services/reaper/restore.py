# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Bring back what was removed, where the bucket keeps versions.

What can be given back is the object under its name. Upload, batch, file entry or record
stay ended: whoever wants the bytes takes them from there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from ...errors import NothingToRestore
from ...records import audit as rows
from ...records.models import Removal

_SKEW = timedelta(minutes=1)
"""How far the store's clock may be behind that of the database's clients."""


@dataclass(frozen=True)
class Restored:
    """What is in the store again.

    :param removal: the removal that was undone.
    :param uris: of the objects.
    """

    removal: Removal
    uris: Sequence[str]


def restore(subject: str) -> Restored:
    """Take the delete marks off the objects of one removal.

    :param subject: id of the upload or batch.
    :raises NothingToRestore: the audit does not know it (any more), its bytes were not
        in a bucket that keeps versions, or no object was deleted.
    """
    found = rows.removals_of(subject)
    if not found:
        raise NothingToRestore(
            f"Nothing was removed under the id {subject}, or it is longer ago than "
            "MULTIPART_AUDIT_DAYS."
        )
    removal = found[0]
    if not removal.uri.startswith("s3://"):
        raise NothingToRestore(f"{removal.uri} is a local place, without versions.")
    # Sites with local files only do not install what it needs.
    from ...storage.versions import deleted_objects, keeps_versions
    from ...storage.versions import restore as take_mark_off

    if not keeps_versions(removal.uri):
        raise NothingToRestore(
            f"The bucket of {removal.uri} keeps no versions: what was deleted is gone."
        )
    deleted = list(deleted_objects(removal.uri, removal.removed_on - _SKEW))
    if not deleted:
        raise NothingToRestore(
            f"No object was deleted at {removal.uri}: parts that were never put "
            "together have no versions."
        )
    for mark in deleted:
        take_mark_off(mark)
    return Restored(removal, [mark.uri for mark in deleted])
