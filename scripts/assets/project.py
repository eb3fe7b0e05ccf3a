# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT
"""InvenioRDM's asset project without the pages that nobody looks at here.

A third of the packages and of the time of all of it. What is left: log-in, the deposit page with both
uploaders, dashboard, landing page, search, administration.
"""

from invenio_assets.webpack import rspack_project

ENTRIES = (
    "base-admin-theme",
    "base-theme-rdm",
    "i18n_app",
    "invenio-administration-",
    "invenio-app-rdm-deposit",
    "invenio-app-rdm-landing-page",
    "invenio-app-rdm-landing-page-",
    "invenio-app-rdm-search",
    "invenio-app-rdm-user-uploads",
    "invenio-multipart-",
    "invenio_search_ui_app",
    "overridable-registry",
    "theme",
    "uppy-file-uploader",
)
"""Names; with a dash at its end, how they begin."""

LEFT_OUT = (
    # Of previewers and of pages that are not built.
    *(
        "@microlink/react-json-view",
        "flightjs",
        "json-diff-kit",
        "leaflet",
        "papaparse",
    ),
    *("pdfjs-dist", "prismjs", "react-json-view", "replaywebpage", "video.js"),
    # Of the old look of InvenioRDM's administration.
    *("admin-lte", "font-awesome", "select2"),
    # Of webpack, which is not used, and of developers of InvenioRDM.
    *("@inveniosoftware/eslint-config-invenio", "@rspack/dev-server", "@swc/core"),
    *("autoprefixer", "babel-loader", "eventsource-polyfill", "file-loader", "ora"),
    *("postcss-flexbugs-fixes", "postcss-loader", "postcss-preset-env"),
    *("postcss-safe-parser", "style-loader", "swc-loader", "url-loader"),
    "webpack-bundle-analyzer",
)

MISSING = {
    # rspack.config.js asks for them, and no package of those above brings them.
    "browserify-zlib": "^0.2.0",
    "https-browserify": "^1.0.0",
    "stream-browserify": "^3.0.0",
    "stream-http": "^3.2.0",
}


class SlimProject(type(rspack_project)):
    """What rspack is told: entries, files to copy, packages."""

    @property
    def entry(self):
        """Of our pages only."""
        every = super().entry
        beginnings = tuple(name for name in ENTRIES if name.endswith("-"))
        return {
            name: path
            for name, path in every.items()
            if name in ENTRIES or name.startswith(beginnings)
        }

    @property
    def copy(self):
        """The editor's skins, which the deposit form asks for by address."""
        return [copy for copy in super().copy if "/tinymce/" in copy["from"]]

    @property
    def package_json(self):
        """All packages but those left out."""
        package = super().package_json
        for kind in ("dependencies", "devDependencies"):
            wanted = package.get(kind, {}).items()
            package[kind] = {
                name: version for name, version in wanted if name not in LEFT_OUT
            }
        package["dependencies"].update(MISSING)
        return package


def slim_project():
    """A project as InvenioRDM's own one for rspack, but smaller."""
    project = SlimProject.__new__(SlimProject)
    project.__dict__.update(rspack_project.__dict__)
    return project
