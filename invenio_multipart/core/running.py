# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What the handler of a job is given, and how it may end other than by returning."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, Protocol


class Postpone(Exception):
    """The job has to wait for something; it is no fault, and not counted as one.

    :param seconds: when to look again.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(f"Again in {seconds} s.")
        self.seconds = seconds


class TryAgain(Exception):
    """Something the job needs is out of order; tried again, but not for ever."""


class JobLost(Exception):
    """Another worker has taken the job over: leave everything as it is."""


class RunningJob(Protocol):
    """A job as its handler sees it.

    A worker may die at any point, and the job is then begun anew by another: what a
    handler does must be safe to repeat.
    """

    id: uuid.UUID
    kind: str
    batch_id: uuid.UUID | None
    arguments: Mapping[str, Any]
    """As the job was created with; what :meth:`remember` added lies over it."""

    lost: bool
    """Whether another worker is known to have taken the job over."""

    def advance(
        self, done: int, total: int | None = None, stage: str | None = None
    ) -> None:
        """Say how far the job is; written at most once a second.

        :param done: of ``total``, in whatever the job counts.
        :param total: None leaves what was said before.
        :param stage: one word, None likewise.
        :raises JobLost: another worker has taken the job over.
        """

    def remember(self, **arguments: Any) -> None:
        """Keep values for the worker that takes over if this one dies, now.

        Who remembers has got somewhere: earlier attempts do not count any more.

        :raises JobLost: another worker has taken the job over.
        """
