# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Temporary S3 credentials that can write below one prefix and do nothing else."""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from hashlib import sha256
from typing import Any

import botocore.session
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.httpsession import URLLib3Session
from flask import current_app
from werkzeug.utils import import_string

from ..core.policies import check_folder, upload_policy
from ..errors import NoTemporaryCredentials, StorageUnavailable
from .s3_client import connection

MIN_SECONDS = 900
"""The shortest session of STS.

Source: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
"""

ROLE_SECONDS = 3600
"""The longest session of a role nobody has set another limit for. Source: as above."""

_ANY_ROLE = "arn:aws:iam::000000000000:role/invenio-multipart"
"""Where there are no roles the request has to name one all the same."""

_log = logging.getLogger(__name__)
_minio: dict[str, bool] = {}
_session = botocore.session.Session()
_lock = threading.Lock()


@dataclass(frozen=True)
class TemporaryCredentials:
    """Keys of one session.

    :param access_key: names the session to the store; not secret.
    :param expires_at: nothing is allowed from then on, UTC.
    """

    access_key: str
    secret_key: str
    token: str
    session_name: str
    expires_at: datetime

    def __repr__(self) -> str:
        return f"TemporaryCredentials({self.access_key!r}, {self.session_name!r})"


class CredentialProvider(ABC):
    """Issues credentials. A site's own class is made without arguments."""

    @abstractmethod
    def issue(
        self, bucket: str, prefix: str, seconds: int, session_name: str
    ) -> TemporaryCredentials:
        """Keys that write and list below the prefix, for no longer than ``seconds``.

        :param prefix: ends in "/".
        :param seconds: 1 or more; the caller counts them up to the batch's deadline.
            Longer than the site allows is cut: see ``expires_at`` of the result.
        :param session_name: for the store's logs; 2 to 64 letters, digits or =,.@-_
        :raises NoTemporaryCredentials: the store does not issue any.
        :raises StorageUnavailable: it cannot be reached.
        """


def provider_for(location_uri: str) -> CredentialProvider:
    """The site's provider.

    :param location_uri: of a location, or of anything below it.
    :raises NoTemporaryCredentials: the location is not S3, or the site has no STS.
    """
    if not location_uri.startswith("s3://"):
        raise NoTemporaryCredentials("Files of this record are not stored in S3.")
    if not current_app.config["MULTIPART_STS_ENDPOINT_URL"]:
        raise NoTemporaryCredentials("This site gives no temporary credentials.")
    provider: CredentialProvider = import_string(
        current_app.config["MULTIPART_STS_PROVIDER"]
    )()
    return provider


class AssumeRoleProvider(CredentialProvider):
    """STS AssumeRole with a session policy: AWS, Ceph and MinIO have it."""

    def issue(
        self, bucket: str, prefix: str, seconds: int, session_name: str
    ) -> TemporaryCredentials:
        """See the contract.

        STS refuses sessions under 15 minutes, so the end stands in the session's
        policy too: a session of STS may live on then, but is allowed nothing.
        """
        longest = current_app.config["MULTIPART_STS_MAX_SECONDS"]
        now = datetime.now(timezone.utc).replace(microsecond=0)
        until = now + timedelta(seconds=min(seconds, longest))
        try:
            policy = upload_policy(bucket, prefix, until)
        except ValueError as error:
            raise NoTemporaryCredentials(str(error)) from error
        asked = max(MIN_SECONDS, min(seconds, longest))
        mark = revocation_mark(bucket, prefix)
        try:
            issued = self._assume(policy, asked, session_name, mark)
        except NoTemporaryCredentials:
            # Stores do not say that it was the duration they did not like.
            if asked <= ROLE_SECONDS:
                raise
            issued = self._assume(policy, ROLE_SECONDS, session_name, mark)
        return replace(issued, expires_at=min(issued.expires_at, until))

    def _assume(
        self, policy: str, seconds: int, session_name: str, mark: str
    ) -> TemporaryCredentials:
        role = current_app.config["MULTIPART_STS_ROLE_ARN"] or _ANY_ROLE
        client = sts_client()
        if speaks_minio(client.meta.endpoint_url):
            # botocore does not know this parameter of MinIO's.
            client.meta.events.register(
                "before-call.sts.AssumeRole",
                lambda params, **_: params["body"].update(TokenRevokeType=mark),
            )
        try:
            keys = client.assume_role(
                RoleArn=role,
                RoleSessionName=session_name,
                DurationSeconds=seconds,
                # Without a policy the session had all rights of role or caller.
                Policy=policy,
            )["Credentials"]
        except ClientError as error:
            raise _translated(error) from error
        except BotoCoreError as error:
            raise StorageUnavailable("The STS service cannot be reached.") from error
        return TemporaryCredentials(
            keys["AccessKeyId"],
            keys["SecretAccessKey"],
            keys["SessionToken"],
            session_name,
            keys["Expiration"],
        )


