# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What the other servers do about checksums."""

from __future__ import annotations

from typing import Any

from invenio_multipart.storage.s3_probe import proves_sha256

from .servers import Server


def test_proving_sha256(server: Server, owner: Any) -> None:
    """Ceph takes wrong ones without a word, and is found out."""
    assert proves_sha256(owner, server.bucket) is (server.name != "ceph")
