# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The servers, and what one session on them looks like."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError
from flask import Flask

from invenio_multipart.storage.sts import (
    TemporaryCredentials,
    provider_for,
    session_client,
)

NAMES = ["ceph", "minio"]


def _variable(name: str) -> str:
    return f"STS_SERVER_{name.upper()}"


def hindrance(name: str) -> str | None:
    """Why a server does not run; None if it does."""
    if os.environ.get(_variable(name)):
        return None
    return os.environ.get(f"STS_SKIPPED_{name.upper()}", "not started")


@dataclass(frozen=True)
class Server:
    """Where a server is, and whom it knows.

    :param endpoint_url: what clients of a site are given.
    :param sts_endpoint_url: what they are not given; it speaks S3 too.
    """

    name: str
    endpoint_url: str
    access_key: str
    secret_key: str
    region: str
    bucket: str
    sts_endpoint_url: str
    role_arn: str
    other_role_arn: str

    @classmethod
    def named(cls, name: str) -> Server:
        """The running server of this name."""
        return cls(name=name, **json.loads(os.environ[_variable(name)]))

    def site(self, **settings: Any) -> Flask:
        """An application with this server as its store."""
        from invenio_s3 import InvenioS3

        site = Flask("sts")
        site.config.update(
            **self.settings,
            MULTIPART_S3_PUBLIC_ENDPOINT_URL=None,
            MULTIPART_STS_PROVIDER="invenio_multipart.storage.sts:AssumeRoleProvider",
            MULTIPART_STS_MAX_SECONDS=12 * 3600,
        )
        site.config.update(settings)
        InvenioS3(site)
        return site

    @property
    def settings(self) -> dict[str, str]:
        """Of a site that has this server as its store."""
        return {
            "S3_ENDPOINT_URL": self.endpoint_url,
            "S3_ACCESS_KEY_ID": self.access_key,
            "S3_SECRET_ACCESS_KEY": self.secret_key,
            "S3_REGION_NAME": self.region,
            "MULTIPART_STS_ENDPOINT_URL": self.sts_endpoint_url,
            "MULTIPART_STS_ROLE_ARN": self.role_arn,
        }

    def location(self, app: Any) -> str:
        """Name of the location of an InvenioRDM that is on this server."""
        from invenio_db import db
        from invenio_files_rest.models import Location

        name = f"sts-{self.name}"
        with app.app_context():
            if Location.query.filter_by(name=name).one_or_none() is None:
                db.session.add(Location(name=name, uri=self.uri, default=False))
                db.session.commit()
        return name

    @property
    def uri(self) -> str:
        """Of the one location."""
        return f"s3://{self.bucket}"


@dataclass
class Batch:
    """A folder, and a session that may write into it."""

    server: Server
    seconds: int = 900
    folder: str = field(default_factory=lambda: f"runs/{uuid.uuid4()}/")
    session: TemporaryCredentials = field(init=False)
    client: Any = field(init=False)

    def __post_init__(self) -> None:
        self.session = self.another_session()
        self.client = session_client(self.session, public=True)

    @property
    def bucket(self) -> str:
        """Of the server."""
        return self.server.bucket

    @property
    def prefix(self) -> str:
        """What the session is for; beside it there is "abc10/"."""
        return f"{self.folder}abc1/"

    def another_session(self) -> TemporaryCredentials:
        """A second one for the same prefix."""
        provider = provider_for(self.server.uri)
        return provider.issue(self.bucket, self.prefix, self.seconds, "test")

    def put(self, key: str, data: bytes = b"x") -> None:
        """Write as the session."""
        self.client.put_object(Bucket=self.bucket, Key=key, Body=data)


def refused(call: Callable[..., Any], *arguments: Any, **named: Any) -> None:
    """The server says no, and for no other reason than the caller's rights."""
    with pytest.raises(ClientError) as caught:
        call(*arguments, **named)
    status = caught.value.response["ResponseMetadata"]["HTTPStatusCode"]
    # 405: a gateway without STS.
    assert status in (403, 405), caught.value.response
