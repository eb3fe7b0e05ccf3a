# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Links that are signed here, with temporary credentials of a batch."""

from __future__ import annotations

import datetime as dt
import threading
from base64 import b64encode
from collections.abc import Iterable

from ..core.bindings import PutBinding
from ..core.sigv4 import MAX_EXPIRES_SECONDS, Credentials, PutSigner, encode_path
from .batches import Batch, Batches, Sts
from .drafts import Content
from .wire import PartLink

MARGIN = dt.timedelta(minutes=1)
"""Credentials that end sooner are not worth signing with."""


class StsLinks:
    """Signs where files of one batch go; safe to use from many threads."""

    def __init__(self, batches: Batches, batch: Batch) -> None:
        self._batches = batches
        self._batch = batch
        self._lock = threading.Lock()
        self._sts: Sts | None = None

    def renew(self) -> None:
        """The credentials were refused: the next links are signed with new ones."""
        with self._lock:
            self._sts = None

    def sign(self, files: Iterable[Content]) -> dict[str, PartLink]:
        """By key, a link that takes exactly these bytes."""
        now = dt.datetime.now(dt.timezone.utc)
        sts = self._credentials(now)
        left = int((_moment(sts.expiration) - now).total_seconds())
        place = encode_path(f"{sts.bucket}/{sts.prefix}")
        signer = PutSigner(
            f"{sts.endpoint_url.rstrip('/')}/{place}",
            Credentials(sts.access_key, sts.secret_key, sts.token),
            sts.region,
            now,
            max(1, min(left, MAX_EXPIRES_SECONDS)),
        )
        bindings = (
            PutBinding(
                file.key,
                file.size_bytes,
                b64encode(bytes.fromhex(file.md5)).decode("ascii"),
            )
            for file in files
        )
        return {
            binding.path: PartLink(url, binding.headers)
            for binding, url in signer.links(bindings)
        }

    def _credentials(self, now: dt.datetime) -> Sts:
        with self._lock:
            if self._sts is None or _moment(self._sts.expiration) - now < MARGIN:
                self._sts = self._batches.credentials(self._batch)
            return self._sts


def _moment(text: str) -> dt.datetime:
    # Python 3.9 and 3.10 know no "Z".
    moment = dt.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.timezone.utc)
