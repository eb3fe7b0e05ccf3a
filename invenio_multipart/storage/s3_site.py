# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""How a bucket is set up, as far as one can find out from outside. Tried, not read.

What is asked here leaves nothing behind; only the doctor asks.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any

from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError
from botocore.httpsession import URLLib3Session

from ..errors import StorageError, StorageUnavailable
from .s3_client import connection, translated


@dataclass(frozen=True)
class BrowserView:
    """What a page of another origin may do.

    :param may_put: send a part with an MD5.
    :param sees_etag: read the ETag of the reply, which the deposit page does.
    """

    may_put: bool
    sees_etag: bool


def clock_skew(bucket: str) -> float | None:
    """By how many seconds the store's clock is ahead; None if it tells no time."""
    before = datetime.now(timezone.utc)
    with translated("asking for the time"):
        reply = connection().client.head_bucket(Bucket=bucket)
    after = datetime.now(timezone.utc)
    told = reply["ResponseMetadata"]["HTTPHeaders"].get("date")
    if not told:
        return None
    # The header has whole seconds: on the average it is half a second behind.
    ours = before + (after - before) / 2
    return (parsedate_to_datetime(told) - ours).total_seconds() + 0.5


def browser_view(bucket: str, origin: str) -> BrowserView:
    """Send a tiny object as a page of ``origin`` does, and remove it again."""
    s3, key = connection(), f".invenio-multipart-probe/{uuid.uuid4()}"
    url = s3.public_client.generate_presigned_url(
        "put_object", Params={"Bucket": bucket, "Key": key}, ExpiresIn=60
    )
    asks = {
        "Origin": origin,
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "content-md5",
    }
    with _session() as session:
        preflight = _send(session, "OPTIONS", url, asks)
        put = _send(session, "PUT", url, {"Origin": origin}, b"probe")
    with translated("deleting a probe"):
        s3.client.delete_object(Bucket=bucket, Key=key)
    if put.status_code not in (200, 403):
        raise StorageError(f"The object store answered {put.status_code} to a link.")
    methods = preflight.headers.get("Access-Control-Allow-Methods", "")
    allowed = preflight.headers.get("Access-Control-Allow-Headers", "").lower()
    may_put = (
        preflight.status_code < 300
        and _lets_in(preflight.headers, origin)
        and "PUT" in methods.upper()
        and ("content-md5" in allowed or "*" in allowed)
    )
    exposed = put.headers.get("Access-Control-Expose-Headers", "").lower()
    names = {name.strip() for name in exposed.split(",")}
    sees = _lets_in(put.headers, origin) and bool({"etag", "*"} & names)
    return BrowserView(may_put, sees)


def abort_rule_days(bucket: str) -> int | None:
    """After how many days the store itself aborts uploads, the shortest; None: never.

    :raises StorageError: the store has no such rules.
    """
    with translated("reading its lifecycle rules"):
        client = connection().client
        try:
            reply = client.get_bucket_lifecycle_configuration(Bucket=bucket)
        except client.exceptions.ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchLifecycleConfiguration":
                return None
            raise
    days = [
        rule["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"]
        for rule in reply.get("Rules", [])
        if rule.get("Status") == "Enabled" and "AbortIncompleteMultipartUpload" in rule
    ]
    return min(days, default=None)


def public_origin() -> str:
    """Scheme, host and port by which clients reach the store."""
    url: str = connection().public_client.meta.endpoint_url
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}"


def _lets_in(headers: Mapping[str, str], origin: str) -> bool:
    return headers.get("Access-Control-Allow-Origin") in ("*", origin)


@contextmanager
def _session() -> Iterator[Any]:
    session = URLLib3Session(timeout=10)
    try:
        yield session
    except BotoCoreError as error:
        raise StorageUnavailable("The object store cannot be reached.") from error
    finally:
        session.close()


def _send(
    session: Any, method: str, url: str, headers: Mapping[str, str], body: bytes = b""
) -> Any:
    request = AWSRequest(method, url, headers=dict(headers), data=body)
    return session.send(request.prepare())
