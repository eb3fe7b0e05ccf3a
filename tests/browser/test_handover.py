# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Uploads from another computer, as the dialog of the page hands them over."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from ..conftest import use_storage
from ..storage.sts.servers import Server, hindrance
from .deposit import MIB, Deposit, eventually
from .site import Site
from .test_resume import cut_off

Data = Callable[..., Path]


@dataclass(frozen=True)
class Way:
    """A tab of the dialog, the button that makes it work, and its commands."""

    tab: str
    button: str
    commands: str


SCRIPT = Way("Script without a login", "Make the script", "Commands for the script")
CREDENTIALS = Way(
    "Temporary S3 credentials", "Make credentials", "Commands with the credentials"
)


def handed_over(
    deposit: Deposit, way: Way, names: Sequence[str]
) -> tuple[Locator, str]:
    """The dialog with a grant for these files, and its commands."""
    dialog = deposit.hand_over(way.tab)
    dialog.get_by_label("Names of the files").fill("\n".join(names))
    dialog.get_by_role("button", name=way.button).click()
    return dialog, dialog.get_by_role("region", name=way.commands).inner_text()


def ran(
    commands: str, folder: Path, **environment: str
) -> subprocess.CompletedProcess[str]:
    """The commands as they are pasted into a shell on a machine with these files."""
    return subprocess.run(
        ["/bin/sh", "-ec", commands.replace("FOLDER", ".")],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_script(site: Site, page: Page, data: Data) -> None:
    """What the script sends is seen to come, and is in the draft in the end."""
    deposit = Deposit(site, page, site.draft())
    names = ["one.bin", "a folder/ü two.bin"]
    paths = {name: data(f"there/{name}", 100_000) for name in names}
    _, commands = handed_over(deposit, SCRIPT, names)
    done = ran(commands, paths["one.bin"].parent)
    assert done.returncode == 0, (done.stdout, done.stderr)
    for name in names:
        deposit.state(name, "completed")
    record = deposit.published()
    for name, path in paths.items():
        content = site.api().content(f"/records/{record}/files/{name}/content")
        assert content == path.read_bytes()


def test_browser_finishes_what_a_script_began(
    site: Site, page: Page, data: Data
) -> None:
    """The script has sent one file; the other one is chosen here."""
    deposit = Deposit(site, page, site.draft())
    one, two = data("there/one.bin", 100_000), data("here/two.bin", 200_000)
    dialog, commands = handed_over(deposit, SCRIPT, ["one.bin", "two.bin"])
    done = ran(commands.replace("--from FOLDER", "one.bin"), one.parent)
    assert done.returncode == 0, (done.stdout, done.stderr)
    dialog.get_by_text("Close", exact=True).click()
    deposit.again("two.bin", two)
    for name in ("one.bin", "two.bin"):
        deposit.state(name, "completed")
    sizes = {key: entry["size"] for key, entry in deposit.entries().items()}
    assert sizes == {"one.bin": 100_000, "two.bin": 200_000}


def test_script_is_revoked(site: Site, page: Page, data: Data) -> None:
    """Its grant ends at once, the rows go, and the page can upload again."""
    deposit = Deposit(site, page, site.draft())
    path = data("there/one.bin", 100_000)
    dialog, commands = handed_over(deposit, SCRIPT, ["one.bin"])
    dialog.get_by_role("button", name="Revoke", exact=True).click()
    page.get_by_role("dialog").last.get_by_role("button", name="Revoke").click()
    expect(dialog.get_by_role("button", name="Make the script")).to_be_visible()
    done = ran(commands, path.parent)
    assert done.returncode != 0
    assert site.puts() == []
    dialog.get_by_text("Close", exact=True).click()
    deposit.choose(path)
    deposit.state("one.bin", "completed")


@pytest.mark.parametrize("batch", [False, True], ids=["file", "file and batch"])
def test_more_time(site: Site, page: Page, data: Data, batch: bool) -> None:
    """What is unfinished is kept longer, when it would end sooner than it may."""
    deposit = Deposit(site, page, site.draft())
    with site.settings(MULTIPART_UPLOAD_LIFETIME=3600):
        cut_off(deposit, data("later.bin", 40 * MIB), page.reload)
    if batch:
        reply = deposit.draft.api.call(
            "POST",
            f"{deposit.draft.path}/uploads",
            json={"files": ["more.txt"], "completed_by": "in 30 days"},
        )
        assert reply.status == 201, reply.json
        page.reload()
    deposit.state("later.bin", "missing")
    page.get_by_role("button", name="Keep it longer").click()
    soon = datetime.now(timezone.utc) + timedelta(hours=2)

    def put_off() -> bool:
        until = deposit.draft.status("later.bin")["expires_at"]
        return datetime.fromisoformat(until) > soon

    eventually(put_off)
    expect(page.locator(".im-deadline [role=alert]")).to_have_count(0)


def test_credentials(site: Site, page: Page, data: Data) -> None:
    """Temporary keys, with the commands of the page, send files; a click makes them."""
    why_not = hindrance("minio")
    if why_not:
        pytest.skip(f"minio: {why_not}")
    aws = os.environ.get("AWS_CLI")
    if not aws:
        pytest.skip("no AWS command line: AWS_CLI is not set")
    server = Server.named("minio")
    names = ["run 1/scan.h5", "run 1/log.txt"]
    paths = [data(f"there/{name}", 200_000) for name in names]
    with site.settings(**server.settings):
        use_storage(site.app, server.location(site.app))
        try:
            deposit = Deposit(site, page, site.draft())
            dialog, commands = handed_over(deposit, CREDENTIALS, names)
            path = f"{Path(aws).parent}:{os.environ['PATH']}"
            done = ran(commands, paths[0].parent.parent, PATH=path)
            assert done.returncode == 0, (done.stdout, done.stderr)
            dialog.get_by_role("button", name="All files are sent").click()
            dialog.get_by_text("Close", exact=True).click()
            for name in names:
                deposit.state(name, "completed")
            sizes = {key: entry["size"] for key, entry in deposit.entries().items()}
            assert sizes == dict.fromkeys(names, 200_000)
        finally:
            use_storage(site.app, "s3")
