# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Whether a store computes full-object CRCs by itself: found out, never assumed.

Some stores accept the request for a checksum and ignore it, even a wrong one; some
refuse parts that come without one, as browsers send them. So a tiny upload is made
once per bucket and process, exactly as clients make theirs.
"""

from __future__ import annotations

import os
import threading
import uuid
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

_PROBE = b"invenio-multipart"
_PROBE_CRC = "MpSjQWeBtyA="
"""base64 CRC-64/NVME of the probe's bytes."""

_known: dict[tuple[int, str, str], bool] = {}
_lock = threading.Lock()


def proves_crc64nvme(client: Any, bucket: str) -> bool:
    """True where parts sent plainly end in an object with a right full CRC."""
    name = (os.getpid(), client.meta.endpoint_url, bucket)
    if name not in _known:
        with _lock:
            if name not in _known:
                _known[name] = _probe(client, bucket)
    return _known[name]


def _probe(client: Any, bucket: str) -> bool:
    at = {"Bucket": bucket, "Key": f".invenio-multipart-probe/{uuid.uuid4()}"}
    upload: str | None = None
    try:
        upload = client.create_multipart_upload(
            **at, ChecksumAlgorithm="CRC64NVME", ChecksumType="FULL_OBJECT"
        )["UploadId"]
        etag = client.upload_part(**at, UploadId=upload, PartNumber=1, Body=_PROBE)[
            "ETag"
        ]
        listed = client.list_parts(**at, UploadId=upload)["Parts"][0]
        if listed.get("ChecksumCRC64NVME") != _PROBE_CRC:
            return False
        part = {"PartNumber": 1, "ETag": etag, "ChecksumCRC64NVME": _PROBE_CRC}
        client.complete_multipart_upload(
            **at, UploadId=upload, MultipartUpload={"Parts": [part]}
        )
        upload = None
        head = client.head_object(**at, ChecksumMode="ENABLED")
        return bool(head.get("ChecksumCRC64NVME") == _PROBE_CRC)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500:
            # Not an answer to the question; the caller reports the outage.
            raise
        return False
    finally:
        _clean(client, at, upload)


def _clean(client: Any, at: dict[str, str], upload: str | None) -> None:
    try:
        if upload:
            client.abort_multipart_upload(**at, UploadId=upload)
        client.delete_object(**at)
    except (BotoCoreError, ClientError):
        # The probe's own crumbs are of no value to anybody; nothing depends on it.
        return