def revocation_mark(bucket: str, prefix: str) -> str:
    """What all sessions of a prefix are revoked by, where the store can do that.

    :raises ValueError: bucket and prefix name no folder.
    """
    check_folder(bucket, prefix)
    return sha256(f"{bucket}/{prefix}".encode()).hexdigest()[:40]


def sts_client(
    session: TemporaryCredentials | None = None, endpoint_url: str | None = None
) -> Any:
    """A client of the site's STS service.

    :param session: whose keys to use; None: the site's own.
    :param endpoint_url: another address than the configured one.
    """
    endpoint_url = endpoint_url or current_app.config["MULTIPART_STS_ENDPOINT_URL"]
    return _client("sts", session, endpoint_url)


def session_client(session: TemporaryCredentials, *, public: bool = False) -> Any:
    """An S3 client with a session's keys, as its holder would have it.

    :param public: at the address that clients of the site use.
    """
    s3 = connection()
    one = s3.public_client if public else s3.client
    return _client("s3", session, one.meta.endpoint_url)


def speaks_minio(endpoint_url: str) -> bool:
    """True for a MinIO server, which has words of its own for sessions.

    Asked once per process, at MinIO's own address of its health.

    :raises StorageUnavailable: nobody answers there.
    """
    if endpoint_url not in _minio:
        url = f"{endpoint_url.rstrip('/')}/minio/health/live"
        session = URLLib3Session(timeout=5)
        try:
            reply = session.send(AWSRequest("GET", url).prepare())
        except BotoCoreError as error:
            raise StorageUnavailable("The STS service cannot be reached.") from error
        finally:
            session.close()
        if reply.status_code >= 500:
            raise StorageUnavailable("The STS service is not available.")
        _minio[endpoint_url] = reply.status_code == 200
    return _minio[endpoint_url]


def _client(service: str, keys: TemporaryCredentials | None, endpoint_url: str) -> Any:
    s3 = connection()
    own = s3.signing_credentials() if keys is None else keys
    # Of the site's options for S3 only the way of addressing is needed here, and
    # signing: a presigned link of botocore's own default is of version 2.
    config = Config(
        connect_timeout=5,
        read_timeout=60,
        retries={"mode": "standard", "max_attempts": 2},
        s3=s3.client.meta.config.s3,
        signature_version="s3v4" if service == "s3" else None,
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    info = current_app.extensions["invenio-s3"].init_s3fs_info
    # One session for all: it keeps the descriptions of services, a second's reading.
    with _lock:
        return _session.create_client(
            service,
            endpoint_url=endpoint_url,
            region_name=s3.region,
            aws_access_key_id=own.access_key,
            aws_secret_access_key=own.secret_key,
            aws_session_token=own.token,
            config=config,
            verify=info["client_kwargs"].get("verify"),
        )


def _translated(error: ClientError) -> NoTemporaryCredentials | StorageUnavailable:
    reply = error.response
    status = reply.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    # Ceph's refusals carry no code.
    code = reply.get("Error", {}).get("Code") or status
    if status >= 500 or code in ("SlowDown", "Throttling"):
        return StorageUnavailable("The STS service is not available.")
    # The reason is the site's business, not the client's.
    _log.error("STS refused to issue credentials: %s", error)
    return NoTemporaryCredentials(
        f"The object store issues no temporary credentials ({code})."
    )
