# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The page of unfinished uploads in a user's dashboard.

Made on the server, with plain forms: it needs no script and no build of assets.
"""

from __future__ import annotations

import uuid
from importlib.util import find_spec
from typing import Any

from flask import (
    Blueprint,
    Flask,
    flash,
    g,
    redirect,
    render_template,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required
from invenio_i18n import gettext as _
from invenio_i18n import lazy_gettext
from invenio_records_resources.services.errors import PermissionDeniedError
from markupsafe import Markup

from ..errors import MultipartError
from ..proxies import current_multipart
from .shown import ActForm, asked_page, shown_page

BLUEPRINT = "multipart_dashboard"
MENU_ITEM = "unfinished"
MENU_NAME = lazy_gettext("Unfinished uploads")
TEMPLATE = "invenio_multipart/unfinished.html"

_ACTS = ("discard", "more-time")


class MenuText:
    """The entry's text; on small screens an icon: a fourth name has no room there."""

    def __str__(self) -> str:
        return str(MENU_NAME)

    def __html__(self) -> Markup:
        return Markup(
            '<span class="tablet computer only">{name}</span>'
            '<span class="mobile only"><i class="hourglass half icon m-0" '
            'aria-hidden="true"></i><span class="sr-only">{name}</span></span>'
        ).format(name=str(MENU_NAME))


def create_blueprint() -> Blueprint:
    """The blueprint of the page; without routes where there is no InvenioRDM."""
    blueprint = Blueprint(BLUEPRINT, __name__)
    if find_spec("invenio_app_rdm") is not None:
        path = "/me/unfinished-uploads"
        blueprint.add_url_rule(path, "unfinished", unfinished)
        blueprint.add_url_rule(
            f"{path}/<any(upload, batch):kind>/<uuid:id_>/<any{_ACTS}:act>",
            "act",
            act,
            methods=["POST"],
        )
    return blueprint


def add_to_menu(app: Flask) -> None:
    """Put the page behind the others of the dashboard."""
    if "menu" in app.extensions and f"{BLUEPRINT}.unfinished" in app.view_functions:
        from flask_menu import current_menu

        with app.app_context():
            current_menu.submenu(f"dashboard.{MENU_ITEM}").register(
                endpoint=f"{BLUEPRINT}.unfinished", text=MenuText(), order=4
            )


@login_required  # type: ignore[untyped-decorator]
def unfinished() -> ResponseReturnValue:
    """GET: a page of what the user has begun and not finished."""
    page = asked_page(current_multipart.unfinished.mine)
    return render_template(
        TEMPLATE, **shown_page(page), form=ActForm(), user_avatar=_avatar()
    )


@login_required  # type: ignore[untyped-decorator]
def act(kind: str, id_: uuid.UUID, act: str) -> ResponseReturnValue:
    """POST: discard it or give it more time, say so, and show the list again."""
    if not ActForm().validate_on_submit():
        flash(_("The page was too old. Please try again."), category="error")
        return redirect(url_for(f"{BLUEPRINT}.unfinished"))
    service = current_multipart.unfinished
    try:
        if act == "discard":
            service.discard(g.identity, kind, id_)
            flash(_("The upload was discarded."), category="success")
        else:
            service.more_time(g.identity, kind, id_)
            flash(_("The upload has more time."), category="success")
    except MultipartError as error:
        flash(error.message, category="error")
    except PermissionDeniedError:
        flash(_("You may not change this upload any more."), category="error")
    return redirect(url_for(f"{BLUEPRINT}.unfinished"))


def _avatar() -> Any:
    """Address of the user's picture, as on the dashboard's other pages."""
    from invenio_users_resources.proxies import current_user_resources

    links = current_user_resources.users_service.links_item_tpl
    return links.expand(g.identity, current_user)["avatar"]
