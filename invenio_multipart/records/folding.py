# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""All parts of a finished upload in one value: 24 bytes a part, then deflated."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Sequence

from ..core.digests import is_md5
from ..core.ledger import StoredPart

_PART = struct.Struct("<Q16s")
_NO_MD5 = bytes(16)


def fold(parts: Iterable[StoredPart]) -> bytes:
    """Sizes and MD5s of parts 1..n; an ETag that is no MD5 is not kept."""
    raw = b"".join(
        _PART.pack(
            part.size, bytes.fromhex(part.etag) if is_md5(part.etag) else _NO_MD5
        )
        for part in parts
    )
    return zlib.compress(raw)


def unfold(folded: bytes | None) -> Sequence[StoredPart]:
    """The parts back; the ETag is empty where it was no MD5."""
    if not folded:
        return ()
    rows = _PART.iter_unpack(zlib.decompress(folded))
    return tuple(
        StoredPart(number, size, "" if md5 == _NO_MD5 else md5.hex())
        for number, (size, md5) in enumerate(rows, start=1)
    )
