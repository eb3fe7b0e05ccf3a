# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT
"""Builds the static files of InvenioRDM's pages, this package's included.

    build.py key                       what the result depends on, as one word
    build.py build FOLDER STORE        builds FOLDER/static; packages are kept in FOLDER and in pnpm's STORE

pnpm must be in the PATH. Everything happens in one process: each ``invenio`` command costs ten seconds.
"""

import hashlib
import os
import shutil
import sys
import time
from contextlib import contextmanager
from importlib.metadata import distributions
from pathlib import Path
from secrets import token_hex

HERE = Path(__file__).parent
PACKAGE = HERE.parents[1] / "invenio_multipart"

THEMED = {
    "global": "site reset",
    "element": "button container divider flag header icon image input label list loader placeholder rail "
    "reveal segment step",
    "collection": "breadcrumb form grid menu message table",
    "module": "accordion checkbox dimmer dropdown embed modal nag popup progress rating search shape sidebar "
    "sticky tab transition",
    "view": "ad card comment feed item statistic",
}
"""Semantic UI's components; each is told which theme it has."""

FOLDERS = {"themesFolder": "~semantic-ui-less/themes", "siteFolder": "../../less/site"}
FOLDERS["imagesFolder"] = "../../images"


def key():
    """One word for all that the static files are made from."""
    digest = hashlib.sha256()
    for name in sorted(
        f"{found.metadata['Name']} {found.version}"
        for found in distributions()
        if (found.metadata["Name"] or "").lower().startswith(("invenio", "pywebpack"))
        and "multipart" not in found.metadata["Name"]
    ):
        digest.update(name.encode() + b"\n")
    sources = [PACKAGE / "webpack.py", *HERE.glob("*.py")]
    for folder in (PACKAGE / "assets", PACKAGE / "static"):
        sources += [path for path in folder.rglob("*") if path.is_file()]
    for path in sorted(sources):
        digest.update(f"{path.relative_to(HERE.parents[1])}\n".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:24]


@contextmanager
def timed(what):
    """Tells on stderr how long a step took."""
    begun = time.monotonic()
    yield
    print(f"  {what}: {time.monotonic() - begun:.1f} s", file=sys.stderr, flush=True)


def make_app(instance):
    """InvenioRDM's web application, which reaches for no service while it starts."""
    os.environ["INVENIO_INSTANCE_PATH"] = str(instance)
    from invenio_app.factory import create_ui
    from project import slim_project
    from pynpm import PNPMPackage

    return create_ui(
        SECRET_KEY=token_hex(),
        SQLALCHEMY_DATABASE_URI="sqlite://",
        SQLALCHEMY_ENGINE_OPTIONS={},
        RATELIMIT_STORAGE_URI="memory://",
        COLLECT_STORAGE="flask_collect.storage.file",
        WEBPACKEXT_PROJECT=slim_project(),
        WEBPACKEXT_NPM_PKG_CLS=PNPMPackage,
    )


def write_site_files(assets):
    """What every site has of its own: how Semantic UI looks, and folders for its templates."""
    lines = [
        f"@{name}: 'default';" for names in THEMED.values() for name in names.split()
    ]
    lines += [f"@{name}: '{folder}';" for name, folder in FOLDERS.items()]
    lines.append('@import (multiple) "themes/rdm/theme.less";')
    lines.append('@fontPath: "../../../themes/@{theme}/assets/fonts";')
    (assets / "less").mkdir(parents=True, exist_ok=True)
    (assets / "less" / "theme.config").write_text("\n".join(lines) + "\n")
    for folder in ("custom_fields", "search"):
        (assets / "templates" / folder).mkdir(parents=True, exist_ok=True)


def empty(assets):
    """Take away what an earlier build has left but for the packages, for links lead to files that are gone."""
    if assets.is_dir():
        for path in assets.iterdir():
            if path.name in ("node_modules", "pnpm-lock.yaml"):
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()


def build(folder, store):
    """Makes *folder*/static.

    :raises RuntimeError: pnpm or rspack did not succeed; its own words are on stderr.
    """
    assets, static = folder / "assets", folder / "static"
    empty(assets)
    shutil.rmtree(static, ignore_errors=True)
    with timed("loading InvenioRDM"):
        app = make_app(folder)
    with app.app_context():
        from flask_webpackext.proxies import current_webpack

        project = current_webpack.project
        with timed("copying static files"):
            app.extensions["collect"].collect(verbose=False)
        with timed("putting the project together"):
            project.create()
            write_site_files(assets)
        with timed("packages"):
            options = ["--shamefully-hoist", "--prefer-offline", "--no-frozen-lockfile"]
            project.install(*options, f"--store-dir={store}", "--silent")
        with timed("rspack"):
            os.environ["NODE_ENV"] = "production"
            project.build()
    if not (static / "dist" / "manifest.json").is_file():
        raise RuntimeError("rspack has written no manifest")


def main(command, *arguments):
    """Runs the command."""
    if command == "key":
        print(key())
    else:
        sys.path.insert(0, str(HERE))
        build(*(Path(argument).resolve() for argument in arguments))


if __name__ == "__main__":
    main(*sys.argv[1:])
