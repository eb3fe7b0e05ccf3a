# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

from .fast_digests import Bytes

def update(crc: int, data: Bytes, /) -> int: ...
