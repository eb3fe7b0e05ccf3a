# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Folders go up to a real InvenioRDM, whole or from where an earlier run ended."""

from __future__ import annotations

import hashlib
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from invenio_multipart.client import (
    FileResult,
    ManyOptions,
    ManyProgress,
    NetworkError,
    Notice,
    PartialError,
    RefusedError,
)

from ..backdoor import set_limits
from ..conftest import use_storage
from ..driver import Api
from ..faults.proxy import FaultProxy, Point, answer, cut, running, wait
from ..storage.sts.servers import NAMES, Server, hindrance
from .live import Live, configured, serving_here, store_url
from .trees import make_tree, many

MIB = 2**20
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def store_proxy() -> Iterator[FaultProxy]:
    """What stands between everybody and the store."""
    with running(store_url()) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def site(app: Any) -> Iterator[str]:
    """Address of the real site."""
    with serving_here(app) as url:
        yield url


@pytest.fixture
def live(app: Any, site: str, store_proxy: FaultProxy) -> Iterator[Live]:
    """The site, with S3 for new drafts and nothing broken."""
    use_storage(app, "s3")
    store_proxy.calm()
    with configured(app, S3_ENDPOINT_URL=store_proxy.url):
        yield Live(site, app, store_proxy)
    store_proxy.calm()


def test_a_folder_of_all_kinds(live: Live, tmp_path: Path) -> None:
    """Small, empty and large files arrive with their folders; again costs nothing."""
    contents = make_tree(
        tmp_path / "data",
        {
            "a.txt": 5,
            "sub/deep/ü ñ.bin": 100_000,
            "sub/empty": 0,
            "with space/x#?%&+.dat": 10,
            "large.bin": 17 * MIB + 3,
        },
    )
    draft = live.new_draft()
    seen: list[ManyProgress] = []
    results: list[FileResult] = []

    summary = live.uploader().upload_many(
        draft.id,
        [f"{tmp_path}/data/"],
        progress=seen.append,
        on_file=results.append,
    )

    assert (summary.files, summary.sent, summary.failed) == (5, 5, 0)
    assert summary.size_bytes == summary.bytes_sent == sum(map(len, contents.values()))
    for key, data in contents.items():
        assert draft.content(key) == data
    md5s = {key: hashlib.md5(data).hexdigest() for key, data in contents.items()}
    sha256s = {key: hashlib.sha256(data).hexdigest() for key, data in contents.items()}
    assert {result.key: result.md5 for result in results} == md5s
    assert {result.key: result.sha256 for result in results} == sha256s
    assert (seen[-1].phase, seen[-1].done_bytes) == ("completed", summary.size_bytes)

    live.proxy.calm()
    verify = ManyOptions(verify=True)
    again = live.uploader().upload_many(draft.id, [f"{tmp_path}/data/"], verify)
    assert (again.reused, again.sent, again.bytes_sent) == (5, 0, 0)
    assert not live.puts()


def test_killed_in_a_batch(live: Live, tmp_path: Path) -> None:
    """After SIGKILL among 300 files the same command sends what is missing, once."""
    contents = make_tree(tmp_path / "in", many(300))
    draft = live.new_draft()
    code = (
        "import sys; from invenio_multipart.client import Uploader\n"
        "Uploader(*sys.argv[1:3], jobs=4).upload_many(sys.argv[3], [sys.argv[4]])"
    )
    # The 150th and all that follow hang, until their sender is gone.
    after = set(range(150, 400))
    live.proxy.at("PUT", "/batches/", wait(600), hits=after)
    token = live.app.tokens["owner"]
    command = [sys.executable, "-S", "-c", code, live.url, token, draft.id]
    process = subprocess.Popen([*command, f"{tmp_path}/in/"], cwd=ROOT)
    deadline = time.monotonic() + 120
    while sum(live.puts().values()) < 150:
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait(30)
    first = live.puts()
    live.proxy.calm()

    summary = live.uploader().upload_many(draft.id, [f"{tmp_path}/in/"])

    assert 145 <= summary.reused <= 150
    assert summary.sent == 300 - summary.reused
    assert sum(live.puts().values()) == summary.sent
    assert sum(first.values()) + summary.sent <= 300 + 4
    for key in list(contents)[::30]:
        assert draft.content(key) == contents[key]
    assert len(draft.api.get(f"{draft.path}/files").json["entries"]) == 300


