# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Methods that mean nothing at an address of ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import Response, jsonify
from flask_resources import route

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


class RefusesOtherMethods:
    """Mixed into a resource: every method of its routes has an answer.

    One that has none would fall through to upstream's item route, where that is
    mounted below, and act on a file called "x/parts".
    """

    def method_not_allowed(self) -> Response:
        """The method means nothing here."""
        body = {"status": 405, "message": "Method not allowed.", "code": "not_allowed"}
        response = jsonify(body | {"errors": []})
        response.status_code = 405
        response.headers["Cache-Control"] = "no-store"
        return response

    def routes_of(
        self, name: str, path: str, calls: Mapping[str, Callable[[], Any]]
    ) -> list[dict[str, Any]]:
        """Routing of one path.

        :param name: what its endpoints are called.
        :param calls: views by method; all others are refused.
        """
        return [
            route(
                method,
                path,
                calls.get(method, self.method_not_allowed),
                endpoint=f"{name}_{method.lower()}",
            )
            for method in _METHODS
        ]
