# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Who acts, where there is no request."""

from __future__ import annotations

from flask_principal import Identity
from invenio_access.permissions import (
    any_user,
    authenticated_user,
    system_identity,
    system_user_id,
)
from invenio_access.utils import get_identity
from invenio_accounts.proxies import current_datastore


def user_id_of(identity: Identity) -> str | None:
    """Id of the account that acts, as our tables keep it; None for nobody."""
    return str(identity.id) if identity.id else None


def identity_of(user_id: str | None) -> Identity:
    """The identity of an account with its roles, or of the system by its own id.

    Nobody (None), and an account that has gone or was blocked meanwhile, may what
    anybody may.
    """
    if user_id == system_user_id:
        return system_identity
    user = current_datastore.get_user_by_id(int(user_id)) if user_id else None
    if user is None or not user.active:
        identity = Identity(None)
        identity.provides.add(any_user)
        return identity
    identity = get_identity(user)
    identity.provides |= {any_user, authenticated_user}
    return identity
