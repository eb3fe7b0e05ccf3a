# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Who may read and change what a batch brings.

InvenioRDM keeps this at two places. Whether record and files are public stands with
each version. Owner and grants stand with the parent, and hold for all versions. So a
completion that is for one version only must not touch the parent of a record that has
others: it would open those, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask_principal import Identity
from invenio_access import Permission, superuser_access
from invenio_access.permissions import system_process
from invenio_audit_logs.services.uow import AuditLogOp
from invenio_db.uow import UnitOfWork
from invenio_drafts_resources.services.records.uow import ParentRecordCommitOp
from invenio_rdm_records.auditlog.actions import RDMDraftGrantAuditLog
from invenio_rdm_records.records.systemfields.access.grants import Grant
from invenio_records_resources.proxies import current_service_registry
from marshmallow import ValidationError

from ...errors import AccessDenied
from .access_schema import AccessChange

_LEVELS = ("view", "preview", "edit", "manage")
"""What InvenioRDM grants; each includes those before it."""

_ORIGIN = "multipart"
"""Noted with each grant, so that one can see where it came from."""


def check(change: AccessChange, identity: Identity, draft: Any) -> None:
    """Let pass what :func:`apply` may do later, when nobody waits for the answer.

    :param draft: the draft as it is now; nothing of it is changed.
    :raises AccessDenied: the caller may not, with the field at fault.
    :raises marshmallow.ValidationError: InvenioRDM cannot do it for this scope.
    """
    service = _records()
    field = "read_access" if change.by_readers else "access"
    if change.access is not None:
        before, after = draft.access.dump(), change.access
        if before["record"] != after["record"] and not service.check_permission(
            identity, "manage_record_access", record=draft
        ):
            raise AccessDenied(
                "You may not change who can read this record; "
                "some sites allow it to nobody.",
                field=field,
            )
        if not service.check_permission(identity, "update_draft", record=draft):
            raise AccessDenied("You may not change this draft.", field=field)
    if change.publish and not service.check_permission(
        identity, "publish", record=draft
    ):
        raise AccessDenied("You may not publish this draft.", field="publish")
    _check_people(change, identity, draft)
    _check_scope(change, draft)


def apply(
    change: AccessChange, draft: Any, identity: Identity, uow: UnitOfWork
) -> bool:
    """Bring the change into the draft and its parent; to repeat it changes nothing.

    The parent is saved, and its versions are queued for indexing. The draft itself
    is not: whoever calls this saves it once, with everything else.

    The caller may have given the record away hereby. What follows (publishing) has
    been checked before and is done as the system.

    :param identity: who asked for it, for the audit log.
    :returns: whether anything of the draft or its parent has changed.
    """
    changed = set_access(draft, change)
    before = draft.parent.access.grants.dump()
    if not set_parent_access(draft.parent, change):
        return changed
    service = _records()
    uow.register(
        ParentRecordCommitOp(draft.parent, indexer_context={"service": service})
    )
    after = draft.parent.access.grants.dump()
    if before != after:
        log = RDMDraftGrantAuditLog.build(
            identity,
            draft.parent.pid.pid_value,
            before=before,
            after=after,
            triggered_by=draft,
        )
        uow.register(AuditLogOp(log))
    return True


def set_access(draft: Any, change: AccessChange) -> bool:
    """Set record access, file access and embargo of this version, in place.

    :returns: whether that was a change.
    """
    if change.access is None:
        return False
    before = draft.access.dump()
    draft.access.refresh_from_dict(dict(change.access))
    return bool(draft.access.dump() != before)


def set_parent_access(parent: Any, change: AccessChange) -> bool:
    """Set the owner and add grants, in place; nobody loses a grant.

    :returns: whether that was a change.
    """
    owner, grants = _new_owner(parent, change), _missing_grants(parent, change)
    if owner is not None:
        parent.access.owner = {"user": owner}
    for user_id, level in grants.items():
        subject = str(user_id)
        # InvenioRDM wants one grant a person: the higher one takes its place.
        for grant in list(_grants_of(parent, user_id)):
            parent.access.grants.remove(grant)
        parent.access.grants.create("user", subject, level, _ORIGIN)
    return owner is not None or bool(grants)


