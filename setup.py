# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What setup.cfg cannot say: modules in C, which the package can do without."""

from pathlib import Path

from setuptools import Extension, setup

HEADERS = [str(path) for path in Path("invenio_multipart/core").glob("*.h")]

setup(
    ext_modules=[
        Extension(
            f"invenio_multipart.core.{name}",
            [f"invenio_multipart/core/{name}.c"],
            depends=HEADERS,
            # Ahead of what Python itself was built with, which may be for size.
            extra_compile_args=["-O3"],
            # Without a compiler the uploader only takes longer.
            optional=True,
        )
        for name in ("_crc64", "_fast_digests")
    ]
)
