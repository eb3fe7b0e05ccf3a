# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Folders of files to upload."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path


def make_tree(
    folder: Path, sizes: Mapping[str, int], seed: int = 1
) -> dict[str, bytes]:
    """Files of non-repeating bytes below a folder, by key."""
    source = random.Random(seed)
    contents = {}
    for key, size in sizes.items():
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        contents[key] = source.randbytes(size)
        path.write_bytes(contents[key])
    return contents


def many(count: int, size: int = 1000) -> dict[str, int]:
    """Sizes of so many files in folders of ten."""
    return {f"d{number // 10:03}/f{number:04}.dat": size for number in range(count)}
