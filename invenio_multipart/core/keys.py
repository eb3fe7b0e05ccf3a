# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Which file keys are safe."""

from __future__ import annotations

from ..errors import InvalidKey

MAX_KEY_BYTES = 1024
"""Longest key, UTF-8. Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html"""


def check_key(key: str) -> str:
    """The key itself, when it can be stored, linked and unpacked safely.

    Directories (``a/b/c.nc``) are kept end to end.

    :raises InvalidKey: for an empty or absolute key, an empty, ``.`` or ``..``
        segment, a backslash segment that climbs, control characters, or more
        than 1024 bytes.
    """
    if not key:
        raise InvalidKey("The key is empty.", field="key")
    if any(ord(char) < 32 or 127 <= ord(char) < 160 for char in key):
        raise InvalidKey("The key holds control characters.", field="key")
    try:
        length = len(key.encode("utf-8"))
    except UnicodeEncodeError as error:
        raise InvalidKey("The key is not valid Unicode.", field="key") from error
    if length > MAX_KEY_BYTES:
        raise InvalidKey(
            f"The key has {length} bytes; the limit is {MAX_KEY_BYTES}.", field="key"
        )
    if key.startswith("/"):
        raise InvalidKey("The key is an absolute path.", field="key")
    segments = key.replace("\\", "/").split("/")
    if any(segment in (".", "..") for segment in segments):
        raise InvalidKey("The key climbs out of its folder.", field="key")
    if "" in key.split("/"):
        raise InvalidKey("The key holds an empty folder name.", field="key")
    return key
