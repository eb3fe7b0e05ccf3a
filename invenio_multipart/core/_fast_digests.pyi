# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

from collections.abc import Sequence

from .fast_digests import Bytes

MD5_START: bytes
SHA256_START: bytes | None

def chain(
    md5: bytes, sha256: bytes | None, data: Bytes, /
) -> tuple[bytes, bytes | None, bytes]: ...
def choose_md5_way(way: int, /) -> bool: ...
def end(state: bytes, tail: bytes, length: int, /) -> bytes: ...
def md5_digests(pieces: Sequence[Bytes], /) -> list[bytes]: ...
def md5_read(
    states: list[bytes], places: list[tuple[int, int, int]], /
) -> list[tuple[bytes, int, bytes]]: ...
def sha256_digests(pieces: Sequence[Bytes], /) -> list[bytes]: ...
