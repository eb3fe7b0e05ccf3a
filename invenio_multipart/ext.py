# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The extension: wiring only."""

from __future__ import annotations

from functools import cached_property
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from flask import Flask
from sqlalchemy.orm.exc import ObjectDeletedError, StaleDataError

from . import config
from .errors import MultipartError
from .records.on_demand import read_on_demand
from .resources import serializer
from .resources.dashboard import add_to_menu
from .resources.errors import error_response, lost_race_response
from .resources.guard import refuse_malformed
from .services.content_digests import ContentDigestComponent, tell_digest
from .services.jobs.index import IndexService
from .services.jobs.service import JobService
from .services.links.origins import tell_origins
from .services.links.remote import archive_without_remote
from .services.overview import OverviewService
from .services.permissions import with_links
from .services.reaper.service import ReaperService
from .services.results import FilesAtOnce, RecordWithFiles, extend_result
from .services.uploads.service import UploadService
from .transfers.components import MultipartFileComponent, MultipartRecordComponent
from .transfers.imports import ImportedFilesComponent

if TYPE_CHECKING:
    from .services.batches.script import ScriptService
    from .services.batches.service import BatchService
    from .services.links.service import LinkService
    from .services.settings import SettingsService
    from .services.unfinished.service import UnfinishedService

_STOCK_FACTORIES = {
    "invenio_s3.s3fs_storage_factory",
    "invenio_s3:s3fs_storage_factory",
    "invenio_files_rest.storage.pyfs_storage_factory",
    "invenio_files_rest.storage:pyfs_storage_factory",
}
"""Upstream's factories: a site that names one of them gets ours, which does the
same for every file and knows multipart uploads besides."""

_STOCK_QUERIES = {
    "invenio_app_rdm.utils.files.checksum_verification_files_query",
    "invenio_app_rdm.utils.files:checksum_verification_files_query",
}
"""Which files InvenioRDM's fixity checks read; a site's own query is left alone."""

_COMPONENTS = {
    "RDM_DRAFT_FILES_SERVICE_COMPONENTS": MultipartFileComponent,
    "RDM_RECORDS_SERVICE_COMPONENTS": MultipartRecordComponent,
}


class InvenioMultipart:
    """Multipart uploads for an Invenio application.

    :param app: initialised at once when given.
    """

    def __init__(self, app: Flask | None = None) -> None:
        if app is not None:
            self.init_app(app)

    @cached_property
    def uploads(self) -> UploadService:
        """The upload service."""
        return UploadService()

    @cached_property
    def batches(self) -> BatchService:
        """The service of batches of files; for InvenioRDM only."""
        from .services.batches.service import BatchService

        return BatchService()

    @cached_property
    def scripts(self) -> ScriptService:
        """The service that writes scripts for batches; for InvenioRDM only."""
        from .services.batches.script import ScriptService

        return ScriptService()

    @cached_property
    def settings(self) -> SettingsService:
        """What a client should know beforehand; for InvenioRDM only."""
        from .services.settings import SettingsService

        return SettingsService()

    @cached_property
    def links(self) -> LinkService:
        """The service of files that share bytes."""
        from .services.links.service import LinkService

        return LinkService()

    @cached_property
    def unfinished(self) -> UnfinishedService:
        """What people have begun and not finished; for InvenioRDM only."""
        from .services.unfinished.service import UnfinishedService

        return UnfinishedService()

    @cached_property
    def jobs(self) -> JobService:
        """The job service."""
        return JobService()

    @cached_property
    def index(self) -> IndexService:
        """The service that rebuilds the search index."""
        return IndexService(self.jobs)

    @cached_property
    def reaper(self) -> ReaperService:
        """The clean-up."""
        return ReaperService()

    @cached_property
    def overview(self) -> OverviewService:
        """What operators see and may end."""
        return OverviewService()

    def init_app(self, app: Flask) -> None:
        """Set defaults, the error table and the periodic clean-up."""
        for name in dir(config):
            if name.startswith("MULTIPART_"):
                app.config.setdefault(name, getattr(config, name))
        if app.config.get("FILES_REST_STORAGE_FACTORY") in _STOCK_FACTORIES:
            from .overrides import FILES_REST_STORAGE_FACTORY

            app.config["FILES_REST_STORAGE_FACTORY"] = FILES_REST_STORAGE_FACTORY
        _expect_adopted(app)
        _verify_ours_only(app)
        app.before_request(refuse_malformed)
        app.after_request(tell_digest)
        # Upstream's own routes raise our errors too, so the handler is the app's.
        app.register_error_handler(MultipartError, error_response)
        app.register_error_handler(StaleDataError, lost_race_response)
        # Upstream reads an entry once more to show it, after its transaction.
        app.register_error_handler(ObjectDeletedError, lost_race_response)
        _schedule(app, "reaper", "MULTIPART_REAPER_INTERVAL_SECONDS", "reap_uploads")
        _schedule(app, "jobs", "MULTIPART_JOBS_INTERVAL_SECONDS", "run_due_jobs")
        app.extensions["invenio-multipart"] = self


