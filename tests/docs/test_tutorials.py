# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The tutorials, command by command, with a real InvenioRDM and S3 server.

What stands on a page in blocks of one language is one session. A block of text after
a block of commands is what these print; a "…" in it stands for anything.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from invenio_db import db
from invenio_files_rest.models import Location

from tests.adopting import LINKERS, Shelf, give_role, open_shelf
from tests.backdoor import setting
from tests.conftest import use_storage
from tests.serving import by_proxy, serving
from tests.storage.sts.servers import NAMES, Server, hindrance

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs" / "tutorials"
ADDRESS, TOKEN = "https://repository.example.org/api", "YOUR-TOKEN"
DEMO_ENV = "BASE_URL=http://localhost TOKEN_OWNER=$TOKEN"
SUCCESS = '"SUCCESS"'
MARK = "@@ {} @@"


@dataclass(frozen=True)
class Step:
    """Commands, and what the page says they print; None where it says nothing."""

    commands: str
    printed: str | None


def steps(page: Path, language: str) -> list[Step]:
    """The session of a page."""
    text = page.read_text(encoding="utf-8")
    found = re.findall(
        rf"^```{language}\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?",
        text,
        re.DOTALL | re.MULTILINE,
    )
    return [Step(commands, printed or None) for commands, printed in found]


def is_like(shown: str, real: str) -> bool:
    """Whether a text is the one that is shown, but for the parts left open there."""
    pattern = ".*".join(re.escape(part) for part in shown.strip().split("…"))
    return re.fullmatch(pattern, real.strip(), re.DOTALL) is not None


