# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The resources of jobs and of the index."""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, Response, g, jsonify, request
from flask_resources import Resource, ResourceConfig, route
from invenio_records_resources.resources.errors import ErrorHandlersMixin

from ..errors import JobNotFound, MultipartError
from ..proxies import current_multipart
from .errors import error_response

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)


class JobResourceConfig(ResourceConfig):  # type: ignore[misc]
    """Where the routes are."""

    blueprint_name = "multipart_jobs"
    url_prefix = ""
    routes = {
        # Not the uuid converter: a malformed id gets the same reply as an unknown one.
        "job": "/uploads/jobs/<job_id>",
        "build": "/multipart/index/build",
        "index": "/multipart/index/status",
    }
    error_handlers = {
        **ErrorHandlersMixin.error_handlers,
        MultipartError: error_response,
    }


class JobResource(ErrorHandlersMixin, Resource):  # type: ignore[misc]
    """How a job goes; and the rebuilding of the index."""

    config: JobResourceConfig

    def create_url_rules(self) -> list[dict[str, Any]]:
        """Routing; other methods are refused in the shape of all errors."""
        routes = self.config.routes
        return [
            route("GET", routes["job"], self.status),
            route("POST", routes["build"], self.build_index),
            route("GET", routes["index"], self.index_status),
            *self._refused(routes["job"], "POST", "PUT", "PATCH", "DELETE"),
            *self._refused(routes["build"], "GET", "PUT", "PATCH", "DELETE"),
            *self._refused(routes["index"], "POST", "PUT", "PATCH", "DELETE"),
        ]

    def status(self) -> Response:
        """GET /uploads/jobs/{id}: for whoever knows the id, which is random."""
        job_id = (request.view_args or {})["job_id"]
        if not _UUID.fullmatch(job_id):
            raise JobNotFound("No job has this id.")
        return _fresh(current_multipart.jobs.status(job_id))

    def build_index(self) -> Response:
        """POST /multipart/index/build: begin to rebuild the index."""
        return _fresh(current_multipart.index.build(g.identity), 202)

    def index_status(self) -> Response:
        """GET /multipart/index/status: how the index is."""
        return _fresh(current_multipart.index.status(g.identity))

    def method_not_allowed(self) -> Response:
        """The method means nothing here."""
        body = {"status": 405, "message": "Method not allowed.", "code": "not_allowed"}
        return _fresh(body | {"errors": []}, 405)

    def _refused(self, rule: str, *methods: str) -> list[dict[str, Any]]:
        name = next(name for name, path in self.config.routes.items() if path == rule)
        return [
            route(m, rule, self.method_not_allowed, endpoint=f"no_{m.lower()}_{name}")
            for m in methods
        ]


def _fresh(body: dict[str, Any], status: int = 200) -> Response:
    """A reply that nobody keeps: the next one may be another."""
    response = jsonify(body)
    response.status_code = status
    response.headers["Cache-Control"] = "no-store"
    return response


def create_blueprint() -> Blueprint:
    """The blueprint of both."""
    blueprint: Blueprint = JobResource(JobResourceConfig()).as_blueprint()
    return blueprint