def _check_people(change: AccessChange, identity: Identity, draft: Any) -> None:
    owner = _new_owner(draft.parent, change)
    if owner is not None and not _may_give_away(identity, draft.parent):
        # People with a grant to manage must not put out who gave it to them.
        raise AccessDenied(
            "Only the owner may make somebody else the owner: name the owner first.",
            field="owners",
        )
    if not changes_people(draft.parent, change):
        return
    if not _records().check_permission(identity, "manage", record=draft):
        raise AccessDenied(
            "You may not decide who has access to this record.",
            field="owners" if change.owners else "viewers",
        )


def _check_scope(change: AccessChange, draft: Any) -> None:
    if not change.whole_record:
        if changes_people(draft.parent, change) and _has_other_versions(draft):
            raise ValidationError(
                "Owners and viewers have access to all versions of a record. "
                'To give it, say "record" here.',
                "scope",
            )
        return
    if not change.by_readers or change.access is None:
        return
    wanted = (change.access["record"], change.access["files"])
    for version in _other_published(draft):
        if (
            version.access.protection.record,
            version.access.protection.files,
        ) != wanted:
            # Opening others in passing would be a leak, and InvenioRDM limits the
            # closing of what was public.
            raise ValidationError(
                f"Version {version.versions.index} has another access than you ask "
                "for, and each version has its own. Change it there, or leave out "
                "read_access and give this version's access as access.",
                "scope",
            )


def changes_people(parent: Any, change: AccessChange) -> bool:
    """Whether the owner or any grant would be another."""
    return _new_owner(parent, change) is not None or bool(
        _missing_grants(parent, change)
    )


def _new_owner(parent: Any, change: AccessChange) -> int | None:
    """Who becomes the owner, None when that is who it is."""
    if not change.owners or str(parent.access.owner.owner_id) == str(change.owners[0]):
        return None
    return change.owners[0]


def _missing_grants(parent: Any, change: AccessChange) -> dict[int, str]:
    """The level that each person needs and does not have yet."""
    viewer_level = "edit" if change.viewers_write else "view"
    wanted = dict.fromkeys(change.viewers, viewer_level)
    wanted |= dict.fromkeys(change.owners[1:], "manage")
    owner = change.owners[0] if change.owners else parent.access.owner.owner_id
    return {
        user_id: level
        for user_id, level in wanted.items()
        if str(user_id) != str(owner)
        and not any(
            _rank(grant.permission) >= _rank(level)
            for grant in _grants_of(parent, user_id)
        )
    }


def _grants_of(parent: Any, user_id: int) -> Iterator[Grant]:
    for grant in parent.access.grants:
        if grant.subject_type == "user" and grant.subject_id == str(user_id):
            yield grant


def _rank(level: str) -> int:
    # A level that a site has invented is replaced by one that is known.
    return _LEVELS.index(level) if level in _LEVELS else -1


def _may_give_away(identity: Identity, parent: Any) -> bool:
    owner = parent.access.owner.owner_id
    if owner is None or str(identity.id) == str(owner):
        return True
    return system_process in identity.provides or bool(
        Permission(superuser_access).allows(identity)
    )


def _has_other_versions(draft: Any) -> bool:
    service = _records()
    ids = {
        version_id
        for cls in (service.record_cls, service.draft_cls)
        for version_id in cls.get_records_by_parent(
            draft.parent, with_deleted=False, ids_only=True
        )
    }
    return bool(ids - {draft.id})


def _other_published(draft: Any) -> Iterator[Any]:
    versions = _records().record_cls.get_records_by_parent(
        draft.parent, with_deleted=False
    )
    for version in versions:
        if version.id != draft.id and not version.deletion_status.is_deleted:
            yield version


def _records() -> Any:
    return current_service_registry.get("records")
