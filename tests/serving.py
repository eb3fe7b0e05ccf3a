# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The application of the tests on a real port, for programs that are no Python."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from werkzeug.exceptions import NotFound
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.serving import make_server


@contextmanager
def serving(app: Any, wrap: Callable[[Any], Any] = lambda site: site) -> Iterator[int]:
    """The application below /api on a port of its own.

    :param wrap: what stands before it, for tests of what goes wrong on the way.
    """
    site = wrap(DispatcherMiddleware(NotFound(), {"/api": app.wsgi_app}))
    server = make_server("127.0.0.1", 0, site, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def by_proxy(port: int) -> dict[str, str]:
    """Environment of programs: the application calls itself http://localhost, where
    it is not."""
    return {"http_proxy": f"http://127.0.0.1:{port}", "no_proxy": "127.0.0.1"}
