# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Files that a new version has from the one before it.

Upstream takes over all files or none. For a version in which a few of thousands have
changed that means to take over, delete and send again; here the changed ones are left
out from the start.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from flask_principal import Identity
from invenio_records_resources.proxies import current_service_registry

from ...errors import InvalidLink, LinkTargetUnavailable
from ...records.links import NewLink, all_finished_files
from .targets import is_gone, with_ancestor


def unchanged_files(
    identity: Identity, draft: Any, without: Collection[str]
) -> Sequence[NewLink]:
    """Links to the previous version's files, with copies of their metadata.

    One right for all of them, to read the version's files, as upstream's import asks.

    :param without: keys that are left out, and folders, which end in a slash.
    :raises InvalidLink: the draft is no new version, or names what was not there.
    :raises LinkTargetUnavailable: the version's files are not for the caller.
    """
    record = _previous(identity, draft)
    model = record.files.file_cls.model_cls
    files = all_finished_files(model, record.id)
    keys = {name for name in without if not name.endswith("/")}
    folders = tuple(name for name in without if name.endswith("/"))
    _require_known(keys, folders, [file.key for file in files])
    kept = [
        with_ancestor(file, record)
        for file in files
        if file.key not in keys and not file.key.startswith(folders)
    ]
    if not kept:
        raise InvalidLink("No file would be left.", field="previous.except")
    return [file.linked_as(file.key, file.metadata) for file in kept]


def files_of_previous(identity: Identity, draft: Any) -> dict[str, Any]:
    """What the previous version has, for people to choose from.

    :returns: ``record`` (``id`` and ``version``; None where the draft is no new
        version, or the caller may not read the files), ``files`` in the order of
        their keys, each with ``key``, ``size``, ``checksum`` and ``metadata``, and
        ``total``.
    """
    record, files = None, list[dict[str, Any]]()
    try:
        previous = _previous(identity, draft)
    except (InvalidLink, LinkTargetUnavailable):
        return {"record": record, "files": files, "total": 0}
    model = previous.files.file_cls.model_cls
    files = [
        {
            "key": file.key,
            "size": file.size,
            "checksum": file.checksum,
            "metadata": dict(file.metadata or {}),
        }
        for file in all_finished_files(model, previous.id)
    ]
    record = {"id": previous.pid.pid_value, "version": previous.versions.index}
    return {"record": record, "files": files, "total": len(files)}


def _previous(identity: Identity, draft: Any) -> Any:
    service = current_service_registry.get("files")
    latest = draft.versions.latest_id
    if draft.is_published or latest is None or latest == draft.id:
        raise InvalidLink("This draft is no new version.", field="previous")
    record = service.record_cls.get_record(latest)
    if is_gone(record) or not service.check_permission(
        identity, "read_files", record=record
    ):
        raise LinkTargetUnavailable(["the previous version"], field="previous")
    if not record.files.enabled:
        raise InvalidLink("The previous version has no files.", field="previous")
    return record


def _require_known(
    keys: Collection[str], folders: Collection[str], present: Sequence[str]
) -> None:
    """Whoever leaves out a file that was not there has mistyped its name."""
    unknown = sorted(set(keys) - set(present))
    unknown += [
        folder
        for folder in folders
        if not any(key.startswith(folder) for key in present)
    ]
    if unknown:
        raise InvalidLink(
            f"The previous version has no {', '.join(unknown[:5])}.",
            field="previous.except",
        )
