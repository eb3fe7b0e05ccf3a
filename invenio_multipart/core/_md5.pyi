# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

from collections.abc import Sequence

from .md5 import Bytes

def chain(state: bytes, data: Bytes, /) -> tuple[bytes, bytes]: ...
def end(state: bytes, tail: bytes, length: int, /) -> bytes: ...
def digests(pieces: Sequence[Bytes], /) -> list[bytes]: ...
