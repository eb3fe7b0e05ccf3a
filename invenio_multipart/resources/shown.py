# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Lists of what is on its way, in words for people who read a page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from typing import Any

from babel.dates import format_datetime, format_timedelta
from flask import abort, g, request
from flask_wtf import FlaskForm
from invenio_i18n import gettext as _
from invenio_i18n import lazy_gettext
from invenio_i18n.ext import current_i18n
from marshmallow import ValidationError

from ..errors import BadRequest

_STATES = {
    "initiated": lazy_gettext("Not begun yet"),
    "uploading": lazy_gettext("Uploading"),
    "committing": lazy_gettext("Being put together"),
    "completing": lazy_gettext("Being completed"),
    "verifying": lazy_gettext("Being checked"),
    "failed": lazy_gettext("Failed"),
}
"""States of uploads and batches that are not over."""


class ActForm(FlaskForm):  # type: ignore[misc]
    """A button; all it sends is the token that tells it from other sites' forms."""


def asked_page(pages: Callable[[Any, Any], dict[str, Any]]) -> dict[str, Any]:
    """The page that the address asks for; 404 where there can be none."""
    try:
        return pages(g.identity, request.args.to_dict())
    except (ValidationError, BadRequest):
        abort(404)


def shown_page(page: Mapping[str, Any]) -> dict[str, Any]:
    """What the templates want: ``items``, ``total`` and ``after`` (the next page)."""
    now = datetime.now(timezone.utc)
    hits = page["hits"]
    return {
        "items": [_shown(hit, now) for hit in hits["hits"]],
        "total": hits["total"],
        "after": page["next"],
    }


def state_names() -> Mapping[str, Any]:
    """Every state in words."""
    return _STATES


def _shown(hit: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    begun, deadline = _moment(hit["begun_on"]), _moment(hit["deadline"])
    draft = hit["draft"] or {}
    return {
        **hit,
        "title": draft.get("title") or _("Untitled draft"),
        "state_text": _STATES.get(hit["state"], hit["state"]),
        "begun_text": _written(begun),
        "deadline_text": _written(deadline),
        "left_text": _left(deadline, now),
        "ends_soon": deadline is not None and (deadline - now).total_seconds() < 86400,
        "percent": _percent(hit),
        # While it is being put together there is nothing to stop.
        "can_discard": bool(hit["links"]) and hit["state"] != "completing",
    }


def _percent(hit: Mapping[str, Any]) -> int | None:
    """How much is known to be there; None where nothing is known."""
    size, known = hit["size"], hit["known_bytes"]
    if not size or (hit["kind"] == "batch" and not known):
        return None
    return int(100 * min(known, size) / size)


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)


def _written(moment: datetime | None) -> str:
    if moment is None:
        return ""
    text = format_datetime(moment, "medium", locale=current_i18n.locale)
    return f"{text} UTC"


def _left(deadline: datetime | None, now: datetime) -> str:
    """How far ahead it is, in the language of the page, as in "in 3 days"."""
    if deadline is None:
        return ""
    if deadline <= now:
        return _("now")
    return format_timedelta(
        deadline - now, add_direction=True, locale=current_i18n.locale
    )
