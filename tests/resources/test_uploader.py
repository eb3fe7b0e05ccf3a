# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The uploader as one file, as the server hands it out."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import zipfile
from base64 import b64decode
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import requests

from invenio_multipart import __version__
from invenio_multipart.services import uploader

from ..client.live import serving_here
from ..driver import Api

IMPORT_ALL = """
import importlib, sys
sys.path.insert(0, {path!r})
for name in {modules!r}:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        # These are used where they are installed, and never needed.
        optional = "httptools", "keyring", "rich"
        assert error.name.split(".")[0] in optional, (name, error)
assert importlib.import_module("invenio_multipart").__version__ == {version!r}
"""

URL = "/multipart/uploader.pyz"
ALONE = [sys.executable, "-I", "-S"]
"""Python with nothing installed: no site-packages, no environment, no current folder."""


def fetch(api: Api, method: str = "GET", **headers: str) -> Any:
    """The raw reply."""
    return api.app.test_client().open(URL, method=method, headers=headers)


@pytest.fixture
def program(anonymous: Api, tmp_path: Path) -> Path:
    """The file, saved as a browser would."""
    path = tmp_path / "uploader.pyz"
    path.write_bytes(fetch(anonymous).data)
    return path


def test_served_to_everybody(anonymous: Api) -> None:
    """It needs no account, is a download, and tells its digest."""
    reply = fetch(anonymous)
    assert reply.status_code == 200
    assert reply.mimetype == "application/zip"
    wanted = "attachment; filename=uploader.pyz"
    assert reply.headers["Content-Disposition"] == wanted
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    digest = sha256(reply.data).digest()
    told = reply.headers["Repr-Digest"].removeprefix("sha-256=:").removesuffix(":")
    assert b64decode(told) == digest
    assert reply.headers["ETag"].strip('"') == digest.hex()


def test_caches(anonymous: Api) -> None:
    """Caches may keep it for an hour, and hear with 304 that there is no new one."""
    first = fetch(anonymous)
    assert "public" in first.headers["Cache-Control"]
    assert "max-age=3600" in first.headers["Cache-Control"]
    again = fetch(anonymous, **{"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    other = fetch(anonymous, **{"If-None-Match": '"another"'})
    assert (other.status_code, other.data) == (200, first.data)
    head = fetch(anonymous, "HEAD")
    assert (head.status_code, head.data) == (200, b"")
    assert int(head.headers["Content-Length"]) == len(first.data)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_other_methods(anonymous: Api, method: str) -> None:
    """It can only be read."""
    reply = anonymous.call(method, URL)
    assert (reply.status, reply.json["code"]) == (405, "not_allowed")


def test_same_bytes_everywhere() -> None:
    """Each worker makes the same bytes of the same package."""
    first = uploader.zipapp()
    uploader.zipapp.cache_clear()
    assert uploader.zipapp() == first
    command = [sys.executable, "-c"]
    command.append(f"from {uploader.__name__} import zipapp; print(zipapp().digest)")
    other = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo"},
    )
    assert other.stdout.strip() == first.digest


def test_what_is_in_it() -> None:
    """The client, what it imports of the package, and nothing of the server."""
    content = uploader.zipapp().content
    assert content.startswith(b"#!/usr/bin/env python3\nPK")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
    assert names == sorted(names)
    assert {name.split("/")[1] for name in names if "/" in name} == {
        *("__init__.py", "client", "core", "errors")
    }
    assert "invenio_multipart/client/engine.py" in names
    assert "invenio_multipart/core/grants.py" not in names
    assert not [name for name in names if "__pycache__" in name]


def test_runs_alone(program: Path) -> None:
    """Python and this one file are enough; the shebang does it, too."""
    for command in ([*ALONE, str(program)], [str(program)]):
        program.chmod(0o755)
        done = subprocess.run(
            [*command, "--help"],
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
        )
        assert done.returncode == 0, done.stderr
        assert "upload" in done.stdout


def test_every_module_alone(program: Path) -> None:
    """Every module in it is imported where nothing is installed."""
    with zipfile.ZipFile(program) as archive:
        modules = [
            name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
            for name in archive.namelist()
            if name.endswith(".py") and not name.endswith("__main__.py")
        ]
    code = IMPORT_ALL.format(path=str(program), modules=modules, version=__version__)
    done = subprocess.run(
        [*ALONE, "-c", code], capture_output=True, text=True, check=False, cwd="/"
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(params=["this", "python3.9"])
def python(request: pytest.FixtureRequest) -> str:
    """The Python of the tests, and the oldest that will do, where there is one."""
    found = sys.executable if request.param == "this" else shutil.which(request.param)
    command = [found or "false", "-c", "raise SystemExit(0)"]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip(f"there is no {request.param}")
    assert found is not None
    return found


def test_uploads(app: Any, api: Api, storage: str, python: str, tmp_path: Path) -> None:
    """Fetched from a server and run alone, it sends files and a folder to a draft."""
    contents = {"notes.txt": b"notes", "d/ü 1": b"", "d/large": os.urandom(33 * 2**20)}
    for name, data in contents.items():
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    draft = api.new_draft()
    saved = tmp_path / "uploader.pyz"
    with serving_here(app) as url:
        saved.write_bytes(requests.get(f"{url}/api{URL}", timeout=60).content)
        command = [python, "-I", "-S", str(saved), "upload", "data/"]
        done = subprocess.run(
            [*command, "--to", f"{url}/uploads/{draft.id}"],
            cwd=tmp_path,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(tmp_path),
                "INVENIO_MULTIPART_TOKEN": app.tokens["owner"],
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        for key, data in contents.items():
            assert draft.content(key) == data, key


def test_old_python_is_told(program: Path) -> None:
    """A Python that is too old says which one is needed, and nothing else."""
    code = (
        "import sys, runpy\n"
        "sys.version_info = (3, 8, 18, 'final', 0)\n"
        f"runpy.run_path({str(program)!r}, run_name='__main__')"
    )
    done = subprocess.run(
        [*ALONE, "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "needs Python 3.9 or newer; this is 3.8." in done.stderr
    assert "Traceback" not in done.stderr
