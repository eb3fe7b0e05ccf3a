# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""One botocore client per process and configuration, and its errors in our words.

invenio-s3 drives s3fs, which runs an event loop in a thread for each call. The few
control calls of a multipart upload use botocore directly: it is installed with
s3fs anyway, pools connections and is safe to share between threads.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.credentials import Credentials as BotoCredentials
from botocore.exceptions import BotoCoreError, ClientError
from botocore.utils import parse_timestamp
from flask import current_app

from ..core.sigv4 import Credentials, encode_path
from ..errors import (
    MultipartError,
    ObjectMissing,
    PartsMismatch,
    StorageError,
    StorageUnavailable,
    UploadGone,
)

_UPLOAD_GONE = {"NoSuchUpload", "NoSuchKey"}
"""Ceph names the key, not the upload, when a listed upload was aborted."""

_PARTS = {"InvalidPart", "InvalidPartOrder", "EntityTooSmall", "BadDigest"}
_BUSY = {"SlowDown", "ServiceUnavailable", "InternalError", "RequestTimeout", "503"}


@dataclass(frozen=True)
class S3Connection:
    """A client and what signing needs to know beside it.

    :param single_client: tries once, for the one call whose repetition costs.
    :param public_client: addresses objects as clients of the site see them.
    """

    client: Any
    single_client: Any
    public_client: Any
    credentials: BotoCredentials
    region: str
    _bucket_urls: dict[str, str] = field(default_factory=dict)

    def signing_credentials(self) -> Credentials:
        """The keys of this moment; roles of cloud machines rotate theirs."""
        frozen = self.credentials.get_frozen_credentials()
        return Credentials(frozen.access_key, frozen.secret_key, frozen.token)

    def object_url(self, bucket: str, key: str) -> str:
        """Public URL of an object without query, in the addressing style in use."""
        if bucket not in self._bucket_urls:
            # The client's own way, which takes a millisecond, decides on the style.
            url: str = self.public_client.generate_presigned_url(
                "put_object", Params={"Bucket": bucket, "Key": "k"}
            )
            self._bucket_urls[bucket] = url.partition("?")[0].removesuffix("k")
        return self._bucket_urls[bucket] + encode_path(key)


_connections: dict[tuple[int, str], S3Connection] = {}
_lock = threading.Lock()


def connection() -> S3Connection:
    """The connection for the current application's S3 settings.

    Settings are invenio-s3's own; there is one more, the address that signed
    links carry (``MULTIPART_S3_PUBLIC_ENDPOINT_URL``).
    """
    info = current_app.extensions["invenio-s3"].init_s3fs_info
    public = current_app.config["MULTIPART_S3_PUBLIC_ENDPOINT_URL"]
    # A client does not survive a fork, so the process is part of the name.
    name = (os.getpid(), repr((info, public)))
    found = _connections.get(name)
    if found is None:
        with _lock:
            found = _connections.get(name) or _connect(info, public)
            _connections[name] = found
    return found


def _connect(info: dict[str, Any], public_endpoint: str | None) -> S3Connection:
    session = botocore.session.Session()
    session.get_component("response_parser_factory").set_parser_defaults(
        timestamp_parser=_moment
    )
    if info.get("key"):
        session.set_credentials(info["key"], info["secret"], info.get("token"))
    options = dict(info["client_kwargs"])
    options.setdefault("region_name", "us-east-1")
    config = Config(
        connect_timeout=5,
        # Putting 10,000 parts together takes minutes on some stores.
        read_timeout=300,
        max_pool_connections=50,
        retries={"mode": "standard", "max_attempts": 3},
    ).merge(
        Config(
            **{
                # Not every store knows the newer default checksums.
                "request_checksum_calculation": "when_required",
                "response_checksum_validation": "when_required",
                **info["config_kwargs"],
            }
        )
    )
    client = session.create_client("s3", config=config, **options)
    once = config.merge(Config(retries={"total_max_attempts": 1}))
    single_client = session.create_client("s3", config=once, **options)
    public_client = client
    if public_endpoint:
        options["endpoint_url"] = public_endpoint
        public_client = session.create_client("s3", config=config, **options)
    credentials = session.get_credentials()
    if credentials is None:
        raise StorageError("No S3 credentials are configured.")
    region = options["region_name"]
    return S3Connection(client, single_client, public_client, credentials, region)


def _moment(value: Any) -> datetime:
    """A time as botocore reads it, which takes it many times as long.

    More than half of what a page of a listing costs us are the times in it.
    """
    if isinstance(value, str) and value.endswith("Z"):
        try:
            return datetime.fromisoformat(f"{value[:-1]}+00:00")
        except ValueError:
            # As many digits of a second as Python does not take.
            pass
    moment: datetime = parse_timestamp(value)
    return moment


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Turn botocore's errors into ours; ``doing`` completes "while ...".

    :raises UploadGone: the store does not know the upload.
    :raises PartsMismatch: the store refuses the parts.
    :raises StorageUnavailable: no or an overloaded connection.
    :raises StorageError: anything else the store said.
    """
    try:
        yield
    except ClientError as error:
        raise _from_client_error(error, doing) from error
    except BotoCoreError as error:
        raise StorageUnavailable(
            f"The object store cannot be reached while {doing}."
        ) from error


def _from_client_error(error: ClientError, doing: str) -> MultipartError:
    code = str(error.response.get("Error", {}).get("Code", ""))
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in _UPLOAD_GONE:
        return UploadGone(f"The object store does not know the upload ({doing}).")
    if code in _PARTS:
        return PartsMismatch([f"The object store refused the parts: {code}."])
    if code == "404" or status == 404:
        return ObjectMissing(f"The object is not in the store ({doing}).")
    # 501 is an answer: this store will never do it.
    if code in _BUSY or (status >= 500 and status != 501):
        return StorageUnavailable(f"The object store is not available ({doing}).")
    return StorageError(f"The object store answered {code or status} while {doing}.")
