# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Are temporary credentials of this site as narrow as they should be? Tried, not read.

A session is issued for a folder of its own and then used for what it must not do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any

from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError, ClientError
from botocore.httpsession import URLLib3Session
from flask import current_app

from ..errors import MultipartError, NoTemporaryCredentials, StorageUnavailable
from ..storage.revoke import can_revoke, probe_folder, session_writes
from ..storage.s3_client import connection, translated
from ..storage.sts import (
    TemporaryCredentials,
    provider_for,
    session_client,
    sts_client,
)
from .findings import Finding

MAX_SKEW_SECONDS = 30
"""Sessions end by the store's clock, batches by ours."""


def examine_sts(location_uri: str) -> Iterator[Finding]:
    """Findings about one S3 location.

    The caller holds the lock of :func:`~invenio_multipart.storage.revoke.revoke`.
    """
    if not current_app.config["MULTIPART_STS_ENDPOINT_URL"]:
        text = "No temporary credentials: MULTIPART_STS_ENDPOINT_URL is not set."
        yield Finding(text, ok=None)
        return
    where = f"Temporary credentials for {location_uri}"
    try:
        yield from _examine(where, location_uri)
    except NoTemporaryCredentials as error:
        yield Finding(f"{where}: {error.message} See the log.", ok=False)
    except MultipartError as error:
        yield Finding(f"{where}: {error.message}", ok=False)


def _examine(where: str, location_uri: str) -> Iterator[Finding]:
    bucket, prefix = probe_folder(location_uri)
    session = provider_for(location_uri).issue(
        bucket, f"{prefix}in/", 900, "invenio-multipart-doctor"
    )
    client = session_client(session)
    try:
        if not session_writes(client, bucket, f"{prefix}in/a"):
            text = f"{where}: a session cannot write; see the policy of the role."
            yield Finding(text, ok=False)
            return
        yield _held(where, client, bucket, prefix)
        yield from _assuming(where, session)
        yield _public(where, client, bucket, f"{prefix}in/public")
        yield _revocation(where, location_uri)
        yield _clock()
    finally:
        _clean(bucket, prefix)


def _held(where: str, client: Any, bucket: str, prefix: str) -> Finding:
    inside, outside = f"{prefix}in/a", f"{prefix}in2/a"
    tries: dict[str, Callable[[], object]] = {
        "write outside": lambda: client.put_object(
            Bucket=bucket, Key=outside, Body=b""
        ),
        "list outside": lambda: client.list_objects_v2(Bucket=bucket, Prefix=prefix),
        "read": lambda: client.get_object(Bucket=bucket, Key=inside),
        "delete": lambda: client.delete_object(Bucket=bucket, Key=inside),
    }
    possible = [name for name, call in tries.items() if not _refused(call)]
    if possible:
        can = ", ".join(possible)
        text = f"{where}: the store ignores session policies; a session can {can}."
        return Finding(text, ok=False)
    return Finding(f"{where}: sessions write below their prefix only.", ok=True)


def _assuming(where: str, session: TemporaryCredentials) -> Iterator[Finding]:
    public = connection().public_client.meta.endpoint_url
    internal = current_app.config["MULTIPART_STS_ENDPOINT_URL"]
    if _assumes(session, public):
        yield Finding(
            f"{where}: at {public} a session can assume its role again without its "
            "limits. Serve STS at an address of its own that clients cannot reach.",
            ok=False,
        )
        return
    yield Finding(f"{where}: sessions cannot assume a role at {public}.", ok=True)
    if _assumes(session, internal):
        yield Finding(
            f"{where}: at {internal} a session can assume its role again without "
            "its limits. Clients must not reach that address, and the role's own "
            "policy should be as narrow as the manual says.",
            ok=None,
        )


def _assumes(session: TemporaryCredentials, endpoint_url: str) -> bool:
    role = current_app.config["MULTIPART_STS_ROLE_ARN"]
    client = sts_client(session, endpoint_url)
    return not _refused(
        lambda: client.assume_role(
            RoleArn=role or "arn:aws:iam::000000000000:role/invenio-multipart",
            RoleSessionName="invenio-multipart-doctor",
            DurationSeconds=900,
        )
    )


def _public(where: str, client: Any, bucket: str, key: str) -> Finding:
    """An ACL is given with the object; no policy of Ceph's can forbid that."""
    if _refused(
        lambda: client.put_object(Bucket=bucket, Key=key, Body=b"", ACL="public-read")
    ):
        return Finding(f"{where}: sessions cannot publish objects.", ok=True)
    status, _ = _anonymous(connection().object_url(bucket, key))
    if status != 200:
        return Finding(f"{where}: sessions cannot publish objects.", ok=True)
    return Finding(
        f"{where}: a session can make its objects readable for everybody. Set "
        f"IgnorePublicAcls in the public access block of the bucket {bucket}.",
        ok=False,
    )


def _revocation(where: str, location_uri: str) -> Finding:
    if can_revoke(location_uri):
        return Finding(f"{where}: sessions can be revoked.", ok=True)
    return Finding(
        f"{where}: sessions cannot be revoked; they end by themselves, at the "
        "deadline of their batch.",
        ok=None,
    )


def _clock() -> Finding:
    before = datetime.now(timezone.utc)
    _, date = _anonymous(connection().client.meta.endpoint_url)
    after = datetime.now(timezone.utc)
    if not date:
        return Finding("The store does not tell its time.", ok=None)
    ours = before + (after - before) / 2
    skew = round((parsedate_to_datetime(date) - ours).total_seconds())
    return Finding(
        f"The store's clock differs from ours by {skew} s.",
        ok=abs(skew) <= MAX_SKEW_SECONDS,
    )


def _anonymous(url: str) -> tuple[int, str | None]:
    """Status and Date of a reply to nobody in particular."""
    session = URLLib3Session(timeout=10)
    try:
        reply = session.send(AWSRequest("GET", url).prepare())
        return reply.status_code, reply.headers.get("Date")
    except BotoCoreError as error:
        raise StorageUnavailable("The object store cannot be reached.") from error
    finally:
        session.close()


def _refused(call: Callable[[], object]) -> bool:
    try:
        call()
    except ClientError:
        return True
    except BotoCoreError as error:
        raise StorageUnavailable("The object store cannot be reached.") from error
    return False


def _clean(bucket: str, prefix: str) -> None:
    client = connection().client
    with translated("deleting probes"):
        for name in ("in/a", "in/public", "in2/a"):
            client.delete_object(Bucket=bucket, Key=f"{prefix}{name}")
