# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The command line against a real InvenioRDM: what needs a true answer."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest

from invenio_multipart.core.crc import RunningCrc, is_computable

from ..driver import Api
from .commands import Commands, home
from .live import serving_here
from .trees import make_tree, many

__all__ = ("home",)

MIB = 2**20


@pytest.fixture
def site(app: Any, s3: str) -> Iterator[str]:
    """Address of a repository, whose new drafts are stored in S3."""
    with serving_here(app) as url:
        yield url


def test_login_and_logout(app: Any, site: str, api: Api, home: Any) -> None:
    """A token that the server does not know is not kept; a good one is enough."""
    token = app.tokens["owner"]
    nobody = Commands(home, "")
    draft = api.new_draft()

    wrong = nobody.run("login", site, stdin="wrong-token\n")
    assert wrong.code == 3
    assert "does not accept this token" in wrong.err
    assert nobody.run("login", site, stdin="\n").code == 2
    assert nobody.run("login", f"{site}/absent", stdin=f"{token}\n").code == 3
    assert nobody.run("logout", site).code == 2
    assert not list(home.rglob("tokens.json"))

    right = nobody.run("login", f"{site}/api", stdin=f"{token}\n")
    assert right.code == 0, right.err
    assert f"logged in to {site}" in right.out
    assert token not in right.out + right.err
    # It is the only server by now: it need not be named.
    shown = nobody.run("status", draft.id)
    assert shown.code == 0, shown.err
    assert "The draft has no files." in shown.out

    assert nobody.run("logout").code == 0
    assert nobody.run("status", draft.id).code == 2
    assert token not in (home / ".config/invenio-multipart/tokens.json").read_text()


def test_a_password_prompt_without_echo(
    app: Any, site: str, home: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a terminal the token is asked for, and what is typed is not shown."""
    import pty
    import select

    token = app.tokens["owner"]
    master, slave = pty.openpty()
    process = Commands(home, "").start(
        "login",
        site,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    )
    os.close(slave)
    shown = b""
    while b"Access token for" not in shown:
        assert select.select([master], [], [], 60)[0]
        shown += os.read(master, 1 << 16)
    os.write(master, f"{token}\n".encode())
    assert process.wait(60) == 0
    while select.select([master], [], [], 0.5)[0]:
        try:
            shown += os.read(master, 1 << 16)
        except OSError:
            break
    os.close(master)

    assert b"You are logged in" in shown
    assert token.encode() not in shown


def test_from_a_disk_to_a_record_and_back(
    app: Any, site: str, home: Any, api: Api
) -> None:
    """A new draft, its files, its publication, and the way back."""
    commands = Commands(home, app.tokens["owner"])
    contents = make_tree(
        home / "data", {"large.bin": 17 * MIB, "ü/empty": 0, **many(20)}
    )
    draft = api.new_draft()
    to = f"{site}/uploads/{draft.id}"

    sent = commands.run("upload", "data/", "--to", to, "--publish")
    assert sent.code == 0, sent.err
    assert sent.out.startswith("Published: 22 of 22 files")

    page = f"{site}/records/{draft.id}"
    back = Commands(home, "").run("download", page, "--to", "copy", "--json")
    assert back.code == 0, back.err
    assert {key: (home / "copy" / key).read_bytes() for key in contents} == contents
    assert back.events[-1]["event"] == "done"
    assert back.events[-1]["received"] == 22
    files = [event for event in back.events if event["event"] == "file"]
    assert all(file["verified"] for file in files)
    again = commands.run("download", page, "--to", "copy")
    assert "  kept      22 files that were here" in again.out
    some = commands.run("download", page, "--files", "d000/", "--dry-run")
    assert some.out.splitlines()[-1] == "10 of 10 files would be downloaded."
    assert not (home / draft.id).exists()
    (home / "copy" / "large.bin").write_bytes(b"mine")
    differs = commands.run("download", page, "--to", "copy")
    assert differs.code == 1
    assert "large.bin" in differs.out
    assert (home / "copy" / "large.bin").read_bytes() == b"mine"
    assert commands.run("download", f"{site}/records/absent").code == 3


@pytest.mark.skipif(
    not is_computable(), reason="no module in C, or no instruction for it"
)
def test_the_store_proves_the_crc_of_a_large_file(
    app: Any, site: str, home: Any, api: Api
) -> None:
    """The CRC of what was sent is that of the object, and stands in all reports."""
    commands = Commands(home, app.tokens["owner"])
    contents = make_tree(home, {"large.bin": 37 * MIB})
    crc = RunningCrc()
    crc.update(contents["large.bin"])
    draft = api.new_draft()

    sent = commands.run("upload", "large.bin", "--to", f"{site}/uploads/{draft.id}")

    assert f"crc64nvme {crc.hexdigest()} (proved by the store)" in sent.out
    assert draft.status("large.bin")["digests"]["crc64nvme"] == crc.hexdigest()


def test_status_and_abort(app: Any, site: str, home: Any, api: Api) -> None:
    """What is pending is shown part by part, and ended without what is complete."""
    commands = Commands(home, app.tokens["owner"])
    make_tree(home, {"done.txt": 5})
    draft = api.new_draft()
    to = f"{site}/uploads/{draft.id}"
    assert commands.run("upload", "done.txt", "--to", to).code == 0
    draft.begin("pending.bin", 17 * MIB)

    shown = commands.run("status", to)
    assert shown.code == 0, shown.err
    complete, pending, total = shown.out.splitlines()
    assert complete.split() == ["completed", "5", "B", "done.txt"]
    assert pending.startswith("uploading")
    assert "missing" in pending
    assert total.startswith("2 files, 17.0 MiB: ")
    (_, file) = json.loads(commands.run("status", to, "--json").out)
    assert (file["key"], file["uploaded_bytes"]) == ("pending.bin", 0)

    ended = commands.run("abort", to)
    assert ended.code == 0, ended.err
    assert ended.out.startswith("1 pending file ended. 1 file, 5 B: 1 completed.")
    assert commands.run("status", f"{site}/uploads/absent").code == 3
