# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Where an upload meets the life of its file and its draft.

Both components stand before upstream's own: they act while the file entries and
the bucket are still there.
"""

from __future__ import annotations

from typing import Any

from flask import current_app
from flask_principal import Identity
from invenio_records_resources.services.files.components import FileServiceComponent
from invenio_records_resources.services.files.transfer.constants import (
    MULTIPART_TRANSFER_TYPE,
    REMOTE_TRANSFER_TYPE,
)
from invenio_records_resources.services.records.components import ServiceComponent

from ..core.about import check_about
from ..core.digests import parse_digest
from ..core.states import UploadState
from ..errors import UploadForbidden, UploadsUnfinished
from ..proxies import current_multipart
from ..records import entries, uploads
from ..records.models import Upload
from ..records.on_demand import hold
from ..records.publishing import move_at_once
from ..services.batches.end import end_batch
from ..services.batches.holders import buckets
from ..services.batches.lock import require_unlocked
from ..services.free import end_buckets, end_entries
from ..services.links import remote
from ..services.links.schema import wanted_link
from ..services.permissions import links_content
from ..services.results import tell_only, wants_little
from ..services.uploads.abort import abort, abort_all
from ..services.uploads.commit import compare_declared
from ..services.uploads.finalize import FileTarget, refresh
from ..services.uploads.initiate import checked_key
from ..services.uploads.service import upload_of
from .incoming import declared_checksum
from .links import show_part_links


class MultipartFileComponent(FileServiceComponent):  # type: ignore[misc]
    """Ends uploads and the use of bytes wherever a file entry ends."""

    def init_files(
        self, identity: Identity, id_: str, record: Any, data: list[dict[str, Any]]
    ) -> None:
        """Check new M files, and make room for a key that is begun again.

        :raises InvalidKey: unsafe key.
        :raises InvalidMetadata: about a file of any kind, what pages cannot show.
        :raises UploadForbidden: it could be begun but never finished.
        """
        for entry in data:
            check_about(entry.get("metadata"))
            if entry["transfer"]["type"] != MULTIPART_TRANSFER_TYPE:
                continue
            checked_key(entry["key"])
            # Some policies let begin what they do not let finish.
            if not self.service.check_permission(
                identity, "set_content_files", record=record, file_metadata=entry
            ):
                raise UploadForbidden("Multipart uploads are not allowed here.")
        keys = [entry["key"] for entry in data]
        if record.files.enabled:
            hold(record.files, keys)
            _check_remote(data)
            # What a request that came too late has left there.
            new = [key for key in keys if key not in record.files]
            end_entries(record.files, self.uow, new)
            self._link(identity, record, data)
            self._replace_pending(record, [entry["key"] for entry in data])
        if wants_little():
            tell_only(record.files, keys)

    def _link(
        self, identity: Identity, record: Any, data: list[dict[str, Any]]
    ) -> None:
        """Make the links of a request, all at once, and take them out of it."""
        links = [entry for entry in data if links_content(entry)]
        if not links:
            return
        wanted = [wanted_link(entry, entry["transfer"]) for entry in links]
        made = current_multipart.links.link_files(
            self.service, identity, record, wanted, self.uow
        )
        # The components after us, upstream's first of all, see what is left.
        data[:] = [entry for entry in data if not links_content(entry)]
        cls = record.files.file_cls
        keys = {link.key for link in made}
        for model in entries.present(cls.model_cls, record.id, keys):
            record.files.entries[model.key] = cls(model.data, model=model)

    def _replace_pending(self, record: Any, keys: list[str]) -> None:
        found = [record.files[key] for key in set(keys) if key in record.files]
        for file_record, upload in _locked([f for f in found if _is_multipart(f)]):
            # A commit we waited for has made it a file, which is not replaced.
            if upload is None or upload.status is not UploadState.COMPLETED:
                if upload is not None:
                    abort(upload, self.uow)
                record.files.delete(file_record.key, remove_obj=False, remove_rf=True)

    def read_file_metadata(
        self, identity: Identity, id_: str, file_key: str, record: Any
    ) -> None:
        """A single file is read: its reply holds the part links."""
        show_part_links(record.files[file_key])

    def update_file_metadata(
        self, identity: Identity, id_: str, file_key: str, record: Any, data: Any
    ) -> None:
        """Hold what is said about a file against what pages can show.

        :raises InvalidMetadata: it cannot be shown.
        """
        check_about((data or {}).get("metadata"))

    def delete_file(
        self,
        identity: Identity,
        id_: str,
        file_key: str,
        record: Any,
        deleted_file: Any,
    ) -> None:
        """End the use of its bytes, also of those that were never committed."""
        end_entries(record.files, self.uow, [file_key])

    def delete_all_files(
        self, identity: Identity, id_: str, record: Any, results: list[Any]
    ) -> None:
        """End all uploads, and remove rows that would block their keys.

        Upstream only marks the rows as deleted; a new file of the same key would
        then break a unique index.

        :raises StateConflict: a commit is under way.
        """
        # With them goes the batch that was to bring some of them.
        end_batch(record, self.uow)
        pending = [file_record for file_record in results if _is_multipart(file_record)]
        # Not waiting, for the reason that a single delete has.
        for _, upload in _locked(pending, wait=False):
            if upload is not None:
                abort(upload, self.uow)
        for file_record in results:
            model = file_record.model
            type(model).query.filter_by(id=model.id).delete()
        end_entries(record.files, self.uow)

    def commit_file(
        self, identity: Identity, id_: str, file_key: str, record: Any
    ) -> None:
        """Hold a repeated commit's digest against a file that is complete.

        :raises ChecksumMismatch: it differs; the file stays as it is.
        """
        file_record = record.files.get(file_key)
        if file_record is None or _is_multipart(file_record):
            return
        upload = upload_of(file_record)
        if upload is None:
            return
        checksum = declared_checksum()
        if checksum is not None:
            compare_declared(upload, parse_digest(checksum))
        # Upstream writes the entry again, and of parallel repeats all shall succeed.
        refresh(FileTarget(file_record), lock=True)


class MultipartRecordComponent(ServiceComponent):  # type: ignore[misc]
    """Ends uploads and uses with their draft, and holds back an early publication."""

    def publish(
        self, identity: Identity, draft: Any = None, record: Any = None
    ) -> None:
        """Refuse while uploads are unfinished, naming them.

        :raises UploadsUnfinished: with key and state of each.
        :raises BatchOpen: a batch of files is on its way into the draft.
        """
        require_unlocked(draft)
        early = current_app.config["MULTIPART_PUBLISH_REQUIRES"] == "committed"
        waiting = [
            (upload.key, upload.state)
            for upload in uploads.open_of_record(draft.id)
            if not (early and upload.status is UploadState.VERIFYING)
        ]
        if waiting:
            raise UploadsUnfinished(waiting)
        # What was deleted from the draft is nothing that was published. An edit has a
        # bucket of its own, which goes with it.
        if record.bucket_id is None:
            end_entries(draft.files, self.uow)
            end_entries(draft.media_files, self.uow)
            if draft.files.enabled and draft.files.bucket is not None:
                move_at_once(draft.files, record.files)
        else:
            end_buckets(buckets(draft), self.uow)

    def update_draft(
        self,
        identity: Identity,
        data: Any = None,
        record: Any = None,
        errors: Any = None,
    ) -> None:
        """End all uploads when files are switched off."""
        enabled = (data or {}).get("files", {}).get("enabled", True)
        if enabled is False and record.files.enabled:
            end_batch(record, self.uow)
            abort_all(uploads.open_of_record(record.id), self.uow)

    def delete_draft(
        self,
        identity: Identity,
        draft: Any = None,
        record: Any = None,
        force: bool = False,
    ) -> None:
        """End all uploads of a draft before its bucket goes."""
        end_batch(draft, self.uow)
        abort_all(uploads.open_of_record(draft.id), self.uow)
        end_buckets(buckets(draft), self.uow)


def _check_remote(data: list[dict[str, Any]]) -> None:
    """Check the addresses of a request together, before anything is locked for it."""
    kept = [
        entry["transfer"]
        for entry in data
        if entry["transfer"]["type"] == REMOTE_TRANSFER_TYPE
        and not links_content(entry)
    ]
    if kept:
        for transfer, url in zip(kept, remote.checked_urls(t["url"] for t in kept)):
            transfer["url"] = url
        remote.await_turn()


def _locked(
    file_records: list[Any], *, wait: bool = True
) -> list[tuple[Any, Upload | None]]:
    """Pending files with their uploads, locked in one order for all requests."""
    pairs = [(file_record, upload_of(file_record)) for file_record in file_records]
    pairs.sort(key=lambda pair: str(pair[1] and pair[1].id))
    return [
        (file_record, upload and uploads.locked(upload.id, wait=wait))
        for file_record, upload in pairs
    ]


def _is_multipart(file_record: Any) -> bool:
    return bool(file_record.transfer.transfer_type == MULTIPART_TRANSFER_TYPE)
