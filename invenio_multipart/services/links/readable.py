# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Which files of a record a caller may read, by the site's policy, for thousands."""

from __future__ import annotations

from collections.abc import Collection
from itertools import chain
from typing import Any

from flask_principal import Identity
from invenio_records_permissions.policies.base import BasePermissionPolicy

from ...records.on_demand import hold

_DECIDES = ("needs", "excludes", "allows")
"""What of a policy's class makes an answer of the needs of its generators."""


def readable_keys(
    service: Any, identity: Identity, holder: Any, keys: Collection[str]
) -> set[str]:
    """Those files of a record whose content the caller may read now.

    The policy's generators are asked about each file. The answer is a look into a cache
    server, and taken only once for all files for which it must be the same one.
    """
    # The generators look at each file by upstream's means.
    hold(holder.files, keys)
    found, decided = set(), dict[Any, bool]()
    for key in keys:
        policy = service.permission_policy(
            f"{service.config.permission_action_prefix}get_content_files",
            record=holder,
            file_key=key,
        )
        same = _what_decides(policy, identity) if _is_stock(type(policy)) else key
        if same not in decided:
            decided[same] = policy.allows(identity)
        if decided[same]:
            found.add(key)
    return found


def _is_stock(policy: type) -> bool:
    """Whether answers are made as Invenio makes them; a site may have its own way."""
    return all(
        getattr(policy, name) is getattr(BasePermissionPolicy, name)
        for name in _DECIDES
    )


def _what_decides(policy: Any, identity: Identity) -> tuple[Any, ...]:
    """What the caller's answer hangs on; two policies of one action are alike by it.

    Stock InvenioRDM wants a need of each file of its own: a token for that file. Needs
    that the caller has not got change nothing, whatever they are; actions are kept,
    since the database says who has them.
    """
    over, provides = policy.over, identity.provides

    def deciding(needs: set[Any]) -> frozenset[Any]:
        return frozenset(n for n in needs if n.method == "action" or n in provides)

    needs = set(chain.from_iterable(g.needs(**over) for g in policy.generators))
    excludes = set(chain.from_iterable(g.excludes(**over) for g in policy.generators))
    # A policy that allows by default does so where nothing at all is wanted.
    return bool(needs), deciding(needs), deciding(excludes)
