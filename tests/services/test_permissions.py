# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The policy mixin that sites with service accounts use."""

from __future__ import annotations

from typing import Any

import pytest
from flask_principal import Identity, RoleNeed
from invenio_access.permissions import any_user, authenticated_user

from tests.driver import Draft

_FILE = {"transfer": {"type": "M"}}


@pytest.fixture
def record(app: Any, local_draft: Draft) -> Any:
    """The owner's draft, as permissions are checked on it."""
    from invenio_rdm_records.records.api import RDMDraft

    with app.app_context():
        yield RDMDraft.pid.resolve(local_draft.id, registered_only=False)


def _identity(*roles: str) -> Identity:
    identity = Identity(4711)
    identity.provides |= {any_user, authenticated_user}
    identity.provides |= {RoleNeed(role) for role in roles}
    return identity


def _policies() -> tuple[Any, Any]:
    from invenio_rdm_records.services.permissions import RDMRecordPermissionPolicy

    from invenio_multipart.services.permissions import MultipartPolicyMixin

    class SitePolicy(MultipartPolicyMixin, RDMRecordPermissionPolicy):
        pass

    return SitePolicy, RDMRecordPermissionPolicy


@pytest.mark.parametrize(
    "action",
    ["read_draft", "draft_create_files", "draft_set_content_files"],
)
def test_uploaders_write_any_draft(record: Any, action: str) -> None:
    """With the mixin the role opens a draft's files; without it, it does not."""
    ours, stock = _policies()
    uploader, somebody = _identity("uploader"), _identity("another")
    named = {"record": record, "file_metadata": _FILE}
    assert ours(action, **named).allows(uploader)
    assert not ours(action, **named).allows(somebody)
    assert not stock(action, **named).allows(uploader)


@pytest.mark.parametrize("action", ["publish", "delete_draft", "manage", "create"])
def test_uploaders_may_nothing_else(record: Any, action: str) -> None:
    """The mixin changes nothing but the files of drafts."""
    ours, stock = _policies()
    uploader = _identity("uploader")
    allowed = ours(action, record=record).allows(uploader)
    assert allowed is stock(action, record=record).allows(uploader)


def test_no_roles_give_no_right(app: Any, record: Any) -> None:
    """A site that names no role gives none of it to anybody."""
    ours, _ = _policies()
    app.config["MULTIPART_UPLOADER_ROLES"], before = (
        None,
        app.config["MULTIPART_UPLOADER_ROLES"],
    )
    try:
        permission = ours("draft_create_files", record=record, file_metadata=_FILE)
        assert not permission.allows(_identity("uploader"))
    finally:
        app.config["MULTIPART_UPLOADER_ROLES"] = before
