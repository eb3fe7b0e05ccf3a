# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The page of unfinished uploads in the administration panel.

Loaded by the panel alone, through its entry point.
"""

from __future__ import annotations

import uuid

from flask import flash, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from invenio_administration.views.base import AdminView
from invenio_i18n import gettext as _
from invenio_i18n import lazy_gettext

from ..errors import MultipartError
from ..proxies import current_multipart
from .shown import ActForm, asked_page, shown_page, state_names


class UnfinishedUploadsView(AdminView):  # type: ignore[misc]
    """All uploads and batches that are not over, by deadline; each can be ended."""

    name = "unfinished-uploads"
    url = "/unfinished-uploads"
    category = lazy_gettext("Deposits")
    menu_label = lazy_gettext("Unfinished uploads")
    title = lazy_gettext("Unfinished uploads")
    icon = "upload"
    order = 20
    template = "invenio_multipart/administration/unfinished.html"

    def get(self) -> ResponseReturnValue:
        """GET: a page of them."""
        page = asked_page(current_multipart.unfinished.of_all)
        names = state_names()
        shown: str = self.render(
            **shown_page(page),
            title=self.title,
            form=ActForm(),
            states=names,
            state=request.args.get("state", ""),
        )
        return shown

    def post(self) -> ResponseReturnValue:
        """POST: end the one that the form names, and show the list again."""
        back = redirect(url_for("administration.unfinished-uploads"))
        if not ActForm().validate_on_submit():
            flash(_("The page was too old. Please try again."), category="error")
            return back
        try:
            current_multipart.unfinished.abort(g.identity, _id())
        except MultipartError as error:
            flash(error.message, category="error")
        else:
            flash(_("The upload was aborted."), category="success")
        return back


def _id() -> uuid.UUID:
    """Of the form; one that nothing has for what is no id."""
    try:
        return uuid.UUID(request.form.get("id", ""))
    except ValueError:
        return uuid.UUID(int=0)
