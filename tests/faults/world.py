# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""An application that can die at any step, with all it talks to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..driver import Api
from .held_queue import HeldQueue
from .lifeline import Lifeline
from .proxy import FaultProxy
from .recovery import expire, pass_deadlines, settle


@dataclass
class World:
    """What there is, and how it is broken.

    :param begun: when the test began.
    """

    app: Any
    api: Api
    proxy: FaultProxy
    lifeline: Lifeline
    queue: HeldQueue
    begun: datetime

    def settle(self) -> None:
        """All is well again, and the periodic tasks run until all is quiet."""
        self.proxy.calm()
        settle(self.app, self.begun, self.queue)

    def pass_time(self) -> None:
        """Deadlines pass, and what was for a limited time goes."""
        with self.app.app_context():
            pass_deadlines(self.begun)
        self.settle()
        with self.app.app_context():
            # Links have ended with the first deadline; sweeps are due after it.
            pass_deadlines(self.begun)
            expire(self.begun)
        self.settle()
