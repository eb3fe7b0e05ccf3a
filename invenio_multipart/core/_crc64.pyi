# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

from .md5 import Bytes

def update(crc: int, data: Bytes, /) -> int: ...
