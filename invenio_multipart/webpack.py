# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What a site's asset build takes from here: the uploader of the deposit page.

Found by the entry point ``invenio_assets.webpack``. It adds entries and aliases of its
own and replaces nothing of InvenioRDM, so the order of packages does not matter.
"""

from __future__ import annotations

from invenio_assets.webpack import WebpackThemeBundle

bundle = WebpackThemeBundle(
    __name__,
    "assets",
    default="semantic-ui",
    themes={
        "semantic-ui": {
            "entry": {
                "invenio-multipart-deposit": "./js/invenio_multipart/deposit/index.js",
                "invenio-multipart-theme": "./less/invenio_multipart/theme.less",
            },
            # As invenio-rdm-records has it; one copy serves both.
            "dependencies": {"hash-wasm": "^4.12.0"},
            "aliases": {
                "@js/invenio_multipart": "js/invenio_multipart",
                "@translations/invenio_multipart": "translations/invenio_multipart",
            },
        },
    },
)
"""React, Semantic UI and the rest come with InvenioRDM in the versions it needs."""
