# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Hashes that can be put down and taken up again, hours and workers later.

hashlib cannot save a half-done hash, and reading 10 TB takes half a day. OpenSSL's
own MD5 and SHA-256 contexts are flat structures without pointers, so their bytes
are the state. Where those functions are not exported the hash still works, only
without a state, and an interrupted verification starts again.

Source: https://docs.openssl.org/3.0/man3/MD5/ and .../SHA256_Init/
"""

from __future__ import annotations

import _hashlib
import ctypes
import hashlib
from dataclasses import dataclass


@dataclass(frozen=True)
class _Context:
    prefix: str
    size: int
    """Bytes of the context structure, on every platform OpenSSL supports."""
    digest_size: int


_CONTEXTS = {"md5": _Context("MD5", 92, 16), "sha256": _Context("SHA256", 112, 32)}


class ResumableHash:
    """A hash with the same result as hashlib's and, mostly, a state.

    :param algorithm: a name hashlib knows.
    :param state: bytes from :attr:`state` of the same algorithm, None to begin.
    :raises ValueError: for a state where none can be taken up.
    """

    def __init__(self, algorithm: str, state: bytes | None = None) -> None:
        self.algorithm = algorithm
        self._native = _native(algorithm)
        if self._native is None:
            if state is not None:
                raise ValueError(f"{algorithm} cannot be resumed on this platform.")
            self._fallback = hashlib.new(algorithm, usedforsecurity=False)
            return
        self._context = ctypes.create_string_buffer(_CONTEXTS[algorithm].size)
        if state is None:
            self._native.init(self._context)
        elif len(state) != len(self._context):
            raise ValueError(f"{len(state)} bytes are no {algorithm} state.")
        else:
            ctypes.memmove(self._context, state, len(state))

    def update(self, data: bytes) -> None:
        """Add ``data``; other threads run meanwhile."""
        if self._native is None:
            self._fallback.update(data)
        else:
            self._native.update(self._context, data, len(data))

    @property
    def state(self) -> bytes | None:
        """The hash so far, None where it cannot be saved."""
        return None if self._native is None else self._context.raw

    def hexdigest(self) -> str:
        """The digest so far; more data may still be added."""
        if self._native is None:
            return self._fallback.hexdigest()
        copy = ctypes.create_string_buffer(self._context.raw, len(self._context))
        out = ctypes.create_string_buffer(_CONTEXTS[self.algorithm].digest_size)
        self._native.final(out, copy)
        return out.raw.hex()


class _Native:
    """OpenSSL's three functions of one hash, found through hashlib's own library."""

    def __init__(self, context: _Context) -> None:
        library = ctypes.CDLL(_hashlib.__file__)
        self.init = getattr(library, f"{context.prefix}_Init")
        self.update = getattr(library, f"{context.prefix}_Update")
        self.update.argtypes = (ctypes.c_char_p, ctypes.c_char_p, ctypes.c_size_t)
        self.final = getattr(library, f"{context.prefix}_Final")


_found: dict[str, _Native | None] = {}


def _native(algorithm: str) -> _Native | None:
    if algorithm not in _found:
        _found[algorithm] = _probe(algorithm)
    return _found[algorithm]


def _probe(algorithm: str) -> _Native | None:
    """The native functions, if they are there and agree with hashlib."""
    if algorithm not in _CONTEXTS:
        return None
    try:
        _found[algorithm] = _Native(_CONTEXTS[algorithm])
    except (OSError, AttributeError):
        return None
    sample = bytes(range(256)) * 3
    first = ResumableHash(algorithm)
    first.update(sample[:100])
    second = ResumableHash(algorithm, first.state)
    second.update(sample[100:])
    expected = hashlib.new(algorithm, sample, usedforsecurity=False).hexdigest()
    return _found[algorithm] if second.hexdigest() == expected else None
