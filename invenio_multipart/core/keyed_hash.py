# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""HMAC of many short messages with one key."""

from __future__ import annotations

from hashlib import sha256


class KeyedHash:
    """HMAC-SHA256 of messages with one key and one beginning.

    The hmac module sets its key up again for each message, which took half the
    time of a link; here only copies of two begun hashes are finished.

    Source: RFC 2104, section 2.

    :param key: at most 64 bytes, as signing keys are.
    """

    def __init__(self, key: bytes, beginning: bytes) -> None:
        block = key.ljust(64, b"\0")
        self._inner = sha256(bytes(byte ^ 0x36 for byte in block) + beginning)
        self._outer = sha256(bytes(byte ^ 0x5C for byte in block))

    def hexdigest(self, rest: bytes) -> str:
        """The code of the beginning followed by ``rest``."""
        inner = self._inner.copy()
        inner.update(rest)
        outer = self._outer.copy()
        outer.update(inner.digest())
        return outer.hexdigest()
