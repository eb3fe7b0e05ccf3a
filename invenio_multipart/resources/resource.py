# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The parts and status resources of a file: parse, call the service, serialise."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from flask import Blueprint, g, jsonify, request
from flask.typing import ResponseReturnValue
from flask_resources import Resource
from invenio_records_resources.proxies import current_service_registry
from invenio_records_resources.resources.errors import ErrorHandlersMixin

from ..proxies import current_multipart
from .config import UploadResourceConfig
from .refusals import RefusesOtherMethods
from .wire import json_object


class UploadResource(RefusesOtherMethods, ErrorHandlersMixin, Resource):  # type: ignore[misc]
    """How one file's upload goes, and where its parts go."""

    config: UploadResourceConfig

    def create_url_rules(self) -> list[dict[str, Any]]:
        """Routing."""
        calls = {
            "parts": {"GET": self.list_parts, "POST": self.register_parts},
            "part": {"PUT": self.register_part},
            "upload": {"GET": self.status, "PUT": self.extend},
        }
        return [
            rule
            for name, by_method in calls.items()
            for rule in self.routes_of(name, self.config.routes[name], by_method)
        ]

    def status(self) -> ResponseReturnValue:
        """GET .../upload: how the upload goes."""
        args = request.view_args or {}
        return jsonify(
            current_multipart.uploads.status(
                self.config.service_id, g.identity, args["pid_value"], args["key"]
            )
        )

    def extend(self) -> ResponseReturnValue:
        """PUT .../upload: a later deadline."""
        args = request.view_args or {}
        status = current_multipart.uploads.extend(
            self.config.service_id,
            g.identity,
            args["pid_value"],
            args["key"],
            json_object(),
        )
        return jsonify(status)

    def list_parts(self) -> ResponseReturnValue:
        """GET .../parts: what is there and what is missing."""
        args = request.view_args or {}
        page = current_multipart.uploads.list_parts(
            self.config.service_id,
            g.identity,
            args["pid_value"],
            args["key"],
            request.args.to_dict(),
            self._self_url(args),
        )
        following = page.pop("next")
        page["links"] = {"self": request.url}
        if following is not None:
            query = request.args.to_dict() | {"from": str(following)}
            arguments = "&".join(f"{name}={value}" for name, value in query.items())
            page["links"]["next"] = f"{request.base_url}?{arguments}"
        return jsonify(page)

    def register_parts(self) -> ResponseReturnValue:
        """POST .../parts: announce many parts, get a bound link for each."""
        return jsonify({"parts": self._register(request.get_json())})

    def register_part(self) -> ResponseReturnValue:
        """PUT .../parts/{n}: announce one part."""
        args = request.view_args or {}
        body = request.get_json()
        if isinstance(body, dict):
            body = {k: v for k, v in body.items() if k != "number"}
            body["part"] = args["part"]
        return jsonify(self._register([body])[0])

    def _register(self, announced: Any) -> list[dict[str, Any]]:
        args = request.view_args or {}
        links: list[dict[str, Any]] = current_multipart.uploads.register_parts(
            self.config.service_id,
            g.identity,
            args["pid_value"],
            args["key"],
            announced,
            self._self_url(args),
        )
        return links

    def _self_url(self, args: dict[str, Any]) -> str:
        """Address of the file entry, made by upstream's own link template."""
        service = current_service_registry.get(self.config.service_id)
        pid_value = args["pid_value"]
        url: str = service.config.file_links_item["self"].expand(
            SimpleNamespace(key=args["key"]), {"id": pid_value, "pid_value": pid_value}
        )
        return url


def create_blueprint(config: UploadResourceConfig) -> Blueprint:
    """The blueprint of one file service's upload routes."""
    blueprint: Blueprint = UploadResource(config).as_blueprint()
    return blueprint
