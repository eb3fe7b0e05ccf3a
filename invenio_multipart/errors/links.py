# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What can be wrong with links to bytes that are there already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .base import BadRequest, MultipartError


class LinkTargetUnavailable(BadRequest):
    """A target is missing, unfinished, withdrawn, deleted or not for the caller.

    It does not say which: who may not read a file may not learn that it is there.

    :param targets: what was asked for, as the caller named it.
    """

    code = "link_target_unavailable"

    def __init__(self, targets: Sequence[str], field: str | None = None) -> None:
        shown = ", ".join(targets[:5])
        more = f" and {len(targets) - 5} more" if len(targets) > 5 else ""
        super().__init__(
            f"No finished file that you may read: {shown}{more}.", field=field
        )
        self.targets = tuple(targets)

    @property
    def details(self) -> Mapping[str, object]:
        """All of the targets."""
        return {"targets": list(self.targets)}


class LinkConflict(BadRequest):
    """The bytes behind an address are known to have another size or digest."""

    code = "link_conflict"


class InvalidLink(BadRequest):
    """An address that is malformed, or that this site does not link to."""

    code = "invalid_link"


class ObjectChanged(MultipartError):
    """A linked object is not (any more) what it was when it was linked.

    It is not served: what would come is not what was published.
    """

    code = "object_changed"
