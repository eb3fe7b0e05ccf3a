# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The engine of the deposit page, run by Node, against the real site and store.

Its own tests (``node --test tests/js/*.test.js``) hold it against a model of the
server; these show that the model tells the truth.
"""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from ..backdoor import set_limits
from ..client.live import serving_here
from ..conftest import use_storage
from ..driver import Api, Draft

MIB = 2**20
SCRIPT = Path(__file__).parents[1] / "js" / "live.mjs"

NODE = shutil.which("node") or ""

pytestmark = pytest.mark.skipif(not NODE, reason="needs Node")


@pytest.fixture(scope="module")
def site(app: Any) -> Iterator[str]:
    """Address of the real site."""
    with serving_here(app) as url:
        yield url


@pytest.fixture(params=["s3", "local"])
def draft(app: Any, site: str, request: pytest.FixtureRequest) -> Draft:
    """A draft of the owner whose files go to this storage."""
    use_storage(app, request.param)
    return Api(app, app.tokens["owner"]).new_draft()


def made(folder: Path, sizes: Mapping[str, int]) -> dict[str, bytes]:
    """Files in a folder, and what is in them."""
    source = random.Random(7)
    contents = {key: source.randbytes(size) for key, size in sizes.items()}
    for key, data in contents.items():
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return contents


def run(site: str, draft: Draft, folder: Path, **more: Any) -> dict[str, Any] | None:
    """How it went; None when it was killed on its way."""
    token = draft.api.app.tokens["owner"]
    task = {"api": f"{site}/api", "token": token, "draft": draft.id}
    task |= {"folder": str(folder), **more}
    ended = subprocess.run(
        [NODE, str(SCRIPT), json.dumps(task)],
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    if ended.returncode == 3:
        return None
    assert ended.returncode == 0, ended.stderr
    report: dict[str, Any] = json.loads(ended.stdout)
    return report


def test_a_folder_of_all_kinds(site: str, draft: Draft, tmp_path: Path) -> None:
    """Small ones by a batch, large ones by parts, an empty one, odd names: all there."""
    sizes = {"large.bin": 11 * MIB + 3, "deep/er/large two.bin": 6 * MIB, "empty": 0}
    sizes |= {f"small/{n}.txt": 100 * n for n in range(1, 21)}
    sizes["odd #1 100% ?&+ä.txt"] = 7
    contents = made(tmp_path, sizes)

    report = run(site, draft, tmp_path, metadata={"description": "as sent"})

    assert report is not None
    assert [f["error"] for f in report["files"] if f["error"]] == []
    assert report["totals"]["done"] == len(contents)
    assert (report["batch"], report["notices"]) == (None, [])
    assert report["counts"]["sentBytes"] == sum(sizes.values())
    told = {file["key"]: file["checksum"] for file in report["files"]}
    for key, data in contents.items():
        assert draft.content(key) == data
        assert told[key] == f"md5:{hashlib.md5(data).hexdigest()}"
    entry = draft.api.get(draft.file("small/3.txt")).json
    assert entry["metadata"]["description"] == "as sent"


def test_gone_on_with(site: str, draft: Draft, tmp_path: Path) -> None:
    """After a kill another process shows what is there, and sends only the rest."""
    contents = made(tmp_path, {"large.bin": 26 * MIB})
    assert run(site, draft, tmp_path, quit_after=3) is None

    report = run(site, draft, tmp_path)

    assert report is not None
    [before] = report["before"]
    assert before["state"] == "missing"
    assert before["parts"]["total"] == 6
    assert 0 < before["parts"]["done"] <= 3
    assert report["counts"]["puts"] == 6 - before["parts"]["done"]
    assert draft.content("large.bin") == contents["large.bin"]


def test_a_batch_gone_on_with(site: str, draft: Draft, tmp_path: Path) -> None:
    """After a kill in a batch the next process goes on with it, and completes it."""
    contents = made(tmp_path, {f"{n:02}.txt": 1000 + n for n in range(30)})
    assert run(site, draft, tmp_path, quit_after=12) is None

    report = run(site, draft, tmp_path)

    assert report is not None
    assert report["totals"]["done"] == 30
    there = [file for file in report["before"] if file["state"] == "uploading"]
    assert 0 < len(there) <= 12
    assert report["counts"]["puts"] == 30 - len(there)
    for key, data in contents.items():
        assert draft.content(key) == data


def test_refused_by_the_quota(site: str, draft: Draft, tmp_path: Path) -> None:
    """What does not fit says so; what fits is there."""
    set_limits(draft, quota_size=8 * MIB)
    made(tmp_path, {"a.bin": 6 * MIB, "b.bin": 6 * MIB})

    report = run(site, draft, tmp_path)

    assert report is not None
    states = sorted(
        (file["state"], (file["error"] or {}).get("code")) for file in report["files"]
    )
    assert states == [("completed", None), ("failed", "quota_exceeded")]


def test_given_up(site: str, draft: Draft, tmp_path: Path) -> None:
    """Nothing is left of files that are removed."""
    made(tmp_path, {f"{n}.txt": 10 for n in range(5)})
    report = run(site, draft, tmp_path, cancel=True)
    assert report is not None
    assert report["files"] == []
    assert draft.api.get(f"{draft.path}/files").json["entries"] == []