def _expect_adopted(app: Flask) -> None:
    """Have objects of others read only as they were when they were linked."""
    # Sites with local files only do not install what it needs.
    if find_spec("invenio_s3") is not None:
        from .records.adopted import expectation
        from .storage.adopted import expect_by

        expect_by(expectation)


def _verify_ours_only(app: Flask) -> None:
    """Have InvenioRDM's fixity checks leave objects of others alone."""
    schedule = app.config.get("CELERY_BEAT_SCHEDULE") or {}
    for name, entry in schedule.items():
        named = entry.get("kwargs") or {}
        if named.get("files_query") in _STOCK_QUERIES:
            query = "invenio_multipart.records.adopted:files_to_verify"
            kwargs = {**named, "files_query": query}
            # Changed in place: Celery has kept the dictionary it was given.
            schedule[name] = {**entry, "kwargs": kwargs}


def _schedule(app: Flask, name: str, setting: str, task: str) -> None:
    seconds = app.config[setting]
    if seconds:
        # Changed in place: Celery has kept the dictionary it was given.
        schedule = app.config.setdefault("CELERY_BEAT_SCHEDULE", {})
        schedule.setdefault(
            f"multipart-{name}",
            {"task": f"invenio_multipart.tasks.{task}", "schedule": seconds},
        )


def finalize_app(app: Flask) -> None:
    """Put our components before upstream's, once all extensions have settings.

    Component lists are read from the configuration at each call, so this is the
    moment when a site's own lists are known and can be kept.
    """
    rdm = app.extensions.get("invenio-rdm-records")
    if rdm is None:
        return
    add_to_menu(app)
    records = rdm.records_service
    defaults = {
        "RDM_DRAFT_FILES_SERVICE_COMPONENTS": records.draft_files.config.components,
        "RDM_RECORDS_SERVICE_COMPONENTS": records.config.components,
    }
    for name, component in _COMPONENTS.items():
        present = list(app.config.get(name) or defaults[name])
        if component not in present:
            app.config[name] = [component, *present]
    name = "RDM_RECORDS_SERVICE_COMPONENTS"
    if ImportedFilesComponent not in app.config[name]:
        app.config[name] = [*app.config[name], ImportedFilesComponent]
    _tell_digests(app, rdm)
    # Read anew at each check, so that this is in time.
    policy = records.config.permission_policy_cls
    app.config["RDM_PERMISSION_POLICY"] = with_links(policy)
    # Media files have no setting for theirs; it is a plain class attribute there.
    media = rdm.records_media_files_service.draft_files.config
    if MultipartFileComponent not in media.components:
        media.components = [MultipartFileComponent, *media.components]
    _add_upload_link(records.draft_files.config)
    _add_upload_link(media)
    for service in (records, rdm.records_media_files_service):
        for files in (service.files, service.draft_files):
            read_on_demand(files.config.record_cls)
            tell_origins(files)
            extend_result(files.config, "file_result_list_cls", FilesAtOnce)
            archive_without_remote(files)
    extend_result(records.config, "result_item_cls", RecordWithFiles)
    serializer.use_for(rdm.draft_files_resource.config)
    serializer.use_for(rdm.draft_media_files_resource.config)


def _tell_digests(app: Flask, rdm: Any) -> None:
    """Have every service that hands out content remember whose it is."""
    settings = {
        "RDM_FILES_SERVICE_COMPONENTS": rdm.records_service.files.config,
        "RDM_DRAFT_FILES_SERVICE_COMPONENTS": rdm.records_service.draft_files.config,
    }
    for name, config_ in settings.items():
        present = list(app.config.get(name) or config_.components)
        if ContentDigestComponent not in present:
            app.config[name] = [*present, ContentDigestComponent]
    media = rdm.records_media_files_service
    for config_ in (media.files.config, media.draft_files.config):
        if ContentDigestComponent not in config_.components:
            config_.components = [*config_.components, ContentDigestComponent]


def _add_upload_link(service_config: Any) -> None:
    """Give files of every kind the address of their status."""
    from invenio_records_resources.services.files.links import FileEndpointLink

    names = {"draft_files": "multipart_draft_files"}
    names["draft_media_files"] = "multipart_draft_media_files"
    blueprint = names.get(service_config.name_of_file_blueprint)
    if blueprint is not None:
        service_config.file_links_item = {
            **service_config.file_links_item,
            "upload": FileEndpointLink(
                f"{blueprint}.upload_get", params=["pid_value", "key"]
            ),
        }
