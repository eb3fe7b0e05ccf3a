# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Blueprints."""

from __future__ import annotations

from flask import Blueprint, Flask

from .resources.batches import create_blueprint as create_batches
from .resources.config import DRAFT_FILES, DRAFT_MEDIA_FILES
from .resources.contents import create_blueprint as create_contents
from .resources.dashboard import create_blueprint as create_dashboard
from .resources.deposit import create_blueprint as create_deposit
from .resources.jobs import create_blueprint as create_jobs
from .resources.links import create_blueprint as create_links
from .resources.resource import create_blueprint
from .resources.uploader import create_blueprint as create_uploader


def create_ui_blueprint(app: Flask) -> Blueprint:
    """Templates of the pages."""
    return Blueprint("invenio_multipart", __name__, template_folder="templates")


def create_dashboard_blueprint(app: Flask) -> Blueprint:
    """Pages of a user's dashboard."""
    return create_dashboard()


def create_draft_files_blueprint(app: Flask) -> Blueprint:
    """Upload routes of the files of drafts."""
    return create_blueprint(DRAFT_FILES)


def create_draft_media_files_blueprint(app: Flask) -> Blueprint:
    """Upload routes of the media files of drafts."""
    return create_blueprint(DRAFT_MEDIA_FILES)


def create_jobs_blueprint(app: Flask) -> Blueprint:
    """Routes of jobs and of the index."""
    return create_jobs()


def create_batches_blueprint(app: Flask) -> Blueprint:
    """Routes of batches of files."""
    return create_batches()


def create_contents_blueprint(app: Flask) -> Blueprint:
    """Routes of contents: links to them, and digests."""
    return create_contents()


def create_deposit_blueprint(app: Flask) -> Blueprint:
    """Routes for pages on which people upload."""
    return create_deposit()


def create_links_blueprint(app: Flask) -> Blueprint:
    """Routes of links."""
    return create_links()


def create_uploader_blueprint(app: Flask) -> Blueprint:
    """Routes of the uploader and of scripts."""
    return create_uploader()
