# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The resource of contents: where they are, and what proves them.

Parse, call the service, serialise.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, g, request
from flask.typing import ResponseReturnValue
from flask_resources import Resource, ResourceConfig
from invenio_records_resources.resources.errors import ErrorHandlersMixin

from ..errors import MultipartError
from ..services.content_links import content_links
from ..services.part_digests import part_digests
from .errors import answers_of_files, error_response
from .refusals import RefusesOtherMethods
from .wire import json_reply, view_args


class ContentResourceConfig(ResourceConfig):  # type: ignore[misc]
    """Where the routes are, and what their errors look like."""

    blueprint_name = "multipart_contents"
    url_prefix = "/records/<pid_value>"
    error_handlers = {
        **ErrorHandlersMixin.error_handlers,
        MultipartError: error_response,
    }


class ContentResource(RefusesOtherMethods, ErrorHandlersMixin, Resource):  # type: ignore[misc]
    """Links to the contents of many files, and digests of the parts of one."""

    config: ContentResourceConfig

    def create_url_rules(self) -> list[dict[str, Any]]:
        """Routing; none where there is no InvenioRDM, whose records they are of.

        The parts are not below their file, where "a/parts" may be another file.
        """
        if find_spec("invenio_rdm_records") is None:
            return []
        calls = {
            "/content-links": self.links_of_record,
            "/draft/content-links": self.links_of_draft,
            "/part-digests": self.parts_of_record,
            "/draft/part-digests": self.parts_of_draft,
        }
        return [
            rule
            for path, call in calls.items()
            for rule in self.routes_of(call.__name__, path, {"GET": call})
        ]

    def links_of_record(self) -> ResponseReturnValue:
        """GET /records/{id}/content-links."""
        return _page(content_links, "files", "after")

    def links_of_draft(self) -> ResponseReturnValue:
        """GET /records/{id}/draft/content-links."""
        return _page(content_links, "draft-files", "after")

    def parts_of_record(self) -> ResponseReturnValue:
        """GET /records/{id}/part-digests."""
        return _page(part_digests, "files", "from")

    def parts_of_draft(self) -> ResponseReturnValue:
        """GET /records/{id}/draft/part-digests."""
        return _page(part_digests, "draft-files", "from")


def _page(
    read: Callable[..., dict[str, Any]], service_id: str, cursor: str
) -> ResponseReturnValue:
    """What ``read`` gives; the next page begins after, or at, the ``cursor``."""
    query = request.args.to_dict()
    page = read(service_id, g.identity, view_args()["pid_value"], query)
    page["links"] = {"self": request.url}
    if (following := page.pop("next")) is not None:
        arguments = urlencode(query | {cursor: following})
        page["links"]["next"] = f"{request.base_url}?{arguments}"
    return json_reply(page)


def create_blueprint() -> Blueprint:
    """The blueprint of contents."""
    config = ContentResourceConfig()
    config.error_handlers = {**answers_of_files(), **config.error_handlers}
    blueprint: Blueprint = ContentResource(config).as_blueprint()
    return blueprint
