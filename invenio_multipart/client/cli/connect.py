# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The engine, set up as the command line asks for."""

from __future__ import annotations

import argparse
from typing import Any

from ..download import Downloader
from ..many import ManyOptions, Notice
from ..retry import RetryPolicy
from ..uploader import Uploader


def _policy(options: argparse.Namespace) -> RetryPolicy:
    # The display comes later than the connection, and may show a pause of it.
    def tell(message: str, _: float) -> None:
        display = getattr(options, "display", None)
        if display is not None:
            display.notice(Notice("retrying", f"{message} Trying again."))

    return RetryPolicy(on_pause=tell)


def uploader_for(options: argparse.Namespace, site: str, token: str) -> Uploader:
    """An uploader to ``site``."""
    more: dict[str, Any] = {"policy": _policy(options)}
    if getattr(options, "memory", None):
        more["memory_bytes"] = options.memory
    if getattr(options, "bandwidth", None):
        more["bandwidth_bytes_per_second"] = options.bandwidth
    if getattr(options, "jobs", None):
        more["jobs"] = options.jobs
    return Uploader(site, token, **more)


def downloader_for(
    options: argparse.Namespace, site: str, token: str | None
) -> Downloader:
    """A downloader from ``site``."""
    more = {"memory_bytes": options.memory} if options.memory else {}
    policy = _policy(options)
    return Downloader(site, token, jobs=options.jobs, policy=policy, **more)


def many_options(options: argparse.Namespace) -> ManyOptions:
    """How the files are to be uploaded."""
    return ManyOptions(
        ignore=tuple(options.ignore),
        symlinks=options.symlinks,
        prefix=options.prefix.strip("/"),
        link_known=options.link_known,
        sts=options.sts,
        dry_run=getattr(options, "dry_run", False),
        verify=options.verify,
        publish=getattr(options, "publish", False),
    )
