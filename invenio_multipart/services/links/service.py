# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The link service: rights, resolution, one transaction."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from flask_principal import Identity
from invenio_db.uow import UnitOfWork
from invenio_records_resources.proxies import current_service_registry

from ...errors import AccessDenied
from ...records.links import NewLink, SharedFile
from ..drafts import require_metadata
from ..identities import user_id_of
from ..permissions import is_uploader
from ..uploads.schema import parse
from .adopt import adopt_objects
from .content import find_contents, known_files
from .dedup import dedup
from .make import look_into, make_links
from .origins import shown_origin
from .previous import files_of_previous, unchanged_files
from .schema import (
    Content,
    KnownSchema,
    LinksSchema,
    ObjectName,
    WantedLink,
    wanted_link,
)
from .targets import TargetName, find_targets

_SERVICE = "draft-files"


class LinkService:
    """Files of a draft that share bytes with others."""

    def link(self, identity: Identity, pid_value: str, body: Any) -> dict[str, Any]:
        """Link many files at once.

        :param body: ``{"files": [{"key", "record" | "url" | "checksum", ...}]}``, and
            ``{"previous": {"except": [...]}}`` for the files of the previous version.
        :returns: ``files``, each with key, size, checksum and origin; and ``total``.
        :raises AccessDenied: the caller may not write the draft's files.
        :raises LinkTargetUnavailable: of one the caller may not read, or there is no,
            finished file.
        """
        service = current_service_registry.get(_SERVICE)
        draft = _writable(service, identity, pid_value)
        loaded = parse(LinksSchema(), body)
        wanted = [wanted_link(file, file) for file in loaded["files"]]
        require_metadata(link.metadata for link in wanted)
        previous = loaded["previous"]
        with UnitOfWork() as uow:
            made = [*_resolved(identity, draft, wanted, uow)] if wanted else []
            keys = [link.key for link in made]
            if previous is not None:
                made += unchanged_files(identity, draft, previous["without"])
            make_links(service, draft, made, uow, created_by=user_id_of(identity))
            look_into(service, draft, keys, uow)
            uow.commit()
        return {"files": [_shown(link) for link in made], "total": len(made)}

    def known(self, identity: Identity, pid_value: str, body: Any) -> dict[str, Any]:
        """Which of these files need not be sent: they could be linked. Makes nothing.

        :param body: ``{"files": [{"checksum", "size"}, and "key" if it is to come
            back]}``; as many as one call may link.
        :returns: ``files`` as they came, without those that cannot be linked, each
            with ``record`` (``id`` and ``key`` of the file that has the bytes); and
            ``total``.
        :raises AccessDenied: the caller may not write the draft's files.
        :raises TooManyFiles: none, or more than one call takes.
        :raises InvalidDigest: of one that files are not found by.
        """
        service = current_service_registry.get(_SERVICE)
        draft = _writable(service, identity, pid_value)
        found = known_files(identity, draft, parse(KnownSchema(), body)["files"])
        return {"files": found, "total": len(found)}

    def previous(self, identity: Identity, pid_value: str) -> dict[str, Any]:
        """Files of the previous version; see :func:`.files_of_previous`.

        :raises AccessDenied: the caller may not write the draft's files.
        """
        service = current_service_registry.get(_SERVICE)
        return files_of_previous(identity, _writable(service, identity, pid_value))

    def dedup(self, upload_ids: Sequence[str]) -> int:
        """Put files of these uploads onto bytes that are there already.

        Where ``MULTIPART_DEDUP`` and the uploader's rights allow it.

        :returns: how many were.
        """
        return dedup([uuid.UUID(upload_id) for upload_id in upload_ids])

    def link_files(
        self,
        service: Any,
        identity: Identity,
        draft: Any,
        wanted: Sequence[WantedLink],
        uow: UnitOfWork,
    ) -> Sequence[NewLink]:
        """The same for a draft in hand, whose file service has let the caller pass.

        :returns: what was made; a folder gives many.
        """
        new = _resolved(identity, draft, wanted, uow)
        make_links(service, draft, new, uow, created_by=user_id_of(identity))
        look_into(service, draft, [link.key for link in new], uow)
        return new

    def origin(self, identity: Identity, file_record: Any) -> Any:
        """Where a file was linked from, for who may know it; else None."""
        return shown_origin(identity, file_record)


def _writable(service: Any, identity: Identity, pid_value: str) -> Any:
    """The draft.

    :raises AccessDenied: the caller may not write its files.
    """
    draft = service.record_cls.pid.resolve(pid_value, registered_only=False)
    entry = {"transfer": {"type": "R"}}
    if not is_uploader(identity) and not service.check_permission(
        identity, "create_files", record=draft, file_metadata=entry
    ):
        raise AccessDenied("You may not add files to this draft.")
    return draft


def _resolved(
    identity: Identity, draft: Any, wanted: Sequence[WantedLink], uow: UnitOfWork
) -> Sequence[NewLink]:
    names = [link.target for link in wanted if isinstance(link.target, TargetName)]
    targets: dict[Any, SharedFile] = {}
    if names:
        targets.update(find_targets(identity, names, field="files"))
    if any(isinstance(link.target, Content) for link in wanted):
        targets.update(find_contents(identity, draft, wanted))
    objects = [link for link in wanted if isinstance(link.target, ObjectName)]
    adopted = iter(adopt_objects(identity, objects, draft.id, uow) if objects else ())
    return [
        new
        for link in wanted
        for new in (
            next(adopted)
            if isinstance(link.target, ObjectName)
            else [targets[link.target].linked_as(link.key, link.metadata)]
        )
    ]


def _shown(link: NewLink) -> dict[str, Any]:
    return {
        "key": link.key,
        "size": link.size,
        "checksum": link.checksum,
        "origin": link.origin.to_json(),
    }
