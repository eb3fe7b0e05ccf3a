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
from invenio_records_permissions.generators import Generator
from invenio_records_resources.services.errors import PermissionDeniedError

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
