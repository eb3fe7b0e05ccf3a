# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What clients get to upload with: the uploader, and the script of a batch."""

from __future__ import annotations

from base64 import b64encode
from importlib.util import find_spec
from typing import Any

from flask import Blueprint, Response, g, request
from flask.typing import ResponseReturnValue
from flask_resources import Resource, ResourceConfig
from invenio_records_resources.resources.errors import ErrorHandlersMixin

from ..errors import MultipartError
from ..proxies import current_multipart
from ..services.uploader import zipapp
from .errors import error_response
from .refusals import RefusesOtherMethods
from .wire import secret_reply, view_args

_CREDENTIAL = "X-Upload-Credential"

_KEPT_SECONDS = 3600
"""How long caches keep the uploader before they ask whether there is a new one."""


class UploaderResourceConfig(ResourceConfig):  # type: ignore[misc]
    """Where the routes are."""

    blueprint_name = "multipart_uploader"
    url_prefix = ""
    routes = {
        "uploader": "/multipart/uploader.pyz",
        "script": "/records/<pid_value>/draft/uploads/<uuid:batch_id>/script",
    }
    error_handlers = {
        **ErrorHandlersMixin.error_handlers,
        MultipartError: error_response,
    }


class UploaderResource(RefusesOtherMethods, ErrorHandlersMixin, Resource):  # type: ignore[misc]
    """Programs for the machines that data is on."""

    config: UploaderResourceConfig

    def create_url_rules(self) -> list[dict[str, Any]]:
        """Routing; batches are for InvenioRDM only, and so is their script."""
        routes = self.config.routes
        rules = self.routes_of("uploader", routes["uploader"], {"GET": self.uploader})
        if find_spec("invenio_rdm_records") is not None:
            rules += self.routes_of("script", routes["script"], {"GET": self.script})
        return rules

    def uploader(self) -> ResponseReturnValue:
        """GET /multipart/uploader.pyz; for everybody."""
        program = zipapp()
        response = Response(program.content, mimetype="application/zip")
        _as_download(response, "uploader.pyz")
        response.set_etag(program.digest)
        digest = b64encode(bytes.fromhex(program.digest)).decode()
        response.headers["Repr-Digest"] = f"sha-256=:{digest}:"
        response.cache_control.public = True
        response.cache_control.max_age = _KEPT_SECONDS
        return response.make_conditional(request)

    def script(self) -> ResponseReturnValue:
        """GET /records/{id}/draft/uploads/{batch}/script."""
        args = view_args()
        text = current_multipart.scripts.script(
            g.identity,
            args["pid_value"],
            args["batch_id"],
            request.args.get(_CREDENTIAL),
        )
        response = secret_reply(text.encode(), "text/x-shellscript")
        return _as_download(response, "upload.sh")


def create_blueprint() -> Blueprint:
    """The blueprint of what to upload with."""
    blueprint: Blueprint = UploaderResource(UploaderResourceConfig()).as_blueprint()
    return blueprint


def _as_download(response: Response, name: str) -> Response:
    """Browsers save it, and do not guess what it is."""
    response.headers.set("Content-Disposition", "attachment", filename=name)
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
