# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT
"""Settings of a site whose pages are looked at: over plain HTTP, with the assets of scripts/assets.sh or none."""

from pathlib import Path

from flask_webpackext.manifest import JinjaManifest, JinjaManifestLoader
from invenio_app.config import APP_DEFAULT_SECURE_HEADERS
from invenio_assets.webpack import UniqueJinjaManifestEntry, UniqueJinjaManifestLoader


class Manifest(JinjaManifest):
    """Style sheets and scripts by name; those that were not built are empty, so that every page comes out."""

    def __getitem__(self, name):
        """The entry of this name."""
        return self._entries.get(name) or UniqueJinjaManifestEntry(name, [])

    __getattr__ = __getitem__


class ManifestLoader(UniqueJinjaManifestLoader):
    """Reads the manifest again when the assets have been built again."""

    built = None

    def __init__(self):
        """With manifests of the kind above."""
        super().__init__(manifest_cls=Manifest)

    def load(self, path):
        """The manifest at *path*, an empty one where there is none."""
        file = Path(path)
        if not file.exists():
            return Manifest()
        built = file.resolve(), file.stat().st_mtime_ns
        if ManifestLoader.built != built:
            JinjaManifestLoader.cache.pop(path, None)
            ManifestLoader.built = built
        return super().load(path)


def secure_headers(s3_endpoint_url=None):
    """Headers for plain HTTP; pages may send files to S3, and compute digests in a worker."""
    s3 = [s3_endpoint_url] if s3_endpoint_url else []
    return {
        **APP_DEFAULT_SECURE_HEADERS,
        "force_https": False,
        "session_cookie_secure": False,
        "strict_transport_security": False,
        "content_security_policy": {
            "default-src": ["'self'", "data:", "'unsafe-inline'", "blob:", *s3],
            "script-src": ["'self'", "blob:", "'wasm-unsafe-eval'"],
            "object-src": ["'none'"],
        },
    }
