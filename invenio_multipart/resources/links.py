# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The resource of links: parse, call the service, serialise."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from flask import Blueprint, g
from flask.typing import ResponseReturnValue
from flask_resources import Resource, ResourceConfig
from invenio_records_resources.resources.errors import ErrorHandlersMixin

from ..errors import MultipartError
from ..proxies import current_multipart
from .errors import error_response
from .refusals import RefusesOtherMethods
from .wire import json_object, json_reply, view_args


class LinkResourceConfig(ResourceConfig):  # type: ignore[misc]
    """Where the routes are."""

    blueprint_name = "multipart_links"
    url_prefix = ""
    routes = {
        "links": "/records/<pid_value>/draft/links",
        "known": "/records/<pid_value>/draft/links/known",
        "previous": "/records/<pid_value>/draft/links/previous",
    }
    error_handlers = {
        **ErrorHandlersMixin.error_handlers,
        MultipartError: error_response,
    }


class LinkResource(RefusesOtherMethods, ErrorHandlersMixin, Resource):  # type: ignore[misc]
    """Give a draft files that cost no bytes."""

    config: LinkResourceConfig

    def create_url_rules(self) -> list[dict[str, Any]]:
        """Routing; none where there is no InvenioRDM, whose drafts they are."""
        if find_spec("invenio_rdm_records") is None:
            return []
        routes = self.config.routes
        return [
            *self.routes_of("links", routes["links"], {"POST": self.link}),
            *self.routes_of("known", routes["known"], {"POST": self.known}),
            *self.routes_of("previous", routes["previous"], {"GET": self.previous}),
        ]

    def link(self) -> ResponseReturnValue:
        """POST /records/{id}/draft/links."""
        answer = current_multipart.links.link(
            g.identity, view_args()["pid_value"], json_object()
        )
        return json_reply(answer, 201)

    def known(self) -> ResponseReturnValue:
        """POST /records/{id}/draft/links/known."""
        answer = current_multipart.links.known(
            g.identity, view_args()["pid_value"], json_object()
        )
        return json_reply(answer)

    def previous(self) -> ResponseReturnValue:
        """GET /records/{id}/draft/links/previous."""
        answer = current_multipart.links.previous(g.identity, view_args()["pid_value"])
        return json_reply(answer)


def create_blueprint() -> Blueprint:
    """The blueprint of links."""
    blueprint: Blueprint = LinkResource(LinkResourceConfig()).as_blueprint()
    return blueprint
