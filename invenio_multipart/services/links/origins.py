# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Where linked files came from, told to those who may read it there.

For a single file that is asked of the site's permissions, as reading it there would.
A list asks the database which ancestors are out in the open, once for all its files:
of those that are not, it tells nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from flask_principal import Identity
from invenio_db import db
from invenio_pidstore.models import PersistentIdentifier
from invenio_records_resources.proxies import current_service_registry
from sqlalchemy import select, tuple_

from ...core.origin import Origin
from ...records.bulk import chunks
from ..permissions import is_linker
from ..results import extend_result
from .targets import TargetName, find_holder

_RECORDS, _DRAFTS = "files", "draft-files"
_PUBLISHED = "P"
"""Deletion status of a record that is there, in the database."""


def origin_of(file_record: Any) -> Origin | None:
    """Where a file's bytes came from, None for one that had them first."""
    return Origin.of_transfer(file_record.transfer)


def shown_origin(identity: Identity, file_record: Any) -> Mapping[str, Any] | None:
    """The origin of a single file as JSON; None when the caller may not know it.

    Objects that were in a bucket before are for those who may link such.
    """
    origin = origin_of(file_record)
    if origin is None:
        return None
    if origin.record is None:
        return origin.to_json() if is_linker(identity) else None
    return origin.to_json() if link_to_origin(identity, file_record) else None


def link_to_origin(identity: Identity, file_record: Any) -> str | None:
    """Address of the file a single file was linked from, if the caller may read it."""
    origin = origin_of(file_record)
    if origin is None or origin.record is None or origin.key is None:
        return None
    for service_id in (_RECORDS, _DRAFTS):
        service = current_service_registry.get(service_id)
        holder = find_holder(service, origin.record)
        if holder is None or origin.key not in holder.files:
            continue
        if service.check_permission(
            identity, "read_files", record=holder, file_key=origin.key
        ):
            return _address(service, TargetName(origin.record, origin.key))
    return None


def links_to_public_origins(
    identity: Identity, file_records: Iterable[Any]
) -> Mapping[str, str]:
    """Addresses for the files of a list, by key, where the ancestor is public.

    One query for all of them, on a site with InvenioRDM's own idea of public files.
    """
    names = {}
    for file_record in file_records:
        origin = origin_of(file_record)
        if origin is not None and origin.record and origin.key:
            names[file_record.key] = TargetName(origin.record, origin.key)
    if not names:
        return {}
    service = current_service_registry.get(_RECORDS)
    readable = _public_files(service.record_cls, sorted(set(names.values())))
    if not _public_means_everybody(service.config.permission_policy_cls):
        # Slower, for each record has rows of its own that a policy may look at.
        readable &= _allowed_files(service, identity, readable)
    return {
        key: _address(service, name) for key, name in names.items() if name in readable
    }


def _public_files(cls: Any, names: Sequence[TargetName]) -> set[TargetName]:
    """Those that are there, in records that say that they are open to everybody."""
    model, entries = cls.model_cls, cls.files.file_cls.model_cls
    access = model.json["access"]
    found = set()
    for some in chunks(names):
        query = (
            select(PersistentIdentifier.pid_value, entries.key)
            .join(model, model.id == PersistentIdentifier.object_uuid)
            .join(entries, entries.record_id == model.id)
            .where(
                PersistentIdentifier.pid_type == "recid",
                PersistentIdentifier.object_type == "rec",
                tuple_(PersistentIdentifier.pid_value, entries.key).in_(some),
                model.deletion_status == _PUBLISHED,
                model.json.isnot(None),
                entries.json.isnot(None),
                access["record"].as_string() == "public",
                access["files"].as_string() == "public",
            )
        )
        found.update(TargetName(*row) for row in db.session.execute(query))
    return found


def _public_means_everybody(policy: Any) -> bool:
    from invenio_rdm_records.services.permissions import RDMRecordPermissionPolicy

    return all(
        getattr(policy, action) is getattr(RDMRecordPermissionPolicy, action)
        for action in ("can_read_files", "can_all")
    )


def _allowed_files(
    service: Any, identity: Identity, names: Iterable[TargetName]
) -> set[TargetName]:
    records = {
        pid: find_holder(service, pid) for pid in {name.record for name in names}
    }
    return {
        name
        for name in names
        if records[name.record] is not None
        and service.check_permission(
            identity, "read_files", record=records[name.record], file_key=name.key
        )
    }


def _address(service: Any, name: TargetName) -> str:
    """Of the file entry, made by upstream's own link template."""
    variables = {"id": name.record, "pid_value": name.record}
    url: str = service.config.file_links_item["self"].expand(
        SimpleNamespace(key=name.key), variables
    )
    return url


class TellsOrigin:
    """Of a single file's result: where it came from, beside its other links."""

    _identity: Identity
    _file: Any

    @property
    def links(self) -> dict[str, Any]:
        """With ``origin`` where there is one that the caller may read."""
        links: dict[str, Any] = super().links  # type: ignore[misc]
        url = link_to_origin(self._identity, self._file)
        return {**links, "origin": url} if url else links


class TellsOrigins:
    """The same of a list of files, for ancestors that are public."""

    _identity: Identity
    _results: Iterable[Any]

    @property
    def entries(self) -> Iterable[dict[str, Any]]:
        """Each with ``links.origin`` where there is one."""
        urls = links_to_public_origins(self._identity, self._results)
        for entry in super().entries:  # type: ignore[misc]
            if entry["key"] in urls:
                entry["links"]["origin"] = urls[entry["key"]]
            yield entry


def tell_origins(service: Any) -> None:
    """Have a file service tell where linked files came from."""
    extend_result(service.config, "file_result_item_cls", TellsOrigin)
    extend_result(service.config, "file_result_list_cls", TellsOrigins)
