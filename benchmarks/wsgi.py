# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""InvenioRDM's REST application, with this package or as if it were not installed.

``BENCH_SIDE`` is "ours" or "upstream", ``BENCH_CONFIG`` a JSON file of settings.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from werkzeug.middleware.dispatcher import DispatcherMiddleware

_PACKAGE = "invenio-multipart"


def hide_our_package() -> None:
    """Let nobody find our entry points; to be called before Invenio is imported.

    Every extension, blueprint, table and setting of ours comes in by an entry
    point, so without them the application is what it is before an installation.
    """
    everything = importlib.metadata.distributions

    def without_ours(**options: Any) -> Iterator[importlib.metadata.Distribution]:
        found = everything(**options)
        return (one for one in found if one.metadata["Name"] != _PACKAGE)

    importlib.metadata.distributions = without_ours  # type: ignore[assignment]


def check(app: Any, side: str) -> None:
    """Hold the application against its side.

    :raises RuntimeError: when the comparison would compare something else.
    """
    from invenio_db import db
    from invenio_files_rest import current_files_rest
    from invenio_records_resources.proxies import current_transfer_registry

    with app.app_context():
        storage = current_files_rest.storage_factory(
            fileurl="s3://bucket/key", size=1, modified=None
        )
        transfer = current_transfer_registry.get_transfer_class("M")
    found = {
        "extension": "invenio-multipart" in app.extensions,
        "modules": any(name.startswith("invenio_multipart") for name in sys.modules),
        "transfer": transfer.__module__.startswith("invenio_multipart"),
        "storage": type(storage).__module__ != "invenio_s3.storage",
        "tables": "multipart_upload" in db.metadata.tables,
    }
    if set(found.values()) != {side == "ours"}:
        raise RuntimeError(f"The {side} side is not what it should be: {found}")


def create(side: str, settings: dict[str, Any]) -> Any:
    """The application of one side, proved to be it."""
    if side != "ours":
        hide_our_package()
    from invenio_app.factory import create_api

    app = create_api(**settings)
    check(app, side)
    return app


if "BENCH_SIDE" in os.environ:
    application = create(
        os.environ["BENCH_SIDE"],
        json.loads(Path(os.environ["BENCH_CONFIG"]).read_text()),
    )
    # Requests that run side by side cannot be told apart.
    if os.environ["BENCH_THREADS"] == "1":
        # Only now: whoever hides our package imports nothing of Invenio before.
        from .calls import tell

        tell(application)
    # Where the uploader looks for it, as on any site; and as the topics call it.
    application = DispatcherMiddleware(application, {"/api": application})