def test_mixed_files_go_on(live: Live, tmp_path: Path) -> None:
    """Small and large files are both taken up where they were."""
    contents = make_tree(tmp_path / "in", many(40) | {"z/large": 21 * MIB})
    draft = live.new_draft()
    live.proxy.at("PUT", "partNumber=2", answer(503), hits=None)
    with pytest.raises(NetworkError):
        live.uploader().upload_many(draft.id, [f"{tmp_path}/in/"])
    live.proxy.calm()
    shown = {file.key: file for file in live.uploader().status(draft.id)}
    assert shown["z/large"].state == "uploading"
    assert shown["z/large"].parts_missing
    assert shown["d000/f0000.dat"].state == "completed"

    summary = live.uploader().upload_many(draft.id, [f"{tmp_path}/in/"])

    assert (summary.reused, summary.sent) == (40, 1)
    assert summary.bytes_sent < 21 * MIB
    for key, data in contents.items():
        assert draft.content(key) == data


@pytest.mark.parametrize(
    "point", [Point.ARRIVED, Point.MID_BODY, Point.ANSWERED, Point.HALF_ANSWERED]
)
def test_connections_that_break(live: Live, tmp_path: Path, point: Point) -> None:
    """Files whose connections break are sent again; nothing else is."""
    contents = make_tree(tmp_path / "in", many(60, 70_000))
    draft = live.new_draft()
    live.proxy.at("PUT", "/batches/", cut, point, hits={3, 20, 21, 50})

    summary = live.uploader().upload_many(draft.id, [f"{tmp_path}/in/"])

    assert summary.sent == 60
    assert sum(live.puts().values()) <= 64
    for key in list(contents)[::6]:
        assert draft.content(key) == contents[key]


def test_a_file_changed_since(live: Live, tmp_path: Path) -> None:
    """Announced by an earlier run and changed since: the new bytes are in the end."""
    contents = make_tree(tmp_path / "in", many(20))
    draft = live.new_draft()
    live.proxy.at("PUT", "/batches/", answer(503), hits=set(range(12, 9000)))
    with pytest.raises(NetworkError):
        live.uploader().upload_many(draft.id, [f"{tmp_path}/in/"])
    for key in ("d000/f0000.dat", "d001/f0019.dat"):
        contents[key] = b"changed" * 100
        (tmp_path / "in" / key).write_bytes(contents[key])
    live.proxy.calm()

    live.uploader().upload_many(draft.id, [f"{tmp_path}/in/"])

    for key, data in contents.items():
        assert draft.content(key) == data


def test_known_bytes_are_linked(live: Live, tmp_path: Path) -> None:
    """Of the next record's files only those are sent that are new."""
    first = make_tree(tmp_path / "in", many(30) | {"large": 17 * MIB})
    draft = live.new_draft()
    live.uploader().upload_many(
        draft.id, [f"{tmp_path}/in/"], ManyOptions(publish=True)
    )
    new = make_tree(tmp_path / "in", {"new/a": 10, "new/b": 20}, seed=2)
    second = live.new_draft()
    live.proxy.calm()

    summary = live.uploader().upload_many(
        second.id, [f"{tmp_path}/in/"], ManyOptions(link_known=True)
    )

    assert (summary.linked, summary.sent) == (31, 2)
    assert summary.bytes_sent == 30
    assert sum(live.puts().values()) == 2
    for key, data in (first | new).items():
        assert second.content(key) == data


