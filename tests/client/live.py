# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The InvenioRDM of the tests behind a real web server, for the uploader."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from invenio_multipart.client import RetryPolicy, Uploader

from ..driver import Api, Draft
from ..faults.proxy import FaultProxy
from ..serving import serving

PATIENT = RetryPolicy(attempts=6, base_seconds=0.05, cap_seconds=0.5)


@dataclass(frozen=True)
class Live:
    """Where the uploader finds the site, and what a test sees of it.

    :param proxy: between everybody and the store: it counts, and breaks on command.
    """

    url: str
    app: Any
    proxy: FaultProxy

    def new_draft(self) -> Draft:
        """A draft of the owner."""
        return Api(self.app, self.app.tokens["owner"]).new_draft()

    def uploader(self, who: str = "owner", jobs: int = 4) -> Uploader:
        """An uploader that does not wait long before it tries again."""
        return Uploader(self.url, self.app.tokens[who], jobs, policy=PATIENT)

    def puts(self) -> Counter[str]:
        """How often each object was sent to the store, by its path there."""
        sent = (line.split(" ") for line in self.proxy.requests)
        return Counter(
            target.partition("?")[0] for method, target, _ in sent if method == "PUT"
        )


@contextmanager
def serving_here(app: Any) -> Iterator[str]:
    """The application's address, which it knows itself by while it is served.

    It is of this process: a test that changes a setting changes it for the server.
    """
    with serving(app) as port:
        url = f"http://127.0.0.1:{port}"
        with configured(app, SITE_API_URL=f"{url}/api"):
            yield url


@contextmanager
def configured(app: Any, **settings: Any) -> Iterator[None]:
    """Settings for one test; invenio-s3, which reads its own once, too."""
    before = {name: app.config.get(name) for name in settings}
    _set(app, settings)
    try:
        yield
    finally:
        _set(app, before)


def _set(app: Any, settings: Mapping[str, Any]) -> None:
    app.config.update(settings)
    vars(app.extensions["invenio-s3"]).pop("init_s3fs_info", None)


def store_url() -> str:
    """Address of the S3 server."""
    return os.environ["S3_ENDPOINT_URL"]
