# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Who may do what is nobody's own record's: by the roles a site's settings name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import current_app
from flask_principal import Identity, RoleNeed
from invenio_access import Permission, action_factory
from invenio_access.permissions import system_process
from invenio_records_permissions.generators import (
    ConditionalGenerator,
    Generator,
    SameAs,
)
from invenio_records_resources.services.errors import PermissionDeniedError
from invenio_records_resources.services.files.generators import IfTransferType
from invenio_records_resources.services.files.transfer.constants import (
    REMOTE_TRANSFER_TYPE,
)

UPLOADER_ACTIONS = (
    "can_read_draft",
    "can_draft_read_files",
    "can_draft_create_files",
    "can_draft_set_content_files",
    "can_draft_commit_files",
    "can_draft_delete_files",
)
"""What it takes to write the files of a draft, in InvenioRDM's words."""

_ADMINISTRATION = action_factory("administration-access")
"""InvenioRDM's right to see the administration panel, by its name: a site need not
have the panel."""


class ConfiguredRoles(Generator):  # type: ignore[misc]
    """Everybody with one of the roles that a setting names.

    :param setting: name of a setting that holds a list of roles.
    """

    def __init__(self, setting: str) -> None:
        self.setting = setting

    def needs(self, **context: Any) -> Sequence[Any]:
        """One per role; read at each check, so settings may change."""
        return [RoleNeed(role) for role in current_app.config[self.setting] or ()]


def links_content(file_metadata: Any) -> bool:
    """Whether a new file is a link to bytes that the site itself can read.

    An address elsewhere is none: of that the site knows nothing but the address.
    """
    transfer = (file_metadata or {}).get("transfer") or {}
    if transfer.get("type") != REMOTE_TRANSFER_TYPE:
        return False
    url = transfer.get("url")
    return url is None or str(url).lower().startswith("s3:")


class IfLink(ConditionalGenerator):  # type: ignore[misc]
    """Asks the one question for a file that is, or is to be, a link; nobody for others.

    One that is to be is new, or waits in a batch.
    """

    def __init__(self, then_: Sequence[Any]) -> None:
        super().__init__(list(then_), [])

    def _condition(
        self,
        file_metadata: Any = None,
        record: Any = None,
        file_key: str | None = None,
        **kwargs: Any,
    ) -> bool:
        if file_key is not None and record is not None:
            file_record = record.files.get(file_key)
            transfer = dict(file_record.transfer or {}) if file_record else {}
            return bool(transfer) and links_content({"transfer": transfer})
        return links_content(file_metadata)


def with_links(policy: type) -> type:
    """The site's policy, and what linking needs besides.

    Stock InvenioRDM lets nobody but itself make entries of the letter R, and serves
    the content of L files only. Whoever may edit a draft may link: that the caller
    may read the target is asked for each file. Whoever may read a record's files may
    be sent on to those that are elsewhere.

    A policy that says ``multipart_links = True`` has seen to it itself.
    """
    if getattr(policy, "multipart_links", False):
        return policy
    more: dict[str, list[Any]] = {
        "can_draft_create_files": [IfLink([SameAs("can_review")])],
        "can_get_content_files": [
            IfTransferType(REMOTE_TRANSFER_TYPE, SameAs("can_read_files"))
        ],
        "can_draft_get_content_files": [
            IfTransferType(REMOTE_TRANSFER_TYPE, SameAs("can_draft_read_files"))
        ],
    }
    changed = {
        action: [*getattr(policy, action), *generators]
        for action, generators in more.items()
        if hasattr(policy, action)
    }
    return type(policy.__name__, (policy,), {**changed, "multipart_links": True})


class MultipartPolicyMixin:
    """Gives uploaders the rights on single files that they have on batches.

    Batches need no policy: their service asks for the roles itself. A site whose
    service accounts shall also send files one by one puts this first::

        class SitePolicy(MultipartPolicyMixin, RDMRecordPermissionPolicy):
            pass

        RDM_PERMISSION_POLICY = SitePolicy

    What the other policy allows stays allowed.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Add the roles to what the class has inherited or says itself."""
        super().__init_subclass__(**kwargs)
        uploaders = ConfiguredRoles("MULTIPART_UPLOADER_ROLES")
        for action in UPLOADER_ACTIONS:
            allowed = getattr(cls, action, None)
            if allowed is not None:
                setattr(cls, action, [*allowed, uploaders])


def is_admin(identity: Identity) -> bool:
    """Whether this is a superuser, an administrator, the system, or has one of
    ``MULTIPART_ADMIN_ROLES``."""
    needs = ConfiguredRoles("MULTIPART_ADMIN_ROLES").needs()
    allowed: bool = Permission(_ADMINISTRATION, system_process, *needs).allows(identity)
    return allowed


def require_admin(identity: Identity) -> None:
    """Nothing, for administrators.

    :raises PermissionDeniedError: for all others.
    """
    if not is_admin(identity):
        raise PermissionDeniedError("admin")


def may_upload(service: Any, identity: Identity, draft: Any) -> bool:
    """Whether the caller may begin M files in a draft and finish them."""
    entry = {"transfer": {"type": "M"}}
    return is_uploader(identity) or all(
        service.check_permission(identity, action, record=draft, file_metadata=entry)
        for action in ("create_files", "set_content_files")
    )


def is_uploader(identity: Identity) -> bool:
    """Whether the caller may write any draft, by one of the configured roles."""
    return _has_role(identity, "MULTIPART_UPLOADER_ROLES")


def is_linker(identity: Identity) -> bool:
    """Whether the caller may link objects of the site's buckets."""
    return is_admin(identity) or _has_role(identity, "MULTIPART_LINKER_ROLES")


def is_creator(identity: Identity) -> bool:
    """Whether the site lets the caller make records by an announcement."""
    unrestricted = current_app.config["MULTIPART_CREATOR_ROLES"] is None
    return unrestricted or _has_role(identity, "MULTIPART_CREATOR_ROLES")


def _has_role(identity: Identity, setting: str) -> bool:
    roles = ConfiguredRoles(setting).needs()
    return bool(roles) and bool(Permission(*roles).allows(identity))
