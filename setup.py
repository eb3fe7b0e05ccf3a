# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What setup.cfg cannot say: a module in C, which the package can do without."""

from setuptools import Extension, setup

setup(
    ext_modules=[
        Extension(
            "invenio_multipart.core._md5",
            ["invenio_multipart/core/_md5.c"],
            # Ahead of what Python itself was built with, which may be for size.
            extra_compile_args=["-O3"],
            # Without a compiler the uploader only takes longer.
            optional=True,
        )
    ]
)
