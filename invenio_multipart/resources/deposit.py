# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What a page for uploads asks before and between the uploads themselves."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from flask import Blueprint, g, request
from flask.typing import ResponseReturnValue
from flask_resources import Resource, ResourceConfig
from invenio_records_resources.resources.errors import ErrorHandlersMixin

from ..errors import MultipartError
from ..proxies import current_multipart
from .errors import error_response
from .refusals import RefusesOtherMethods
from .wire import json_reply, view_args


class DepositResourceConfig(ResourceConfig):  # type: ignore[misc]
    """Where the routes are."""

    blueprint_name = "multipart_deposit"
    url_prefix = ""
    routes = {
        "settings": "/uploads/settings",
        "unfinished": "/uploads/unfinished",
        "all": "/multipart/uploads",
        "any": "/multipart/uploads/<uuid:upload_id>",
        "draft_settings": "/records/<pid_value>/draft/uploads/settings",
    }
    error_handlers = {
        **ErrorHandlersMixin.error_handlers,
        MultipartError: error_response,
    }


class DepositResource(RefusesOtherMethods, ErrorHandlersMixin, Resource):  # type: ignore[misc]
    """Limits, and what is unfinished."""

    config: DepositResourceConfig

    def create_url_rules(self) -> list[dict[str, Any]]:
        """Routing; none where there is no InvenioRDM, whose drafts they are about."""
        if find_spec("invenio_rdm_records") is None:
            return []
        calls = {
            "settings": {"GET": self.settings},
            "unfinished": {"GET": self.unfinished},
            "all": {"GET": self.all_unfinished},
            "any": {"DELETE": self.abort},
            "draft_settings": {"GET": self.draft_settings},
        }
        return [
            rule
            for name, by_method in calls.items()
            for rule in self.routes_of(name, self.config.routes[name], by_method)
        ]

    def settings(self) -> ResponseReturnValue:
        """GET /uploads/settings: for a draft that is still to be made."""
        return json_reply(current_multipart.settings.of_new_draft(g.identity))

    def unfinished(self) -> ResponseReturnValue:
        """GET /uploads/unfinished: mine, in all drafts."""
        query = request.args.to_dict()
        return json_reply(current_multipart.unfinished.mine(g.identity, query))

    def all_unfinished(self) -> ResponseReturnValue:
        """GET /multipart/uploads: everybody's, for administrators."""
        query = request.args.to_dict()
        return json_reply(current_multipart.unfinished.of_all(g.identity, query))

    def abort(self) -> ResponseReturnValue:
        """DELETE /multipart/uploads/{id}: an upload or a batch."""
        current_multipart.unfinished.abort(g.identity, view_args()["upload_id"])
        return "", 204

    def draft_settings(self) -> ResponseReturnValue:
        """GET /records/{id}/draft/uploads/settings."""
        answer = current_multipart.settings.of_draft(
            g.identity, view_args()["pid_value"]
        )
        return json_reply(answer)


def create_blueprint() -> Blueprint:
    """The blueprint of all of these."""
    blueprint: Blueprint = DepositResource(DepositResourceConfig()).as_blueprint()
    return blueprint
