# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Read the next pieces while the last one is hashed."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator

_AHEAD = 8
"""Pieces held at most: about 8 MiB, whatever the size of the file."""


def read_ahead(source: Iterator[bytes]) -> Iterator[bytes]:
    """The same pieces in the same order; reading and using them overlap.

    Hashing and socket reads both run without the interpreter lock. An error of
    the source is raised at the place of the piece that could not be read. Closing
    the iterator ends the reading thread.
    """
    pieces: queue.Queue[bytes | BaseException | None] = queue.Queue(_AHEAD)
    stopped = threading.Event()

    def put(item: bytes | BaseException | None) -> None:
        while not stopped.is_set():
            try:
                pieces.put(item, timeout=0.5)
            except queue.Full:
                continue
            return

    def read() -> None:
        try:
            for piece in source:
                put(piece)
                if stopped.is_set():
                    return
        except BaseException as error:  # noqa: BLE001 - raised again by the consumer
            put(error)
        else:
            put(None)

    reader = threading.Thread(target=read, name="read-ahead", daemon=True)
    reader.start()
    try:
        while (item := pieces.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stopped.set()
        reader.join()
