# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What a store does about checksums: found out, never assumed.

Some stores accept a checksum, or the request for one, and ignore it, even a wrong one;
some refuse parts that come without one, as browsers send them. So tiny uploads are made
once per bucket and process.
"""

from __future__ import annotations

import os
import threading
import uuid
from base64 import b64encode
from hashlib import sha256
from time import monotonic
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

_PROBE = b"invenio-multipart"
_PROBE_CRC = "MpSjQWeBtyA="
"""base64 CRC-64/NVME of the probe's bytes."""

_DAMAGED = {"BadDigest", "InvalidDigest", "XAmzContentChecksumMismatch"}
"""What stores call bytes that have another checksum than was said."""

_RIGHT = b64encode(sha256(_PROBE).digest()).decode("ascii")
_WRONG = b64encode(sha256(b"").digest()).decode("ascii")

_AGAIN_SECONDS = 60.0
"""A store that did not answer is not asked before."""

_Name = tuple[int, str, str]

_known: dict[_Name, bool] = {}
_lock = threading.Lock()
_refuses: dict[_Name, bool] = {}
_asked_at: dict[_Name, float] = {}
_asking = threading.Lock()


def proves_crc64nvme(client: Any, bucket: str) -> bool:
    """True where parts sent plainly end in an object with a right full CRC."""
    name = _name(client, bucket)
    if name not in _known:
        with _lock:
            if name not in _known:
                _known[name] = _probe(client, bucket)
    return _known[name]


def proves_sha256(client: Any, bucket: str) -> bool:
    """True where an object that has not the SHA-256 of its request is refused.

    False while nobody knows: the store does not answer, or is just being asked.
    """
    name = _name(client, bucket)
    if name not in _refuses and _asking.acquire(blocking=False):
        try:
            if monotonic() - _asked_at.get(name, -_AGAIN_SECONDS) >= _AGAIN_SECONDS:
                _asked_at[name] = monotonic()
                _refuses[name] = _refuses_wrong_sha256(client, bucket)
        except (BotoCoreError, ClientError):
            # Links are bound otherwise meanwhile; the outage is for others to report.
            return False
        finally:
            _asking.release()
    return _refuses.get(name, False)


def _name(client: Any, bucket: str) -> _Name:
    return os.getpid(), client.meta.endpoint_url, bucket


def _refuses_wrong_sha256(client: Any, bucket: str) -> bool:
    at = _place(bucket)
    try:
        client.put_object(**at, Body=_PROBE, ChecksumSHA256=_RIGHT)
        client.put_object(**at, Body=_PROBE, ChecksumSHA256=_WRONG)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500:
            raise
        # Other codes are those of stores that refuse the right one, too.
        return error.response["Error"]["Code"] in _DAMAGED
    finally:
        _clean(client, at, None)
    return False


def _place(bucket: str) -> dict[str, str]:
    return {"Bucket": bucket, "Key": f".invenio-multipart-probe/{uuid.uuid4()}"}


def _probe(client: Any, bucket: str) -> bool:
    at = _place(bucket)
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
