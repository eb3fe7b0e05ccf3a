# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""One storage factory for locations of every kind."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from flask import current_app
from invenio_files_rest.helpers import make_path
from invenio_files_rest.storage import FileStorage, pyfs_storage_factory

from ..core.adopted import STORAGE_CLASS
from ..errors import NotAllowedHere
from .base import MultipartUploadMixin
from .local import LocalStorage
from .remote import RemoteStorage

if TYPE_CHECKING:
    from .prefix import ObjectPrefix


def storage_factory(**kwargs: Any) -> FileStorage:
    """The storage of a file, chosen by the scheme of its URI.

    Objects that belong to others, which the storage class tells, are only read.

    Takes what invenio-files-rest's factories take, so that it can stand in
    ``FILES_REST_STORAGE_FACTORY``: S3 and local locations live side by side.
    """
    instance = kwargs.get("fileinstance")
    if getattr(instance, "storage_class", None) == STORAGE_CLASS:
        # As below.
        from .adopted import adopted_storage

        return adopted_storage(instance)
    uri = getattr(instance, "uri", None) or kwargs.get("fileurl")
    uri = uri or kwargs.get("default_location") or ""
    return pyfs_storage_factory(filestorage_class=_storage_class(uri), **kwargs)


def multipart_storage(uri: str, size: int) -> MultipartUploadMixin:
    """The storage of an upload that has no file instance yet.

    :param uri: final place of the file.
    :param size: declared bytes.
    :raises NotAllowedHere: for a location that takes no multipart uploads.
    """
    storage = _storage_class(uri)(uri, size=size)
    if not isinstance(storage, MultipartUploadMixin):
        raise NotAllowedHere("This storage location takes no multipart uploads.")
    return storage


def object_prefix(uri: str) -> ObjectPrefix:
    """The folder of an object store in which a batch's objects lie.

    :param uri: ``s3://bucket/path/``.
    """
    # As below: sites with local files only do not install what it needs.
    from .prefix import ObjectPrefix

    return ObjectPrefix(uri)


def sign_reads(uris: Iterable[str], expires: int) -> tuple[dict[str, str], datetime]:
    """Links for reading objects of a store, see :func:`.s3_reading.sign_reads`."""
    # As below.
    from .s3_reading import sign_reads as sign

    return sign(uris, expires)


def new_uri(location_uri: str, file_id: str) -> str:
    """Where a new file goes: fresh and unguessable, laid out as upstream does."""
    uri: str = make_path(
        location_uri,
        file_id,
        "data",
        current_app.config["FILES_REST_STORAGE_PATH_DIMENSIONS"],
        current_app.config["FILES_REST_STORAGE_PATH_SPLIT_LENGTH"],
    )
    return uri


def _storage_class(uri: str) -> type:
    if uri.startswith(("https://", "http://")):
        return RemoteStorage
    if not uri.startswith("s3://"):
        return LocalStorage
    # invenio-s3 is an extra: a site with local files only does not install it.
    from .s3 import S3Storage

    return S3Storage
