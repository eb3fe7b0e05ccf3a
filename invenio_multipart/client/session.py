# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What all calls of one run share, from its first request to its last."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

from .api import Api
from .batches import Batches
from .drafts import Drafts
from .limits import Bandwidth
from .retry import RetryPolicy, StopSignal
from .transport import Transport

if TYPE_CHECKING:
    from typing import Self


class Session:
    """Connections to one instance and its store, and the signal that ends them.

    :param bandwidth: what all senders together keep to.
    :raises UsageError: for an address or token that cannot be used.
    """

    def __init__(
        self,
        base_url: str,
        token: str | None,
        policy: RetryPolicy,
        bandwidth: Bandwidth | None = None,
    ) -> None:
        self.stop = StopSignal()
        self.transport = Transport(self.stop, bandwidth=bandwidth or Bandwidth())
        self.api = Api(
            base_url, token, transport=self.transport, policy=policy, stop=self.stop
        )
        self.drafts = Drafts(self.api)
        self.batches = Batches(self.api, self.stop)

    def __enter__(self) -> Self:
        """The session itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give all connections back."""
        self.transport.close()
