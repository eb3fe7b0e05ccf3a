# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Where the routes are."""

from __future__ import annotations

from flask_resources import ResourceConfig
from invenio_records_resources.resources.errors import ErrorHandlersMixin

from ..errors import MultipartError
from .errors import error_response


class UploadResourceConfig(ResourceConfig):  # type: ignore[misc]
    """Routes of one file service; each service gets a blueprint of its own.

    :param service_id: file service, as the service registry knows it.
    :param files_path: path of its files below a draft, "files" or "media-files".
    """

    url_prefix = "/records/<pid_value>/draft"
    error_handlers = {
        **ErrorHandlersMixin.error_handlers,
        MultipartError: error_response,
    }

    def __init__(self, blueprint_name: str, service_id: str, files_path: str) -> None:
        self.blueprint_name = blueprint_name
        self.service_id = service_id
        self.routes = {
            "parts": f"/{files_path}/<path:key>/parts",
            "part": f"/{files_path}/<path:key>/parts/<int:part>",
            "upload": f"/{files_path}/<path:key>/upload",
        }


DRAFT_FILES = UploadResourceConfig("multipart_draft_files", "draft-files", "files")
DRAFT_MEDIA_FILES = UploadResourceConfig(
    "multipart_draft_media_files", "draft-media-files", "media-files"
)