def run(
    command: list[str], mark: str, session: list[Step], folder: Path, port: int
) -> None:
    """Run a session in one process, and compare what it prints.

    :param mark: a statement of its language that prints the argument.
    """
    program = "".join(
        f"{mark.format(MARK.format(number))}\n{step.commands}"
        for number, step in enumerate(session)
    )
    program = program.replace(TOKEN, os.environ["TOKEN"]).replace(ADDRESS, API)
    done = subprocess.run(
        [*command, program],
        cwd=folder,
        env={**os.environ, **by_proxy(port), "HOME": str(folder), "API": API},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    printed = re.split(r"^@@ \d+ @@\n", done.stdout, flags=re.MULTILINE)[1:]
    for step, real in zip(session, printed, strict=True):
        if step.printed is not None:
            assert is_like(step.printed, real), (step, real)


API = "http://localhost/api"


@pytest.fixture
def port(app: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Where the application is served, for the account whose token is set."""
    monkeypatch.setenv("TOKEN", app.tokens["owner"])
    with serving(app) as number:
        yield number


@pytest.fixture(params=NAMES)
def temporary(request: pytest.FixtureRequest, app: Any) -> Iterator[None]:
    """New drafts are stored on a server that has temporary credentials."""
    why = hindrance(request.param)
    if why:
        pytest.skip(f"without {request.param}: {why}")
    server = Server.named(request.param)
    changed = {
        "S3_ENDPOINT_URL": server.endpoint_url,
        "S3_ACCESS_KEY_ID": server.access_key,
        "S3_SECRET_ACCESS_KEY": server.secret_key,
        "S3_REGION_NAME": server.region,
        "MULTIPART_STS_ENDPOINT_URL": server.sts_endpoint_url,
        "MULTIPART_STS_ROLE_ARN": server.role_arn,
    }
    before = {name: app.config.get(name) for name in changed}
    with app.app_context():
        if Location.get_by_name(server.name) is None:
            db.session.add(Location(name=server.name, uri=server.uri, default=False))
            db.session.commit()
    _configure(app, changed)
    use_storage(app, server.name)
    yield
    _configure(app, before)
    use_storage(app, "s3")


def _configure(app: Any, settings: dict[str, Any]) -> None:
    app.config.update(settings)
    # invenio-s3 reads its settings once.
    vars(app.extensions["invenio-s3"]).pop("init_s3fs_info", None)


def test_curl(storage: str, port: int, tmp_path: Path) -> None:
    """The tutorial with curl prints what it says, on S3 and on local storage."""
    if shutil.which("jq") is None:
        pytest.skip("there is no jq")
    session = steps(PAGES / "curl.md", "shell")
    assert len(session) > 10
    command = ["bash", "-eu", "-c"]
    run(command, "echo '{}'", session, tmp_path, port)


@pytest.mark.parametrize("shell", ["bash", "dash", "busybox sh"])
def test_script(
    s3: str, port: int, tmp_path: Path, shell: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tutorial with the script prints what it says, whichever shell "sh" is."""
    command = shell.split()
    for name in ("jq", command[0]):
        if shutil.which(name) is None:
            pytest.skip(f"there is no {name}")
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "sh").write_text(f'#!/bin/bash\nexec {shell} "$@"\n', encoding="utf-8")
    (tools / "sh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    session = steps(PAGES / "script.md", "shell")
    assert len(session) == 8
    run(["bash", "-eu", "-c"], "echo '{}'", session, tmp_path, port)


def test_versions(storage: str, port: int, tmp_path: Path) -> None:
    """The tutorial about versions prints what it says, on S3 and on local storage."""
    if shutil.which("jq") is None:
        pytest.skip("there is no jq")
    session = steps(PAGES / "versions.md", "shell")
    assert len(session) > 8
    run(["bash", "-eu", "-c"], "echo '{}'", session, tmp_path, port)


def test_readme(s3: str, port: int, tmp_path: Path) -> None:
    """The examples of the README work, one after the other, on S3 as written."""
    if shutil.which("jq") is None:
        pytest.skip("there is no jq")
    found = steps(ROOT / "README.md", "shell")
    session = [
        Step(step.commands.replace(". .demo/instance.env", DEMO_ENV), None)
        for step in found
        if "api " in step.commands
    ]
    assert len(session) == 3
    session.append(Step("jq -n --slurpfile f file.json '$f[0].status'", '"completed"'))
    session.append(Step('curl -sS "$(jq -r .job_url job.json)" | jq .status', SUCCESS))
    command = ["bash", "-eu", "-c"]
    run(command, "\necho '{}'", session, tmp_path, port)


def test_boto3(temporary: None, port: int, tmp_path: Path) -> None:
    """The tutorial with boto3 prints what it says, on each server that has STS."""
    (tmp_path / "data" / "runs").mkdir(parents=True)
    (tmp_path / "data" / "report.txt").write_bytes(b"report")
    (tmp_path / "data" / "runs" / "scan.bin").write_bytes(os.urandom(12_000_000))
    session = steps(PAGES / "boto3.md", "python")
    assert len(session) > 4
    run([sys.executable, "-c"], "print('{}', flush=True)", session, tmp_path, port)


@pytest.fixture
def lab(app: Any, local: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shelf]:
    """A bucket that keeps versions, below which curators may link."""
    give_role(app, "owner", LINKERS)
    with open_shelf(app, "default", versioned=True) as shelf:
        for name, value in {
            "LAB": shelf.bucket,
            "AWS_ACCESS_KEY_ID": app.config["S3_ACCESS_KEY_ID"],
            "AWS_SECRET_ACCESS_KEY": app.config["S3_SECRET_ACCESS_KEY"],
            "AWS_DEFAULT_REGION": app.config["S3_REGION_NAME"],
        }.items():
            monkeypatch.setenv(name, value)
        with setting(app, MULTIPART_LINK_LOCATIONS=[shelf.url("finished/")]):
            yield shelf
    give_role(app, "owner", LINKERS, taken=True)


def test_objects(lab: Shelf, port: int, tmp_path: Path) -> None:
    """The tutorial on objects that others own prints what it says."""
    session = steps(PAGES / "objects.md", "py")
    assert len(session) == 4
    run([sys.executable, "-c"], "print('{}', flush=True)", session, tmp_path, port)


def test_differences_are_noticed() -> None:
    """The comparison finds a changed, a missing and an additional line."""
    assert is_like("a …\nb\n", "a 1\nb")
    assert not is_like("a\n", "b")
    assert not is_like("a\nb", "a")
    assert not is_like("a", "a\nb")
