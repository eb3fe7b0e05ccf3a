# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The resource of batches: parse, call the service, serialise."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from flask import Blueprint, g, request
from flask.typing import ResponseReturnValue
from flask_resources import Resource, ResourceConfig
from invenio_records_resources.resources.errors import ErrorHandlersMixin

from ..core.digests import parse_content_md5
from ..errors import MultipartError
from ..proxies import current_multipart
from .errors import error_response
from .refusals import RefusesOtherMethods
from .wire import json_object, json_reply, secret_reply, view_args

_CREDENTIAL = "X-Upload-Credential"


class BatchResourceConfig(ResourceConfig):  # type: ignore[misc]
    """Where the routes are."""

    blueprint_name = "multipart_batches"
    url_prefix = ""
    routes = {
        "draft": "/records/<pid_value>/draft/uploads",
        "version": "/records/<pid_value>/uploads",
        "list": "/uploads",
        "item": "/uploads/<uuid:batch_id>",
        "complete": "/uploads/<uuid:batch_id>/complete",
        "abort": "/uploads/<uuid:batch_id>/abort",
        "files": "/uploads/<uuid:batch_id>/files",
        "credentials": "/uploads/<uuid:batch_id>/credentials",
        "link": "/uploads/<uuid:batch_id>/link/<source>/to/<target>",
        "links": "/uploads/<uuid:batch_id>/links",
        "content": "/uploads/<uuid:batch_id>/content/<int:part>/<path:key>",
    }
    error_handlers = {
        **ErrorHandlersMixin.error_handlers,
        MultipartError: error_response,
    }


class BatchResource(RefusesOtherMethods, ErrorHandlersMixin, Resource):  # type: ignore[misc]
    """Announce, follow, complete and abort batches."""

    config: BatchResourceConfig

    def create_url_rules(self) -> list[dict[str, Any]]:
        """Routing; other methods are refused in the shape of all errors.

        None where there is no InvenioRDM: batches fill its drafts.
        """
        if find_spec("invenio_rdm_records") is None:
            return []
        calls = {
            "draft": {"POST": self.announce_for_draft},
            "version": {"POST": self.announce_for_new_version},
            "list": {"GET": self.search, "POST": self.announce_for_new_record},
            "item": {"GET": self.read, "PUT": self.extend},
            "complete": {"PUT": self.complete},
            "abort": {"PUT": self.abort},
            "files": {"GET": self.files, "POST": self.announce_more},
            "credentials": {"POST": self.credentials},
            "link": {"PUT": self.link},
            "links": {"PUT": self.link_all},
            "content": {"PUT": self.take_content},
        }
        return [
            rule
            for name, by_method in calls.items()
            for rule in self.routes_of(name, self.config.routes[name], by_method)
        ]

    def announce_for_draft(self) -> ResponseReturnValue:
        """POST /records/{id}/draft/uploads."""
        answer = current_multipart.batches.announce_for_draft(
            g.identity, view_args()["pid_value"], json_object()
        )
        return json_reply(answer, 201)

    def announce_for_new_version(self) -> ResponseReturnValue:
        """POST /records/{id}/uploads."""
        answer = current_multipart.batches.announce_for_new_version(
            g.identity, view_args()["pid_value"], json_object()
        )
        return json_reply(answer, 201)

    def announce_for_new_record(self) -> ResponseReturnValue:
        """POST /uploads."""
        answer = current_multipart.batches.announce_for_new_record(
            g.identity, json_object()
        )
        return json_reply(answer, 201)

    def search(self) -> ResponseReturnValue:
        """GET /uploads: mine."""
        query = request.args.to_dict()
        return json_reply(current_multipart.batches.search(g.identity, query))

    def read(self) -> ResponseReturnValue:
        """GET /uploads/{id}."""
        return json_reply(current_multipart.batches.read(*_caller()))

    def extend(self) -> ResponseReturnValue:
        """PUT /uploads/{id}; a grant in the address means nothing."""
        answer = current_multipart.batches.extend(
            g.identity, view_args()["batch_id"], json_object()
        )
        return json_reply(answer)

    def files(self) -> ResponseReturnValue:
        """GET /uploads/{id}/files; with ``format=lines`` for shells."""
        query = request.args.to_dict()
        query.pop(_CREDENTIAL, None)
        if query.get("format") == "lines":
            del query["format"]
            text = current_multipart.scripts.lines(*_caller(), query)
            return secret_reply(text.encode(), "text/plain")
        return json_reply(current_multipart.batches.files(*_caller(), query))

    def announce_more(self) -> ResponseReturnValue:
        """POST /uploads/{id}/files; a grant in the address means nothing."""
        answer = current_multipart.batches.announce_more(
            g.identity, view_args()["batch_id"], json_object()
        )
        return json_reply(answer, 201)

    def complete(self) -> ResponseReturnValue:
        """PUT /uploads/{id}/complete."""
        # A body that comes in chunks has no length.
        body = json_object() if request.get_data() else None
        return json_reply(current_multipart.batches.complete(*_caller(), body), 202)

    def abort(self) -> ResponseReturnValue:
        """PUT /uploads/{id}/abort."""
        return json_reply(current_multipart.batches.abort(*_caller()))

    def credentials(self) -> ResponseReturnValue:
        """POST /uploads/{id}/credentials."""
        return json_reply(current_multipart.batches.credentials(*_caller()))

    def link(self) -> ResponseReturnValue:
        """PUT /uploads/{id}/link/{source}/to/{target}; a body means nothing."""
        args = view_args()
        answer = current_multipart.batches.link(
            *_caller(), args["source"], args["target"]
        )
        return json_reply(answer)

    def link_all(self) -> ResponseReturnValue:
        """PUT /uploads/{id}/links; a body means nothing."""
        return json_reply(current_multipart.batches.link_all(*_caller()))

    def take_content(self) -> ResponseReturnValue:
        """PUT /uploads/{id}/content/{part}/{key}."""
        args, size = view_args(), request.content_length
        if size is None and "Transfer-Encoding" not in request.headers:
            # Who sends nothing need not say so (RFC 9112, 6.3).
            size = 0
        answer = current_multipart.batches.take_content(
            *_caller(),
            args["key"],
            args["part"],
            request.stream,
            size,
            parse_content_md5(request.headers.get("Content-MD5")),
        )
        return json_reply(answer)


def create_blueprint() -> Blueprint:
    """The blueprint of batches."""
    blueprint: Blueprint = BatchResource(BatchResourceConfig()).as_blueprint()
    return blueprint


def _caller() -> tuple[Any, Any, str | None]:
    """Who asks, for which batch, and with which grant."""
    return g.identity, view_args()["batch_id"], request.args.get(_CREDENTIAL)