def test_publish(live: Live, tmp_path: Path) -> None:
    """All at once: files, then the record, whose page is told."""
    make_tree(tmp_path / "in", many(5))
    draft = live.new_draft()
    options = ManyOptions(publish=True, prefix="run 1")
    summary = live.uploader().upload_many(draft.id, [f"{tmp_path}/in/"], options)
    assert summary.published
    assert summary.record_url
    assert summary.record_url.endswith(f"/records/{draft.id}")
    listed = draft.api.get(f"/records/{draft.id}/files").json["entries"]
    assert {entry["key"] for entry in listed} >= {"run 1/d000/f0000.dat"}


def test_a_draft_of_its_own(live: Live, tmp_path: Path) -> None:
    """A draft is made; what it lacks for a record is told, and the files stay."""
    make_tree(tmp_path / "in", many(2))
    uploader = live.uploader()
    draft_id = uploader.new_draft("Depths of the ocean")
    with pytest.raises(RefusedError, match=r"metadata\.") as caught:
        uploader.upload_many(draft_id, [f"{tmp_path}/in/"], ManyOptions(publish=True))
    assert caught.value.status == 400
    assert {file.state for file in uploader.status(draft_id)} == {"completed"}


def test_no_quota(live: Live, tmp_path: Path) -> None:
    """The server's own words, and nothing is left behind by the refusal."""
    make_tree(tmp_path / "in", many(20))
    draft = live.new_draft()
    set_limits(draft, quota_size=5000)
    with pytest.raises(RefusedError) as caught:
        live.uploader().upload_many(draft.id, [f"{tmp_path}/in/"])
    assert caught.value.code == "quota_exceeded"


def test_too_many_files(live: Live, tmp_path: Path) -> None:
    """A record that may have no more files says how many."""
    make_tree(tmp_path / "in", many(1002, 1))
    draft = live.new_draft()
    with pytest.raises(RefusedError, match="1000 files") as caught:
        live.uploader().upload_many(draft.id, [f"{tmp_path}/in/"])
    assert caught.value.code == "too_many_files"


def test_somebody_else_and_nobody(live: Live, tmp_path: Path) -> None:
    """Who may not write the draft, and who has no draft, is told at once."""
    make_tree(tmp_path / "in", many(2))
    draft = live.new_draft()
    with pytest.raises(RefusedError) as caught:
        live.uploader("other").upload_many(draft.id, [f"{tmp_path}/in/"])
    assert caught.value.status == 403
    with pytest.raises(RefusedError, match="There is no draft") as caught:
        live.uploader().upload_many("abcde-12345", [f"{tmp_path}/in/"])
    assert caught.value.code == "no_draft"
    assert not live.puts()


def test_another_batch_is_open(live: Live, tmp_path: Path) -> None:
    """Somebody else's batch locks the draft; who and until when is told."""
    make_tree(tmp_path / "in", many(2))
    draft = live.new_draft()
    service = Api(live.app, live.app.tokens["admin"])
    reply = service.call("POST", f"{draft.path}/uploads", json={"files": ["x"]})
    assert reply.status == 201, reply.json
    with pytest.raises(RefusedError, match=reply.json["id"]) as caught:
        live.uploader().upload_many(draft.id, [f"{tmp_path}/in/"])
    assert caught.value.code == "locked"


def test_abort(live: Live, tmp_path: Path) -> None:
    """What is pending ends, small and large; what is complete stays."""
    make_tree(tmp_path / "one", {"kept": 10})
    make_tree(tmp_path / "in", many(10) | {"large": 17 * MIB})
    draft = live.new_draft()
    uploader = live.uploader()
    uploader.upload_many(draft.id, [f"{tmp_path}/one/"])
    live.proxy.at("PUT", "/batches/", answer(503), hits=set(range(5, 9000)))
    with pytest.raises(NetworkError):
        uploader.upload_many(draft.id, [f"{tmp_path}/in/"])
    live.proxy.calm()

    assert uploader.abort(draft.id) == 10
    assert [(f.key, f.state) for f in uploader.status(draft.id)] == [
        ("kept", "completed")
    ]


