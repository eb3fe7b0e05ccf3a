# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The resource of content links: parse, call the service, serialise."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, g, request
from flask.typing import ResponseReturnValue
from flask_resources import Resource, ResourceConfig
from invenio_records_resources.resources.errors import ErrorHandlersMixin

from ..errors import MultipartError
from ..services.content_links import content_links
from .errors import error_response
from .refusals import RefusesOtherMethods
from .wire import json_reply, view_args


class ContentLinkResourceConfig(ResourceConfig):  # type: ignore[misc]
    """Where the routes are."""

    blueprint_name = "multipart_content_links"
    url_prefix = "/records/<pid_value>"
    routes = {"record": "/content-links", "draft": "/draft/content-links"}
    error_handlers = {
        **ErrorHandlersMixin.error_handlers,
        MultipartError: error_response,
    }


class ContentLinkResource(RefusesOtherMethods, ErrorHandlersMixin, Resource):  # type: ignore[misc]
    """Links to the contents of many files."""

    config: ContentLinkResourceConfig

    def create_url_rules(self) -> list[dict[str, Any]]:
        """Routing; none where there is no InvenioRDM, whose records they are of."""
        if find_spec("invenio_rdm_records") is None:
            return []
        routes = self.config.routes
        return [
            *self.routes_of("record", routes["record"], {"GET": self.of_record}),
            *self.routes_of("draft", routes["draft"], {"GET": self.of_draft}),
        ]

    def of_record(self) -> ResponseReturnValue:
        """GET /records/{id}/content-links."""
        return _page("files")

    def of_draft(self) -> ResponseReturnValue:
        """GET /records/{id}/draft/content-links."""
        return _page("draft-files")


def _page(service_id: str) -> ResponseReturnValue:
    query = request.args.to_dict()
    page = content_links(service_id, g.identity, view_args()["pid_value"], query)
    page["links"] = {"self": request.url}
    if (following := page.pop("next")) is not None:
        arguments = urlencode(query | {"after": following})
        page["links"]["next"] = f"{request.base_url}?{arguments}"
    return json_reply(page)


def create_blueprint() -> Blueprint:
    """The blueprint of content links."""
    config = ContentLinkResourceConfig()
    config.error_handlers = {**_answers_of_files(), **config.error_handlers}
    blueprint: Blueprint = ContentLinkResource(config).as_blueprint()
    return blueprint


def _answers_of_files() -> dict[type[Exception], Any]:
    """What a record's files answer: of one that was deleted, with its tombstone."""
    if find_spec("invenio_rdm_records") is None:
        return {}
    from invenio_rdm_records.resources.config import RDMRecordFilesResourceConfig

    handlers: dict[type[Exception], Any] = RDMRecordFilesResourceConfig.error_handlers
    return handlers
