# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Find the digests of linked objects that their listing did not tell."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from typing import Any

from invenio_db import db
from invenio_db.uow import UnitOfWork

from ...core.adopted import ObjectAddress
from ...core.running import RunningJob
from ...errors import ObjectChanged
from ...records import adopted
from ...records.adopted import AdoptedFile
from ..uploads.finalize import ReindexOp, file_instance
from ..uploads.read_ahead import read_ahead

_PAGE = 200
"""Objects looked at together."""


def digest_adopted(job: RunningJob) -> dict[str, Any]:
    """Find them; the handler of the kind "digest_adopted".

    First each object is looked at: most ETags turn out to be MD5s. The others are read,
    one after the other, in constant memory; no transaction is open meanwhile.

    :returns: ``looked_at``, ``read`` and ``changed``, numbers of objects.
    :raises StorageUnavailable: to be tried again; what is found stays.
    """
    ids = [uuid.UUID(name) for name in job.arguments["files"]]
    done = {"looked_at": 0, "read": 0, "changed": 0}
    unread: list[AdoptedFile] = []
    files = adopted.without_checksum(ids)
    for start in range(0, len(files), _PAGE):
        unread += _look(files[start : start + _PAGE], done)
        job.advance(done["looked_at"] - len(unread), len(files))
    for count, file in enumerate(unread):
        _read(file, done)
        job.advance(len(files) - len(unread) + count + 1, len(files))
    with UnitOfWork() as uow:
        uow.register(ReindexOp(uuid.UUID(job.arguments["record"])))
        uow.commit()
    return done


def _look(files: Sequence[AdoptedFile], done: dict[str, int]) -> list[AdoptedFile]:
    """Note the MD5s that ETags tell; the files that must be read."""
    # Sites with local files only do not install what it needs.
    from ...storage.found import look_at

    db.session.commit()
    found = look_at([ObjectAddress.from_uri(file.uri) for file in files])
    left = []
    for file, seen in zip(files, found):
        changed = file.expected is None or file.expected.difference(seen) is not None
        if not changed and seen is not None and seen.checksum is not None:
            adopted.set_checksum(file.file_id, seen.checksum)
        else:
            left.append(file)
    db.session.commit()
    done["looked_at"] += len(files)
    return left


def _read(file: AdoptedFile, done: dict[str, int]) -> None:
    instance = file_instance(file.file_id)
    if instance is None or instance.checksum is not None:
        # Gone, or another job was faster.
        return
    storage = instance.storage()
    digest = hashlib.md5(usedforsecurity=False)
    try:
        # Looked at on both sides: what changed meanwhile has no digest.
        storage.require_unchanged()
        db.session.commit()
        for piece in read_ahead(storage.read_from()):
            digest.update(piece)
        storage.require_unchanged()
    except ObjectChanged as error:
        adopted.record_look({file.file_id: error.message})
        done["changed"] += 1
    else:
        adopted.set_checksum(file.file_id, f"md5:{digest.hexdigest()}")
        done["read"] += 1
    db.session.commit()