def test_local_storage(live: Live, tmp_path: Path) -> None:
    """Where files come through the server, the same command does it."""
    use_storage(live.app, "local")
    contents = make_tree(tmp_path / "in", many(12) | {"empty": 0, "l": 17 * MIB})
    draft = live.new_draft()
    summary = live.uploader().upload_many(draft.id, [f"{tmp_path}/in/"])
    assert summary.sent == 14
    for key, data in contents.items():
        assert draft.content(key) == data


@pytest.mark.parametrize("name", NAMES)
def test_temporary_credentials(live: Live, tmp_path: Path, name: str) -> None:
    """With --sts the links are signed here; an interrupted run is gone on with."""
    why_not = hindrance(name)
    if why_not:
        pytest.skip(f"{name}: {why_not}")
    store = Server.named(name)
    contents = make_tree(tmp_path / "in", many(25) | {"ü x": 3, "e": 0})
    with (
        running(store.endpoint_url) as proxy,
        configured(
            live.app,
            S3_ENDPOINT_URL=proxy.url,
            S3_ACCESS_KEY_ID=store.access_key,
            S3_SECRET_ACCESS_KEY=store.secret_key,
            S3_REGION_NAME=store.region,
            MULTIPART_STS_ENDPOINT_URL=store.sts_endpoint_url,
            MULTIPART_STS_ROLE_ARN=store.role_arn,
        ),
    ):
        _use_location(live.app, store)
        draft = live.new_draft()
        proxy.at("PUT", "/in/", answer(503), hits=set(range(11, 9000)))
        options = ManyOptions(sts=True)
        with pytest.raises(NetworkError):
            live.uploader().upload_many(draft.id, [f"{tmp_path}/in/"], options)
        proxy.calm()

        summary = live.uploader().upload_many(draft.id, [f"{tmp_path}/in/"], options)

        assert (summary.reused, summary.sent) == (10, 17)
        for key, data in contents.items():
            assert draft.content(key) == data
    use_storage(live.app, "s3")


def test_no_temporary_credentials(live: Live, tmp_path: Path) -> None:
    """A site without them says so."""
    make_tree(tmp_path / "in", many(2))
    draft = live.new_draft()
    with pytest.raises(RefusedError) as caught:
        live.uploader().upload_many(
            draft.id, [f"{tmp_path}/in/"], ManyOptions(sts=True)
        )
    assert caught.value.code == "sts_unavailable"


def test_one_file_that_cannot_be_read(live: Live, tmp_path: Path) -> None:
    """It is named; the others are in the draft, and a later run brings it."""
    contents = make_tree(tmp_path / "in", many(6))
    gone = tmp_path / "in" / "d000" / "f0003.dat"
    draft = live.new_draft()
    notices: list[Notice] = []

    def phase(progress: ManyProgress) -> None:
        if progress.phase == "checking":
            gone.unlink(missing_ok=True)

    with pytest.raises(PartialError) as caught:
        live.uploader().upload_many(
            draft.id, [f"{tmp_path}/in/"], progress=phase, on_notice=notices.append
        )
    assert [result.key for result in caught.value.results] == ["d000/f0003.dat"]
    gone.write_bytes(contents["d000/f0003.dat"])
    assert live.uploader().upload_many(draft.id, [f"{tmp_path}/in/"]).reused == 5
    assert draft.content("d000/f0003.dat") == contents["d000/f0003.dat"]


def _use_location(app: Any, store: Server) -> None:
    from invenio_db import db
    from invenio_files_rest.models import Location

    name = f"sts-{store.name}"
    with app.app_context():
        if Location.query.filter_by(name=name).one_or_none() is None:
            db.session.add(Location(name=name, uri=store.uri, default=False))
            db.session.commit()
    use_storage(app, name)
