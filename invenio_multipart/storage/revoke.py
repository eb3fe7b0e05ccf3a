# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""End sessions before their time: whether that works is found out, never assumed.

Stores differ. MinIO revokes sessions by a mark they were issued with, and heeds no
bucket policy for them. Ceph and AWS revoke nothing, but heed a bucket policy at once.

No store looks at a request again that it has let in: a PUT whose header arrived
before the revocation may bring its body, and replace an object, at any time after.
Whoever needs bytes that stay what they are copies them to a key no session may write.
"""

from __future__ import annotations

import json
import os
import threading
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError, ClientError
from botocore.httpsession import URLLib3Session
from flask import current_app

from ..core.policies import close_folders, reopen_folders
from ..errors import StorageUnavailable
from .s3_client import connection, translated
from .sts import provider_for, revocation_mark, session_client, speaks_minio

_ROUNDS = 4
_LOOKS = 3
_WAIT_SECONDS = 0.3


def revoke(bucket: str, prefix: str, access_keys: Sequence[str]) -> bool:
    """Stop all sessions of a prefix from writing, and from listing what is there.

    Callers hold a lock: on some stores the bucket's policy is read and written back.
    There, listing is refused to the role that ``MULTIPART_STS_ROLE_ARN`` names.

    :param access_keys: of every session that was handed out for the prefix.
    :returns: True when every request that starts from now on is refused, and only
        then; False leaves things as they were, as far as the store allows.
    :raises StorageUnavailable: the store cannot be reached; nothing is known.
    """
    return not access_keys or _way().revoke(bucket, prefix, access_keys)


def lift(bucket: str, prefixes: Iterable[str]) -> None:
    """Forget prefixes whose sessions have all expired; unknown ones do no harm.

    A bucket policy has room for about 140 prefixes. Callers hold the same lock.

    :raises StorageError: the store refuses it; it may be tried again.
    """
    _way().lift(bucket, prefixes)


def can_revoke(location_uri: str) -> bool:
    """True where a session has been seen to lose its rights in this location.

    Asked once per location and process. Callers hold the lock of :func:`revoke`.

    :raises NoTemporaryCredentials: this location has no sessions at all.
    :raises StorageUnavailable: the store cannot be reached.
    """
    name = (
        os.getpid(),
        connection().client.meta.endpoint_url,
        current_app.config["MULTIPART_STS_ENDPOINT_URL"],
        location_uri,
    )
    if name not in _known:
        with _lock:
            if name not in _known:
                _known[name] = _probe(location_uri)
    return _known[name]


def probe_folder(location_uri: str) -> tuple[str, str]:
    """Bucket and prefix of a folder nobody else uses, where batches have theirs."""
    bucket, _, root = location_uri.removeprefix("s3://").strip("/").partition("/")
    return bucket, f"{root}/batches/probe-{uuid.uuid4()}/".lstrip("/")


def session_writes(client: Any, bucket: str, key: str) -> bool:
    """Whether a session may write an object; one it wrote is left there.

    :raises StorageUnavailable: the store cannot be reached.
    """
    return _is_allowed(lambda: client.put_object(Bucket=bucket, Key=key, Body=b""))


def _session_lists(client: Any, bucket: str, prefix: str) -> bool:
    return _is_allowed(lambda: client.list_objects_v2(Bucket=bucket, Prefix=prefix))


def _is_allowed(call: Callable[[], object]) -> bool:
    try:
        call()
    except ClientError as error:
        if _status(error) >= 500:
            raise StorageUnavailable("The object store is not available.") from error
        return False
    except BotoCoreError as error:
        raise StorageUnavailable("The object store cannot be reached.") from error
    return True


class _Revocation(ABC):
    """One way to end sessions."""

    @abstractmethod
    def revoke(self, bucket: str, prefix: str, access_keys: Sequence[str]) -> bool:
        """See :func:`revoke`."""

    @abstractmethod
    def lift(self, bucket: str, prefixes: Iterable[str]) -> None:
        """See :func:`lift`."""


class _BucketPolicy(_Revocation):
    """Denies writing below the prefix to everybody, and listing it to the role."""

    def revoke(self, bucket: str, prefix: str, access_keys: Sequence[str]) -> bool:
        client = connection().client
        role = current_app.config["MULTIPART_STS_ROLE_ARN"]
        try:
            policy = close_folders(_policy(client, bucket), bucket, [prefix], role)
            client.put_bucket_policy(Bucket=bucket, Policy=policy)
        except ValueError:
            return False  # full
        except ClientError as error:
            if _status(error) >= 500 and _status(error) != 501:
                raise StorageUnavailable(
                    "The object store is not available."
                ) from error
            return False  # the store has no policies, or we may not set them
        except BotoCoreError as error:
            raise StorageUnavailable("The object store cannot be reached.") from error
        if self._refuses(client, bucket, prefix):
            return True
        self.lift(bucket, [prefix])
        return False

    def lift(self, bucket: str, prefixes: Iterable[str]) -> None:
        client = connection().client
        with translated("changing the bucket's policy"):
            before = _policy(client, bucket)
            after = reopen_folders(before, bucket, prefixes)
            if before is None or json.loads(before) == json.loads(after or "null"):
                return
            if after is None:
                client.delete_bucket_policy(Bucket=bucket)
            else:
                client.put_bucket_policy(Bucket=bucket, Policy=after)

    def _refuses(self, client: Any, bucket: str, prefix: str) -> bool:
        """Several times in a row: a policy may take a moment to be known everywhere.

        One statement is about everybody, so it can be seen with our own keys; the
        other is in the same document. An upload that is opened and aborted leaves no
        object behind.
        """
        at = {"Bucket": bucket, "Key": f"{prefix}.invenio-multipart-probe"}
        refused = 0
        for attempt in range(_ROUNDS * _LOOKS):
            if attempt and not refused:
                time.sleep(_WAIT_SECONDS)
            with translated("looking whether a folder is closed"):
                try:
                    upload = client.create_multipart_upload(**at)["UploadId"]
                except ClientError as error:
                    if _status(error) != 403:
                        raise
                    refused += 1
                    if refused == _LOOKS:
                        return True
                else:
                    refused = 0
                    client.abort_multipart_upload(**at, UploadId=upload)
        return False


class _MinioTokens(_Revocation):
    """Asks MinIO to revoke all sessions with the prefix's mark.

    MinIO says yes even when it revokes nothing: after a restart it knows only the
    sessions that have been used since. So it is made to look each session up before,
    and asked for each one afterwards. Both take nothing but the name of the key: a
    request with a wrong signature is refused for the signature when the key is known.
    """

    def revoke(self, bucket: str, prefix: str, access_keys: Sequence[str]) -> bool:
        url = (
            f"{current_app.config['MULTIPART_STS_ENDPOINT_URL'].rstrip('/')}"
            "/minio/admin/v3/revoke-tokens/builtin"
            f"?tokenRevokeType={revocation_mark(bucket, prefix)}"
        )
        own = connection().signing_credentials()
        keys = Credentials(own.access_key, own.secret_key, own.token)
        # Behind a balancer there may be several servers, each with its own memory.
        for _ in range(_ROUNDS):
            for access_key in access_keys:
                self._knows(bucket, access_key)
            if _send("POST", url, keys)[0] != 204:
                return False
            if not any(
                self._knows(bucket, access_key)
                for access_key in access_keys
                for _ in range(_LOOKS)
            ):
                return True
        return False

    def lift(self, bucket: str, prefixes: Iterable[str]) -> None:
        """A revoked session never comes back, so nothing is kept."""

    def _knows(self, bucket: str, access_key: str) -> bool:
        url = f"{connection().client.meta.endpoint_url.rstrip('/')}/{bucket}?location="
        status, body = _send("GET", url, Credentials(access_key, "-" * 40))
        if status >= 500:
            raise StorageUnavailable("The object store is not available.")
        return b"<Code>InvalidAccessKeyId</Code>" not in body


def _way() -> _Revocation:
    minio = speaks_minio(current_app.config["MULTIPART_STS_ENDPOINT_URL"])
    return _MinioTokens() if minio else _BucketPolicy()


_known: dict[tuple[int, str, str, str], bool] = {}
_lock = threading.Lock()


def _probe(location_uri: str) -> bool:
    bucket, prefix = probe_folder(location_uri)
    provider = provider_for(location_uri)
    session = provider.issue(bucket, prefix, 900, "invenio-multipart-probe")
    client, key = session_client(session), f"{prefix}probe"
    try:
        return (
            session_writes(client, bucket, key)
            and revoke(bucket, prefix, [session.access_key])
            and not session_writes(client, bucket, key)
            and not _session_lists(client, bucket, prefix)
        )
    finally:
        lift(bucket, [prefix])
        with translated("deleting a probe"):
            connection().client.delete_object(Bucket=bucket, Key=key)


def _policy(client: Any, bucket: str) -> str | None:
    try:
        policy: str = client.get_bucket_policy(Bucket=bucket)["Policy"]
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") == "NoSuchBucketPolicy":
            return None
        raise
    return policy


def _status(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _send(method: str, url: str, keys: Credentials) -> tuple[int, bytes]:
    """One signed request on a connection of its own: status and body of the reply."""
    request = AWSRequest(method, url, data=b"")
    S3SigV4Auth(keys, "s3", connection().region).add_auth(request)
    session = URLLib3Session(timeout=10)
    try:
        reply = session.send(request.prepare())
        return reply.status_code, reply.content
    except BotoCoreError as error:
        raise StorageUnavailable("The object store cannot be reached.") from error
    finally:
        session.close()
