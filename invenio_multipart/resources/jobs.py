# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The resources of jobs and of the index."""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, Response, g, jsonify, request
from flask_resources import Resource, ResourceConfig
from invenio_records_resources.resources.errors import ErrorHandlersMixin

from ..errors import JobNotFound, MultipartError
from ..proxies import current_multipart
from .errors import error_response
from .refusals import RefusesOtherMethods

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


class JobResource(RefusesOtherMethods, ErrorHandlersMixin, Resource):  # type: ignore[misc]
    """How a job goes; and the rebuilding of the index."""

    config: JobResourceConfig

    def create_url_rules(self) -> list[dict[str, Any]]:
        """Routing; other methods are refused in the shape of all errors."""
        calls = {
            "job": {"GET": self.status},
            "build": {"POST": self.build_index},
            "index": {"GET": self.index_status},
        }
        return [
            rule
            for name, by_method in calls.items()
            for rule in self.routes_of(name, self.config.routes[name], by_method)
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
